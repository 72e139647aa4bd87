"""
One printed page for a model and a tier: a certificate where everything holds and the certifying body's key
signed the evidence (R14, R16), else a self-assessment that says what is missing.

Pure: what is known of a bundle comes in as ``Case``.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path

from msgspec import Struct

from pytest_ernie.bundles.signing import Signed
from pytest_ernie.evidence import Subject
from pytest_ernie.outcomes import Judgement
from pytest_ernie.report.grid import word_of
from pytest_ernie.report.matrix import TierResult, matrix
from pytest_ernie.report.overview import ROMAN, SCOPES, within
from pytest_ernie.report.text import html
from pytest_ernie.report.words import both, pair, told
from pytest_ernie.standard import Edition
from pytest_ernie.verdicts import Word

STYLES = tuple(
    Path(__file__).with_name(n) for n in ("style.css", "criteria.css", "certificate.css")
)
PHASES = ("training", "inference")


class Case(Struct, frozen=True, kw_only=True):
    """
    Everything that a certificate rests on. ``problems`` are what verifying the bundle and the reference
    found, a sentence each, the words of single criteria left out.
    """

    edition: Edition
    edition_digest: str
    edition_is_shipped: bool
    model: str
    tier: int
    scope: str
    """training, inference, or both."""
    judgements: tuple[Judgement, ...]
    """Derived anew from the bundle's raw evidence."""
    bundle_digest: str
    signed: Signed
    """By keys of the edition's trust list, and by no others."""
    subjects: tuple[Subject, ...]
    reference_digest: str | None
    reference_signed: Signed | None
    reference_subjects: tuple[Subject, ...] = ()
    problems: tuple[str, ...] = ()
    challenge: str | None = None
    suite: str = ""
    date: str = ""

    @property
    def result(self) -> TierResult:
        """The criteria of the model, the tier and the scope; NOT RUN where there is no verdict."""
        whole = matrix(self.edition, self.judgements).tier(self.model, self.tier)
        if self.scope == "both":
            return whole
        rows = tuple(r for r in whole.rows if r.criterion.clause.startswith(self.scope))
        return TierResult(model=whole.model, tier=whole.tier, rows=rows)


def lacking(case: Case) -> tuple[str, ...]:
    """Return each reason why this is no certificate; empty if it is one."""
    reasons = []
    rule, result = case.edition.rulings.reference, case.result
    if not case.edition.certifies:
        reasons.append(f"the edition {case.edition.name} doesn't certify: it is a rehearsal")
    if any(s.device.get("synthetic") for s in (*case.subjects, *case.reference_subjects)):
        reasons.append("the evidence says of itself that it is synthetic")
    if not result.rows:
        reasons.append("the edition has no criteria for this model, tier and scope")
    if not (case.signed.is_good and case.signed.trusted):
        reasons.append("the certifying body's key hasn't signed this evidence")
    if case.reference_digest is None:
        reasons.append("there is no bundle of a reference to compare with")
    elif case.reference_signed is None or not (
        case.reference_signed.is_good and case.reference_signed.trusted
    ):
        reasons.append("no key of the edition's trust list signed the reference")
    names = [str(s.device.get("name", "")) for s in case.reference_subjects]
    if not names or not all(any(part in name for part in rule.hardware) for name in names):
        reasons.append(f"the reference wasn't recorded on {' or '.join(rule.hardware)}")
    wanting = [row for row in result.rows if row.verdict.word is not Word.PASS]
    reasons += [f"{row.criterion.name} is {row.verdict.word.value}" for row in wanting]
    return (*reasons, *case.problems)


def page(case: Case, lang: str = "en") -> str:
    """Return the whole document: one file, no script, nothing to load, one page of A4."""
    reasons = lacking(case)
    title = "Certificate" if not reasons else "Self-assessment"
    styles = "".join(path.read_text(encoding="utf-8") for path in STYLES)
    body = _certificate(case) if not reasons else _self_assessment(case, reasons)
    chosen = "ernie ernie-sheet" + (" ernie-zh" if lang == "zh" else "")
    return (
        f'<!DOCTYPE html><html lang="{lang}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}: {escape(case.model)}, {ROMAN[case.tier]}</title>"
        f"<style>{styles}</style></head><body>"
        f'<main class="{chosen}">{_head(case, title)}{body}{_foot(case)}</main></body></html>'
    )


def _head(case: Case, title: str) -> str:
    datatype = case.edition.tier(case.tier).datatype.upper()
    roman = ROMAN[case.tier]
    scope = both(
        {"both": "Training and inference", "training": "Training", "inference": "Inference"}[
            case.scope
        ]
    )
    return (
        f'<header><p class="sheet-kind">{both(title)}</p>'
        f'<h1 lang="zh">{html(case.edition.title)}</h1>'
        f'<p class="sheet-what"><b>{html(case.model)}</b><span class="sheet-tier">'
        f"{pair(f'Tier {roman}', f'{roman} 级')}</span>"
        f"<span>{scope} · {html(datatype)}</span></p></header>"
    )


def _certificate(case: Case) -> str:
    count = len(case.result.rows)
    names = ", ".join(case.signed.trusted.values())
    text = pair(
        f"Every one of the {count} criteria of this tier was derived anew from signed evidence, and is "
        f"PASS. Signed by {names}.",
        f"本级别的 {count} 项判据均由已签名的证据重新推导，全部通过。签名者：{names}。",
    )
    return f'<p class="sheet-verdict">{text}</p>{_foreign(case)}{_clauses(case)}{_devices(case)}'


def _foreign(case: Case) -> str:
    """Whoever writes an edition chooses its thresholds and its keys, so a reader must see whose it is."""
    if case.edition_is_shipped:
        return ""
    text = both(
        "Judged by an edition that this suite doesn't ship: compare its digest with the one that the "
        "certifying body publishes."
    )
    return f'<p class="sheet-verdict sheet-open">{text}</p>'


MOST_REASONS = 12


def _self_assessment(case: Case, reasons: tuple[str, ...]) -> str:
    text = both(
        "This is no certificate. It becomes one when all of this is mended and the certifying body has "
        "signed the evidence (R16):"
    )
    items = "".join(f"<li>{told(reason, 240)}</li>" for reason in reasons[:MOST_REASONS])
    more = len(reasons) - MOST_REASONS
    rest = f"<li>{pair(f'and {more} more', f'另有 {more} 项')}</li>" if more > 0 else ""
    return (
        f'<p class="sheet-verdict sheet-open">{text}</p><ul class="sheet-missing">{items}{rest}</ul>'
        f"{_clauses(case)}{_devices(case)}"
    )


def _clauses(case: Case) -> str:
    """A line for each scope and clause: how many criteria, and the worst word of them."""
    lines = ""
    for scope in SCOPES:
        part = within(case.result, scope)
        for clause in case.edition.clauses:
            rows = part.of_clause(clause.id)
            if not rows:
                continue
            word = TierResult(model=case.model, tier=case.tier, rows=rows).word
            passed = sum(row.verdict.word is Word.PASS for row in rows)
            lines += (
                f'<tr><th scope="row">{both(scope.title)}</th><td lang="zh">{html(clause.text)}</td>'
                f"<td>{passed}/{len(rows)}</td><td>{word_of(word)}</td></tr>"
            )
    heads = "".join(
        f'<th scope="col">{both(h)}</th>' for h in ("Scope", "Clause", "PASS", "Verdict")
    )
    return f'<table class="sheet-clauses"><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table>'


def _devices(case: Case) -> str:
    return (
        f"<dl><dt>{both('Candidate')}</dt><dd>{_names(case.subjects)}</dd>"
        f"<dt>{both('Reference')}</dt><dd>{_names(case.reference_subjects)}</dd></dl>"
    )


def _names(subjects: tuple[Subject, ...]) -> str:
    seen = dict.fromkeys(_device(subject.device) for subject in subjects)
    return "; ".join(html(text, 200) for text in list(seen)[:4]) or "–"


def _device(facts: Mapping[str, object]) -> str:
    """``NAME × 8, 64 GiB, driver 5.0``: what of a device's facts a reader of one page wants."""
    parts = [f"{facts.get('name', '–')}" + (f" × {facts['count']}" if "count" in facts else "")]
    parts += [f"{facts['memory_gib']} GiB"] if "memory_gib" in facts else []
    parts += [f"driver {facts['driver']}"] if "driver" in facts else []
    return ", ".join(parts)


def short_code(digest: str) -> str:
    """Return the first 16 digits of a digest in groups of four, for reading out and comparing."""
    return "-".join(digest[place : place + 4] for place in range(0, 16, 4)).upper()


def _foot(case: Case) -> str:
    signed = case.signed.words
    facts = {
        "Evidence": case.bundle_digest,
        "Reference evidence": case.reference_digest or "–",
        "Edition": f"{case.edition.name} {case.edition_digest}",
        "Signature": signed,
        "Challenge": case.challenge or "",
        "Derived by": f"pytest-ernie {case.suite}",
        "Printed": case.date,
    }
    rows = "".join(
        f"<dt>{both(name)}</dt><dd><code>{told(text, 400)}</code></dd>"
        for name, text in facts.items()
        if text
    )
    note = both(
        "Reinforcement learning is UNSPECIFIED by the standard. Whoever holds the bundle can derive this "
        "page anew: pytest-ernie verify."
    )
    return (
        f'<footer><p class="sheet-code">{both("Code of the evidence")}: '
        f"<b>{short_code(case.bundle_digest)}</b></p><dl>{rows}</dl><p>{note}</p></footer>"
    )
