"""
The site file: what a lab has. Strict, because a key that is silently dropped costs a night.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from pytest_ernie.errors import SiteError
from pytest_ernie.standard.criteria import Criterion, workloads_of
from pytest_ernie.standard.dataset import Dataset
from pytest_ernie.standard.model import DataType, Edition

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover (3.10 only)
    import tomli as tomllib


TRAINING = r"^(sft|sft_lora)(-(8|32|128)K)?$"


class _Table(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class TrainerSite(_Table, frozen=True, kw_only=True):
    """``[trainer]``: which trainer, and the environment that it lives in."""

    kind: str
    python: str
    """Interpreter of an environment that holds the trainer."""
    env: dict[str, str] = {}
    restarts: Annotated[int, Meta(ge=0)] = 0
    """How often a trainer that died is started again in one run; the evidence says so."""
    hosts: Annotated[int, Meta(ge=1)] | Literal["scheduler"] = 1
    """How many hosts train together; "scheduler": as many as its environment says."""
    master: str | None = None
    """``address:port`` of the first host, where no scheduler tells it."""
    rank: Annotated[int, Meta(ge=0)] | None = None
    """Number of this host, where no scheduler tells it."""


class TrainingSite(_Table, frozen=True, kw_only=True):
    """
    ``[models."ERNIE-4.5-21B-A3B".training.sft]``, or ``.sft-128K`` for one length: how a run is split.

    None leaves a value to the table of the method, and what that leaves, too, to the published layout.
    """

    tensor_parallel: Annotated[int, Meta(ge=1)] | None = None
    pipeline_parallel: Annotated[int, Meta(ge=1)] | None = None
    micro_batch: Annotated[int, Meta(ge=1)] | None = None
    """Samples at once on a replica; the global batch stays the recipe's."""
    cards: Annotated[int, Meta(ge=1)] | None = None
    """How many of this host's cards are used; all, if it isn't said."""
    hosts: Annotated[int, Meta(ge=1)] | None = None
    """In place of ``[trainer] hosts``: how many this model needs."""
    checkpoint_steps: Annotated[int, Meta(ge=1)] | None = None
    """Steps between checkpoints, from which a run that was cut short goes on; else the recipe's."""
    settings: dict[str, str | int | float | bool] | None = None
    """Further settings of the trainer, in PaddleFormers' names; those of the recipe are refused."""


class MixturePart(_Table, frozen=True, kw_only=True):
    """``[[mixtures.NAME]]``: one data set of a mixture, and its share."""

    data: str
    share: Annotated[float, Meta(gt=0)]


class ServingSite(_Table, frozen=True, kw_only=True):
    """
    ``[models."ERNIE-4.5-300B-A47B".serving.w4a8]``: how one model is served in one data type.

    None leaves a value to ``[engine]``, and what that leaves, too, to the engine's own table.
    """

    max_num_seqs: Annotated[int, Meta(ge=1)] | None = None
    """Requests that one server works on at once."""
    tensor_parallel: Annotated[int, Meta(ge=1)] | None = None
    """Cards of one server."""
    memory_share: Annotated[float, Meta(gt=0, le=1)] | None = None
    """Fraction of a card's memory that the server may take."""
    replicas: Annotated[int, Meta(ge=1)] | None = None
    """Servers on this machine; as many as there are cards for, if it isn't said (R6)."""
    arguments: tuple[str, ...] = ()
    """Further arguments of the launch line, as they are; after those of ``[engine]``."""
    checkpoint: str | None = None
    """Folder of weights that are in the data type already, in the model's own place."""


class EngineSite(_Table, frozen=True, kw_only=True):
    """``[engine]``: which engine, and the environment that it lives in."""

    python: str
    kind: str | None = None
    """FastDeploy on an accelerator and vLLM on a CPU, if it isn't said."""
    version: str | None = None
    """The engine's version, where its environment doesn't tell (a build from source)."""
    reveal: bool = False
    """Look at the weights inside FastDeploy's workers, which don't all show them."""
    max_num_seqs: Annotated[int, Meta(ge=1)] | None = None
    tensor_parallel: Annotated[int, Meta(ge=1)] | None = None
    memory_share: Annotated[float, Meta(gt=0, le=1)] | None = None
    replicas: Annotated[int, Meta(ge=1)] | None = None
    restarts: Annotated[int, Meta(ge=0, le=1)] = 0
    """How often a server that died is started again in one run; the verdict says so."""
    arguments: tuple[str, ...] = ()
    """Further arguments of the launch line, as they are."""
    env: dict[str, str] = {}


class EvaluatorSite(_Table, frozen=True, kw_only=True):
    """``[evaluator]``: the environment of the evaluation library, if the suite's own isn't wanted."""

    python: str
    env: dict[str, str] = {}


class ModelSite(_Table, frozen=True, kw_only=True):
    """``[models."ERNIE-4.5-0.3B"]``: where weights and training data lie."""

    checkpoint: str
    """Folder with the weights that are trained and served."""
    training_data: str | None = None
    """The designated supervised data set: src and tgt, alpaca, or image_info and text_info."""
    training_mixture: str | None = None
    """In its place, the name of a mixture."""
    training: dict[Annotated[str, Meta(pattern=TRAINING)], TrainingSite] = {}
    """How it is trained, by method, or by method and length: sft, sft_lora-128K."""
    serving: dict[DataType, ServingSite] = {}
    """How it is served, by data type."""

    def __post_init__(self) -> None:
        if self.training_data is not None and self.training_mixture is not None:
            raise ValueError("training_data and training_mixture are both given")

    def trained_as(self, method: str, length: int) -> TrainingSite:
        """Return what is said of a method at a length, tokens: its own table before the method's."""
        tables = [self.training.get(f"{method}-{length // 1024}K"), self.training.get(method)]
        said: dict[str, Any] = {}
        for table in (own for own in tables if own is not None):
            for name in table.__struct_fields__:
                if said.get(name) is None:
                    said[name] = getattr(table, name)
        return TrainingSite(**said)

    def served_as(self, datatype: str | None) -> ServingSite | None:
        """Return the table of a data type, None if the site has none."""
        return next((table for name, table in self.serving.items() if name == datatype), None)


Environment = TypeVar("Environment", TrainerSite | None, EngineSite | None, EvaluatorSite | None)


class Site(_Table, frozen=True, kw_only=True):
    """A whole site file; every table is optional, and what a criterion needs is asked for by name."""

    device: dict[str, Any] = {}
    """Facts of the accelerator: name, count, driver, memory_gib, ..."""
    cards: Annotated[tuple[str, ...], Meta(min_length=1)] = ("0",)
    """Ids of the cards that may be used, as the visible-devices variable takes them."""
    threads: Annotated[int, Meta(ge=1)] | None = None
    trainer: TrainerSite | None = None
    engine: EngineSite | None = None
    evaluator: EvaluatorSite | None = None
    data: str | None = None
    """Folder of the accuracy data sets, searched before ModelScope's and Hugging Face's caches."""
    models: dict[str, ModelSite] = {}
    mixtures: dict[str, Annotated[tuple[MixturePart, ...], Meta(min_length=1)]] = {}
    """Supervised data sets that are mixed, by a name of your own."""
    workloads: dict[str, str] = {}
    """Prompts by the workload's name (text, images): a file or folder, see docs/certify-a-chip.md."""
    load_processes: Annotated[int, Meta(ge=1)] = 1
    """Processes of the load client; more if one core of this host isn't enough."""
    load_event_times: bool = False
    """Keep the arrival of every event of a throughput run in the evidence, too (some ten times as large)."""
    datasets: dict[str, str] = {}
    """Folder by the data set's name, where it isn't in the data folder (the rehearsal: a jsonl file)."""

    def __post_init__(self) -> None:
        if len(set(self.cards)) != len(self.cards):
            raise ValueError(f"cards names a card twice: {', '.join(self.cards)}")
        for name, model in self.models.items():
            if model.training_mixture is not None and model.training_mixture not in self.mixtures:
                raise ValueError(f"{name}: there is no mixture {model.training_mixture}")


def tensor_parallel_sizes(site: Site) -> tuple[int, ...]:
    """Return the sizes of groups of cards that the site file states anywhere, each once."""
    tables = [
        site.engine,
        *(own for model in site.models.values() for own in model.serving.values()),
    ]
    stated = {table.tensor_parallel for table in tables if table is not None}
    return tuple(sorted(size for size in stated if size is not None))


def read_site(path: Path) -> Site:
    """
    Return the site written in a TOML file; relative paths are taken from the file's own folder.

    Raises SiteError with file, key, got and wanted.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SiteError("there is no such site file", where=path) from None
    except OSError as error:
        raise SiteError(f"the site file can't be read ({error.strerror})", where=path) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SiteError(f"this is no TOML ({error})", where=path.name) from None
    try:
        site = msgspec.convert(raw, Site, strict=True)
    except msgspec.ValidationError as error:
        words = str(error).replace("`", "'").replace("$.", "").replace("$", "the top level")
        raise SiteError(words, where=path.name) from None
    return _absolute(site, path.resolve().parent)


def _absolute(site: Site, folder: Path) -> Site:
    def join(text: str | None) -> str | None:
        return None if text is None else str(folder / Path(text).expanduser())

    def environment(table: Environment) -> Environment:
        """A bare ``python3`` is looked up on PATH; anything with a slash is a path."""
        if table is None or "/" not in table.python:
            return table
        return msgspec.structs.replace(table, python=join(table.python))

    models = {
        name: msgspec.structs.replace(
            model,
            checkpoint=join(model.checkpoint),
            training_data=join(model.training_data),
            serving={
                datatype: msgspec.structs.replace(table, checkpoint=join(table.checkpoint))
                for datatype, table in model.serving.items()
            },
        )
        for name, model in site.models.items()
    }
    datasets = {name: join(text) for name, text in site.datasets.items()}
    mixtures = {
        name: tuple(msgspec.structs.replace(part, data=join(part.data)) for part in parts)
        for name, parts in site.mixtures.items()
    }
    return msgspec.structs.replace(
        site,
        models=models,
        mixtures=mixtures,
        datasets=datasets,
        workloads={name: join(text) for name, text in site.workloads.items()},
        trainer=environment(site.trainer),
        engine=environment(site.engine),
        evaluator=environment(site.evaluator),
        data=join(site.data),
    )


def missing_from(
    site: Site | None,
    edition: Edition,
    criteria: tuple[Criterion, ...],
    *,
    endpoint: bool,
    found: Callable[[Dataset], bool] | None = None,
) -> tuple[str, ...]:
    """
    Return what the site file lacks for these criteria, a line each, in the order of the file.

    ``endpoint`` is True where a running server was given, so that no engine is needed; ``found`` tells
    whether a data set is on this machine (None: only what the file names is).
    """
    have = site or Site()
    training = [c for c in criteria if c.clause.startswith("training.")]
    serving = [c for c in criteria if c.clause.startswith("inference.")] if not endpoint else []
    lines = []
    if training and have.trainer is None:
        lines.append(f"[trainer] kind and python, for {_count(training)}")
    if serving and have.engine is None:
        lines.append(f"[engine] kind and python, for {_count(serving)}")
    for model in edition.models:
        own = [c for c in (*training, *serving) if c.model == model.name]
        if own and model.name not in have.models:
            lines.append(f'[models."{model.name}"] checkpoint, for {_count(own)}')
        elif any(c in training for c in own) and not _has_training_data(have, model.name):
            lines.append(
                f'[models."{model.name}"] training_data, the designated supervised data set'
            )
    measured = {c.model for c in criteria if c.clause == "inference.throughput"}
    asked = dict.fromkeys(
        workload
        for model in edition.models
        if model.name in measured
        for workload in workloads_of(edition, model)
        if workload.source != "rehearsal"
    )
    lines += [
        f"[workloads] {workload.name}, {workload.source} as a file or folder"
        for workload in asked
        if workload.name not in have.workloads
    ]
    wanted = {c.dataset for c in criteria if c.dataset}
    lines += [
        _data_set_line(dataset)
        for dataset in edition.datasets
        if dataset.name in wanted
        and not (found(dataset) if found else dataset.name in have.datasets)
    ]
    return tuple(lines)


def _data_set_line(dataset: Dataset) -> str:
    if dataset.evaluation is None:
        return f"[datasets] {dataset.name}, a jsonl file"
    return f"[datasets] {dataset.name}, its folder, or --data (`pytest-ernie doctor` says how to get it)"


def _has_training_data(site: Site, model: str) -> bool:
    table = site.models[model]
    return table.training_data is not None or table.training_mixture is not None


def _count(criteria: list[Criterion]) -> str:
    return f"{len(criteria)} criteria" if len(criteria) != 1 else "1 criterion"
