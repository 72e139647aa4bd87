"""
Reading an edition: strict, and with errors that say which file, which clause, got and wanted.
"""

from __future__ import annotations

import math
import re
import sys
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, get_args

import msgspec

from pytest_ernie.errors import StandardError
from pytest_ernie.standard.digest import digest
from pytest_ernie.standard.fields import Method
from pytest_ernie.standard.model import ClauseId, Edition

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover (3.10 only)
    import tomli as tomllib

_EDITIONS = resources.files("pytest_ernie.standard") / "editions"


def editions() -> tuple[str, ...]:
    """Return the names of the shipped editions."""
    names = (Path(entry.name) for entry in _EDITIONS.iterdir() if entry.name.endswith(".toml"))
    return tuple(sorted(name.stem for name in names))


def load(name_or_path: str) -> Edition:
    """
    Return a shipped edition by name, or one from a TOML file.

    Raises StandardError if there is no such edition or if it breaks a rule.
    """
    if name_or_path in editions():
        return _shipped(name_or_path)
    path = Path(name_or_path)
    if not path.is_file():
        raise StandardError(
            "there is no such edition",
            got=name_or_path,
            wanted=f"one of {', '.join(editions())}, or a TOML file",
        )
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StandardError(f"the edition can't be read ({error})", where=path) from None
    edition = parse(text, path.name)
    _refuse_impostor(edition, path.name)
    return edition


def _refuse_impostor(edition: Edition, file: str) -> None:
    """A changed copy of a shipped edition needs a name of its own: evidence is kept by that name."""
    if edition.name in editions() and edition != _shipped(edition.name):
        raise StandardError(
            "the file has the name of a shipped edition and other content",
            where=f"{file}: name",
            got=edition.name,
            fix="Give the edition a name of its own",
        )


@cache
def _shipped(name: str) -> Edition:
    return parse((_EDITIONS / f"{name}.toml").read_text(encoding="utf-8"), f"{name}.toml")


def parse(text: str, file: str) -> Edition:
    """Return the edition written in ``text``; ``file`` only names it in errors."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise StandardError(f"this is no TOML ({error})", where=file) from None
    _refuse_no_numbers(raw, file)
    try:
        edition = msgspec.convert(raw, Edition, strict=True)
    except msgspec.ValidationError as error:
        raise _explained(str(error), raw, file) from None
    _check_references(edition, file)
    return edition


def edition_digest(edition: Edition) -> str:
    """Return the digest that every record carries: equal content, equal digest."""
    return digest(msgspec.to_builtins(edition))


def _refuse_no_numbers(raw: Any, file: str, path: str = "") -> None:
    """Refuse nan and inf, which TOML knows: a limit of inf holds for everything."""
    lines = dict(enumerate(raw)) if isinstance(raw, list) else raw
    for key, value in lines.items() if isinstance(lines, dict) else ():
        place = f"{path}.{key}" if path else str(key)
        if isinstance(value, float) and not math.isfinite(value):
            raise StandardError("the value isn't finite", where=f"{file}: {place}", got=value)
        _refuse_no_numbers(value, file, place)


_PATH = re.compile(r" - at `\$(?P<path>[^`]*)`$")
_EXPECTED = re.compile(r"Expected `(?P<wanted>[^`]*)`(?P<rule>.*?)(?:, got `(?P<got>[^`]*)`)?$")


def _explained(message: str, raw: dict[str, Any], file: str) -> StandardError:
    """Turn the decoder's words into file, clause, got, wanted."""
    found = _PATH.search(message)
    path = found["path"] if found else ""
    what = message[: found.start()] if found else message
    where = f"{file}: {_place(path, raw)}" if path else file
    if expected := _EXPECTED.match(what):
        value = _value_at(path, raw)
        return StandardError(
            "the value is of the wrong kind"
            if not expected["rule"]
            else "the value is out of range",
            where=where,
            got=repr(value) if value is not None else expected["got"],
            wanted=f"{expected['wanted']}{expected['rule']}",
        )
    what = what.replace("Object missing required field", "missing").replace(
        "Object contains unknown field", "unknown key"
    )
    return StandardError(what.replace("`", "'"), where=where)


def _steps(path: str) -> list[str | int]:
    return [
        int(index) if index else key
        for key, index in re.findall(r"\.([A-Za-z_0-9]+)|\[(\d+)\]", path)
    ]


def _value_at(path: str, raw: Any) -> Any:
    for step in _steps(path):
        try:
            raw = raw[step]
        except (KeyError, IndexError, TypeError):
            return None
    return raw


def _place(path: str, raw: Any) -> str:
    """Name the entries of lists by their own names: ``clauses.training.loss.text``."""
    words: list[str] = []
    for step in _steps(path):
        try:
            raw = raw[step]
        except (KeyError, IndexError, TypeError):
            raw = None
        if isinstance(step, int) and isinstance(raw, dict):
            name = next((raw[key] for key in ("id", "name", "number") if key in raw), step)
            words.append(str(name))
        else:
            words.append(str(step))
    return ".".join(words)


def _check_references(edition: Edition, file: str) -> None:
    """Refuse repeated names, dangling references, and an edition that scales and certifies."""
    kinds: tuple[tuple[str, list[str]], ...] = (
        ("models", [model.name for model in edition.models]),
        ("clauses", [clause.id for clause in edition.clauses]),
        ("datasets", [dataset.name for dataset in edition.datasets]),
        ("workloads", [workload.name for workload in edition.workloads]),
        ("tiers", [tier.name for tier in edition.tiers]),
        ("datatypes", [rule.name for rule in edition.datatypes]),
    )
    for kind, names in kinds:
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise StandardError("the name is used twice", where=f"{file}: {kind}", got=repeated[0])
    models = [model.name for model in edition.models]
    for recipe in edition.recipes:
        if recipe.model not in models:
            raise StandardError(
                "the recipe names a model that the edition doesn't have",
                where=f"{file}: recipes",
                got=recipe.model,
                wanted=f"one of {', '.join(models)}",
            )
    ruled = [rule.name for rule in edition.datatypes]
    for tier in edition.tiers:
        if tier.datatype not in ruled:
            raise StandardError(
                "the tier's data type has no rule",
                where=f"{file}: tiers.{tier.name}.datatype",
                got=tier.datatype,
                wanted=f"one of {', '.join(ruled)}",
            )
    _check_recipes(edition, file)
    _check_prompts(edition, file)
    served = {model.modality for model in edition.models}
    for kind, needed, present in (
        ("datasets", served, {data.modality for data in edition.datasets}),
        ("workloads", served | {"text"}, {load.modality for load in edition.workloads}),
    ):
        for modality in sorted(needed - present):
            raise StandardError(f"no entry is {modality}", where=f"{file}: {kind}")
    if edition.certifies:
        _check_complete(edition, file)
    if edition.certifies and edition.scaled:
        raise StandardError(
            "an edition that scales the standard can't certify",
            where=f"{file}: certifies",
            got="true",
            wanted="false",
        )


def _check_recipes(edition: Edition, file: str) -> None:
    """Refuse a recipe that is there twice, or ends before the steps that are judged."""
    seen: set[tuple[str, str, int]] = set()
    rulings = edition.rulings
    last = max(rulings.loss.last_step, rulings.training_throughput.last_step)
    for recipe in edition.recipes:
        where = f"{file}: recipes.{recipe.model}.{recipe.method}"
        for length in recipe.lengths:
            key = (recipe.model, recipe.method, length)
            if key in seen:
                raise StandardError(
                    "the recipe is there twice", where=where, got=f"{length} tokens"
                )
            seen.add(key)
        if recipe.steps < last:
            raise StandardError(
                "the recipe ends before the last step that is judged",
                where=f"{where}.steps",
                got=recipe.steps,
                wanted=f"at least {last}",
            )


def _check_prompts(edition: Edition, file: str) -> None:
    """Refuse a data set with more prompt seeds than prompts, or too likely to fail an equal chip."""
    rule = edition.rulings.accuracy
    if len(set(rule.system_prompts)) < len(rule.system_prompts):
        raise StandardError(
            "a system prompt is there twice", where=f"{file}: rulings.accuracy.system_prompts"
        )
    for dataset in edition.datasets:
        where = f"{file}: datasets.{dataset.name}"
        if dataset.prompt_seeds > 1 + len(rule.system_prompts):
            raise StandardError(
                "there are fewer prompts than prompt seeds",
                where=f"{where}.prompt_seeds",
                got=dataset.prompt_seeds,
                wanted=f"at most {1 + len(rule.system_prompts)}, one more than system_prompts has",
            )
        if dataset.prompt_seeds > 1 and dataset.evaluation is None:
            raise StandardError(
                "questions that are asked as they are have one prompt",
                where=f"{where}.prompt_seeds",
                got=dataset.prompt_seeds,
                wanted=1,
            )
        if edition.certifies and dataset.false_fail > rule.false_fail_max:
            raise StandardError(
                "an equal chip would fail by luck too often",
                where=f"{where}.false_fail",
                got=dataset.false_fail,
                wanted=f"at most {rule.false_fail_max:g}, by more prompt seeds",
            )


def _check_complete(edition: Edition, file: str) -> None:
    """Refuse an edition that certifies and leaves a clause out: what isn't asked never fails."""
    for kind, wanted, present in (
        ("clauses", get_args(ClauseId), [clause.id for clause in edition.clauses]),
        ("methods", get_args(Method), edition.methods),
    ):
        for name in wanted:
            if name not in present:
                raise StandardError(
                    f"an edition that certifies lacks {name}", where=f"{file}: {kind}"
                )
    for model in edition.models:
        if model.clauses:
            raise StandardError(
                "an edition that certifies asks every model about every clause",
                where=f"{file}: models.{model.name}.clauses",
                got=", ".join(model.clauses),
                wanted="no such key",
            )
