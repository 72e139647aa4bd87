"""
Hours by arithmetic: what the formulas say, and that nothing is guessed that they don't cover.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ernie.cli import main
from pytest_ernie.planned import lines
from pytest_ernie.questions import Question
from pytest_ernie.rough_hours import Assumed, active_parameters, rough_hours, training_s
from pytest_ernie.standard import criteria, load

EDITION = load("ernie-4.5")
EIGHT = Assumed(device="gpu", cards=8, card_tflops=120.0, streams=64)


@pytest.mark.parametrize(
    ("model", "parameters"),
    [
        ("ERNIE-4.5-424B-A47B", 47e9),
        ("ERNIE-4.5-28B-A3B", 3e9),
        ("ERNIE-4.5-0.3B", 0.3e9),
        ("ERNIE-4.5-tiny", None),
    ],
)
def test_the_name_tells_how_many_parameters_a_token_passes(
    model: str, parameters: float | None
) -> None:
    """Of a sparse model the active ones."""
    assert active_parameters(model) == parameters


def test_training_is_operations_over_what_the_cards_do() -> None:
    """Six a parameter and token, four with LoRA; a tenth of the cards takes ten times as long."""
    sft, lora = (EDITION.recipe("ERNIE-4.5-0.3B", method) for method in ("sft", "sft_lora"))
    assert sft is not None
    assert lora is not None
    tokens = sft.steps * sft.global_batch * sft.sequence_length

    assert training_s(sft, 3e8, EIGHT) == pytest.approx(6 * 3e8 * tokens / (8 * 120e12))
    assert training_s(sft, 3e8, EIGHT._replace(cards=80)) == pytest.approx(
        training_s(sft, 3e8, EIGHT) / 10
    )
    assert training_s(lora, 3e8, EIGHT) == pytest.approx(training_s(sft, 3e8, EIGHT) * 4 / 6)


def test_a_model_that_needs_more_cards_gets_them() -> None:
    """Eight cards don't hold the 300B's full fine-tuning: the documents ask for more."""
    recipe = EDITION.recipe("ERNIE-4.5-300B-A47B", "sft")
    assert recipe is not None

    one, eight = (training_s(recipe, 47e9, EIGHT._replace(cards=n)) for n in (1, 8))
    assert one == eight > training_s(recipe, 47e9, EIGHT._replace(cards=1000))


def test_serving_is_tokens_over_the_streams_at_their_limit() -> None:
    """5000 prompts of 200 tokens by 64 streams at 60 tokens a second."""
    found = rough_hours(EDITION, criteria(EDITION), EIGHT)
    load_of = Question(kind="serving.load", model="ERNIE-4.5-0.3B", datatype="wint4")
    gsm8k = Question(
        kind="serving.accuracy", model="ERNIE-4.5-0.3B", datatype="wint8", dataset="GSM8K"
    )

    assert found[load_of] == pytest.approx(5000 * 200 / (64 * 60))
    assert found[gsm8k] == pytest.approx(1319 * 200 / (64 * 60))
    assert not any(question.kind in ("serving.facts", "serving.context") for question in found)


def test_what_is_reckoned_can_be_told_from_what_is_recorded() -> None:
    """By a sign on its line and a sentence below; what is recorded goes first."""
    chosen = [c for c in criteria(EDITION) if c.model == "ERNIE-4.5-0.3B" and c.method == "sft"]
    run = Question(kind="training.run", model="ERNIE-4.5-0.3B", method="sft")
    rough = rough_hours(EDITION, chosen, EIGHT)

    shown = list(lines(EDITION, chosen, {}, source=None, rough=rough))
    assert "~" in shown[0]
    assert shown[-1].startswith("of these about ")
    known = list(lines(EDITION, chosen, {run: 7200.0}, source=Path("evidence"), rough=rough))
    assert " 2.0 h  loss" in known[0]
    assert "for 3 by arithmetic (~)" in known[-1]


def test_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The rehearsal's model has no such name, so nothing is said of it; zero is refused."""
    monkeypatch.chdir(tmp_path)

    assert main(["plan", "--device=cpu", "-m", "tier1", "--card-tflops=1"]) == 0
    assert "~" not in capsys.readouterr().out
    assert main(["plan", "--edition=ernie-4.5", "-m", "tier1", "--card-tflops=120"]) == 0
    assert "by arithmetic (~)" in capsys.readouterr().out
    assert main(["plan", "--edition=ernie-4.5", "--card-tflops=0"]) == 2
    assert (
        "--card-tflops: an estimate needs a number above zero; got 0.0" in capsys.readouterr().err
    )
