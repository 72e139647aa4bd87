"""
The certification section of the HTML report: pure functions from judgements to HTML.

Whatever comes from a model, a log or a file name goes through ``text.html``, never in as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

from msgspec import Struct

from pytest_ernie.bundles.signing import Signed
from pytest_ernie.evidence import Subject
from pytest_ernie.report.details import details
from pytest_ernie.report.grid import model_table, word_class, word_of
from pytest_ernie.report.matrix import Matrix, TierResult
from pytest_ernie.report.pictures import Picture
from pytest_ernie.report.text import html
from pytest_ernie.verdicts import Word

SHOWN_OF_DIGEST = 12
"""Hexadecimal digits of a digest that a person compares."""

_PLACE = {"name": 0, "count": 1, "memory_gib": 2, "driver": 3, "machine": 4}
"""Facts of a device that a reader looks for first; evidence keeps them in alphabetical order."""


class Side(Struct, frozen=True, kw_only=True):
    """
    Whose evidence was judged. ``subjects`` are the devices and software states that it holds.

    ``remark`` says why there is nothing to show, where there isn't.
    """

    folder: str
    subjects: tuple[Subject, ...] = ()
    suite: str | None = None
    """Version of this suite that began the evidence."""
    remark: str = ""
    signed: Signed | None = None
    """Who vouches for it; None for a folder that this run itself writes."""


class Page(Struct, frozen=True, kw_only=True):
    """Everything that the section says."""

    matrix: Matrix
    edition_digest: str
    suite: str
    candidate: Side
    reference: Side | None
    recording: bool = False
    """This run makes a reference; nothing is compared."""
    pictures: tuple[Picture, ...] = ()


def section(page: Page) -> str:
    """Return the whole section; it stands alone, needs no script and loads nothing."""
    anchors = {row.criterion.name: f"c{n}" for n, row in enumerate(page.matrix.rows, start=1)}
    models = [model.name for model in page.matrix.edition.models]
    parts = (
        # pytest-html's own head has no viewport; browsers take it from the body as well.
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<section id="ernie" class="ernie" lang="en" aria-label="Self-assessment">',
        *_banners(page),
        _verdict(page),
        *(
            f'<h3 id="ernie-model-{place}">{html(model)}</h3>'
            f"{model_table(page.matrix, model, anchors)}"
            for place, model in enumerate(models, start=1)
        ),
        details(page.matrix, anchors),
        _gallery(page.pictures),
        _facts(page),
        "</section>",
    )
    return "\n".join(part for part in parts if part)


def broken(error: BaseException) -> str:
    """Return the section of a report that couldn't be written, so that the rest of it survives."""
    reason = html(f"{type(error).__name__}: {error}")
    return (
        '<section id="ernie" class="ernie" lang="en"><div class="ernie-banner ernie-alarm">'
        f"<strong>This report is incomplete.</strong> <p>{reason}</p>"
        "<p>The verdicts are in the terminal and the measurements in the evidence.</p>"
        "</div></section>"
    )


def _banners(page: Page) -> list[str]:
    edition = page.matrix.edition
    banners = []
    if not edition.certifies:
        items = "".join(f"<li>{html(text)}</li>" for text in edition.scaled)
        banners.append(
            _banner(
                "ernie-alarm",
                "Rehearsal",
                "Nothing in this report can certify. What differs from the standard:",
                f"<ul>{items}</ul>",
            )
        )
    if page.recording:
        text = "This run records a reference. Nothing was compared, so nothing passes or fails."
        banners.append(_banner("ernie-notice", "Reference", text))
    elif page.reference is None:
        text = "No reference was given. What must be compared with one is INCONCLUSIVE."
        banners.append(_banner("ernie-notice", "No reference", text))
    elif other := _other_hardware(page.reference, edition.rulings.reference.hardware):
        text = (
            f"The reference was recorded on {html(other)}, not on "
            f"{escape(' or '.join(edition.rulings.reference.hardware))}: good for bring-up, but "
            "nothing compared with it can certify (R14)."
        )
        banners.append(_banner("ernie-alarm", "Other reference", text))
    elif edition.certifies and not (page.reference.signed and page.reference.signed.trusted):
        text = (
            "No key of the edition's trust list signed the reference: good for comparing, but nothing "
            "compared with it can certify (R14)."
        )
        banners.append(_banner("ernie-alarm", "Untrusted reference", text))
    if page.candidate.signed is not None and not page.candidate.signed.is_good:
        text = html(page.candidate.signed.words)
        banners.append(_banner("ernie-alarm", "Unsigned evidence", text))
    return banners


def _banner(kind: str, word: str, text: str, more: str = "") -> str:
    return (
        f'<div class="ernie-banner {kind}" role="note"><strong>{escape(word)}</strong>'
        f"<div><p>{text}</p>{more}</div></div>"
    )


def _other_hardware(reference: Side, hardware: Iterable[str]) -> str | None:
    names = {str(subject.device.get("name", "an unnamed device")) for subject in reference.subjects}
    other = sorted(name for name in names if not any(part in name for part in hardware))
    return ", ".join(other) or None


def _verdict(page: Page) -> str:
    """One sentence for each tier that was asked for; of several models, a line each."""
    matrix = page.matrix
    models = [model.name for model in matrix.edition.models]
    tiers = matrix.asked_tiers()
    if len(models) == 1:
        results = [matrix.tier(models[0], tier) for tier in tiers]
        sentences = "".join(
            f'<li class="{word_class(result.word)}">Tier {"I" * result.tier}: '
            f"{escape(_sentence(result))}.</li>"
            for result in results
        )
        overview = ""
    else:
        sentences = "".join(_tier_of_all(matrix, models, tier) for tier in tiers)
        overview = _overview(matrix, models, tiers)
    return (
        '<header class="ernie-head"><p class="ernie-kind">Self-assessment</p>'
        f'<h2 lang="zh">{html(matrix.edition.title)}</h2>'
        f'<ul class="ernie-sentences">{sentences}</ul>{overview}'
        "<p>This is the applicant's own run. Only the certifying body can certify (R16). "
        "Reinforcement learning is UNSPECIFIED by the standard.</p></header>"
    )


def _tier_of_all(matrix: Matrix, models: list[str], tier: int) -> str:
    words = [matrix.tier(model, tier).word for model in models]
    passed = words.count(Word.PASS)
    word = next((word for word in words if word is not Word.PASS), Word.PASS)
    return (
        f'<li class="{word_class(Word.FAIL if Word.FAIL in words else word)}">Tier {"I" * tier}: '
        f"{passed} of {len(models)} models pass every criterion.</li>"
    )


def _overview(matrix: Matrix, models: list[str], tiers: tuple[int, ...]) -> str:
    heads = "".join(f'<th scope="col">Tier {"I" * tier}</th>' for tier in tiers)
    lines = ""
    for place, model in enumerate(models, start=1):
        results = [matrix.tier(model, tier) for tier in tiers]
        cells = "".join(
            f'<td data-tier="Tier {"I" * result.tier}">{word_of(result.word)} '
            f'<span class="ernie-quiet">{escape(_sentence(result))}</span></td>'
            for result in results
        )
        name = f'<a href="#ernie-model-{place}">{html(model)}</a>'
        lines += f'<tbody><tr><th scope="row">{name}</th>{cells}</tr></tbody>'
    return (
        '<table class="ernie-matrix ernie-overview"><caption>Every model, by tier</caption>'
        f'<thead><tr><th scope="col">Model</th>{heads}</tr></thead>{lines}</table>'
    )


def _sentence(result: TierResult) -> str:
    """``9 of 13 criteria pass; 2 fail; 2 inconclusive``."""
    counts = result.counts
    passed = counts.get(Word.PASS, 0)
    rest = [
        f"{count} {_verb(word, count)}" for word, count in counts.items() if word is not Word.PASS
    ]
    return "; ".join([f"{passed} of {len(result.rows)} criteria pass", *rest])


def _verb(word: Word, count: int) -> str:
    if word is Word.FAIL:
        return "fails" if count == 1 else "fail"
    return str(word.value).lower()


def _gallery(pictures: tuple[Picture, ...]) -> str:
    drawn = [
        f"<figure><figcaption>{html(picture.heading)}</figcaption>"
        f'<div class="ernie-picture">{picture.svg}</div>{_remark(picture.remark)}</figure>'
        for picture in pictures
        if picture.svg is not None
    ]
    missing = [
        f"<li>{html(picture.heading)}: {html(picture.remark, 400)}</li>"
        for picture in pictures
        if picture.svg is None
    ]
    if not drawn and not missing:
        return ""
    text = '<h3 id="ernie-pictures">Pictures</h3>'
    if drawn:
        text += f'<div class="ernie-gallery">{"".join(drawn)}</div>'
    if missing:
        text += f'<p>Not drawn:</p><ul class="ernie-quiet">{"".join(missing)}</ul>'
    return text


def _remark(text: str) -> str:
    return f'<p class="ernie-quiet">{html(text, 400)}</p>' if text else ""


def _facts(page: Page) -> str:
    edition = page.matrix.edition
    run = {
        "edition": f"{edition.name} {page.edition_digest[:SHOWN_OF_DIGEST]}",
        "source": edition.source,
        "suite": f"pytest-ernie {page.suite}",
    }
    return (
        '<h3 id="ernie-facts">Facts</h3><div class="ernie-facts">'
        f"{_card('Candidate', page.candidate)}"
        f"{_card('Reference', page.reference or Side(folder='–', remark='none was given'))}"
        f"<div><h4>Standard</h4>{_list(run)}</div></div>"
    )


def _card(heading: str, side: Side) -> str:
    """One side: each device with its facts once, below it each software state measured on it."""
    text = f"<h4>{escape(heading)}</h4>"
    if side.remark:
        text += f"<p>{html(side.remark)}</p>"
    by_device: dict[str, list[Subject]] = {}
    for subject in side.subjects:
        by_device.setdefault(repr(sorted(subject.device.items())), []).append(subject)
    if len(by_device) > 1:
        text += f"<p><strong>This evidence comes from {len(by_device)} devices.</strong></p>"
    for subjects in by_device.values():
        text += _list(_device_in_words(subjects[0].device))
        states = dict.fromkeys(_software(subject) for subject in subjects)
        text += "<ul>" + "".join(f"<li>{state}</li>" for state in states) + "</ul>"
    evidence = {"evidence": side.folder}
    if side.signed:
        evidence["signature"] = side.signed.words
    if side.suite:
        evidence["begun by"] = f"pytest-ernie {side.suite}"
    return f"<div>{text}{_list(evidence)}</div>"


def _device_in_words(device: Mapping[str, object]) -> dict[str, str]:
    words = {}
    for name in sorted(device, key=lambda name: _PLACE.get(name, len(_PLACE))):
        label, unit = ("memory", " GiB") if name == "memory_gib" else (name.replace("_", " "), "")
        words[label] = f"{device[name]}{unit}"
    return words


def _software(subject: Subject) -> str:
    """What ran, with the digests that tell one state of it from another."""
    launch = subject.launch
    what = launch.get("trainer") or launch.get("engine") or launch.get("endpoint") or "software"
    parts = [f"<b>{html(str(what), 200)}</b>"]
    if "datatype" in launch:
        parts.append(html(str(launch["datatype"]).upper(), 40))
    for label, digest in (("toolchain", subject.toolchain), ("weights", subject.checkpoint)):
        if digest:
            parts.append(f"{label} <code>{html(digest[:SHOWN_OF_DIGEST])}</code>")
    return ", ".join(parts)


def _list(facts: Mapping[str, str]) -> str:
    rows = (f"<dt>{html(name, 80)}</dt><dd>{html(text, 300)}</dd>" for name, text in facts.items())
    return f"<dl>{''.join(rows)}</dl>"
