"""
What stands beside the loss verdict: the reference's own noise, the layout, the outliers, the diagnosis.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from pytest_ernie.standard.model import LossRule, Rulings
from pytest_ernie.verdicts import Word, agreement, loss_follows
from pytest_ernie.verdicts.diagnosis import diagnose
from pytest_ernie.verdicts.early import cannot_pass

Losses = dict[int, float]


@pytest.fixture
def rule(rulings: Rulings) -> LossRule:
    """R2 to R4 as the standard has them."""
    return rulings.loss


def batches(seed: int = 1) -> Losses:
    """A loss that falls, with a level of its own for each batch."""
    rng = np.random.default_rng(seed)
    return {s: 2 + 3 * math.exp(-s / 120) + float(rng.normal(scale=0.5)) for s in range(1, 501)}


CURVE = batches()


def moved(by: float, *steps: int) -> Losses:
    """The curve, off at these steps (all, if none is named)."""
    return CURVE | {step: CURVE[step] + by for step in steps or CURVE}


def test_every_outlier_is_listed_with_both_values(rule: LossRule) -> None:
    """Step, candidate, reference, difference; a passing verdict lists its outliers, too."""
    verdict = loss_follows(moved(0.02, 410, 450), CURVE, rule)

    assert verdict.word is Word.PASS
    assert verdict.listing is not None
    assert verdict.listing.title == "steps that differ by more than 0.01"
    assert [row[0] for row in verdict.listing.rows] == [410, 450]
    _, own, other, gap = verdict.listing.rows[0]
    assert (own, other, gap) == (CURVE[410] + 0.02, CURVE[410], pytest.approx(0.02))
    assert loss_follows(CURVE, CURVE, rule).listing is None


def test_the_reference_agrees_with_itself_within_a_band() -> None:
    """Per step the largest difference of any two runs; a loss that is no number has none."""
    runs = [
        {1: 1.0, 2: 2.0, 3: math.nan},
        {1: 1.25, 2: 2.0, 3: 1.0},
        {1: 0.5, 2: 2.0, 3: 1.0, 4: 1.0},
    ]

    band = agreement(runs)
    assert (band[1], band[2], math.isnan(band[3]), 4 in band) == (0.75, 0.0, True, False)
    assert agreement(runs[:1]) == {}


def test_the_band_is_printed_beside_the_limit(rule: LossRule) -> None:
    """How far three runs of the reference lie apart says what a difference means."""
    verdict = loss_follows(moved(0.001), CURVE, rule, repeats=[moved(0.0002), moved(-0.0003, 444)])

    assert verdict.word is Word.PASS
    assert verdict.required.endswith("no divergence (3 runs of the reference agree within 0.0005)")
    assert verdict.numbers["reference_runs"] == 3
    assert verdict.numbers["reference_noise"] == pytest.approx(0.0005)
    assert verdict.numbers["reference_noise_at_step"] == 444


@pytest.mark.parametrize("off", [0.0, 0.5])
def test_a_reference_that_doesn_t_agree_with_itself_is_no_measure(
    rule: LossRule, off: float
) -> None:
    """Whatever the candidate does: eleven outliers between two runs of the reference are its own."""
    eleven = range(410, 421)
    verdict = loss_follows(moved(off), CURVE, rule, repeats=[CURVE, moved(0.02, *eleven)])

    assert verdict.word is Word.INCONCLUSIVE
    assert verdict.message.startswith(
        "the reference doesn't agree with itself, so it is no measure: of its run 3, 11 of 100 steps"
    )
    ten = moved(0.02, *range(410, 420))
    assert loss_follows(CURVE, CURVE, rule, repeats=[ten]).word is Word.PASS


def test_a_repeat_with_a_gap_is_named(rule: LossRule) -> None:
    """A band over fewer steps would look narrower than it is."""
    torn = {step: loss for step, loss in CURVE.items() if step != 450}

    verdict = loss_follows(CURVE, CURVE, rule, repeats=[torn])
    assert verdict.word is Word.INCONCLUSIVE
    assert "the reference's run 2's log has no loss for step 450" in verdict.message


@pytest.mark.parametrize(
    ("off", "noise", "word"),
    [
        (0.008, 0.001, Word.PASS),
        (0.0095, 0.001, Word.INCONCLUSIVE),
        (0.0105, 0.001, Word.INCONCLUSIVE),
        (0.012, 0.001, Word.FAIL),
        (0.012, None, Word.FAIL),
        (0.0095, None, Word.PASS),
        (0.5, 2.0, Word.INCONCLUSIVE),
        (2.5, 2.0, Word.FAIL),
    ],
)
def test_a_verdict_that_the_layout_could_turn_is_inconclusive(
    rule: LossRule, off: float, noise: float | None, word: Word
) -> None:
    """An offset near the limit can't be told from what two layouts differ by themselves."""
    verdict = loss_follows(moved(off), CURVE, rule, layout_noise=noise)

    assert verdict.word is word
    said = "the sides split the global batch differently"
    assert any(said in text for text in (verdict.message, *verdict.notes)) == (noise is not None)


def test_growth_near_its_limit_is_the_layouts_too(rule: LossRule) -> None:
    """R4's limit is as far from certain as R3's."""
    grown = CURVE | {s: CURVE[s] + 0.0048 * (s - 400) / 100 for s in range(401, 501)}

    assert loss_follows(grown, CURVE, rule).word is Word.PASS
    assert loss_follows(grown, CURVE, rule, layout_noise=0.001).word is Word.INCONCLUSIVE


def test_a_curve_that_goes_wrong_says_from_when_and_what_it_looks_like(rule: LossRule) -> None:
    """In the notes and in figures; a passing one needs no diagnosis."""
    late = CURVE | {step: batches(2)[step] for step in range(201, 501)}

    verdict = loss_follows(late, CURVE, rule)
    assert verdict.notes == (
        "it goes wrong from step 201 on; it looks like another data order or other samples: the losses "
        "go up and down independently of the reference's, and as much",
    )
    assert verdict.numbers["wrong_from_step"] == 201
    assert verdict.numbers["looks_like"] == "data order"
    assert "looks_like" not in loss_follows(CURVE, CURVE, rule).numbers


def test_the_logs_own_learning_rates_settle_it(rule: LossRule) -> None:
    """Rounded to four digits they still agree; one per cent apart they don't."""
    own = dict.fromkeys(CURVE, 4e-05)
    drifting = {s: loss - 0.1 * (1 - math.exp(-(s - 1) / 300)) for s, loss in CURVE.items()}

    rounded = diagnose(drifting, CURVE, 0.01, rates=(own, dict.fromkeys(CURVE, 4.001e-05)))
    assert rounded.kind == "updates"
    told = diagnose(drifting, CURVE, 0.01, rates=(own, dict.fromkeys(CURVE, 4.04e-05)))
    assert told.kind == "learning rate"
    assert told.text == (
        "it looks like another learning rate: the candidate's log shows 4e-05 at step 1, the "
        "reference's 4.04e-05"
    )


@pytest.mark.parametrize("shift", [-20, -3, -1, 1, 7, 20])
def test_a_shift_is_measured(shift: int) -> None:
    """By how many steps, and to which side."""
    ring = {s: CURVE[(s - 1 + shift) % 500 + 1] for s in CURVE}

    found = diagnose(ring, CURVE, 0.01)
    side = "later" if shift > 0 else "earlier"
    assert (found.kind, f"{abs(shift)} steps {side}" in found.text) == ("data order", True)


@pytest.mark.parametrize("scale", [0.006, 0.012, 0.03])
@pytest.mark.parametrize("correlation", [0.0, 0.5])
def test_noise_is_called_noise(scale: float, correlation: float) -> None:
    """Differences without a side, white or with a short memory, at every step after the first."""
    rng = np.random.default_rng(4)
    noise = rng.normal(scale=scale, size=500)
    for step in range(1, 500):
        noise[step] += correlation * noise[step - 1]
    noise[0] = 0.001

    noisy = {s: CURVE[s] + float(noise[s - 1]) for s in CURVE}
    assert diagnose(noisy, CURVE, 0.01).kind == "numeric noise"


@pytest.mark.parametrize(
    "wrong",
    [
        moved(0.3, *range(480, 501)),
        moved(0.02, *range(410, 421)),
        CURVE | {s: CURVE[s] + 0.0099 * (s - 400) / 100 for s in range(401, 501)},
        {s: 0.3 * loss + 0.7 * batches(2)[s] for s, loss in CURVE.items()},
    ],
    ids=["too late", "too short", "only at the end", "half of another"],
)
def test_what_isn_t_clear_is_called_unclear(wrong: Losses) -> None:
    """A guess would send somebody the wrong way."""
    assert diagnose(wrong, CURVE, 0.01).kind in ("unclear", "data order")
    flat = dict.fromkeys(CURVE, 2.0)
    assert diagnose({s: 2.0 + 0.1 * (s % 2) for s in CURVE}, flat, 0.01).kind == "unclear"


@pytest.mark.parametrize(("steps", "hopeless"), [(9, False), (10, False), (11, True)])
def test_one_outlier_too_many_is_final(rule: LossRule, steps: int, hopeless: bool) -> None:
    """As soon as it is seen; before the window nothing is judged, and equal curves may go on."""
    seen = {step: CURVE[step] + 0.02 for step in range(401, 401 + steps)}

    assert (cannot_pass(seen, CURVE, rule) is not None) == hopeless
    assert cannot_pass(dict.fromkeys(range(1, 401), 9.0), CURVE, rule) is None
    assert cannot_pass(CURVE, CURVE, rule) is None


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_no_number_is_final(rule: LossRule, value: float) -> None:
    """Wherever it comes; a reference that lacks a step ends nothing."""
    assert cannot_pass({1: 1.0, 2: value}, CURVE, rule) == f"the loss is {value} at step 2"
    assert cannot_pass(moved(9.0), {}, rule) is None
