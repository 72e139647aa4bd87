"""
A schedule's options, and what it draws.
"""

from __future__ import annotations

import statistics
from typing import Any

import msgspec
import pytest

from pytest_ernie.load.known.schedule import Answers, Asked, Chance, Schedule, from_arguments

SHARED: dict[str, Any] = {"reset_share": 0.1, "shed_share": 0.2}


def test_a_schedule_survives_the_command_line() -> None:
    """Whatever differs from the defaults; nothing is said of what doesn't."""
    schedule = Schedule(
        ttft_s=1e-05,
        tokens=7,
        coalesce=2,
        slots=3,
        prefill_s=0.1,
        role_at_once=True,
        framing="close",
        stall_share=1 / 3,
        seed=-1,
    )

    assert from_arguments(["--port=81", *schedule.arguments()]) == (81, schedule)
    assert from_arguments([]) == (0, Schedule())
    assert Schedule().arguments() == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"ttft_s": -0.1}, "ttft_s is -0.1; it must be a finite number, not below zero"),
        ({"interval_s": float("nan")}, "interval_s is nan; it must be a finite number"),
        ({"noise": float("inf")}, "noise is inf; it must be a finite number"),
        ({"tokens": 0}, "tokens is 0; it must be at least 1"),
        ({"coalesce": 0}, "coalesce is 0; it must be at least 1"),
        ({"slots": 0}, "slots is 0; it must be at least 1"),
        ({"prefill_s": 1.0}, "prefill_s counts from getting a slot; give slots, or use ttft_s"),
        ({"framing": "tar"}, "framing is tar; it must be chunked, close or length"),
        ({"stall_share": -0.1}, "shares must not be below 0, nor above 1 in all; they are reset"),
        ({"stall_share": 0.6, "shed_share": 0.6}, "stall_share 0.6, shed_share 0.6, garbage_share"),
        ({"shed_share": float("nan")}, "shares must not be below 0, nor above 1 in all"),
    ],
)
def test_a_schedule_without_sense_is_refused(options: dict[str, Any], words: str) -> None:
    """It says which option, what it is, and what it must be."""
    with pytest.raises(ValueError, match=words):
        Schedule(**options)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--ttft-s=soon", "Expected `float`, got `str` - at `$.ttft_s`"),
        ("--tokens=0", "tokens is 0; it must be at least 1"),
        ("--framing=tar", "Invalid enum value 'tar' - at `$.framing`"),
        ("--speed=9", "unrecognized arguments: --speed=9"),
    ],
)
def test_a_wrong_command_line_ends_with_its_reason(
    option: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """On stderr, and with the exit code of wrong usage."""
    with pytest.raises(SystemExit) as ended:
        from_arguments([option])

    assert ended.value.code == 2
    assert words in capsys.readouterr().err


def test_noise_is_seeded_and_has_mean_one() -> None:
    """Or a noisy schedule would have another mean than the one that is asked for."""
    chances = [Chance(Schedule(noise=0.5, seed=seed)) for seed in (0, 0, 1)]
    drawn, again, other = [[chance.factor() for _ in range(4000)] for chance in chances]

    assert drawn == again != other
    assert statistics.fmean(drawn) == pytest.approx(1, abs=0.05)
    assert statistics.stdev(drawn) == pytest.approx(0.53, abs=0.06)


def test_faults_are_seeded_and_have_their_shares() -> None:
    """Noise doesn't change whom they strike."""
    chances = [Chance(Schedule(**SHARED)), Chance(Schedule(**SHARED, noise=1.0))]
    for _ in range(9):
        chances[1].factor()
    drawn, noisy = [[chance.fault() for _ in range(4000)] for chance in chances]

    assert drawn == noisy
    assert drawn.count("reset") == pytest.approx(400, abs=60)
    assert drawn.count("shed") == pytest.approx(800, abs=80)
    assert set(drawn) == {"reset", "shed", None}
    other = Chance(Schedule(**SHARED, seed=1))
    assert drawn != [other.fault() for _ in range(4000)]


@pytest.mark.parametrize(
    ("body", "tokens"),
    [
        ({"max_tokens": 3}, 3),
        ({"max_completion_tokens": 4, "max_tokens": 3}, 4),
        ({}, 16),
        ({"max_tokens": None}, 16),
    ],
)
def test_an_answer_is_as_long_as_was_asked(body: dict[str, Any], tokens: int) -> None:
    """By either name; 16 tokens if nobody says; what the schedule says goes before."""
    asked = msgspec.convert(body, Asked)

    answers, fixed = Answers(Schedule()), Answers(Schedule(tokens=9))
    assert answers.answer(0, asked, chat=True, fault=None).tokens == tokens
    assert fixed.answer(0, asked, chat=True, fault=None).tokens == 9


@pytest.mark.parametrize(
    ("body", "tokens"),
    [
        ({"messages": [{"content": "a b"}, {"content": None}, {}]}, 2),
        ({"messages": [{"content": [{"text": "a b c"}, {"image_url": {}}]}]}, 3),
        ({"prompt": "a b"}, 2),
        ({"prompt": ["a b", "c"]}, 3),
        ({"prompt": [101, 102, 103, 104]}, 4),
    ],
)
def test_prompts_are_counted_by_their_words(body: dict[str, Any], tokens: int) -> None:
    """Spaces plus one of each text, none of an empty one; token ids are tokens."""
    assert msgspec.convert(body, Asked).prompt_tokens() == tokens
