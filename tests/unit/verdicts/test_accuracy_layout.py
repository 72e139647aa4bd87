"""
How answers make up a score: several prompts of a question, and what weighs the same (R10, R11).
"""

from __future__ import annotations

import pytest

from doubles.scores import flipped, scored
from pytest_ernie.standard.model import AccuracyRule, Rulings
from pytest_ernie.verdicts import Layout, Word, accuracy_equal


@pytest.fixture
def rule(rulings: Rulings) -> AccuracyRule:
    """R10 as the standard has it."""
    return rulings.accuracy


def prompted(*by_seed: dict[str, float | None]) -> dict[str, float | None]:
    """The same questions under several prompts."""
    return {f"{id}#{n}": score for n, scores in enumerate(by_seed) for id, score in scores.items()}


def test_prompts_of_a_question_are_its_mean_and_no_questions_of_their_own(
    rule: AccuracyRule,
) -> None:
    """
    Three times the same flips are one sample of questions: the interval doesn't shrink with them.
    """
    candidate, reference = prompted(*[flipped(9)] * 3), prompted(*[scored(500)] * 3)
    layout = Layout(question_of={id: id.split("#")[0] for id in reference})

    clustered = accuracy_equal(candidate, reference, rule, layout=layout)
    single = accuracy_equal(flipped(9), scored(500), rule)
    apart = accuracy_equal(candidate, reference, rule)

    assert (clustered.numbers["questions"], clustered.numbers["prompts"]) == (1000, 3000)
    assert clustered.numbers["lost_questions"] == 9
    assert clustered.numbers["difference_low"] == pytest.approx(
        single.numbers["difference_low"], abs=1e-6
    )
    assert float(apart.numbers["difference_low"] or 0) > -0.6


def test_prompts_that_disagree_narrow_the_difference(rule: AccuracyRule) -> None:
    """
    1.1 points lost under one of two prompts are 0.55 in the mean.
    """
    candidate = prompted(scored(489), scored(500))
    reference = prompted(scored(500), scored(500))
    layout = Layout(question_of={id: id.split("#")[0] for id in reference})

    verdict = accuracy_equal(candidate, reference, rule, layout=layout)

    assert (verdict.word, verdict.measured) == (Word.PASS, "49.45 (-0.55)")


def test_the_average_says_what_weighs_the_same(rule: AccuracyRule) -> None:
    """
    12 of 100 questions lost in one of two subjects, of which the other has 900: 1.2 points or 6.
    """
    reference: dict[str, float | None] = {f"q{i:04d}": 1.0 for i in range(1000)}
    candidate = reference | {f"q{i:04d}": 0.0 for i in range(12)}
    groups = {id: "law" if id < "q0100" else "art" for id in reference}

    by_question = accuracy_equal(candidate, reference, rule, layout=Layout(group_of=groups))
    by_group = accuracy_equal(
        candidate, reference, rule, layout=Layout(group_of=groups, average="groups")
    )

    assert (by_question.measured, by_group.measured) == (
        "98.80 (-1.20), weak",
        "94.00 (-6.00)",
    )
    assert by_group.numbers["difference_low"] == pytest.approx(-10.2, abs=0.3)
    assert by_group.numbers["difference_high"] == pytest.approx(-3.5, abs=0.3)
