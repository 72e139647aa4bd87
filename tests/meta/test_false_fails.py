"""
What the edition says of luck is what it comes to: the probability that an equal chip fails (R10).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bench import accuracy_table
from doubles.answer_sets import SIZES
from pytest_ernie.standard import load
from pytest_ernie.verdicts.paired import chance_of_difference

OFFICIAL, REHEARSAL = load("ernie-4.5"), load("rehearsal")
RULE = OFFICIAL.rulings.accuracy
REHEARSED_QUESTIONS = 200
PAGE = Path(__file__).parents[2] / "docs" / "accuracy-statistics.md"


def false_fail(questions: int, prompt_seeds: int) -> float:
    """Of an equal chip, by the edition's limit and discordance."""
    return chance_of_difference(
        questions, RULE.points_max, discordance=RULE.discordance, prompt_seeds=prompt_seeds
    )


@pytest.mark.parametrize("name", [dataset.name for dataset in OFFICIAL.datasets])
def test_a_data_set_states_its_false_fails_and_has_no_more_prompts_than_it_takes(
    name: str,
) -> None:
    """At most 5 % with so many prompt seeds, more with one fewer."""
    one, questions = OFFICIAL.dataset(name), SIZES[name]
    assert one.evaluation is not None

    assert one.evaluation.questions == questions
    assert one.false_fail == pytest.approx(false_fail(questions, one.prompt_seeds), abs=5e-4)
    assert one.false_fail <= RULE.false_fail_max
    if one.prompt_seeds > 1:
        assert false_fail(questions, one.prompt_seeds - 1) > RULE.false_fail_max


@pytest.mark.parametrize("name", [dataset.name for dataset in REHEARSAL.datasets])
def test_the_rehearsal_states_what_its_small_sets_come_to(name: str) -> None:
    """It can't certify, and says so with the figure."""
    stated = REHEARSAL.dataset(name).false_fail

    assert stated == pytest.approx(false_fail(REHEARSED_QUESTIONS, 1), abs=5e-3)


@pytest.mark.parametrize("table", [accuracy_table.datasets, accuracy_table.correlated])
def test_the_page_shows_the_tables_that_are_printed(
    table: Callable[[], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """What each data set can decide, and what prompts help where flips are shared."""
    table()

    assert capsys.readouterr().out in PAGE.read_text(encoding="utf-8")


def test_every_question_weighs_the_same() -> None:
    """As in the headline scores of the evaluation libraries (R11)."""
    assert {dataset.average for dataset in OFFICIAL.datasets} == {"questions"}
