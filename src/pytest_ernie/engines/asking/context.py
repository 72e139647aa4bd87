"""
R12 on the serving side: a prompt that fills the window is accepted, counted and answered.

    refused    HTTP status 4xx or 5xx with the server's words (a window too small is one)
    dead       no HTTP status at all
    truncated  accepted, but ``prompt_tokens`` is less than what was sent
"""

from __future__ import annotations

import re

import msgspec

from pytest_ernie.engines.protocol import Dialect
from pytest_ernie.errors import EngineError
from pytest_ernie.progress import Progress, silent
from pytest_ernie.standard.model import ServingContextRule

from . import ready
from .chat import Answer, ask_chat, new_client
from .haystack import CYCLE, Haystack, Hidden, sentences_for

TIMEOUT_S = 3600.0
"""A full window on a slow device takes minutes."""
OVER_LONG_SHARE = 1.02


class Needle(msgspec.Struct, frozen=True, kw_only=True):
    """One code asked back."""

    depth: float
    wanted: str
    answer: str
    found: bool
    latency_s: float


class ContextProbe(msgspec.Struct, frozen=True, kw_only=True):
    """What a server did with prompts that fill ``length`` tokens."""

    length: int
    prompt_tokens: int | None
    """By the server's usage, the least over the questions; None if it counted none."""
    accepted: bool
    answered: bool
    """Every question got at least one token."""
    status: int | None
    """HTTP status of the first question that failed, else 200; None: no HTTP answer at all."""
    error: str | None
    needles: tuple[Needle, ...]
    latency_s: float | None
    """Of the first question, which reads the whole prompt, seconds."""
    over_long: str | None
    """How a prompt beyond the window was answered, and whether the server lives; only reported."""


def probe(
    base_url: str,
    model: str,
    *,
    length: int,
    rule: ServingContextRule,
    dialect: Dialect,
    api_key: str | None = None,
    seed: str = "0",
    window: int | None = None,
    timeout_s: float = TIMEOUT_S,
    progress: Progress = silent,
) -> ContextProbe:
    """
    Fill ``length`` tokens (prompt and answer together) and ask the needles back, one a request.

    ``window`` is the server's, where it is longer than the length: the over-long prompt exceeds
    it. What the server refuses is in the probe; EngineError only if it can't be measured at all:
    no usage, or no answer to two short prompts.
    """
    hay = haystack_of(length, rule, seed)
    fields = dialect.sampling(max_tokens=rule.output_tokens)
    stage = f"context {length}"
    with new_client(api_key, timeout_s=timeout_s) as client:

        def ask(sentences: int, hidden: Hidden) -> Answer:
            return ask_chat(client, base_url, model, hay.prompt(sentences, hidden), fields)

        progress(stage, total=len(hay.hidden), detail="count tokens")
        prices = _counts(ask(CYCLE, hay.hidden[0]), ask(2 * CYCLE, hay.hidden[0]), base_url)
        sentences = sentences_for(length - rule.output_tokens, prices)
        if not sentences:
            raise EngineError(
                "this length has no room for needles",
                where=stage,
                got=f"{prices[0]} tokens a cycle",
            )
        answers: list[Answer] = []
        for hidden in hay.hidden:
            answers.append(ask(sentences, hidden))
            progress(stage, done=len(answers), total=len(hay.hidden), detail=_detail(answers[-1]))
            if answers[-1].status != 200:
                break
        beyond = sentences_for(int(max(length, window or 0) * OVER_LONG_SHARE), prices)
        over_long = _over_long(ask(beyond, hay.hidden[0]), base_url, api_key)
    return _probe(length, hay, answers, over_long)


def haystack_of(length: int, rule: ServingContextRule, seed: str) -> Haystack:
    """Return the filler and the codes for a length; another seed hides other codes."""
    return Haystack(f"{seed} {length}", rule.needle_depths)


def found(answer: str, code: str) -> bool:
    """Return whether the answer names the code, as a number of its own."""
    return code in re.findall(r"\d+", answer)


def _counts(one: Answer, two: Answer, base_url: str) -> tuple[int, int]:
    for answer in (one, two):
        if answer.error is not None:
            raise EngineError("a short prompt isn't answered", where=base_url, got=answer.error)
    if one.prompt_tokens is None or two.prompt_tokens is None:
        raise EngineError(
            "the server counts no prompt tokens",
            where=base_url,
            wanted="usage.prompt_tokens",
            fix="Without it no prompt length can be proven",
        )
    return one.prompt_tokens, two.prompt_tokens


def _probe(
    length: int, hay: Haystack, answers: list[Answer], over_long: str | None
) -> ContextProbe:
    failed = next((answer for answer in answers if answer.error is not None), None)
    counted = [a.prompt_tokens for a in answers if a.prompt_tokens is not None]
    return ContextProbe(
        length=length,
        prompt_tokens=min(counted, default=None),
        accepted=answers[0].status == 200 and answers[0].error is None,
        answered=len(answers) == len(hay.hidden) and all(answer.answered for answer in answers),
        status=failed.status if failed else 200,
        error=failed.error if failed else None,
        needles=tuple(
            Needle(
                depth=hidden.depth,
                wanted=hidden.code,
                answer=answer.text,
                found=found(answer.text, hidden.code),
                latency_s=answer.latency_s,
            )
            for hidden, answer in zip(hay.hidden, answers, strict=False)
            if answer.error is None
        ),
        latency_s=answers[0].latency_s,
        over_long=over_long,
    )


def _over_long(answer: Answer, base_url: str, api_key: str | None) -> str:
    if answer.error is not None:
        how = f"refused: {answer.error}" if answer.status else f"no answer: {answer.error}"
    else:
        how = f"answered: {answer.prompt_tokens} prompt tokens counted"
    try:
        ready.listed_models(base_url, api_key)
    except EngineError as problem:
        return f"{how}; then the server was gone ({problem.got or problem.what})"
    return f"{how}; the server lives"


def _detail(answer: Answer) -> str:
    return answer.error or f"{answer.prompt_tokens} tokens in {answer.latency_s:.1f} s"
