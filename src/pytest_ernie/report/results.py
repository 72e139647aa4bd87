"""
The verdicts of a run for machines: results as JSON, and a job summary in Markdown for CI.

``python -m pytest_ernie.report.results`` writes the JSON's schema anew.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import Struct

from pytest_ernie.report.matrix import Matrix, Row, matrix
from pytest_ernie.report.overview import MARKS, ROMAN, SCOPES, within
from pytest_ernie.report.text import line
from pytest_ernie.standard import Edition
from pytest_ernie.standard.json_schema import schema_text
from pytest_ernie.verdicts import Word

if TYPE_CHECKING:
    from pytest_ernie.outcomes import Judgement
    from pytest_ernie.session import ErnieSession

SCHEMA = Path(__file__).with_name("results.schema.json")


class CriterionResult(Struct, frozen=True, kw_only=True):
    """One criterion of the edition; NOT RUN where this run didn't judge it."""

    criterion: str
    clause: str
    model: str
    tiers: tuple[int, ...]
    verdict: Word
    measured: str
    required: str
    message: str
    notes: tuple[str, ...]
    numbers: dict[str, float | int | str | None]


class TierWord(Struct, frozen=True, kw_only=True):
    """A model at a tier, in a scope or on the whole (``both``)."""

    model: str
    scope: Literal["sft", "lora", "inference", "both"]
    tier: int
    verdict: Word
    passed: int
    criteria: int


class Results(Struct, frozen=True, kw_only=True):
    """What a run says. It is the applicant's own word, and never certifies (R16)."""

    layout: Literal[1] = 1
    self_assessment: Literal[True] = True
    suite: str
    edition: str
    edition_digest: str
    edition_certifies: bool
    reference: bool
    """Whether there was anything to compare with."""
    tiers: tuple[TierWord, ...]
    criteria: tuple[CriterionResult, ...]


def results(
    edition: Edition, digest: str, judgements: Iterable[Judgement], *, suite: str, reference: bool
) -> Results:
    """Return everything that a run says of an edition."""
    whole = matrix(edition, judgements)
    return Results(
        suite=suite,
        edition=edition.name,
        edition_digest=digest,
        edition_certifies=edition.certifies,
        reference=reference,
        tiers=tuple(_tiers(whole)),
        criteria=tuple(map(_criterion, whole.rows)),
    )


def _tiers(whole: Matrix) -> Iterable[TierWord]:
    for model in whole.edition.models:
        for tier in whole.edition.tiers:
            result = whole.tier(model.name, tier.number)
            parts = [(scope.key, within(result, scope)) for scope in SCOPES]
            for key, part in (*parts, ("both", result)):
                yield TierWord(
                    model=model.name,
                    scope=key,  # type: ignore[arg-type]  # the keys of SCOPES
                    tier=tier.number,
                    verdict=part.word,
                    passed=part.counts.get(Word.PASS, 0),
                    criteria=len(part.rows),
                )


def _criterion(row: Row) -> CriterionResult:
    criterion, verdict = row.criterion, row.verdict
    return CriterionResult(
        criterion=criterion.name,
        clause=criterion.clause,
        model=criterion.model,
        tiers=criterion.tiers,
        verdict=verdict.word,
        measured=verdict.measured,
        required=verdict.required,
        message=verdict.message,
        notes=verdict.notes,
        numbers=verdict.numbers,
    )


MOST_LISTED = 50


def in_markdown(found: Results) -> str:
    """Return a job summary: the tiers of each model, and each criterion that isn't PASS."""
    lines = ["## ERNIE 4.5 certification: self-assessment", ""]
    if not found.edition_certifies:
        lines += [f"**REHEARSAL**: the edition `{found.edition}` certifies nothing.", ""]
    if not found.reference:
        lines += ["No reference was given: what needs one is INCONCLUSIVE.", ""]
    heads = ("Model", "SFT", "SFT-LoRA", "Reinforcement learning", "Inference", "Both")
    lines += [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    for model in dict.fromkeys(tier.model for tier in found.tiers):
        cells = [_cell(found, model, key) for key in ("sft", "lora", "", "inference", "both")]
        lines.append(f"| {_plain(model)} | {' | '.join(cells)} |")
    judged = [each for each in found.criteria if each.verdict is not Word.NOT_RUN]
    passed = sum(each.verdict is Word.PASS for each in judged)
    lines += [
        "",
        f"{passed} of {len(found.criteria)} criteria are PASS; {len(judged)} were judged.",
    ]
    others = [each for each in judged if each.verdict not in (Word.PASS, Word.RECORDED)]
    if others:
        lines += ["", "| Verdict | Criterion | Measured | Required |", "|---|---|---|---|"]
        for each in others[:MOST_LISTED]:
            texts = (each.criterion, each.measured, each.required)
            lines.append(f"| {each.verdict.value} | {' | '.join(map(_plain, texts))} |")
        if len(others) > MOST_LISTED:
            lines += ["", f"and {len(others) - MOST_LISTED} more"]
    return "\n".join(lines) + "\n"


def _cell(found: Results, model: str, scope: str) -> str:
    if not scope:
        return "UNSPECIFIED"
    own = [t for t in found.tiers if (t.model, t.scope) == (model, scope) and t.criteria]
    return " ".join(f"{ROMAN[t.tier]}&nbsp;{MARKS[t.verdict]}" for t in own) or "–"


def _plain(text: str) -> str:
    """Return a text that neither Markdown nor HTML takes for anything but itself."""
    shown = line(text, 200)
    for sign, instead in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        shown = shown.replace(sign, instead)
    return "".join(f"\\{letter}" if letter in "\\`*_[]|~#!" else letter for letter in shown)


def write_results(session: ErnieSession, judgements: tuple[Judgement, ...]) -> list[str]:
    """
    Write what was asked for; return a line about each file, for the terminal.

    GitHub names its job summary in $GITHUB_STEP_SUMMARY, to which every step appends.
    """
    from pytest_ernie import __version__

    option, told = session.config.option, []
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    wanted = (option.ernie_results, option.ernie_summary, summary)
    if not judgements or not any(wanted):
        return []
    settings = session.settings
    found = results(
        settings.edition,
        settings.edition_digest,
        judgements,
        suite=__version__,
        reference=settings.reference is not None,
    )
    if option.ernie_results:
        Path(option.ernie_results).write_bytes(msgspec.json.format(msgspec.json.encode(found)))
        told.append(f"results: {option.ernie_results}")
    if option.ernie_summary:
        Path(option.ernie_summary).write_text(in_markdown(found), encoding="utf-8")
        told.append(f"summary: {option.ernie_summary}")
    if summary:
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(in_markdown(found))
    return told


def schema() -> str:
    """Return the schema of the results as it is committed."""
    return schema_text(Results, "Results of a certification run")


if __name__ == "__main__":
    SCHEMA.write_text(schema(), encoding="utf-8")
