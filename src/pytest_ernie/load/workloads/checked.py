"""
Whether the server read the prompts that were sent: a prompt that is silently cut is answered fast.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

from pytest_ernie.load.protocol import RequestRecord

SPREAD_TOKENS = 8
"""
How far apart the tokens may be that surround a prompt: the number of the request that the client
puts before it has one to five digits, and tokens may merge where the chat template touches the text.
"""


def check_prompt_tokens(
    counted: Sequence[int | None] | None, records: Iterable[RequestRecord]
) -> tuple[str, ...]:
    """
    Say in words where ``usage.prompt_tokens`` doesn't agree with the tokens that a site counted.

    ``counted`` has one for each prompt of the workload, None where it isn't known (images). The
    server's chat template adds about as many tokens to each prompt, so the difference must be
    about the same everywhere and never negative. Failed requests say nothing.
    """
    if counted is None:
        return ()
    silent, extras = 0, {}
    for record in records:
        known = counted[record.index]
        if known is None or record.error is not None:
            continue
        if record.prompt_tokens is None:
            silent += 1
        else:
            extras[record.index] = record.prompt_tokens - known
    problems = []
    if silent:
        problems.append(
            f"{silent} of {silent + len(extras)} answers don't say how many tokens their prompt had"
        )
    # Cutting makes a difference smaller and mostly negative, so the others show what is usual.
    usual = statistics.median_low([extra for extra in extras.values() if extra >= 0] or [0])
    shorter = {i: e for i, e in extras.items() if e < max(0, usual - SPREAD_TOKENS)}
    longer = {i: e for i, e in extras.items() if e > usual + SPREAD_TOKENS}
    if shorter:
        worst = min(shorter, key=lambda index: shorter[index])
        problems.append(_problem("shorter", shorter, extras, counted, worst, usual))
    if longer:
        worst = max(longer, key=lambda index: longer[index])
        problems.append(_problem("longer", longer, extras, counted, worst, usual))
    return tuple(problems)


def _problem(
    how: str,
    found: dict[int, int],
    extras: dict[int, int],
    counted: Sequence[int | None],
    worst: int,
    usual: int,
) -> str:
    tokens = counted[worst]
    assert tokens is not None
    return (
        f"{len(found)} of {len(extras)} prompts reached the model {how} than they were sent; worst "
        f"is request {worst}: {tokens} tokens counted, {tokens + extras[worst]} read, where a chat "
        f"template adds {usual}"
    )
