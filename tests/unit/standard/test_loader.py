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


def test_the_shipped_editions_are_known_by_name() -> None:
    """
    The standard, its rehearsal, and the proof on one GPU.
    """
    assert editions() == ("ernie-4.5", "gpu-proof", "rehearsal")


@pytest.mark.parametrize("name", ["ernie-4.5", "gpu-proof", "rehearsal"])
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
    path.write_text(official.replace('name = "ernie-4.5"', 'name = "mine"'), encoding="utf-8")
    before = load(str(path))
    changed = path.read_text(encoding="utf-8").replace(LOSS, "tolerance = 2e-2")
    path.write_text(changed, encoding="utf-8")

    assert (before.rulings.loss.tolerance, load(str(path)).rulings.loss.tolerance) == (0.01, 0.02)


def test_a_changed_copy_of_a_shipped_edition_needs_a_name_of_its_own(
    official: str, tmp_path: Path
) -> None:
    """
    Evidence is kept by the edition's name: two texts of one name would be mixed up.
    """
    path = tmp_path / "mine.toml"
    path.write_text(official.replace(LOSS, "tolerance = 2e-2"), encoding="utf-8")

    with pytest.raises(StandardError) as caught:
        load(str(path))

    assert (
        "mine.toml: name: the file has the name of a shipped edition and other content; "
        "got ernie-4.5. Give the edition a name of its own"
    ) == str(caught.value)


def test_an_unknown_edition_is_refused_with_the_choice() -> None:
    """
    A typo must not start anything.
    """
    with pytest.raises(StandardError) as caught:
        load("ernie-5")

    expected = (
        "there is no such edition; got ernie-5; wanted one of ernie-4.5, gpu-proof, "
        "rehearsal, or a TOML file"
    )
    assert expected == str(caught.value)


def test_an_edition_of_foreign_bytes_is_refused(tmp_path: Path) -> None:
    """
    A file that isn't UTF-8 is named instead of a stack.
    """
    path = tmp_path / "mine.toml"
    path.write_bytes(b'name = "\xff\xfe"')

    with pytest.raises(
        StandardError, match=r"mine\.toml: the edition can't be read \('utf-8' codec"
    ):
        load(str(path))


def test_text_that_is_no_toml_is_refused_with_its_line() -> None:
    """
    The reader's own words say where.
    """
    with pytest.raises(StandardError, match=r"^mine\.toml: this is no TOML \(.*line 1"):
        parse("name = = 1", "mine.toml")


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
            (
                "mine.toml: rulings.loss.tolerance: the value is of the wrong kind; got '1e-2'; "
                "wanted float"
            ),
        ),
        (
            LOSS,
            "tolerance = 0.0",
            (
                "mine.toml: rulings.loss.tolerance: the value is out of range; got 0.0; "
                "wanted float > 0.0"
            ),
        ),
        (
            "max_outliers = 10",
            "max_outliers = -1",
            (
                "mine.toml: rulings.loss.max_outliers: the value is out of range; got -1; "
                "wanted int >= 0"
            ),
        ),
        (
            "max_outliers = 10",
            "max_outliers = true",
            (
                "mine.toml: rulings.loss.max_outliers: the value is of the wrong kind; got True; "
                "wanted int"
            ),
        ),
        (
            'summary = "The loss of steps 401 to 500 follows the benchmark\'s within 1e-2."',
            'summary = ""',
            (
                "mine.toml: clauses.training.loss.summary: the value is out of range; got ''; "
                "wanted str of length >= 1"
            ),
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
        (
            "contexts = [8192, 32768] ",
            "contexts = [8192, 8192] ",
            "mine.toml: tiers.I: contexts must ascend without repeats, got [8192, 8192]",
        ),
        (
            "\nconfidence = 0.95",
            "\nconfidence = 95",
            "mine.toml: rulings.accuracy: confidence is 95; it is a fraction, so give 0.95",
        ),
        (
            "filled_share = 0.98\nlength",
            "filled_share = 98\nlength",
            (
                "mine.toml: rulings.training_context: filled_share is 98; it is a fraction, so "
                "give 0.98"
            ),
        ),
        (
            "filled_share = 0.98\nneedle",
            "filled_share = 0\nneedle",
            (
                "mine.toml: rulings.serving_context: filled_share is 0; it is a fraction above "
                "0 and at most 1"
            ),
        ),
        (
            "divergence_significance = 0.01",
            "divergence_significance = 2",
            "mine.toml: rulings.loss: divergence_significance is 2; it is a fraction, so give 0.02",
        ),
        ("number = 2", "number = 3", "mine.toml: tiers.II: tier II has the number 3"),
        (
            "limits = { decode_tokens_per_s = 60, ttft_s = 0.3 }",
            "limits = { decode_tokens_per_s = 60, ttft_s = 0.3, ttft_multimodal_s = 4.0 }",
            (
                "mine.toml: models.ERNIE-4.5-0.3B: ERNIE-4.5-0.3B is text: "
                "limits.ttft_multimodal_s is not allowed"
            ),
        ),
        (
            "ttft_s = 1.0, ttft_multimodal_s = 4.0",
            "ttft_s = 1.0",
            (
                "mine.toml: models.ERNIE-4.5-424B-A47B: ERNIE-4.5-424B-A47B is multimodal: "
                "limits.ttft_multimodal_s is missing"
            ),
        ),
        (
            "output_tokens_max = 1024",
            "output_tokens_max = 8",
            "mine.toml: workloads.text: output_tokens_min 16 is above output_tokens_max 8",
        ),
        (
            "concurrency_start = 1\nconcurrency_most = 512",
            "concurrency_start = 600\nconcurrency_most = 512",
            "mine.toml: workloads.images: concurrency_start 600 is above concurrency_most 512",
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
            (
                "mine.toml: rulings.serving_context: needle_depths is 10; it is a fraction, so "
                "give 0.1"
            ),
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


def test_the_digest_follows_content_and_not_layout(official: str) -> None:
    """
    Comments and the order of tables change nothing; any number does.
    """
    same = parse(official.replace("# R3", "# the outlier"), "a.toml")
    other = parse(official.replace(LOSS, "tolerance = 1.1e-2"), "a.toml")
    known = edition_digest(load("ernie-4.5"))

    assert (known == edition_digest(same), known == edition_digest(other)) == (True, False)


def test_an_edition_is_immutable() -> None:
    """
    Nothing that runs can move a threshold.
    """
    edition: Edition = load("ernie-4.5")

    with pytest.raises(AttributeError):
        edition.rulings.loss.tolerance = 1.0  # type: ignore[misc]  # frozen
