"""
Prompts that fill a window, and what a server made of them.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from doubles.openai_server import Behaviour, FakeServer
from pytest_ernie.engines.asking.context import ContextProbe, found, probe
from pytest_ernie.engines.asking.haystack import CYCLE, NAMES, Haystack, sentences_for
from pytest_ernie.engines.dialects import VLLM
from pytest_ernie.errors import EngineError
from pytest_ernie.standard.model import ServingContextRule

RULE = ServingContextRule(
    output_tokens=32,
    filled_share=0.98,
    needle_depths=(0.1, 0.3, 0.5, 0.7, 0.9),
    needles_lost_max=1,
    reference_needles_min=2,
)


def run(server: FakeServer, length: int = 4096, **changed: Any) -> ContextProbe:
    """Probe a length."""
    return probe(server.base_url, "m", length=length, rule=RULE, dialect=VLLM, **changed)


@pytest.mark.parametrize("length", [2048, 8192, 32768])
def test_a_prompt_fills_its_length_and_never_exceeds_it(length: int) -> None:
    """Without a tokenizer, to within a few sentences; the answer has its room, too."""
    with FakeServer(Behaviour(window=length)) as server:
        seen = run(server, length)

    assert seen.prompt_tokens is not None
    assert length - 32 - 36 <= seen.prompt_tokens <= length - 32
    assert (seen.accepted, seen.answered, seen.status, seen.error) == (True, True, 200, None)
    assert [needle.found for needle in seen.needles] == [True] * 5
    assert [needle.depth for needle in seen.needles] == [0.1, 0.3, 0.5, 0.7, 0.9]


def test_only_the_question_differs_between_the_needles_prompts() -> None:
    """So that an engine with prefix caching reads the haystack once."""
    with FakeServer() as server:
        run(server)
        texts = [body["messages"][0]["content"] for body in server.asked[2:7]]

    hay = {text.rsplit("\n", 1)[0] for text in texts}
    assert len(hay) == 1
    assert len({text.rsplit("\n", 1)[1] for text in texts}) == 5


def test_needles_lie_at_their_depths() -> None:
    """Measured in characters of the text."""
    hay = Haystack("seed", RULE.needle_depths)
    text = hay.text(1000)

    for hidden in hay.hidden:
        assert text.index(hidden.sentence) / len(text) == pytest.approx(hidden.depth, abs=0.01)


def test_a_seed_makes_needles_that_nobody_could_know() -> None:
    """Two seeds share neither text nor codes; one seed repeats both."""
    one, same, other = Haystack("1", (0.5,)), Haystack("1", (0.5,)), Haystack("2", (0.5,))

    assert one.text(9) == same.text(9)
    assert one.text(9) != other.text(9)
    assert one.hidden != other.hidden


def test_no_filler_holds_a_number_or_a_needles_name() -> None:
    """Otherwise a code could be found that wasn't hidden."""
    words = re.findall(r"\w+", Haystack("seed", ()).text(CYCLE))

    assert not any(word.isdigit() for word in words)
    assert not set(words) & set(NAMES.split())


def test_the_rehearsals_model_knows_every_word() -> None:
    """Its tokenizer holds each as one token, and it was trained on these sentences."""
    from pytest_ernie.rehearsal.words import lexicon

    text = Haystack("seed", ()).text(CYCLE)

    assert set(re.findall(r"\w+", text)) | set(NAMES.split()) <= set(lexicon())


@pytest.mark.parametrize(
    ("target", "prices", "sentences"),
    [
        (128, (64, 128), 126),
        (1064, (64, 128), 1062),
        (65, (64, 128), 63),
        (10, (64, 128), 8),
        (-100, (64, 128), 0),
        (500, (64, 64), 0),
    ],
)
def test_the_price_of_a_cycle_sizes_the_prompt(
    target: int, prices: tuple[int, int], sentences: int
) -> None:
    """Two sentences are left out; a server that counts the same for both is not believed."""
    assert sentences_for(target, prices) == sentences


def test_a_refusal_is_told_with_its_status_and_ends_the_questions() -> None:
    """A window too small is refused, and the server is none the worse for it."""
    with FakeServer(Behaviour(window=2048)) as server:
        seen = run(server, 4096, window=2048)
        asked = len(server.asked)

    assert (seen.accepted, seen.answered, seen.status) == (False, False, 400)
    assert seen.error is not None
    assert seen.error.startswith("HTTP 400: This model's maximum context length is 2048 tokens.")
    assert seen.needles == ()
    assert asked == 2 + 1 + 1


def test_a_server_that_dies_has_no_status() -> None:
    """Which tells it from one that refuses."""
    with FakeServer() as server:
        server.faults.extend([None, None, "reset"])
        seen = run(server)

    assert (seen.accepted, seen.status) == (False, None)
    assert seen.error is not None
    assert seen.error.startswith("ReadError")


def test_a_prompt_that_was_cut_shows_in_its_count() -> None:
    """Accepted and answered, but not filled: the needles beyond the cut don't help."""
    with FakeServer(Behaviour(window=3000, over_long="cut")) as server:
        seen = run(server, 4096)

    assert (seen.accepted, seen.prompt_tokens) == (True, 2968)


def test_a_needle_that_is_not_found_keeps_the_answer() -> None:
    """Lost, not failed."""
    with FakeServer(Behaviour(reply=lambda prompt: "I can't say")) as server:
        seen = run(server)

    assert [needle.found for needle in seen.needles] == [False] * 5
    assert seen.needles[0].answer == "I can't say"
    assert (seen.accepted, seen.answered) == (True, True)


@pytest.mark.parametrize(
    ("answer", "is_found"),
    [
        ("4821", True),
        ("The code of apple is 4821.", True),
        ("4821 or 4822", True),
        ("14821", False),
        ("4 8 2 1", False),
        ("482", False),
        ("", False),
    ],
)
def test_a_code_is_found_as_a_number_of_its_own(answer: str, is_found: bool) -> None:
    """Part of a longer one is not it."""
    assert found(answer, "4821") is is_found


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("400", "refused: HTTP 400: This model's maximum context length is 4096 tokens."),
        ("500", "refused: HTTP 500: This model's maximum context length is 4096 tokens."),
        ("cut", "answered: 4064 prompt tokens counted; the server lives"),
        ("200", "answered: 41"),
    ],
)
def test_an_over_long_prompt_is_reported_only(how: str, words: str) -> None:
    """However it is answered, the probe of the length itself stands."""
    with FakeServer(Behaviour(window=4096, over_long=how)) as server:
        seen = run(server, 4096)

    assert seen.answered
    assert seen.over_long is not None
    assert seen.over_long.startswith(words)
    assert seen.over_long.endswith("; the server lives")


def test_an_over_long_prompt_exceeds_the_servers_window_not_only_the_length() -> None:
    """Served with 8192, a prompt of 4096 and a bit is not over-long."""
    with FakeServer(Behaviour(window=8192)) as server:
        seen = run(server, 4096, window=8192)

    assert seen.over_long is not None
    assert seen.over_long.startswith("refused: HTTP 400")


def test_a_server_that_dies_of_an_over_long_prompt_is_told_so() -> None:
    """Reported, not judged."""
    with FakeServer(Behaviour(window=4096)) as server:
        server.faults.extend([None] * 7 + ["die"])
        seen = run(server, 4096)

    assert seen.answered
    assert seen.over_long is not None
    assert re.match(r"no answer: \w+: .*; then the server was gone \(", seen.over_long)


def test_without_a_count_of_prompt_tokens_no_length_can_be_proven() -> None:
    """The message says what is missing."""
    with FakeServer(Behaviour(usage="never")) as server, pytest.raises(EngineError) as caught:
        run(server)

    assert str(caught.value) == (
        f"{server.base_url}: the server counts no prompt tokens; wanted usage.prompt_tokens. "
        "Without it no prompt length can be proven"
    )


def test_a_server_that_fails_short_prompts_is_not_measured() -> None:
    """Its trouble isn't its window."""
    with FakeServer() as server:
        server.faults.append("500")
        with pytest.raises(EngineError) as caught:
            run(server)

    assert str(caught.value) == (
        f"{server.base_url}: a short prompt isn't answered; got HTTP 500: fault 500"
    )


def test_a_length_without_room_is_refused() -> None:
    """Below the price of its needles."""
    with FakeServer() as server, pytest.raises(EngineError) as caught:
        run(server, 40)

    assert str(caught.value).startswith("context 40: this length has no room for needles; got ")
