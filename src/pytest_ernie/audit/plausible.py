"""
Is an old figure plausible beside one that was measured again? A pure rule for each kind of figure.

    loss curves     the loss rule itself (R2 to R4), the new run against the old one
    tok/s           within a share of each other, both ways: a chip's own figure may be too high, and a
                    reference's too low
    scores          paired over the questions: an exact McNemar test on those whose answers differ
    long prompts    accepted and answered alike, and nearly as many codes found
    data types      the same types, layer by layer

What is implausible needs an explanation; it isn't proof of anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import comb
from typing import Literal

from msgspec import Struct

from pytest_ernie.verdicts import ContextAnswer, Verdict, Word

TRAINING_SHARE = 0.10
"""Training tok/s of two honest runs of one machine differ by less (noise of some per cent, and drift)."""
SERVING_SHARE = 0.15
"""The same of TPS at the highest load within the limits, which a search finds anew each time."""
SIGNIFICANCE = 0.001
"""Of the paired test of scores: one honest audit in a thousand is told implausible."""
NEEDLES_LOST_MAX = 1

Judged = Literal["plausible", "implausible", "not measured"]


class Finding(Struct, frozen=True, kw_only=True):
    """What an audit says of one criterion."""

    word: Judged
    message: str
    old: str = "–"
    new: str = "–"


def curves(verdict: Verdict) -> Finding:
    """Return the finding of the loss rule, applied to the new run with the old one as its reference."""
    words: dict[Word, Judged] = {Word.PASS: "plausible", Word.FAIL: "implausible"}
    return Finding(
        word=words.get(verdict.word, "not measured"),
        message=f"the new curve beside the old one: {verdict.message}",
        new=verdict.measured,
    )


def speeds(old: float | None, new: float | None, share: float) -> Finding:
    """
    Compare two figures in tok/s; None where no load kept the limits.

    ``share`` is how far the new one may be from the old one, as a part of the old one.
    """
    if old is None or new is None:
        same = old is None and new is None
        return Finding(
            word="plausible" if same else "implausible",
            message="no load keeps the limits, then and now"
            if same
            else "only one of them kept the limits",
            old=_figure(old),
            new=_figure(new),
        )
    if not (old > 0 and new > 0):  # NaN, too
        return Finding(word="not measured", message="a figure is missing", old=_figure(old))
    away = new / old - 1
    holds = abs(away) <= share + 1e-9  # at the edge, not beyond what a float is off
    return Finding(
        word="plausible" if holds else "implausible",
        message=f"{away * 100:+.1f} % of the old figure; ±{share * 100:g} % are believed",
        old=_figure(old),
        new=_figure(new),
    )


def _figure(value: float | None) -> str:
    return "no load within the limits" if value is None else f"{value:.1f} tok/s"


def scores(old: Mapping[str, float | None], new: Mapping[str, float | None]) -> Finding:
    """
    Compare the scores of the same questions; what either side couldn't ask is left out.

    Under an honest repetition a question whose score changed went up as likely as down.
    """
    both = [(a, b) for id, a in old.items() if a is not None and (b := new.get(id)) is not None]
    if not both or len(both) * 2 < len(old):
        return Finding(
            word="not measured", message=f"{len(both)} of {len(old)} questions have both scores"
        )
    down = sum(b < a for a, b in both)
    up = sum(b > a for a, b in both)
    p = two_sided(down, up)
    mean = [sum(side) / len(both) * 100 for side in zip(*both, strict=True)]
    return Finding(
        word="implausible" if p < SIGNIFICANCE else "plausible",
        message=(
            f"of {len(both)} questions {down} scored less and {up} more than before (p = {p:.2g}; "
            f"below {SIGNIFICANCE:g} isn't believed)"
        ),
        old=f"{mean[0]:.2f}",
        new=f"{mean[1]:.2f}",
    )


def two_sided(down: int, up: int) -> float:
    """Return the p value of an exact McNemar test: a fair coin as uneven as this, or more."""
    n = down + up
    tail = sum(comb(n, k) for k in range(min(down, up) + 1))
    return min(1.0, float(2 * tail / 2**n))


def answers(old: ContextAnswer, new: ContextAnswer) -> Finding:
    """Compare what two servers did with a prompt that fills the window."""
    found = [sum(side.found) for side in (old, new)]
    told = [f"{_did(side)}, {n} codes found" for side, n in zip((old, new), found, strict=True)]
    alike = _did(old) == _did(new) and abs(found[0] - found[1]) <= NEEDLES_LOST_MAX
    return Finding(
        word="plausible" if alike else "implausible",
        message=f"the same treatment, and at most {NEEDLES_LOST_MAX} code fewer or more, are believed",
        old=told[0],
        new=told[1],
    )


def _did(answer: ContextAnswer) -> str:
    if not answer.accepted:
        return "refused"
    return "answered" if answer.answered else "accepted and not answered"


def types(
    old: Mapping[str, str], new: Mapping[str, str], activations: tuple[str | None, str | None]
) -> Finding:
    """Compare two inventories of weights, and the types of activations (old, new)."""
    differing = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    if not old and not new:
        return Finding(word="not measured", message="neither server shows its types")
    if differing:
        name = differing[0]
        return Finding(
            word="implausible",
            message=f"{len(differing)} matrices differ, the first is {name}",
            old=old.get(name, "absent"),
            new=new.get(name, "absent"),
        )
    same = activations[0] == activations[1]
    return Finding(
        word="plausible" if same else "implausible",
        message=f"the same types of {len(old)} matrices; activations",
        old=activations[0] or "not shown",
        new=activations[1] or "not shown",
    )
