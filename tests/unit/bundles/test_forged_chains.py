"""
Every way to tamper with a journal's chain is found, and called by its name.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from doubles.forger import Workshop
from pytest_ernie.bundles.chain import chain_findings
from pytest_ernie.bundles.finding import Finding
from pytest_ernie.bundles.verify import examine
from pytest_ernie.evidence.bundle import Seal
from pytest_ernie.evidence.journal import Journal
from pytest_ernie.standard.digest import canonical

Lines = list[dict[str, Any]]


def kinds(workshop: Workshop, *, anew: bool = False) -> set[str]:
    """Return what is found in a journal that was sealed before it was forged."""
    sealed = Workshop(workshop.folder)
    seal = Seal(entries=len(sealed.entries), head=sealed.entries[-1]["hash"])
    text = (workshop.write(anew=anew) / "journal.jsonl").read_bytes()
    return {finding.kind for finding in findings(text, seal)}


def findings(text: bytes, seal: Seal | None = None) -> list[Finding]:
    """Return what is found in a bundle's journal of that text."""
    return chain_findings(Journal(Path("bundle"), lambda: text), seal)


def edited(lines: Lines) -> None:
    lines[3]["body"]["forged"] = True


def removed(lines: Lines) -> None:
    del lines[4]


def added(lines: Lines) -> None:
    lines.insert(5, {**copy.deepcopy(lines[5]), "body": {"forged": True}})


def reordered(lines: Lines) -> None:
    lines[4], lines[5] = lines[5], lines[4]


def replayed(lines: Lines) -> None:
    lines.insert(6, copy.deepcopy(lines[4]))


def cut(lines: Lines) -> None:
    del lines[-3:]


@pytest.mark.parametrize("forge", [edited, removed, added, reordered, replayed, cut])
def test_a_broken_chain_says_how_it_was_broken(
    forge: Callable[[Lines], None], workshop: Workshop
) -> None:
    """
    A forger who doesn't make the hashes anew is told what they did.
    """
    forge(workshop.entries)

    assert forge.__name__ in kinds(workshop)


@pytest.mark.parametrize(
    ("forge", "kind"),
    [
        (edited, "rewritten"),
        (removed, "cut"),
        (added, "added"),
        (reordered, "rewritten"),
        (cut, "cut"),
    ],
)
def test_a_chain_made_anew_has_another_end(
    forge: Callable[[Lines], None], kind: str, workshop: Workshop
) -> None:
    """
    Numbers and hashes all fit, and still the end isn't the one that was sealed.
    """
    forge(workshop.entries)

    assert kind in kinds(workshop, anew=True)


def test_an_entry_whose_own_hash_was_made_anew_is_edited(workshop: Workshop) -> None:
    """
    The next entry has the hash that it had before.
    """
    after = copy.deepcopy(workshop.entries[4:])
    edited(workshop.entries)
    workshop.write()
    workshop.entries[4:] = after

    text = (workshop.write(anew=False) / "journal.jsonl").read_bytes()
    found = findings(text)

    assert [("edited", "entry 3")] == [(finding.kind, finding.where) for finding in found]


def test_a_line_cut_in_the_middle_is_cut(workshop: Workshop) -> None:
    """
    A journal ends with a whole line.
    """
    text = (workshop.folder / "journal.jsonl").read_bytes()

    assert {"cut"} == {finding.kind for finding in findings(text[:-9])}


def test_a_clock_that_ran_backwards_is_named(workshop: Workshop, tmp_path: Path) -> None:
    """
    Beyond what disciplining a clock does: a second.
    """
    workshop.entries[6]["time_unix_s"] = workshop.entries[5]["time_unix_s"] - 1.5
    workshop.pack(tmp_path / "chip.ernie")

    (finding,) = examine(tmp_path / "chip.ernie").findings

    assert ("clock", "entry 6") == (finding.kind, finding.where)
    assert "1.5 s before entry 5" in finding.what


def test_a_clock_set_back_by_a_second_is_no_forgery(workshop: Workshop, tmp_path: Path) -> None:
    """
    Honest machines do that.
    """
    workshop.entries[1]["time_unix_s"] = workshop.entries[0]["time_unix_s"] - 0.9
    workshop.pack(tmp_path / "chip.ernie")

    assert () == examine(tmp_path / "chip.ernie").findings


def test_a_key_that_stands_twice_is_an_edited_entry(workshop: Workshop) -> None:
    """
    Two readers would take the entry differently, although its hash is right.
    """
    entry = workshop.entries[-1]
    rest = {key: value for key, value in entry.items() if key != "hash"}
    text = canonical(rest).replace(b'{"body":', b'{"body":{},"body":', 1)
    import hashlib

    forged = text.replace(
        b'"id":', f'"hash":"{hashlib.sha256(text).hexdigest()}","id":'.encode(), 1
    )
    lines = (workshop.folder / "journal.jsonl").read_bytes().splitlines()[:-1]

    found = findings(b"\n".join([*lines, forged]) + b"\n")

    assert ["edited"] == [finding.kind for finding in found]
    assert "a key twice" in found[0].what
