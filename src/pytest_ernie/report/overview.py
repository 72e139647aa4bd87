"""
The top of a report: one sentence, the certificate matrix, and what is missing for the next tier.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from msgspec import Struct

from pytest_ernie.report.grid import TITLES, word_class, word_of
from pytest_ernie.report.matrix import Matrix, Row, TierResult
from pytest_ernie.report.text import html
from pytest_ernie.report.words import both, either, pair
from pytest_ernie.standard import Criterion
from pytest_ernie.verdicts import Word

ROMAN = {1: "I", 2: "II", 3: "III"}
MARKS = {
    Word.PASS: "✓",
    Word.FAIL: "✗",
    Word.INCONCLUSIVE: "?",
    Word.NOT_RUN: "–",
    Word.RECORDED: "●",
    Word.UNSPECIFIED: "∅",
}
"""What stands for a word where there is no room; the word itself is there for screen readers."""


class Scope(Struct, frozen=True, kw_only=True):
    """A column of the certificate matrix: what the standard lists models for."""

    key: str
    title: str
    phase: str
    method: str | None = None

    def covers(self, criterion: Criterion) -> bool:
        """Tell whether a criterion belongs to it."""
        return criterion.clause.startswith(self.phase) and criterion.method == (
            self.method if self.phase == "training" else None
        )


SCOPES = (
    Scope(key="sft", title="SFT", phase="training", method="sft"),
    Scope(key="lora", title="SFT-LoRA", phase="training", method="sft_lora"),
    Scope(key="inference", title="Inference", phase="inference"),
)


def within(result: TierResult, scope: Scope) -> TierResult:
    """Return the part of a tier's result that a scope covers."""
    rows = tuple(row for row in result.rows if scope.covers(row.criterion))
    return TierResult(model=result.model, tier=result.tier, rows=rows)


def reached(matrix: Matrix, model: str, scope: Scope | None = None) -> tuple[int, ...]:
    """Return the tiers of which every criterion is PASS; none includes another (R1)."""
    results = [matrix.tier(model, tier.number) for tier in matrix.edition.tiers]
    if scope is not None:
        results = [within(result, scope) for result in results]
    return tuple(result.tier for result in results if result.word is Word.PASS)


def headline(matrix: Matrix) -> str:
    """Return the verdict in one sentence, in both languages."""
    judged = [row for row in matrix.rows if row.node is not None]
    passed = sum(row.verdict.word is Word.PASS for row in judged)
    english, chinese, none = [], [], 0
    for model in matrix.edition.models:
        tiers = [ROMAN[tier] for tier in reached(matrix, model.name)]
        if not tiers:
            none += 1
            continue
        english.append(f"{model.name} passes tier{'s' * (len(tiers) > 1)} {_and(tiers)}")
        chinese.append(f"{model.name} 满足{'、'.join(tiers)}级")
    if none:
        models = len(matrix.edition.models)
        lone = models == 1
        name = matrix.edition.models[0].name
        english.append(f"{name if lone else f'{none} of {models} models'} {_passes(none)} no tier")
        chinese.append(f"{name if lone else f'{models} 个模型中有 {none} 个'}未满足任何级别")
    total = len(matrix.rows)
    return pair(
        f"{'; '.join(english)}; {passed} of {total} criteria are PASS.",
        f"{'；'.join(chinese)}；{total} 项判据中 {passed} 项通过。",
    )


def _passes(count: int) -> str:
    return "passes" if count == 1 else "pass"


def _and(parts: list[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def certificate_matrix(matrix: Matrix) -> str:
    """Return models x (SFT, SFT-LoRA, RL, inference): the tiers reached, and a mark for each."""
    heads = "".join(
        f'<th scope="col">{both(title)}</th>'
        for title in ("SFT", "SFT-LoRA", "Reinforcement learning", "Inference", "Both")
    )
    lines = ""
    for place, model in enumerate(matrix.edition.models, start=1):
        sft, lora, inference = (_scope_cell(matrix, model.name, s, place) for s in SCOPES)
        whole = _cell(
            [matrix.tier(model.name, tier.number) for tier in matrix.edition.tiers],
            f"#ernie-model-{place}",
            "Both",
        )
        rl = f'<td data-head="{either("RL")}">{word_of(Word.UNSPECIFIED)}</td>'
        name = f'<a href="#ernie-model-{place}">{html(model.name)}</a>'
        lines += f'<tr><th scope="row">{name}</th>{sft}{lora}{rl}{inference}{whole}</tr>'
    return (
        f'<h3 id="ernie-by-model">{both("Tiers by model")}</h3>'
        '<div class="ernie-scroll"><table class="ernie-tiers">'
        f"<caption>{both('Tiers whose criteria are all PASS, by model and scope')}</caption>"
        f'<thead><tr><th scope="col">{both("Model")}</th>{heads}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>{_key()}"
    )


def _scope_cell(matrix: Matrix, model: str, scope: Scope, place: int) -> str:
    results = [within(matrix.tier(model, tier.number), scope) for tier in matrix.edition.tiers]
    return _cell(results, f"#ernie-model-{place}-{scope.key}", scope.title)


def _cell(results: list[TierResult], target: str, head: str) -> str:
    passed = [ROMAN[result.tier] for result in results if result.word is Word.PASS]
    shown = escape(" · ".join(passed)) if passed else "—"
    marks = "".join(
        f'<span class="ernie-mark {word_class(result.word)}" '
        f'title="{either(result.word.value)}">{ROMAN[result.tier]}&nbsp;{MARKS[result.word]}'
        f'<span class="ernie-hidden"> {both(result.word.value)}</span></span>'
        for result in results
        if result.rows
    )
    kind = " ernie-reached" if passed else ""
    return (
        f'<td data-head="{either(head)}"><a class="ernie-cell" href="{target}">'
        f'<b class="ernie-tier{kind}">{shown}</b> <span class="ernie-marks">{marks}</span></a></td>'
    )


def _key() -> str:
    words = (Word.PASS, Word.FAIL, Word.INCONCLUSIVE, Word.NOT_RUN)
    marks = "".join(
        f'<span><span class="ernie-mark {word_class(word)}">{MARKS[word]}</span> '
        f"{both(word.value)}</span> "
        for word in words
    )
    text = both(
        "A tier is a row of the standard with a data type of its own: none includes another (R1)."
    )
    return f'<p class="ernie-key">{marks}<span>{text}</span></p>'


MOST_NAMED = 4
"""Criteria of one clause that are named; the rest is counted."""


def missing(matrix: Matrix, anchors: Mapping[str, str]) -> str:
    """Return what keeps each model from the next tier that it hasn't reached."""
    items = ""
    for place, model in enumerate(matrix.edition.models, start=1):
        open_tiers = [
            result
            for tier in matrix.edition.tiers
            if (result := matrix.tier(model.name, tier.number)).word is not Word.PASS
        ]
        if not open_tiers:
            told = f"<p>{both('Nothing: every tier is PASS.')}</p>"
        else:
            told = _next(open_tiers[0], anchors)
        items += f'<li><a href="#ernie-model-{place}"><b>{html(model.name)}</b></a>{told}</li>'
    return (
        f'<h3 id="ernie-missing">{both("Missing for the next tier")}</h3>'
        f'<ul class="ernie-missing">{items}</ul>'
    )


def _next(result: TierResult, anchors: Mapping[str, str]) -> str:
    wanting = [row for row in result.rows if row.verdict.word is not Word.PASS]
    tier = ROMAN[result.tier]
    head = pair(
        f"Tier {tier} lacks {len(wanting)} of {len(result.rows)} criteria:",
        f"{tier} 级 {len(result.rows)} 项判据中尚缺 {len(wanting)} 项：",
    )
    parts = ""
    for word in (Word.FAIL, Word.INCONCLUSIVE, Word.RECORDED, Word.NOT_RUN):
        rows = [row for row in wanting if row.verdict.word is word]
        if rows:
            named = ", ".join(_link(row, anchors) for row in rows[:MOST_NAMED])
            more = len(rows) - MOST_NAMED
            rest = pair(f" and {more} more", f" 等另外 {more} 项") if more > 0 else ""
            parts += f"<li>{word_of(word)} {named}{rest}</li>"
    return f"<p>{head}</p><ul>{parts}</ul>"


def _link(row: Row, anchors: Mapping[str, str]) -> str:
    criterion = row.criterion
    varies = [criterion.method, criterion.dataset, criterion.length]
    detail = ", ".join(str(part) for part in varies if part is not None)
    text = both(TITLES[criterion.clause]) + (f" ({html(detail)})" if detail else "")
    return f'<a href="#{anchors[criterion.name]}">{text}</a>'
