"""
Entries of an edition against each other: names, references, what may not be left out.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pytest_ernie.errors import StandardError
from pytest_ernie.standard import parse

RECIPE = '[[recipes]]\nmodel = "ERNIE-4.5-tiny"\nmethod = "sft"'


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            'name = "ERNIE-4.5-0.3B"',
            'name = "ERNIE-4.5-21B-A3B"',
            "mine.toml: models: the name is used twice; got ERNIE-4.5-21B-A3B",
        ),
        (
            'name = "BBH"',
            'name = "GSM8K"',
            "mine.toml: datasets: the name is used twice; got GSM8K",
        ),
        (
            'name = "images"',
            'name = "text"',
            "mine.toml: workloads: the name is used twice; got text",
        ),
        (
            'id = "training.context"',
            'id = "training.loss"',
            "mine.toml: clauses: the name is used twice; got training.loss",
        ),
        (
            'number = 2\nname = "II"',
            'number = 1\nname = "I"',
            "mine.toml: tiers: the name is used twice; got I",
        ),
        (
            '[[datatypes]]\nname = "wint4"',
            '[[datatypes]]\nname = "wint8"',
            "mine.toml: datatypes: the name is used twice; got wint8",
        ),
        (
            '[[datatypes]]\nname = "wint4"',
            '[[datatypes]]\nname = "bf16"',
            (
                "mine.toml: tiers.II.datatype: the tier's data type has no rule; got wint4; "
                "wanted one of wint8, bf16, w4a8"
            ),
        ),
        (
            (
                'name = "images"                   # 图片：2350条，基于OCRBench_v2数据集进行抽取\n'
                'modality = "multimodal"'
            ),
            'name = "images"\nmodality = "text"',
            "mine.toml: workloads: no entry is multimodal",
        ),
        (
            "scaled = []",
            'scaled = ["shorter"]',
            (
                "mine.toml: certifies: an edition that scales the standard can't certify; got "
                "true; wanted false"
            ),
        ),
        (
            "prompt_seeds = 3",
            "prompt_seeds = 4",
            (
                "mine.toml: datasets.IFEval.prompt_seeds: there are fewer prompts than prompt seeds; "
                "got 4; wanted at most 3, one more than system_prompts has"
            ),
        ),
        (
            "prompt_seeds = 3\nfalse_fail = 0.018",
            "prompt_seeds = 1\nfalse_fail = 0.17",
            (
                "mine.toml: datasets.IFEval.false_fail: an equal chip would fail by luck too often; "
                "got 0.17; wanted at most 0.05, by more prompt seeds"
            ),
        ),
        (
            '"Read the question with care, then answer it."',
            '"You are a helpful assistant."',
            "mine.toml: rulings.accuracy.system_prompts: a system prompt is there twice",
        ),
        (
            'methods = ["sft", "sft_lora"]',
            'methods = ["sft"]',
            "mine.toml: methods: an edition that certifies lacks sft_lora",
        ),
    ],
)
def test_a_contradiction_between_entries_is_refused(
    refused: Callable[..., str], old: str, new: str, expected: str
) -> None:
    """
    Names are used once, references lead somewhere, and a scaled edition doesn't certify.
    """
    assert expected == refused(old, new)


def test_an_edition_that_certifies_has_every_clause(official: str) -> None:
    """
    A clause that isn't asked is never failed: leaving one out would be a free pass.
    """
    start = official.index('[[clauses]]\nid = "inference.accuracy"')
    end = official.index('[[clauses]]\nid = "reinforcement"')

    with pytest.raises(StandardError) as caught:
        parse(official[:start] + official[end:], "mine.toml")

    expected = "mine.toml: clauses: an edition that certifies lacks inference.accuracy"
    assert expected == str(caught.value)


def test_an_edition_that_certifies_asks_every_model_about_everything(official: str) -> None:
    """
    What a model isn't asked about it can't fail.
    """
    named = 'name = "ERNIE-4.5-0.3B"\n'
    with pytest.raises(StandardError) as caught:
        parse(official.replace(named, named + 'clauses = ["training.loss"]\n', 1), "mine.toml")

    assert str(caught.value) == (
        "mine.toml: models.ERNIE-4.5-0.3B.clauses: an edition that certifies asks every model about "
        "every clause; got training.loss; wanted no such key"
    )


def test_a_multimodal_model_needs_the_text_workload_too(official: str) -> None:
    """
    R7b: a VL model must hold on both workloads; without one of them it would be asked half.
    """
    text = official[: official.index("# --- recipes")]
    for start, end in (
        ('[[models]]\nname = "ERNIE-4.5-300B-A47B"', "# --- "),
        ("[[workloads]]", '[[workloads]]\nname = "images"'),
    ):
        first = text.index(start)
        text = text[:first] + text[text.index(end, first + 1) :]

    with pytest.raises(StandardError, match=r"^mine\.toml: workloads: no entry is text$"):
        parse(text, "mine.toml")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            RECIPE,
            '[[recipes]]\nmodel = "ERNIE-4.5-0.3B"\nmethod = "sft"',
            (
                "mine.toml: recipes: the recipe names a model that the edition doesn't have; "
                "got ERNIE-4.5-0.3B; wanted one of ERNIE-4.5-tiny"
            ),
        ),
        (
            "steps = 500",
            "steps = 499",
            (
                "mine.toml: recipes.ERNIE-4.5-tiny.sft.steps: the recipe ends before the last "
                "step that is judged; got 499; wanted at least 500"
            ),
        ),
        (
            'method = "sft"\n',
            'method = "sft_lora"\nlora_rank = 8\n',
            "mine.toml: recipes.ERNIE-4.5-tiny.sft_lora: the recipe is there twice; got 256 tokens",
        ),
        (
            "global_batch = 8\nlearning_rate",
            "global_batch = 12\nlearning_rate",
            "mine.toml: recipes.0: global_batch 12 is no multiple of micro_batch 8",
        ),
        (
            "lora_rank = 8",
            "",
            "mine.toml: recipes.1: sft_lora recipe: lora_rank belongs to sft_lora, and only there",
        ),
        (
            "adam_beta2 = 0.95",
            "adam_beta2 = 95",
            "mine.toml: recipes.0: adam_beta2 is 95; it is a fraction, so give 0.95",
        ),
    ],
)
def test_a_recipe_that_can_not_be_judged_is_refused(
    refused: Callable[..., str], old: str, new: str, expected: str
) -> None:
    """
    A run of hours must not turn out afterwards to have been too short.
    """
    assert expected == refused(old, new, edition="rehearsal")
