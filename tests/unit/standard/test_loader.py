"""
Reading editions: strict, finite, and refused with file, place, got and wanted.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_ernie.errors import StandardError
from pytest_ernie.standard import Edition, edition_digest, editions, load, parse

LOSS = "tolerance = 1e-2                  # R3"
RECIPE = '[[recipes]]\nmodel = "ERNIE-4.5-tiny"\nmethod = "sft"'


def test_the_shipped_editions_are_known_by_name() -> None:
    """
    Two editions are shipped: the standard and its rehearsal.
    """
    assert ("ernie-4.5", "rehearsal") == editions()


@pytest.mark.parametrize("name", ["ernie-4.5", "rehearsal"])
def test_a_shipped_edition_carries_its_own_name(name: str) -> None:
    """
    The name on the command line is the name in records and certificates.
    """
    assert name == load(name).name


def test_a_shipped_edition_is_read_once() -> None:
    """
    Reading is cheap because it happens once in a process.
    """
    assert load("ernie-4.5") is load("ernie-4.5")


def test_a_file_is_read_anew_each_time(official: str, tmp_path: Path) -> None:
    """
    A file may change, and a relative name may mean another file.
    """
    path = tmp_path / "mine.toml"
    path.write_text(official, encoding="utf-8")
    before = load(str(path))
    path.write_text(official.replace(LOSS, "tolerance = 2e-2"), encoding="utf-8")

    assert (0.01, 0.02) == (before.rulings.loss.tolerance, load(str(path)).rulings.loss.tolerance)


def test_an_unknown_edition_is_refused_with_the_choice() -> None:
    """
    A typo must not start anything.
    """
    with pytest.raises(StandardError) as caught:
        load("ernie-5")

    expected = (
        "there is no such edition; got ernie-5; wanted one of ernie-4.5, rehearsal, or a TOML file"
    )
    assert expected == str(caught.value)


def test_an_edition_of_foreign_bytes_is_refused(tmp_path: Path) -> None:
    """
    A file that isn't UTF-8 is named instead of a stack.
    """
    path = tmp_path / "mine.toml"
    path.write_bytes(b'name = "\xff\xfe"')

    with pytest.raises(StandardError, match=r"mine\.toml: the edition can't be read \('utf-8' codec"):
        load(str(path))


def test_text_that_is_no_toml_is_refused_with_its_line() -> None:
    """
    The reader's own words say where.
    """
    with pytest.raises(StandardError, match=r"^mine\.toml: this is no TOML \(.*line 1"):
        parse("name = ", "mine.toml")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            LOSS,
            "",
            "mine.toml: rulings.loss: missing 'tolerance'",
        ),
        (
            LOSS,
            f"{LOSS}\ntolerence = 1",
            "mine.toml: rulings.loss: unknown key 'tolerence'",
        ),
        (
            LOSS,
            'tolerance = "1e-2"',
            "mine.toml: rulings.loss.tolerance: the value is of the wrong kind; got '1e-2'; "
            "wanted float",
        ),
        (
            LOSS,
            "tolerance = 0.0",
            "mine.toml: rulings.loss.tolerance: the value is out of range; got 0.0; "
            "wanted float > 0.0",
        ),
        (
            "max_outliers = 10",
            "max_outliers = -1",
            "mine.toml: rulings.loss.max_outliers: the value is out of range; got -1; "
            "wanted int >= 0",
        ),
        (
            "max_outliers = 10",
            "max_outliers = true",
            "mine.toml: rulings.loss.max_outliers: the value is of the wrong kind; got True; "
            "wanted int",
        ),
        (
            'summary = "The loss of steps 401 to 500 follows the benchmark\'s within 1e-2."',
            'summary = ""',
            "mine.toml: clauses.training.loss.summary: the value is out of range; got ''; "
            "wanted str of length >= 1",
        ),
        (
            "last_step = 500\ntolerance",
            "last_step = 400\ntolerance",
            "mine.toml: rulings.loss: window 401..400 is empty",
        ),
        (
            "training_share = 0.80 ",
            "training_share = 80 ",
            "mine.toml: tiers.III: training_share is 80; it is a fraction, so give 0.8",
        ),
        (
            "serving_share = 0.50 ",
            "serving_share = 0 ",
            "mine.toml: tiers.II: serving_share is 0; it is a fraction above 0 and at most 1",
        ),
        (
            "serving_share = 0.50 ",
            "serving_share = 101 ",
            "mine.toml: tiers.II: serving_share is 101; it is a fraction above 0 and at most 1",
        ),
        (
            "serving_share = 0.50 ",
            "serving_share = 1.5 ",
            "mine.toml: tiers.II: serving_share is 1.5; it is a fraction, so give 0.015",
        ),
        (
            "serving_share = 0.50 ",
            "# ",
            "mine.toml: tiers.II: tier II lacks training_share or serving_share",
        ),
        (
            "contexts = [8192, 32768] ",
            "contexts = [32768, 8192] ",
            "mine.toml: tiers.I: contexts must ascend without repeats, got [32768, 8192]",
        ),
        ('number = 2', 'number = 3', "mine.toml: tiers.II: tier II has the number 3"),
        (
            "limits = { decode_tokens_per_s = 60, ttft_s = 0.3 }",
            "limits = { decode_tokens_per_s = 60, ttft_s = 0.3, ttft_multimodal_s = 4.0 }",
            "mine.toml: models.ERNIE-4.5-0.3B: ERNIE-4.5-0.3B is text: "
            "limits.ttft_multimodal_s is not allowed",
        ),
        (
            "ttft_s = 1.0, ttft_multimodal_s = 4.0",
            "ttft_s = 1.0",
            "mine.toml: models.ERNIE-4.5-424B-A47B: ERNIE-4.5-424B-A47B is multimodal: "
            "limits.ttft_multimodal_s is missing",
        ),
        (
            "output_tokens_max = 1024",
            "output_tokens_max = 8",
            "mine.toml: workloads.text: output_tokens_min 16 is above output_tokens_max 8",
        ),
        (
            "concurrencies = [1, 2, 4, 8, 16, 32, 64, 128]",
            "concurrencies = [1, 4, 2]",
            "mine.toml: workloads.images: concurrencies must ascend without repeats, got [1, 4, 2]",
        ),
        (
            "first_step = 1                    # R5",
            "first_step = 501",
            "mine.toml: rulings.training_throughput: window 501..500 is empty",
        ),
        (
            "unspecified = true",
            "",
            "mine.toml: clauses.reinforcement: reinforcement can't be unspecified = false",
        ),
        (
            'phase = "training"\ntext',
            'phase = "training"\nunspecified = true\ntext',
            "mine.toml: clauses.training.loss: training.loss can't be unspecified = true",
        ),
        (
            "needle_depths = [0.1,",
            "needle_depths = [10,",
            "mine.toml: rulings.serving_context: needle_depths is 10; it is a fraction, so give 0.1",
        ),
    ],
)
def test_a_broken_rule_is_refused_with_its_place(
    refused: Callable[..., str], old: str, new: str, expected: str
) -> None:
    """
    Every rule of an edition is held while it is read: file, entry by its name, got, wanted.
    """
    assert expected == refused(old, new)


@pytest.mark.parametrize("value", ["inf", "-inf", "nan"])
def test_a_limit_that_is_no_number_is_refused(refused: Callable[..., str], value: str) -> None:
    """
    TOML knows inf and nan; with either as its tolerance an edition would pass everything.
    """
    expected = f"mine.toml: rulings.loss.tolerance: the value isn't finite; got {value}"

    assert expected == refused(LOSS, f"tolerance = {value}")


def test_a_limit_in_a_list_that_is_no_number_is_refused_too(refused: Callable[..., str]) -> None:
    """
    The place counts list entries from 0.
    """
    expected = "mine.toml: rulings.serving_context.needle_depths.1: the value isn't finite; got nan"

    assert expected == refused("[0.1, 0.3,", "[0.1, nan,")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            'name = "ERNIE-4.5-0.3B"',
            'name = "ERNIE-4.5-21B-A3B"',
            "mine.toml: models: the name is used twice; got ERNIE-4.5-21B-A3B",
        ),
        ('name = "BBH"', 'name = "GSM8K"', "mine.toml: datasets: the name is used twice; got GSM8K"),
        ('name = "images"', 'name = "text"', "mine.toml: workloads: the name is used twice; got text"),
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
            "mine.toml: tiers.II.datatype: the tier's data type has no rule; got wint4; "
            "wanted one of wint8, bf16, w4a8",
        ),
        (
            'name = "images"                   # 图片：2350条，基于OCRBench_v2数据集进行抽取\n'
            'modality = "multimodal"',
            'name = "images"\nmodality = "text"',
            "mine.toml: workloads: no entry is multimodal",
        ),
        (
            "scaled = []",
            'scaled = ["shorter"]',
            "mine.toml: certifies: an edition that scales the standard can't certify; got true; "
            "wanted false",
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


def test_a_multimodal_model_needs_the_text_workload_too(official: str) -> None:
    """
    R7b: a VL model must hold on both workloads; without one of them it would be asked half.
    """
    start = official.index("[[workloads]]")
    end = official.index('[[workloads]]\nname = "images"')

    with pytest.raises(StandardError, match=r"^mine\.toml: workloads: no entry is text$"):
        parse(official[:start] + official[end:], "mine.toml")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            RECIPE,
            '[[recipes]]\nmodel = "ERNIE-4.5-0.3B"\nmethod = "sft"',
            "mine.toml: recipes: the recipe names a model that the edition doesn't have; "
            "got ERNIE-4.5-0.3B; wanted one of ERNIE-4.5-tiny",
        ),
        (
            "steps = 500",
            "steps = 499",
            "mine.toml: recipes.ERNIE-4.5-tiny.sft.steps: the recipe ends before the last step that "
            "is judged; got 499; wanted at least 500",
        ),
        (
            'method = "sft"\n',
            'method = "sft_lora"\nlora_rank = 8\n',
            "mine.toml: recipes.ERNIE-4.5-tiny.sft_lora: the recipe is there twice",
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


def test_the_digest_follows_content_and_not_layout(official: str) -> None:
    """
    Comments and the order of tables change nothing; any number does.
    """
    same = parse(official.replace("# R3", "# the outlier"), "a.toml")
    other = parse(official.replace(LOSS, "tolerance = 1.1e-2"), "a.toml")
    known = edition_digest(load("ernie-4.5"))

    assert (True, False) == (known == edition_digest(same), known == edition_digest(other))


def test_an_edition_is_immutable() -> None:
    """
    Nothing that runs can move a threshold.
    """
    edition: Edition = load("ernie-4.5")

    with pytest.raises(AttributeError):
        edition.rulings.loss.tolerance = 1.0  # type: ignore[misc]
