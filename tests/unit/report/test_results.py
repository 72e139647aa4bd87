"""
What machines read: results with a schema, a job summary that Markdown can't misread, a terminal's table.
"""

from __future__ import annotations

import msgspec
import pytest

from pytest_ernie.outcomes import Judgement
from pytest_ernie.report import results as machines
from pytest_ernie.report.matrix import matrix
from pytest_ernie.report.results import Results, in_markdown, results
from pytest_ernie.report.terminal import tier_table
from pytest_ernie.standard import criteria, load
from pytest_ernie.verdicts import Verdict, Word

STANDARD, REHEARSAL = load("ernie-4.5"), load("rehearsal")


def judged(edition=STANDARD, only: str = "", word: Word = Word.FAIL, **fields) -> list[Judgement]:
    """PASS for everything, but for the criterion that is named."""
    return [
        Judgement(
            criterion=c,
            verdict=Verdict(
                word=word if c.name == only else Word.PASS,
                **{"message": "m", "measured": "7", "required": "8", **fields},
            ),
            node="n",
        )
        for c in criteria(edition)
    ]


def found(judgements, edition=STANDARD, reference=True) -> Results:
    return results(edition, "e" * 64, judgements, suite="1", reference=reference)


def test_every_criterion_is_there_judged_or_not():
    shown = found([])

    assert len(shown.criteria) == 185
    assert {each.verdict for each in shown.criteria} == {Word.NOT_RUN}
    assert {tier.verdict for tier in shown.tiers} == {Word.NOT_RUN}


def test_results_survive_json():
    shown = found(judged(numbers={"share": 0.5, "nothing": None}))

    assert msgspec.json.decode(msgspec.json.encode(shown), type=Results) == shown


def test_the_schema_of_the_results_is_the_one_that_the_types_give():
    """``python -m pytest_ernie.report.results`` writes it anew."""
    assert machines.schema() == machines.SCHEMA.read_text(encoding="utf-8")


def test_a_tier_of_a_scope_has_the_worst_word():
    name = "training.throughput[tier2-ERNIE-4.5-0.3B-sft]"
    tiers = {
        (t.scope, t.tier): t.verdict for t in found(judged(only=name)).tiers if "0.3B" in t.model
    }

    assert {key for key, word in tiers.items() if word is not Word.PASS} == {
        ("sft", 2),
        ("both", 2),
    }
    assert tiers["sft", 2] is Word.FAIL


def test_the_summary_says_what_does_not_pass_and_why_it_certifies_nothing():
    name = "training.loss[ERNIE-4.5-tiny-sft]"
    text = in_markdown(found(judged(REHEARSAL, name), REHEARSAL, reference=False))

    assert "self-assessment" in text
    assert "REHEARSAL" in text
    assert "No reference was given" in text
    assert "36 of 37 criteria are PASS" in text
    assert "| FAIL | training.loss\\[ERNIE-4.5-tiny-sft\\] | 7 | 8 |" in text


@pytest.mark.parametrize(
    "hostile", ["<script>alert(1)</script>", "a | b\n| c", "![x](http://x)", "\x1b[31m\u202e`rm`"]
)
def test_hostile_figures_stay_text_in_markdown(hostile):
    """A summary is rendered by somebody else's page."""
    name = "training.loss[ERNIE-4.5-0.3B-sft]"
    text = in_markdown(found(judged(only=name, measured=hostile)))
    (line,) = (line for line in text.splitlines() if line.startswith("| FAIL |"))

    assert "<" not in line
    assert len(line.replace("\\|", "").split("|")) == 6
    assert "![" not in line
    assert "\x1b" not in line
    assert "\u202e" not in line


def test_a_long_list_is_cut_and_counted():
    failing = [
        msgspec.structs.replace(j, verdict=Verdict(word=Word.FAIL, message="m")) for j in judged()
    ]

    assert "and 135 more" in in_markdown(found(failing))


def test_the_terminals_table_fits_100_columns_in_any_encoding():
    name = "training.throughput[tier2-ERNIE-4.5-0.3B-sft]"
    result = matrix(STANDARD, judged(only=name))
    lines = tier_table(result)

    assert max(map(len, lines)) <= 100
    assert lines[5].split() == [
        "ERNIE-4.5-0.3B", *("I✓", "II✗", "III✓"), *("I✓", "II✓", "III✓"), "unspecified",
        *("I✓", "II✓", "III✓"), *("I✓", "II✗", "III✓"),
    ]  # fmt: skip
    "\n".join(tier_table(result, "ascii")).encode("ascii")
