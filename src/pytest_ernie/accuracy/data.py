"""
Where a data set lies on this machine: the site's word, its data folder, ModelScope's cache, Hugging Face's.

In that order, and nowhere else: nothing is downloaded. A folder counts if a pattern of the edition
fits the questions and, where the few-shot examples are in files, another fits those.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from pytest_ernie.errors import SiteError
from pytest_ernie.site import Site
from pytest_ernie.standard.dataset import Dataset, Evaluation

SUBSET = "{subset}"


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A data set's folder and the patterns below it by split: ``test``, ``train``."""

    folder: str
    files: dict[str, str]
    place: str
    """Where it was found, in words."""

    def paths(self) -> tuple[Path, ...]:
        """Return the files, each once."""
        found = {path for pattern in self.files.values() for path in _fitting(self.folder, pattern)}
        return tuple(sorted(found))


def find(
    dataset: Dataset,
    own: Path | None = None,
    data: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Found | None:
    """
    Return where the data set lies, None if it is nowhere.

    ``own`` is what the site file says of it, and then nothing else counts; ``data`` is the folder of
    all data sets.
    """
    evaluation = dataset.evaluation
    assert evaluation is not None
    for place, folder in _places(dataset, own, data, os.environ if env is None else env):
        # Beside other data sets a file belongs to the one that its name names.
        names = (dataset.name.lower(), evaluation.benchmark.replace("_", ""))
        named = names if own is None and folder == data else ("",)
        if files := _files(evaluation, folder, named, needs_train=bool(dataset.few_shot)):
            return Found(folder=str(folder.absolute()), files=files, place=place)
    return None


def found(
    dataset: Dataset,
    own: Path | None = None,
    data: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Found:
    """Return where the data set lies; SiteError with how to get it if it is nowhere."""
    there = find(dataset, own, data, env)
    if there is None:
        raise SiteError(
            f"the data set {dataset.name} isn't on this machine, and a run downloads nothing",
            where=own,
            wanted=wanted(dataset),
            fix=how_to_get(dataset),
        )
    return there


def is_there(dataset: Dataset, site: Site, data: Path | None) -> bool:
    """Tell whether a run would find the data set, whatever kind it is."""
    own = site.datasets.get(dataset.name)
    if dataset.evaluation is None:
        return own is not None
    return find(dataset, Path(own) if own else None, data) is not None


def wanted(dataset: Dataset) -> str:
    """Return in words which files are looked for."""
    evaluation = dataset.evaluation
    assert evaluation is not None
    kinds = [
        evaluation.test,
        *([evaluation.train] if dataset.few_shot and evaluation.train else []),
    ]
    return " and ".join(" or ".join(patterns) for patterns in kinds)


def how_to_get(dataset: Dataset) -> str:
    """Return what to do, where there is a network."""
    evaluation = dataset.evaluation
    assert evaluation is not None
    folder = f"FOLDER/{dataset.name}"
    unpack = ""
    if evaluation.huggingface_zip:
        unpack = f" and `unzip -d {folder} {folder}/{evaluation.huggingface_zip}`"
    return (
        f"Where there is a network: `modelscope download --dataset {evaluation.modelscope} "
        f"--local_dir {folder}` (or `hf download --repo-type dataset "
        f"{evaluation.huggingface} --local-dir {folder}`{unpack}); then --data=FOLDER. "
        f"Its licence: {evaluation.licence}"
    )


def _places(
    dataset: Dataset, own: Path | None, data: Path | None, env: Mapping[str, str]
) -> Iterator[tuple[str, Path]]:
    evaluation = dataset.evaluation
    assert evaluation is not None
    if own is not None:
        yield "the site file", own
        return
    if data is not None:
        names = (dataset.name, dataset.name.lower(), evaluation.benchmark)
        repositories = (evaluation.modelscope, evaluation.huggingface)
        for name in dict.fromkeys(
            (*names, *repositories, *(r.split("/")[1] for r in repositories))
        ):
            yield "the data folder", data / name
        yield "the data folder", data
    yield from (("ModelScope's cache", path) for path in _modelscope(evaluation.modelscope, env))
    yield from (("Hugging Face's cache", path) for path in _huggingface(evaluation, env))


def _modelscope(repository: str, env: Mapping[str, str]) -> Iterator[Path]:
    """Yield a repository's folders in ModelScope's cache: that of now, then those of older releases."""
    owner, name = repository.split("/")
    named = env.get("MODELSCOPE_CACHE")
    base = Path(named) if named else _home(env) / ".cache" / "modelscope"
    for root in (base, base / "hub"):
        yield from _snapshots(root / "datasets" / f"{owner}--{name}")
        yield from _snapshots(root / f"datasets--{owner}--{name}")
        yield root / "datasets" / owner / name
        yield root / "datasets" / owner / name.replace(".", "___")


def _huggingface(evaluation: Evaluation, env: Mapping[str, str]) -> Iterator[Path]:
    home = env.get("HF_HOME") or str(_home(env) / ".cache" / "huggingface")
    cache = Path(env.get("HF_HUB_CACHE") or Path(home) / "hub")
    yield from _snapshots(cache / f"datasets--{evaluation.huggingface.replace('/', '--')}")


def _snapshots(repository: Path) -> Iterator[Path]:
    """Yield a cached repository's revisions, the newest first."""
    try:
        revisions = [path for path in (repository / "snapshots").iterdir() if path.is_dir()]
    except OSError:
        return
    yield from sorted(revisions, key=lambda path: path.stat().st_mtime, reverse=True)


def _files(
    evaluation: Evaluation, folder: Path, names: tuple[str, ...], *, needs_train: bool
) -> dict[str, str] | None:
    files = {}
    splits = {"test": evaluation.test, "train": evaluation.train if needs_train else ()}
    for split, patterns in splits.items():
        if not patterns:
            continue
        plain = {pattern: pattern.lower().replace("_", "") for pattern in patterns}
        own = (p for p, text in plain.items() if any(name in text for name in names))
        fitting = next((pattern for pattern in own if _fitting(str(folder), pattern)), None)
        if fitting is None:
            return None
        files[split] = fitting
    return files


def _fitting(folder: str, pattern: str) -> list[Path]:
    try:
        return [p for p in Path(folder).glob(pattern.replace(SUBSET, "*")) if p.is_file()]
    except OSError:
        return []


def _home(env: Mapping[str, str]) -> Path:
    return Path(env.get("HOME") or "~").expanduser()
