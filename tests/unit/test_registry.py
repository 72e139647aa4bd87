"""
The registry: what can be named, once, and made when it is needed.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pytest

from pytest_ernie.devices import KINDS, shipped
from pytest_ernie.errors import UsageProblem
from pytest_ernie.registry import Registry


class Chip:
    """A chip maker's own device."""

    kind = "newchip"
    title = "New chip"
    paddle_name = "newchip"
    visible_variable = None
    engine_environment: dict[str, str] = {}  # noqa: RUF012 (as the protocol has it)
    needs = ()

    def facts(self, stated: dict[str, Any]) -> dict[str, Any]:
        """Nothing but its kind."""
        return {"kind": self.kind}

    def card_sets(self, count: int, wanted: int) -> Iterator[tuple[int, ...]]:
        """Any cards."""
        return combinations(range(count), wanted)


@pytest.fixture
def registry() -> Registry:
    """A registry with what is shipped."""
    return Registry()


@pytest.mark.parametrize("kind", [*KINDS, "endpoint"])
def test_shipped_devices_are_found(registry: Registry, kind: str) -> None:
    """
    By the name that people type.
    """
    assert shipped(kind) is registry.find_device(kind)


def test_a_registered_device_is_found_and_listed(registry: Registry) -> None:
    """
    A chip maker adds one without changing this package.
    """
    chip = Chip()
    registry.device(chip)

    assert chip is registry.find_device("newchip")
    assert (*KINDS, "newchip") == registry.device_kinds


def test_registries_do_not_share_what_was_registered(registry: Registry) -> None:
    """
    One run's conftest must not reach another's.
    """
    registry.device(Chip())

    assert "newchip" not in Registry().device_kinds


@pytest.mark.parametrize("kind", ["cuda", "", "GPU", "../evil", "host", "protocol"])
def test_an_unknown_device_is_refused_with_the_choice(registry: Registry, kind: str) -> None:
    """
    Modules beside the devices are no devices.
    """
    with pytest.raises(UsageProblem) as caught:
        registry.find_device(kind)

    expected = f"there is no such device; got {kind}; wanted one of {', '.join(KINDS)}"
    assert expected == str(caught.value)


@pytest.mark.parametrize("taken", ["gpu", "endpoint", "newchip"])
def test_a_device_of_a_taken_name_is_refused(registry: Registry, taken: str) -> None:
    """
    A package can't put itself in the place of the benchmark's GPU, nor of another package.
    """
    registry.device(Chip())
    chip = Chip()
    chip.kind = taken  # type: ignore[misc]  # frozen

    with pytest.raises(UsageProblem) as caught:
        registry.device(chip)
    assert f"a device of that name is registered already; got {taken}" == str(caught.value)


def test_a_device_that_lacks_something_is_refused_with_what_it_lacks(registry: Registry) -> None:
    """
    Before anything is collected, not after hours in the first criterion that asks for it.
    """

    class Half:
        kind = "half"
        title = "Half a chip"

    with pytest.raises(UsageProblem) as caught:
        registry.device(Half())  # type: ignore[arg-type]

    expected = (
        "a registered device lacks attributes; got Half; wanted paddle_name, visible_variable, "
        "engine_environment, needs, facts, card_sets. Use "
        "pytest_ernie.devices.accelerator.Accelerator, or see docs/add-a-device.md"
    )
    assert expected == str(caught.value)


@pytest.mark.parametrize("what", ["engine", "trainer"])
def test_a_registered_engine_or_trainer_is_made_when_it_is_asked_for(
    registry: Registry, what: str
) -> None:
    """
    Not before, and each time anew.
    """
    made: list[object] = []

    def factory() -> Any:
        made.append(object())
        return made[-1]

    getattr(registry, what)("mine", factory)
    before = len(made)
    found = getattr(registry, f"find_{what}")("mine")

    assert (before, len(made), found is made[0]) == (0, 1, True)


@pytest.mark.parametrize(
    ("what", "known"), [("engine", ("vllm",)), ("trainer", ("paddleformers", "erniekit"))]
)
def test_an_unknown_engine_or_trainer_is_refused_with_the_choice(
    registry: Registry, what: str, known: tuple[str, ...]
) -> None:
    """
    A typo in a site file says what it could have been.
    """
    with pytest.raises(UsageProblem) as caught:
        getattr(registry, f"find_{what}")("nothing")

    words = str(caught.value)
    assert words.startswith(f"there is no such {what}; got nothing; wanted one of ")
    assert [name for name in known if name not in words] == []


@pytest.mark.parametrize(
    ("what", "name"), [("engine", "vllm"), ("trainer", "paddleformers"), ("trainer", "erniekit")]
)
def test_an_engine_or_trainer_of_a_taken_name_is_refused(
    registry: Registry, what: str, name: str
) -> None:
    """
    What is shipped can't be replaced behind a reader's back.
    """
    with pytest.raises(UsageProblem) as caught:
        getattr(registry, what)(name, object)

    assert f"a {what} of that name is registered already; got {name}" == str(caught.value)


def test_naming_imports_no_engine_and_no_trainer() -> None:
    """
    Collection stays quick: what measures is imported when something is measured.
    """
    program = (
        "import sys; from pytest_ernie.registry import Registry; Registry().device_kinds; "
        "print([m for m in sys.modules if m.startswith(('pytest_ernie.engines', "
        "'pytest_ernie.trainers', 'pytest_ernie.toolchains'))])"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
