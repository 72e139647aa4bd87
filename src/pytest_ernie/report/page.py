"""
The certification section of the HTML report: pure functions from judgements to HTML.

Whatever comes from a model, a log or a file name goes through ``text.html`` or ``words.told``, never in
as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

from msgspec import Struct

from pytest_ernie.bundles.signing import Signed
from pytest_ernie.evidence import Subject
from pytest_ernie.report.details import Sources, model_details
from pytest_ernie.report.grid import model_table, word_class
from pytest_ernie.report.matrix import Matrix, TierResult
from pytest_ernie.report.overview import certificate_matrix, headline, missing
from pytest_ernie.report.pictures import Picture
from pytest_ernie.report.text import html
from pytest_ernie.report.tiers_plot import TierBar, tier_bars
from pytest_ernie.report.words import LANGUAGE_BUTTON, both, either, pair, told
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

    @property
    def synthetic(self) -> bool:
        """Whether a device says of itself that it doesn't exist."""
        return any(subject.device.get("synthetic") for subject in self.subjects)


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
    sources: Sources = {}
    lang: str = "en"


def section(page: Page) -> str:
    """Return the whole section; it needs no script to be read, and loads nothing."""
    anchors = {row.criterion.name: f"c{n}" for n, row in enumerate(page.matrix.rows, start=1)}
    models = [model.name for model in page.matrix.edition.models]
    warnings = _warnings(page)
    chosen = " ernie-zh" if page.lang == "zh" else ""
    parts = (
        # pytest-html's own head has no viewport; browsers take it from the body as well.
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<section id="ernie" class="ernie{chosen}" lang="en" '
        f'aria-label="{either("Self-assessment")}">',
        _stamp(warnings),
        _navigation(models),
        *(banner for _, banner in warnings),
        _head(page),
        certificate_matrix(page.matrix),
        missing(page.matrix, anchors),
        _tiers(page.matrix),
        *(_model(page, model, n, anchors) for n, model in enumerate(models, start=1)),
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


def _navigation(models: list[str]) -> str:
    links = [
        ("#ernie-by-model", both("Tiers by model")),
        ("#ernie-missing", both("Missing")),
    ]
    links += [(f"#ernie-model-{n}", html(model)) for n, model in enumerate(models, start=1)]
    links += [("#ernie-facts", both("Facts")), ("#results-table", both("All results"))]
    items = "".join(f'<a href="{target}">{text}</a>' for target, text in links)
    return (
        f'<nav class="ernie-nav" aria-label="{either("Sections")}">{items}{LANGUAGE_BUTTON}</nav>'
    )


def _warnings(page: Page) -> list[tuple[str, str]]:
    """
    Return a few words for every printed page, and the banner, for whatever keeps this report from being more.

    The gravest comes first (R14, R16).
    """
    edition, found = page.matrix.edition, []
    sides = [page.candidate, *([page.reference] if page.reference else [])]
    if any(side.synthetic for side in sides):
        text = both(
            "These figures were made up by a script to show what a report looks like. No device was "
            "measured."
        )
        found.append(("Synthetic data", _banner("ernie-alarm", "Synthetic data", text)))
    if not edition.certifies:
        items = "".join(f"<li>{told(text)}</li>" for text in edition.scaled)
        text = both("Nothing in this report can certify. What differs from the standard:")
        banner = _banner("ernie-alarm", "Rehearsal", text, f"<ul>{items}</ul>")
        found.append(("Rehearsal", banner))
    if page.recording:
        text = both(
            "This run records a reference. Nothing was compared, so nothing passes or fails."
        )
        found.append(("Reference", _banner("ernie-notice", "Reference", text)))
    elif page.reference is None:
        text = both("No reference was given. What must be compared with one is INCONCLUSIVE.")
        found.append(("No reference", _banner("ernie-notice", "No reference", text)))
    elif other := _other_hardware(page.reference, edition.rulings.reference.hardware):
        wanted = " or ".join(edition.rulings.reference.hardware)
        text = (
            f'<span class="t-en">The reference was recorded on {html(other)}, not on '
            f"{escape(wanted)}: good for bring-up, but nothing compared with it can certify (R14)."
            f'</span><span class="t-zh" lang="zh">基准在 {html(other)} 上录制，而非 '
            f"{escape(wanted.replace(' or ', '/'))}：可用于调试，但与其比较的结果不能用于认证（R14）。</span>"
        )
        found.append(("Other reference", _banner("ernie-alarm", "Other reference", text)))
    elif edition.certifies and not (page.reference.signed and page.reference.signed.trusted):
        text = both(
            "No key of the edition's trust list signed the reference: good for comparing, but nothing "
            "compared with it can certify (R14)."
        )
        found.append(("Untrusted reference", _banner("ernie-alarm", "Untrusted reference", text)))
    if page.candidate.signed is not None and not page.candidate.signed.is_good:
        text = told(page.candidate.signed.words)
        found.append(("Unsigned evidence", _banner("ernie-alarm", "Unsigned evidence", text)))
    found.append(("Self-assessment", ""))
    return found


def _stamp(warnings: list[tuple[str, str]]) -> str:
    """
    Return the words that stand at the foot of every printed page, in both languages.

    They are words of ours; a box in the page's margin is the only thing that repeats without
    covering a line.
    """
    words = " · ".join(either(word) for word in dict.fromkeys(word for word, _ in warnings))
    return f'<style id="ernie-stamp">@page {{ @bottom-center {{ content: "{words}" }} }}</style>'


def _banner(kind: str, word: str, text: str, more: str = "") -> str:
    return (
        f'<div class="ernie-banner {kind}" role="note"><strong>{both(word)}</strong>'
        f"<div><p>{text}</p>{more}</div></div>"
    )


def _other_hardware(reference: Side, hardware: Iterable[str]) -> str | None:
    names = {str(subject.device.get("name", "an unnamed device")) for subject in reference.subjects}
    other = sorted(name for name in names if not any(part in name for part in hardware))
    return ", ".join(other) or None


def _head(page: Page) -> str:
    """The verdict in one sentence, and one for each tier that was asked for."""
    matrix = page.matrix
    models = [model.name for model in matrix.edition.models]
    tiers = matrix.asked_tiers()
    if len(models) == 1:
        results = [matrix.tier(models[0], tier) for tier in tiers]
        sentences = "".join(
            f'<li class="{word_class(result.word)}">{_tier_sentence(result)}</li>'
            for result in results
        )
    else:
        sentences = "".join(_tier_of_all(matrix, models, tier) for tier in tiers)
    who = both(
        "This is the applicant's own run. Only the certifying body can certify (R16). "
        "Reinforcement learning is UNSPECIFIED by the standard."
    )
    return (
        f'<header class="ernie-head"><p class="ernie-kind">{both("Self-assessment")}</p>'
        f'<h2 lang="zh">{html(matrix.edition.title)}</h2>'
        f'<p class="ernie-headline">{headline(matrix)}</p>'
        f'<ul class="ernie-sentences">{sentences}</ul><p>{who}</p>{_unasked(matrix)}</header>'
    )


def _unasked(matrix: Matrix) -> str:
    total = len(matrix.rows)
    unasked = sum(row.node is None for row in matrix.rows)
    if not unasked:
        return ""
    text = pair(
        f"{unasked} of the {total} criteria were not part of this run: NOT RUN.",
        f"{total} 项判据中有 {unasked} 项不在本次运行之列：未运行。",
    )
    return f'<p class="ernie-quiet">{text}</p>'


def _tier_of_all(matrix: Matrix, models: list[str], tier: int) -> str:
    words = [matrix.tier(model, tier).word for model in models]
    passed = words.count(Word.PASS)
    word = next((word for word in words if word is not Word.PASS), Word.PASS)
    roman = "I" * tier
    text = pair(
        f"Tier {roman}: {passed} of {len(models)} models pass every criterion.",
        f"{roman} 级：{len(models)} 个模型中 {passed} 个通过全部判据。",
    )
    return f'<li class="{word_class(Word.FAIL if Word.FAIL in words else word)}">{text}</li>'


def _tier_sentence(result: TierResult) -> str:
    """``Tier I: 9 of 13 criteria pass; 2 fail; 2 inconclusive.``"""
    counts, roman, total = result.counts, "I" * result.tier, len(result.rows)
    passed = counts.get(Word.PASS, 0)
    rest = {word: count for word, count in counts.items() if word is not Word.PASS}
    english = [f"{passed} of {total} criteria pass"]
    english += [f"{count} {_verb(word, count)}" for word, count in rest.items()]
    chinese = [f"{total} 项判据中 {passed} 项通过"]
    chinese += [f"{count} 项{_CHINESE[word]}" for word, count in rest.items()]
    return pair(f"Tier {roman}: {'; '.join(english)}.", f"{roman} 级：{'；'.join(chinese)}。")


_CHINESE = {
    Word.FAIL: "未通过",
    Word.INCONCLUSIVE: "无法判定",
    Word.NOT_RUN: "未运行",
    Word.RECORDED: "已记录",
}


def _verb(word: Word, count: int) -> str:
    if word is Word.FAIL:
        return "fails" if count == 1 else "fail"
    return str(word.value).lower()


def _tiers(matrix: Matrix) -> str:
    bars = []
    for model in matrix.edition.models:
        for tier in matrix.edition.tiers:
            result = matrix.tier(model.name, tier.number)
            counts = result.counts
            known = [counts.get(w, 0) for w in (Word.PASS, Word.FAIL, Word.INCONCLUSIVE)]
            rest = len(result.rows) - sum(known)
            parts = (known[0], known[1], known[2], rest)
            bars.append(TierBar(model=model.name, tier=tier.number, counts=parts))
    heading = both("Criteria that pass, by model and tier")
    return (
        f'<figure class="ernie-bars"><figcaption>{heading}</figcaption>'
        f'<div class="ernie-picture">{tier_bars(bars)}</div></figure>'
    )


def _model(page: Page, model: str, place: int, anchors: Mapping[str, str]) -> str:
    own = [picture for picture in page.pictures if picture.model in (model, "")]
    return (
        f'<div class="ernie-model"><h3 id="ernie-model-{place}" tabindex="-1">{html(model)}</h3>'
        f"{model_table(page.matrix, model, anchors)}"
        f"{model_details(page.matrix, model, place, anchors, page.sources)}"
        f"{_gallery(own)}</div>"
    )


def _gallery(pictures: list[Picture]) -> str:
    drawn = [
        f"<figure><figcaption>{told(picture.heading)}</figcaption>"
        f'<div class="ernie-picture">{picture.svg}</div>{_remark(picture.remark)}</figure>'
        for picture in pictures
        if picture.svg is not None
    ]
    missing = [
        f"<li>{told(picture.heading)}: {told(picture.remark, 400)}</li>"
        for picture in pictures
        if picture.svg is None
    ]
    if not drawn and not missing:
        return ""
    text = f"<h4>{both('Pictures')}</h4>"
    if drawn:
        text += f'<div class="ernie-gallery">{"".join(drawn)}</div>'
    if missing:
        text += f'<p>{both("Not drawn:")}</p><ul class="ernie-quiet">{"".join(missing)}</ul>'
    return text


def _remark(text: str) -> str:
    return f'<p class="ernie-quiet">{told(text, 400)}</p>' if text else ""


def _facts(page: Page) -> str:
    edition = page.matrix.edition
    run = {
        "edition": f"{edition.name} {page.edition_digest[:SHOWN_OF_DIGEST]}",
        "source": edition.source,
        "suite": f"pytest-ernie {page.suite}",
        "rulings": "docs/interpretations.md",
    }
    none = Side(folder="–", remark="none was given")
    return (
        f'<h3 id="ernie-facts">{both("Facts")}</h3><div class="ernie-facts">'
        f"{_card('Candidate', page.candidate)}"
        f"{_card('Reference', page.reference or none)}"
        f"<div><h4>{both('Standard')}</h4>{_list(run)}</div></div>"
    )


def _card(heading: str, side: Side) -> str:
    """One side: each device with its facts once, below it each software state measured on it."""
    text = f"<h4>{both(heading)}</h4>"
    if side.remark:
        text += f"<p>{told(side.remark)}</p>"
    by_device: dict[str, list[Subject]] = {}
    for subject in side.subjects:
        by_device.setdefault(repr(sorted(subject.device.items())), []).append(subject)
    if len(by_device) > 1:
        count = len(by_device)
        several = pair(
            f"This evidence comes from {count} devices.", f"这份证据来自 {count} 种设备。"
        )
        text += f"<p><strong>{several}</strong></p>"
    for subjects in by_device.values():
        text += _list(_device_in_words(subjects[0].device))
        states = dict.fromkeys(_software(subject) for subject in subjects)
        text += "<ul>" + "".join(f"<li>{state}</li>" for state in states) + "</ul>"
    evidence = {"evidence": side.folder}
    if side.suite:
        evidence["begun by"] = f"pytest-ernie {side.suite}"
    if side.signed:
        evidence["signature"] = side.signed.words
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
    if "model" in launch:
        parts.append(html(str(launch["model"]), 80))
    if "datatype" in launch:
        parts.append(html(str(launch["datatype"]).upper(), 40))
    for label, digest in (("toolchain", subject.toolchain), ("weights", subject.checkpoint)):
        if digest:
            parts.append(f"{both(label)} <code>{html(digest[:SHOWN_OF_DIGEST])}</code>")
    return ", ".join(parts)


def _list(facts: Mapping[str, str]) -> str:
    rows = (f"<dt>{told(name, 80)}</dt><dd>{told(text, 300)}</dd>" for name, text in facts.items())
    return f"<dl>{''.join(rows)}</dl>"
