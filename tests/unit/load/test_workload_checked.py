"""
Whether prompts reached the model whole, told by the tokens that the server counted.
"""

from __future__ import annotations

import pytest

from doubles.load_records import record
from pytest_ernie.load.workloads import check_prompt_tokens


def problems(counted: list[int | None], read: list[int | None]) -> tuple[str, ...]:
    """What there is to say of these counts."""
    return check_prompt_tokens(
        counted, [record(index, prompt_tokens=tokens) for index, tokens in enumerate(read)]
    )


def test_a_template_adds_about_the_same_to_all() -> None:
    """Then there is nothing to say, whatever the lengths."""
    assert problems([10, 500, 8000], [22, 513, 8011]) == ()


def test_nothing_is_said_where_nothing_is_known() -> None:
    """No counts, none of one prompt, or no records."""
    assert check_prompt_tokens(None, [record(0, prompt_tokens=3)]) == ()
    assert problems([None, 10, None], [3, 22, 1500]) == ()
    assert problems([10, 20], []) == ()


def test_a_server_that_adds_nothing_is_right() -> None:
    """A completion has no template."""
    assert problems([10, 500], [10, 500]) == ()


@pytest.mark.parametrize(("tokens", "cut"), [(1012, False), (1004, False), (1003, True)])
def test_a_prompt_may_differ_by_the_spread(tokens: int, cut: bool) -> None:
    """At, and one token beyond, with a template of 12 tokens."""
    found = problems([10, 20, 1000], [22, 32, tokens])

    assert found == (
        (
            "1 of 3 prompts reached the model shorter than they were sent; worst is request 2: 1000 "
            "tokens counted, 1003 read, where a chat template adds 12",
        )
        if cut
        else ()
    )


@pytest.mark.parametrize(("tokens", "cut"), [(1000, False), (999, True)])
def test_a_prompt_is_never_read_as_shorter_than_counted(tokens: int, cut: bool) -> None:
    """Not even within the spread."""
    assert bool(problems([10, 20, 1000], [12, 22, tokens])) is cut


@pytest.mark.parametrize(("tokens", "longer"), [(1020, False), (1021, True)])
def test_a_prompt_may_not_grow_either(tokens: int, longer: bool) -> None:
    """Where the site's tokenizer isn't the server's, that is how it shows."""
    found = problems([10, 20, 1000], [22, 32, tokens])

    assert found == (
        (
            "1 of 3 prompts reached the model longer than they were sent; worst is request 2: 1000 "
            "tokens counted, 1021 read, where a chat template adds 12",
        )
        if longer
        else ()
    )


def test_the_worst_of_several_is_told() -> None:
    """By how far it is off, not by its place; prompts of which nothing is known are no part of the count."""
    known: list[int | None] = [10, 20, None, 30, 40, 50]

    assert problems(known, [22, 32, 9, 42, 92, 72]) == (
        "2 of 5 prompts reached the model longer than they were sent; worst is request 4: 40 tokens "
        "counted, 92 read, where a chat template adds 12",
    )
    assert problems(known, [22, 32, 9, 42, 31, 49]) == (
        "2 of 5 prompts reached the model shorter than they were sent; worst is request 4: 40 tokens "
        "counted, 31 read, where a chat template adds 12",
    )


def test_both_ways_at_once_are_two_problems() -> None:
    """Of two counts without a common difference the smaller one is the usual."""
    assert [told.split(";")[0] for told in problems([10, 20, 30], [22, 10, 80])] == [
        "1 of 3 prompts reached the model shorter than they were sent",
        "1 of 3 prompts reached the model longer than they were sent",
    ]


def test_a_server_that_cuts_nearly_all_is_found_out() -> None:
    """The few that it left whole show what is usual."""
    found = problems([100, 3000, 4000, 5000, 6000], [112, 2047, 2047, 2047, 2047])

    assert found == (
        "4 of 5 prompts reached the model shorter than they were sent; worst is request 4: 6000 "
        "tokens counted, 2047 read, where a chat template adds 12",
    )


def test_a_server_that_cuts_all_is_found_out() -> None:
    """Without any that was left whole."""
    (found,) = problems([3000, 4000], [2047, 2047])

    assert found.startswith("2 of 2 prompts reached the model shorter than they were sent; ")


def test_a_server_that_says_nothing_is_named() -> None:
    """Silence proves nothing; a failed request is judged elsewhere."""
    counted = [10, 20, 30]
    records = [
        record(0, prompt_tokens=22),
        record(1, prompt_tokens=None),
        record(2, prompt_tokens=None, error="refused: 429"),
    ]

    assert check_prompt_tokens(counted, records) == (
        "1 of 2 answers don't say how many tokens their prompt had",
    )


def test_a_failed_request_says_nothing() -> None:
    """Even with a count."""
    assert (
        check_prompt_tokens([10], [record(0, prompt_tokens=3, error="cut: 3 of 16 tokens")]) == ()
    )


def test_an_index_is_a_place_in_the_workload() -> None:
    """Records come in any order, and may be of a part of it."""
    assert (
        check_prompt_tokens(
            [10, 20, 3000], [record(2, prompt_tokens=3012), record(0, prompt_tokens=22)]
        )
        == ()
    )
