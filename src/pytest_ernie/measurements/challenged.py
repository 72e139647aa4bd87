"""
Whether evidence answers its challenge: what the nonce decides must be in what was recorded (R16).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ernie.challenge import in_challenged_order, seed_of
from pytest_ernie.errors import EvidenceTampered
from pytest_ernie.evidence import Record
from pytest_ernie.measurements.serving import NEEDLES, ContextPlan
from pytest_ernie.standard import Workload

if TYPE_CHECKING:
    from pytest_ernie.load.protocol import LoadResult


def check_needles(record: Record, plan: ContextPlan, challenge: str | None) -> None:
    """
    Raise EvidenceTampered if the codes that were hidden aren't those of the challenge.

    Who made the evidence before the challenge was issued couldn't know them.
    """
    if challenge is None:
        return
    from pytest_ernie.engines.asking.context import haystack_of

    hay = haystack_of(plan.length, plan.rule, seed_of(challenge, NEEDLES))
    wanted = {hidden.code for hidden in hay.hidden}
    strange = {needle["wanted"] for needle in record.data["needles"]} - wanted
    if strange:
        raise EvidenceTampered(
            "codes were hidden in the prompt that aren't the challenge's",
            where=record.what.title,
            got=", ".join(sorted(strange)),
            wanted=", ".join(sorted(wanted)),
        )


def lengths_by_prompt(
    result: LoadResult, workload: Workload, challenge: str | None
) -> dict[int, int]:
    """
    Return how many tokens each prompt's answer was to have, by the prompt's place in the edition's order.

    The same on both sides (R9), unless the prompts weren't sent in the order of the challenge.
    """
    order = in_challenged_order(range(workload.prompts), challenge, workload.name)
    sent = [request for request in result.records if request.index < len(order)]
    return {order[request.index]: request.wanted_tokens for request in sent}
