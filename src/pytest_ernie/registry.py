"""
What can be named: devices, engines and trainers, the shipped ones and those a chip maker adds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from pytest_ernie.devices import KINDS, shipped
from pytest_ernie.devices.protocol import ATTRIBUTES
from pytest_ernie.errors import UsageProblem

if TYPE_CHECKING:
    from pytest_ernie.devices import Device
    from pytest_ernie.engines.protocol import Engine
    from pytest_ernie.trainers.protocol import Trainer


def _fastdeploy() -> Engine:
    from pytest_ernie.engines.fastdeploy import FastDeploy

    return FastDeploy()


def _vllm() -> Engine:
    from pytest_ernie.engines.vllm import Vllm

    return Vllm()


def _transformers() -> Engine:
    from pytest_ernie.engines.transformers import Transformers

    return Transformers()


def _paddleformers() -> Trainer:
    from pytest_ernie.trainers.erniekit import ErnieKitTrainer

    return ErnieKitTrainer("paddleformers-cli")


def _erniekit() -> Trainer:
    from pytest_ernie.trainers.erniekit import ErnieKitTrainer

    return ErnieKitTrainer("erniekit")


def _transformers_trainer() -> Trainer:
    from pytest_ernie.trainers.transformers import TransformersTrainer

    return TransformersTrainer()


Made = TypeVar("Made")


def _named(what: str, name: str, factories: Mapping[str, Callable[[], Made]]) -> Callable[[], Made]:
    if name not in factories:
        raise UsageProblem(
            f"there is no such {what}", got=name, wanted=f"one of {', '.join(factories)}"
        )
    return factories[name]


class Registry:
    """Names and what makes them; factories are called when something is measured, not before."""

    def __init__(self) -> None:
        self._devices: dict[str, Device] = {}
        self._engines: dict[str, Callable[[], Engine]] = {
            "fastdeploy": _fastdeploy,
            "vllm": _vllm,
            "transformers": _transformers,
        }
        self._trainers: dict[str, Callable[[], Trainer]] = {
            "paddleformers": _paddleformers,
            "erniekit": _erniekit,
            "transformers": _transformers_trainer,
        }

    @property
    def device_kinds(self) -> tuple[str, ...]:
        """Return every kind that ``--device`` takes."""
        return (*KINDS, *self._devices)

    def device(self, device: Device) -> None:
        """Add a kind of device; UsageProblem if the object lacks something or its name is taken."""
        missing = [name for name in ATTRIBUTES if not hasattr(device, name)]
        if missing:
            raise UsageProblem(
                "a registered device lacks attributes",
                got=type(device).__name__,
                wanted=", ".join(missing),
                fix="Use pytest_ernie.devices.accelerator.Accelerator, or see docs/add-a-device.md",
            )
        self._refuse_taken("device", device.kind, (*self.device_kinds, "endpoint"))
        self._devices[device.kind] = device

    def engine(self, name: str, factory: Callable[[], Engine]) -> None:
        """Add an engine under the name that a site file uses."""
        self._refuse_taken("engine", name, tuple(self._engines))
        self._engines[name] = factory

    def trainer(self, name: str, factory: Callable[[], Trainer]) -> None:
        """Add a trainer under the name that a site file uses."""
        self._refuse_taken("trainer", name, tuple(self._trainers))
        self._trainers[name] = factory

    def find_device(self, kind: str) -> Device:
        """Return the device of that kind; UsageProblem if there is none."""
        if kind in self._devices:
            return self._devices[kind]
        if kind in KINDS or kind == "endpoint":
            return shipped(kind)
        raise UsageProblem(
            "there is no such device", got=kind, wanted=f"one of {', '.join(self.device_kinds)}"
        )

    def find_engine(self, name: str) -> Engine:
        """Return the engine of that name; UsageProblem if there is none."""
        return _named("engine", name, self._engines)()

    def find_trainer(self, name: str) -> Trainer:
        """Return the trainer of that name; UsageProblem if there is none."""
        return _named("trainer", name, self._trainers)()

    @staticmethod
    def _refuse_taken(what: str, name: str, taken: tuple[str, ...]) -> None:
        if name in taken:
            raise UsageProblem(f"a {what} of that name is registered already", got=name)
