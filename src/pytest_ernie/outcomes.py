"""
From the end of a criterion's test to a verdict, and from a verdict to what pytest is told.

pytest knows passed and failed. A verdict that isn't PASS stays ``failed`` for pytest (exit code, -x,
JUnit), and its own word travels in ``user_properties``; only RECORDED is passed on as ``passed``, with
a word of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest

from pytest_ernie.errors import ErnieError, ReferenceBeingRecorded
from pytest_ernie.report.text import line, visible
from pytest_ernie.standard import Criterion
from pytest_ernie.verdicts import Flip, Listing, Verdict, Word, inconclusive

PROPERTY = "ernie"
"""Name of the user property that holds the whole judgement as JSON."""

_verdict = pytest.StashKey[Verdict]()
_alone = pytest.StashKey[tuple[str, tuple[str, ...]]]()


NOTHING_SHOWN: tuple[str, tuple[str, ...]] = ("–", ())


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """A criterion with its verdict, as reports read it."""

    criterion: Criterion
    verdict: Verdict
    node: str


class Outcomes:
    """Forms and words the outcome of every criterion's test."""

    def __init__(self, records_reference: Callable[[], bool]) -> None:
        self._records_reference = records_reference

    def judge(self, item: pytest.Item, verdict: Verdict) -> None:
        """Take a test's verdict; the last one counts only if it is the only one."""
        if _verdict in item.stash:
            raise ErnieError("a criterion was judged twice", where=item.nodeid)
        item.stash[_verdict] = verdict

    def show(self, item: pytest.Item, measured: str, notes: tuple[str, ...]) -> None:
        """Take what was measured: a verdict shows it, too, where nothing can be compared with it."""
        item.stash[_alone] = (measured, notes)

    @contextmanager
    def deciding(self, item: pytest.Item, criterion: Criterion) -> Iterator[None]:
        """Run a test's body; afterwards it has a verdict, and raises unless that is PASS."""
        try:
            yield
            if _verdict not in item.stash:
                item.stash[_verdict] = inconclusive("the test formed no verdict")
        except ReferenceBeingRecorded:
            measured, notes = item.stash.get(_alone, NOTHING_SHOWN)
            item.stash[_verdict] = Verdict(
                word=Word.RECORDED,
                message="recorded as a reference; nothing was compared",
                measured=measured,
                notes=notes,
            )
        except ErnieError as error:
            measured, notes = item.stash.get(_alone, NOTHING_SHOWN)
            item.stash[_verdict] = inconclusive(str(error), measured=measured, notes=notes)
        except Exception as error:
            # Whatever was judged before the test broke off doesn't count.
            item.stash[_verdict] = _broken_off(error)
            raise
        verdict = item.stash[_verdict] = _harmless(item.stash[_verdict])
        if self._records_reference() and verdict.word is Word.PASS:
            verdict = msgspec.structs.replace(verdict, word=Word.RECORDED)
            item.stash[_verdict] = verdict
        if verdict.word not in (Word.PASS, Word.RECORDED):
            # No stack: pytest would parse every file between the test and the cause, for a second a
            # criterion, and nobody would see it.
            pytest.fail(f"{criterion.name}: {verdict.word.value}: {verdict.message}", pytrace=False)

    def describe(
        self,
        item: pytest.Item,
        criterion: Criterion,
        report: pytest.TestReport,
        call: pytest.CallInfo[None],
    ) -> None:
        """Put the verdict into a report, and the sentence where the stack would be."""
        if report.when == "call":
            error = call.excinfo.value if call.excinfo else None
            verdict = item.stash.get(_verdict, None) or _broken_off(error)
        elif report.when == "setup" and not report.passed:
            verdict = Verdict(word=Word.NOT_RUN, message=_first_line(report, call))
        else:
            return
        if report.skipped:
            verdict = Verdict(word=Word.NOT_RUN, message=f"skipped: {_first_line(report, call)}")
            report.outcome = "failed"
        if hasattr(report, "wasxfail"):
            del report.wasxfail
            report.outcome = "failed"
            verdict = Verdict(word=Word.NOT_RUN, message="marked xfail, which never certifies")
        if call.excinfo is not None and call.excinfo.errisinstance(pytest.fail.Exception):
            report.longrepr = str(call.excinfo.value)
        elif report.failed and not report.longrepr:
            report.longrepr = f"{criterion.name}: {verdict.word.value}: {verdict.message}"
        judgement = Judgement(criterion=criterion, verdict=verdict, node=item.nodeid)
        properties = properties_of(judgement)
        report.user_properties.extend(properties)
        item.user_properties.extend(properties)  # JUnit reads them off the teardown's report


def _harmless(verdict: Verdict) -> Verdict:
    """Messages may quote logs and model output; nothing in them may act on a terminal or a page."""
    return msgspec.structs.replace(
        verdict,
        message=line(verdict.message),
        measured=line(verdict.measured),
        required=line(verdict.required),
        notes=tuple(line(note) for note in verdict.notes),
        listing=_harmless_listing(verdict.listing) if verdict.listing else None,
        flips=tuple(
            Flip(
                question=line(flip.question),
                lost=flip.lost,
                reference=visible(flip.reference),
                candidate=visible(flip.candidate),
            )
            for flip in verdict.flips
        ),
    )


def _harmless_listing(listing: Listing) -> Listing:
    return msgspec.structs.replace(
        listing,
        rows=tuple(
            tuple(line(cell) if isinstance(cell, str) else cell for cell in cells)
            for cells in listing.rows
        ),
    )


def _broken_off(error: BaseException | None) -> Verdict:
    """A criterion's test that ended by a fault of its own shows nothing about the device."""
    return _harmless(inconclusive(f"the test itself broke off: {type(error).__name__}: {error}"))


def _first_line(report: pytest.TestReport, call: pytest.CallInfo[None]) -> str:
    if call.excinfo is not None:
        text = str(call.excinfo.value) or type(call.excinfo.value).__name__
        return line(text)[:500]
    return line(str(report.longrepr))[:500]


def properties_of(judgement: Judgement) -> list[tuple[str, Any]]:
    """Return what a test report carries of a judgement: its figures for JUnit, and all of it."""
    criterion, verdict = judgement.criterion, judgement.verdict
    return [
        ("clause", criterion.clause),
        ("criterion", criterion.name),
        ("verdict", verdict.word.value),
        ("measured", verdict.measured),
        ("required", verdict.required),
        (PROPERTY, msgspec.json.encode(judgement).decode()),
    ]


def judgement_of(report: object) -> Judgement | None:
    """
    Return the judgement that a test report carries, or None.

    A teardown's report carries it for JUnit's sake and says nothing of its own.
    """
    if getattr(report, "when", None) == "teardown":
        return None
    for name, value in getattr(report, "user_properties", ()):
        if name == PROPERTY:
            return msgspec.json.decode(str(value), type=Judgement)
    return None


_STATUS: dict[Word, tuple[str, str, dict[str, bool]]] = {
    Word.PASS: ("passed", ".", {"green": True}),
    Word.FAIL: ("failed", "F", {"red": True}),
    Word.INCONCLUSIVE: ("inconclusive", "I", {"yellow": True}),
    Word.NOT_RUN: ("not run", "N", {"yellow": True}),
    Word.RECORDED: ("recorded", "R", {"cyan": True}),
    Word.UNSPECIFIED: ("unspecified", "U", {"blue": True}),
}


COLOURS_TAKEN = hasattr(pytest.TestReport, "_get_verbose_word_with_markup")
"""Whether pytest's summary takes a word with its colour: 8.2 dies of one, and colours words by itself."""


def status_of(report: object) -> tuple[str, str, str | tuple[str, dict[str, bool]]] | None:
    """Return pytest's category, letter and word for a report that carries a judgement."""
    judgement = judgement_of(report)
    if judgement is None:
        return None
    category, letter, markup = _STATUS[judgement.verdict.word]
    word = judgement.verdict.word.value
    return category, letter, (word, markup) if COLOURS_TAKEN else word
