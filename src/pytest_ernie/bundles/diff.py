"""
Two bundles side by side: which verdicts, which figures and which software changed between them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct

from pytest_ernie.bundles.runs import FOLDER, Run, claims
from pytest_ernie.bundles.signing import runs_of
from pytest_ernie.bundles.signing import signed as who_signed
from pytest_ernie.evidence import Store, Subject
from pytest_ernie.evidence.strict_json import decode_canonical
from pytest_ernie.outcomes import Judgement
from pytest_ernie.report.grid import word_of
from pytest_ernie.report.text import html
from pytest_ernie.report.words import LANGUAGE_BUTTON, both, either, told
from pytest_ernie.verdicts import Word

About = Literal["verdict", "figure", "device", "software", "suite", "edition"]
_NONE = "–"
_REPORT = Path(__file__).parents[1] / "report"
STYLES = (_REPORT / "style.css", _REPORT / "criteria.css", Path(__file__).with_name("diff.css"))
SCRIPT = _REPORT / "script.js"


class Change(Struct, frozen=True, kw_only=True):
    """One thing that isn't the same on both sides."""

    about: About
    name: str
    before: str
    after: str
    moved: str = ""
    """By how much the figures that differ moved, where both sides say them alike."""


class Side(Struct, frozen=True, kw_only=True):
    """What of one side is compared: its claims, its subjects, and who vouches for it."""

    name: str
    signed: str
    claims: dict[str, Judgement]
    subjects: tuple[Subject, ...]
    suites: tuple[str, ...]
    editions: tuple[str, ...]


class Diff(Struct, frozen=True, kw_only=True):
    """Both sides, and what changed from the first to the second."""

    before: Side
    after: Side
    changes: tuple[Change, ...]


def read_side(path: Path) -> Side:
    """Return a bundle's, or a folder's, claims and subjects."""
    store = Store.existing(path)
    if store.bundle is not None:
        runs, words = runs_of(store.bundle), who_signed(store.bundle).words
    else:
        files = sorted((path / FOLDER).glob("*.json"))
        runs = tuple(decode_canonical(file.read_bytes(), Run, where=file) for file in files)
        words = "a folder, which nobody can sign"
    begun = [entry for chain in store.chains for entry in chain.of_type.get("begin", ())]
    return Side(
        name=path.name,
        signed=words,
        claims=claims(runs),
        subjects=store.subjects(),
        suites=tuple(sorted({run.suite.words for run in runs})),
        editions=tuple(
            sorted({f"{e.body['spec']['edition']} {e.body['edition'][:12]}" for e in begun})
        ),
    )


def compare(before: Path, after: Path) -> Diff:
    """Return what changed from one side to the other."""
    one, two = read_side(before), read_side(after)
    criteria = sorted(
        _verdicts(one.claims, two.claims), key=lambda change: change.about != "verdict"
    )
    changes = (
        *criteria,
        *_listed("device", "device", *(_devices(side.subjects) for side in (one, two))),
        *_software(one.subjects, two.subjects),
        *_listed("suite", "pytest-ernie", one.suites, two.suites),
        *_listed("edition", "edition", one.editions, two.editions),
    )
    return Diff(before=one, after=two, changes=changes)


def _verdicts(before: Mapping[str, Judgement], after: Mapping[str, Judgement]) -> Iterator[Change]:
    for name in sorted(before.keys() | after.keys()):
        one, two = (side[name].verdict if name in side else None for side in (before, after))
        words = [verdict.word.value if verdict else _NONE for verdict in (one, two)]
        figures = [verdict.measured if verdict else _NONE for verdict in (one, two)]
        moved = how_much(figures[0], figures[1])
        if words[0] != words[1]:
            shown = [f"{word}: {figure}" for word, figure in zip(words, figures, strict=True)]
            yield Change(about="verdict", name=name, before=shown[0], after=shown[1], moved=moved)
        elif figures[0] != figures[1]:
            yield Change(
                about="figure", name=name, before=figures[0], after=figures[1], moved=moved
            )


_FIGURE = re.compile(r"[-−+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


def how_much(before: str, after: str) -> str:
    """
    Return by how much each figure moved that isn't the same in both texts; nothing if they differ in words.

    >>> how_much("400 tok/s = 50.0 %", "500 tok/s = 62.5 %")
    '+100 (+25.0%), +12.5 (+25.0%)'
    """
    if _FIGURE.sub("", before) != _FIGURE.sub("", after):
        return ""
    pairs = [
        tuple(float(figure.replace("−", "-")) for figure in both)
        for both in zip(_FIGURE.findall(before), _FIGURE.findall(after), strict=True)
    ]
    return ", ".join(
        f"{new - old:+.4g}" + (f" ({(new - old) / abs(old):+.1%})" if old else "")
        for old, new in pairs
        if new != old
    )


def _devices(subjects: Iterable[Subject]) -> tuple[str, ...]:
    told = {
        ", ".join(f"{key} {subject.device[key]}" for key in sorted(subject.device))
        for subject in subjects
    }
    return tuple(sorted(told))


def _software(before: Iterable[Subject], after: Iterable[Subject]) -> Iterator[Change]:
    """Compare the digests of installed files and weights, by what they were used for."""
    one, two = _digests(before), _digests(after)
    for name in sorted(one.keys() | two.keys()):
        yield from _listed("software", name, sorted(one.get(name, ())), sorted(two.get(name, ())))


def _digests(subjects: Iterable[Subject]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for subject in subjects:
        launch = subject.launch
        used = launch.get("trainer") or launch.get("engine") or launch.get("endpoint") or "software"
        kind = f"{used} {launch.get('model', '')} {launch.get('datatype', '')}".strip()
        for label, digest in (("files", subject.toolchain), ("weights", subject.checkpoint)):
            if digest:
                found.setdefault(f"{kind}: {label}", set()).add(digest[:16])
    return found


def _listed(
    about: About, name: str, before: Iterable[str], after: Iterable[str]
) -> Iterator[Change]:
    one, two = "; ".join(before) or _NONE, "; ".join(after) or _NONE
    if one != two:
        yield Change(about=about, name=name, before=one, after=two)


def as_html(diff: Diff, lang: str = "en") -> str:
    """Return one self-contained page: nothing loaded, every foreign text escaped, and no script of others."""
    title = "Two bundles of evidence"
    sides = "".join(
        f"<dt>{both(place)}</dt><dd>{html(side.name, 200)}<br>{told(side.signed, 400)}</dd>"
        for place, side in (("before", diff.before), ("after", diff.after))
    )
    chosen = "ernie-zh" if lang == "zh" else ""
    style = "".join(path.read_text(encoding="utf-8") for path in STYLES)
    explained = both(
        "Verdicts and figures are those that the bundles claim; pytest-ernie verify derives them anew."
    )
    return (
        f'<!doctype html><html lang="{lang}" class="{chosen}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{either(title)}</title><style>{style}</style></head><body>"
        f'<main id="ernie" class="ernie {chosen}"><nav class="ernie-nav">{LANGUAGE_BUTTON}</nav>'
        f"<h1>{both(title)}</h1><p>{explained}</p><dl>{sides}</dl>{_table(diff.changes)}</main>"
        f"<script>{SCRIPT.read_text(encoding='utf-8')}</script></body></html>\n"
    )


COLUMNS = ("what", "of", "before", "after", "change")


def _table(changes: tuple[Change, ...]) -> str:
    if not changes:
        return f"<p>{both('Nothing changed.')}</p>"
    heads = "".join(f'<th scope="col">{both(column)}</th>' for column in COLUMNS)
    rows = "".join(
        f'<tr><td>{both(c.about)}</td><th scope="row">{html(c.name, 200)}</th>{_cell(c, c.before)}'
        f'{_cell(c, c.after)}<td class="diff-moved">{html(c.moved)}</td></tr>'
        for c in changes
    )
    return (
        f'<table class="diff-changes"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'
    )


def _cell(change: Change, text: str) -> str:
    """A verdict's word as the report shows it; everything else as it was written."""
    word, _, figure = text.partition(": ")
    if change.about == "verdict" and word in list(Word):
        return f"<td>{word_of(Word(word))} {told(figure, 600)}</td>"
    return f"<td>{told(text, 600)}</td>"


def print_table(diff: Diff) -> None:
    """Print the changes as a table."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from pytest_ernie.report.text import line

    console = Console()
    for place, side in (("before", diff.before), ("after", diff.after)):
        console.print(Text(line(f"{place}: {side.name} - {side.signed}")))
    if not diff.changes:
        console.print("Nothing changed.")
        return
    table = Table(*COLUMNS)
    for change in diff.changes:
        cells = (change.about, change.name, change.before, change.after, change.moved)
        table.add_row(*(Text(line(cell, 400)) for cell in cells))
    console.print(table)
