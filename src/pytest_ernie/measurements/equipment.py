"""
What measuring needs: device, toolchains, weights and data, made ready the first time they are asked for.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_ernie.errors import SiteError
from pytest_ernie.measurements.holdings import Holdings
from pytest_ernie.measurements.launching import server_variables
from pytest_ernie.measurements.local import API_KEY_VARIABLE
from pytest_ernie.progress import Progress, silent
from pytest_ernie.site import Site

if TYPE_CHECKING:
    from pytest_ernie.accuracy.data import Found
    from pytest_ernie.engines.lifecycle.pool import ServerPool
    from pytest_ernie.engines.protocol import Engine, Launch, Server
    from pytest_ernie.registry import Registry
    from pytest_ernie.settings import Settings
    from pytest_ernie.standard import Workload
    from pytest_ernie.standard.dataset import Dataset
    from pytest_ernie.toolchains import Toolchain
    from pytest_ernie.toolchains.provision import Name
    from pytest_ernie.trainers.protocol import Trainer


SCRATCH = "scratch"
"""Folder of the evidence for what a measurement leaves lying about; nothing in it is evidence."""


class Equipment:
    """
    The candidate's side of every measurement; close it to stop what it started.
    """

    def __init__(self, settings: Settings, registry: Registry, progress: Progress = silent) -> None:
        self.settings = settings
        self.progress = progress
        self.site = settings.site or Site()
        self._registry = registry
        assert settings.device_kind is not None
        self.device = registry.find_device(settings.device_kind)
        self._pool: ServerPool | None = None
        self._training_data: dict[str, Path] = {}
        self.holdings = Holdings(self.device, self.site.cards, progress, self._stop_servers)

    @cached_property
    def device_facts(self) -> dict[str, Any]:
        """Facts that identify the device; part of every measurement's key."""
        return self.device.facts(self.site.device)

    @cached_property
    def trainer(self) -> Trainer:
        """The trainer that the site names, or the rehearsal's."""
        kind = self.site.trainer.kind if self.site.trainer else "paddleformers"
        return self._registry.find_trainer(kind)

    @cached_property
    def trainer_toolchain(self) -> Toolchain:
        """The trainer's environment: the site's, or provisioned from the lock."""
        from pytest_ernie.toolchains import adopt

        if self.site.trainer:
            site = self.site.trainer
            return adopt(site.kind, Path(site.python), env=site.env)
        self._only_rehearsed("[trainer]")
        return self._provisioned("trainer-cpu")

    @cached_property
    def engine(self) -> Engine:
        """The engine that the site names, the rehearsal's, or the given endpoint."""
        if self.settings.endpoint:
            from pytest_ernie.engines.endpoint import Endpoint

            return Endpoint(self.settings.endpoint, api_key=os.environ.get(API_KEY_VARIABLE))
        return self._registry.find_engine(self._engine_kind)

    @property
    def _engine_kind(self) -> str:
        """The site's word; else FastDeploy on an accelerator and vLLM on a CPU."""
        named = self.site.engine.kind if self.site.engine else None
        return named or ("vllm" if self.device.kind == "cpu" else "fastdeploy")

    @cached_property
    def engine_toolchain(self) -> Toolchain | None:
        """The engine's environment; None behind an endpoint."""
        from pytest_ernie.toolchains import adopt

        if self.settings.endpoint:
            return None
        if self.site.engine:
            site = self.site.engine
            return adopt(self._engine_kind, Path(site.python), env=site.env)
        self._only_rehearsed("[engine]")
        return self._provisioned("server-cpu")

    @property
    def cards(self) -> tuple[str, ...]:
        """Ids of the cards that may be used; empty where no variable chooses them (a CPU)."""
        return self.site.cards if self.device.visible_variable else ()

    @property
    def pool(self) -> ServerPool:
        """Servers by launch: each starts once, a broken one is remembered."""
        if self._pool is None:
            from pytest_ernie.engines.lifecycle.pool import ServerPool

            restarts = self.site.engine.restarts if self.site.engine else 0
            self._pool = ServerPool(self._start_server, restarts=restarts)
        return self._pool

    def _start_server(self, launch: Launch) -> Server:
        """Start a launch's servers, each on cards and with logs of its own."""
        from pytest_ernie.engines.lifecycle.replicas import start_replicas

        return start_replicas(
            [partial(self._start_one, launch, cards) for cards in self._cards_of_replicas(launch)]
        )

    def _start_one(self, launch: Launch, cards: tuple[str, ...]) -> Server:
        workdir = self.settings.evidence / SCRATCH / f"server-{uuid.uuid4().hex[:12]}"
        workdir.mkdir(parents=True)
        return self.engine.start(
            launch,
            toolchain=self.engine_toolchain,
            workdir=workdir,
            cards=cards,
            device_env=server_variables(self.device, self.site, cards),
            progress=self.progress,
            take_ports=self.holdings.ports(launch),
        )

    def _stop_servers(self) -> None:
        if self._pool is not None:
            self._pool.stop_all()

    def _cards_of_replicas(self, launch: Launch) -> list[tuple[str, ...]]:
        """Return each server's cards, of those that are held for the launch."""
        cards, size = self.holdings.cards, launch.tensor_parallel
        return [cards[n * size : (n + 1) * size] for n in range(launch.replicas)]

    def checkpoint(self, model: str, datatype: str | None = None) -> Path:
        """Return the folder with the model's weights, those of a data type if the site has them."""
        if model in self.site.models:
            site = self.site.models[model]
            serving = site.served_as(datatype)
            own = serving.checkpoint if serving else None
            return Path(own or site.checkpoint)
        self._only_rehearsed(f'[models."{model}"] checkpoint')
        from pytest_ernie import rehearsal

        return rehearsal.checkpoint()

    def weights_digest(self, model: str, datatype: str | None = None) -> str:
        """Return the digest of the model's weights; to hash them is work that others' seconds would feel."""
        folder = self.checkpoint(model, datatype)
        return folder_digest(
            folder, lambda: self.holdings.machine("shared", f"hashing {folder.name}")
        )

    def _provisioned(self, name: Name) -> Toolchain:
        """Return a locked environment, made now if need be, but not while others' seconds count."""
        from pytest_ernie.toolchains.provision import is_provisioned, provision

        if is_provisioned(name):
            return provision(name, progress=self.progress)
        with self.holdings.machine("shared", f"the installation of {name}"):
            return provision(name, progress=self.progress)

    def training_data(self, model: str) -> Path:
        """
        Return the supervised data set, a jsonl of turns: the site's file, what is made of it, or a mixture.
        """
        if model not in self._training_data:
            self._training_data[model] = self._prepared_data(model)
        return self._training_data[model]

    def training_data_digest(self, model: str) -> str:
        """Return the digest of the supervised data set, its pictures included."""
        from pytest_ernie.trainers.data import data_digest

        return data_digest(self.training_data(model))

    def _prepared_data(self, model: str) -> Path:
        from pytest_ernie.toolchains import cache_folder
        from pytest_ernie.trainers.data import Part, mixed, prepared

        site = self.site.models.get(model)
        folder = cache_folder() / "training-data"
        if site is not None and site.training_mixture is not None:
            parts = self.site.mixtures[site.training_mixture]
            return mixed([Part(data=Path(p.data), share=p.share) for p in parts], folder)
        if site is not None and site.training_data is not None:
            return prepared(Path(site.training_data), folder)
        self._only_rehearsed(f'[models."{model}"] training_data')
        from pytest_ernie import rehearsal

        return rehearsal.supervised_data()

    def questions(self, dataset: str) -> Path:
        """Return the questions of a data set (jsonl)."""
        if dataset in self.site.datasets:
            return Path(self.site.datasets[dataset])
        self._only_rehearsed(f"[datasets] {dataset}")
        from pytest_ernie import rehearsal

        return rehearsal.held_out_questions(dataset)

    @cached_property
    def evaluator(self) -> Toolchain:
        """The evaluation library's environment: the site's, or provisioned from the lock."""
        from pytest_ernie.toolchains import adopt

        if self.site.evaluator:
            return adopt("evaluator", Path(self.site.evaluator.python), env=self.site.evaluator.env)
        return self._provisioned("evaluator")

    @property
    def evaluator_digest(self) -> str:
        """What identifies that environment; the suite's own needn't be installed for it."""
        from pytest_ernie.toolchains.provision import lock_text

        if self.site.evaluator:
            return self.evaluator.digest
        return hashlib.sha256(lock_text("evaluator").encode()).hexdigest()

    def dataset(self, dataset: Dataset) -> Found:
        """Return where a data set's files lie; SiteError with how to get them."""
        from pytest_ernie.accuracy.data import found

        own = self.site.datasets.get(dataset.name)
        return found(dataset, Path(own) if own else None, self.settings.data)

    def workload_source(self, workload: Workload) -> Path | None:
        """Return where a workload's prompts lie, None for one that the suite makes itself."""
        if workload.source == "rehearsal":
            return None
        if workload.name not in self.site.workloads:
            raise SiteError(
                "the site file lacks an entry",
                wanted=f"[workloads] {workload.name}, a file of prompts",
            )
        return Path(self.site.workloads[workload.name])

    @property
    def left_behind(self) -> tuple[str, ...]:
        """What servers that were stopped left on this machine, a line each."""
        return tuple(self._pool.left_behind) if self._pool else ()

    def close(self) -> None:
        """Stop every server that was started, and give back what the machine lent."""
        self.holdings.release()

    def _only_rehearsed(self, what: str) -> None:
        if not self.settings.rehearses:
            raise SiteError("the site file lacks an entry", wanted=what)


def file_digest(path: Path) -> str:
    """Return the sha256 of a file."""
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()


def folder_digest(
    folder: Path, while_hashing: Callable[[], AbstractContextManager[None]] = nullcontext
) -> str:
    """
    Return one digest for all files of a checkpoint folder, by name and content.

    ``while_hashing`` is entered for each large file of which nothing is remembered.

    Contents are hashed once for each path, size and time of change, and remembered in the cache, since
    weights may be hundreds of gigabytes. Raises SiteError if the folder isn't there.
    """
    if not folder.is_dir():
        raise SiteError("there is no such checkpoint folder", got=folder)
    known = _Known(while_hashing)
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            total.update(f"{path.relative_to(folder).as_posix()}\0{known.digest(path)}\n".encode())
    return total.hexdigest()


def files_digest(folder: Path, paths: Iterable[Path]) -> str:
    """Return one digest for some files of a folder; large ones are hashed once and remembered."""
    known = _Known()
    total = hashlib.sha256()
    for path in sorted(paths):
        total.update(f"{path.relative_to(folder).as_posix()}\0{known.digest(path)}\n".encode())
    return total.hexdigest()


class _Known:
    """Digests of large files by path, size and time of change."""

    LARGE = 64 * 2**20

    def __init__(
        self, while_hashing: Callable[[], AbstractContextManager[None]] = nullcontext
    ) -> None:
        from pytest_ernie.toolchains import cache_folder

        self._while_hashing = while_hashing
        self._path = cache_folder() / "digests.json"
        self._digests = self._read()

    def digest(self, path: Path) -> str:
        """Return a file's sha256; of processes that want the same one hashes, and the others wait."""
        from filelock import FileLock

        state = path.stat()
        if state.st_size < self.LARGE:
            return file_digest(path)
        key = f"{path.resolve()}|{state.st_size}|{state.st_mtime_ns}|{state.st_ino}"
        if key not in self._digests:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._while_hashing(), FileLock(f"{self._path}.lock"):
                self._digests = self._read()
                if key not in self._digests:
                    self._digests[key] = file_digest(path)
                    self._write()
        return self._digests[key]

    def _read(self) -> dict[str, str]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, str])
        except (OSError, msgspec.DecodeError):
            return {}

    def _write(self) -> None:
        part = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        part.write_bytes(msgspec.json.encode(self._digests))
        part.replace(self._path)
