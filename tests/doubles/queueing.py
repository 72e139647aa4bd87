"""
A serving engine in virtual time, and what drives it: a closed loop, the search, a plain search.

Events are exact. All streams of the batch get one token per step, so one clock that counts steps
serves them all: it runs faster in a small batch. A stream ends when that clock has advanced by its
tokens, times its own noise.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Callable, Container, Generator, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from pytest_ernie.load.search import (
    Found,
    Limits,
    Sample,
    SearchSettings,
    Trial,
    TrialOutcome,
    search,
)

LIMITS = Limits(ttft_s=0.3, decode_tokens_per_s=40.0)
TOKENS = 64
Seed = int | tuple[int, ...]


class Engine(Struct, frozen=True, kw_only=True):
    """
    What a server does with its requests; by default the one of which 53 streams are true.
    """

    slots: int = 48
    """Streams that run at once; the others wait, first come, first served."""
    prefill_s: float = 0.1
    prefills: int = 1_000_000
    """Prompts worked on at once."""
    step_s: float = 0.010
    step_per_stream_s: float = 0.0003
    noise: float = 0.0
    """Coefficient of variation of the lognormal factors, one for a prefill and one for a decode."""
    random_lengths: bool = False
    """Geometric lengths, at least two tokens, with the mean of the fixed one."""
    cliff: int = 1_000_000
    """With more in flight than this a prefill takes 3 s: every stream is evicted and begins anew."""
    slow: tuple[int, int] = (1, 0)
    """Batches from the first to the second size have steps half as long again."""

    def step(self, running: int) -> float:
        """Return the seconds from one token to the next in a batch of so many streams."""
        slow = 1.5 if self.slow[0] <= running <= self.slow[1] else 1.0
        return slow * (self.step_s + self.step_per_stream_s * running)

    def draw(self, rng: np.random.Generator) -> Iterator[tuple[float, int, float]]:
        """Yield of each request: prefill seconds, output tokens, factor on its time per token."""
        sigma = math.sqrt(math.log1p(self.noise**2))
        while True:
            factors = np.exp(rng.normal(-(sigma**2) / 2, sigma, (2, 512))).tolist()
            lengths = [TOKENS] * 512
            if self.random_lengths:
                lengths = (1 + rng.geometric(1 / (TOKENS - 1), 512)).tolist()
            for prefill, tokens, decode in zip(factors[0], lengths, factors[1], strict=True):
                yield self.prefill_s * prefill, tokens, decode


class _Request(NamedTuple):
    number: int
    sent_s: float
    prefill_s: float
    tokens: int
    factor: float


class _Loop:
    """One run of a closed loop."""

    def __init__(self, engine: Engine, concurrency: int, requests_max: int, seed: Seed) -> None:
        self.engine, self.concurrency, self.requests_max = engine, concurrency, requests_max
        self.draws = engine.draw(np.random.default_rng(seed))
        self.now_s = self.clock = 0.0
        self.sent = self.finished = self.running = self.prefilling = 0
        self.waiting: deque[_Request] = deque()
        self.prefills: list[tuple[float, int, _Request]] = []
        self.decodes: list[tuple[float, int, _Request, float]] = []

    def run(self, looks: Container[int], decided: Callable[[list[Sample]], bool]) -> TrialOutcome:
        """Send ``concurrency`` requests at once, replace each one, drop the first of each slot."""
        engine, samples, tokens = self.engine, list[Sample](), 0
        for _ in range(min(self.concurrency, self.requests_max)):
            self._send()
        self._start()
        step_s = engine.step(self.running)
        while self.prefills or self.decodes:
            prefilled_s = self.prefills[0][0] if self.prefills else math.inf
            done_s = math.inf
            if self.decodes:
                done_s = self.now_s + (self.decodes[0][0] - self.clock) * step_s
            event_s = min(prefilled_s, done_s)
            self.clock += (event_s - self.now_s) / step_s
            self.now_s = event_s
            if prefilled_s <= done_s:
                _, number, request = heapq.heappop(self.prefills)
                self.prefilling -= 1
                end = self.clock + (request.tokens - 1) * request.factor
                heapq.heappush(self.decodes, (end, number, request, event_s))
                if self.waiting:
                    self._start()
                    step_s = engine.step(self.running)
                continue
            _, number, request, first_s = heapq.heappop(self.decodes)
            self.running -= 1
            self.finished += 1
            tokens += request.tokens
            if number >= self.concurrency:
                decode_s = event_s - first_s
                s_per_token = decode_s / (request.tokens - 1)
                ttft_s = first_s - request.sent_s
                samples.append(Sample(ttft_s, s_per_token, decode_s=decode_s))
                if len(samples) in looks and decided(samples):
                    break
            if self.sent < self.requests_max:
                self._send()
            self._start()
            step_s = engine.step(self.running)
        return TrialOutcome(
            samples=tuple(samples),
            requests_sent=self.sent,
            output_tokens_per_s=tokens / max(self.now_s, 1e-9),
        )

    def _send(self) -> None:
        self.waiting.append(_Request(self.sent, self.now_s, *next(self.draws)))
        self.sent += 1

    def _start(self) -> None:
        engine = self.engine
        while self.waiting and self.running < engine.slots and self.prefilling < engine.prefills:
            request = self.waiting.popleft()
            self.running += 1
            self.prefilling += 1
            overfull = self.sent - self.finished > engine.cliff
            prefill_s = 3.0 if overfull else request.prefill_s
            heapq.heappush(self.prefills, (self.now_s + prefill_s, request.number, request))


def closed_loop(engine: Engine, concurrency: int, requests: int, seed: Seed = 0) -> TrialOutcome:
    """Run a load until so many requests are sent and answered."""
    return _Loop(engine, concurrency, requests, seed).run((), lambda _: False)


class Driven(NamedTuple):
    """What a search found, and all its trials with their outcomes."""

    found: Found
    history: list[tuple[Trial, TrialOutcome]]


def drive(
    engine: Engine, settings: SearchSettings, seed: int = 0, limits: Limits = LIMITS
) -> Driven:
    """Let the search run on an engine."""
    steps: Generator[Trial, TrialOutcome, Found] = search(limits, settings)
    history: list[tuple[Trial, TrialOutcome]] = []
    trial = next(steps)
    while True:
        loop = _Loop(engine, trial.concurrency, trial.requests_max, (seed, trial.number))
        outcome = loop.run(frozenset(trial.looks), trial.decided)
        history.append((trial, outcome))
        try:
            trial = steps.send(outcome)
        except StopIteration as stop:
            return Driven(stop.value, history)


class Plain(NamedTuple):
    """What a plain search found, and what it sent."""

    max_concurrency: int
    requests_sent: int


def plain_search(engine: Engine, seed: int = 0, limits: Limits = LIMITS) -> Plain:
    """
    Double from 1 until a load breaks, then halve; by the plain means of 5 N requests, at least 512.

    What load testers commonly do by hand: a fixed number of requests, a few for each stream.
    """
    sent = 0

    def keeps(load: int) -> bool:
        nonlocal sent
        requests = max(512, 5 * load)
        sent += requests
        return mean_keeps(closed_loop(engine, load, requests, (seed, load)).samples, limits)

    low, high = 0, 1
    while keeps(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if keeps(middle) else (low, middle)
    return Plain(low, sent)


def mean_keeps(samples: Sequence[Sample], limits: Limits = LIMITS) -> bool:
    """Judge by the plain means."""
    assert limits.ttft_s is not None
    assert limits.s_per_token is not None
    ttft_s = sum(sample.ttft_s for sample in samples) / len(samples)
    s_per_token = sum(sample.s_per_token for sample in samples) / len(samples)
    return ttft_s < limits.ttft_s and s_per_token <= limits.s_per_token


class Case(NamedTuple):
    """An engine whose limit is known."""

    engine: Engine
    truths: tuple[int, ...]
    """The loads that hold with all lower ones, or would if nobody tested the slow range below."""

    def is_near(self, found: Found) -> bool:
        """Within 2 % of a truth, or 1, without having passed a load that truly breaks."""
        answer = found.max_concurrency
        off = max(1.0, 0.02 * answer)
        passed = (p.concurrency for p in found.curve if p.concurrency < answer - off)
        first, last = self.engine.slow
        return any(
            abs(answer - truth) <= max(1, 0.02 * truth) for truth in self.truths
        ) and not any(first <= load <= last for load in passed)


MAXIMA = {7: 7, 53: 48, 180: 161, 700: 624}
"""Truth -> slots. By Little's law: slots * (1 + (0.3 - 0.1) / 1.637) is 7.9, 53.9, 180.7, 700.2."""


def case(shape: str, maximum: int, noise: float) -> Case:
    """
    Return an engine of a shape that keeps LIMITS up to ``maximum``.

    "slots": requests queue for slots. "lengths": and are of random length. "slow": and batches of a
    middle size are slow. "decode": steps grow with the batch. "cliff": the memory is suddenly full.
    """
    slots = MAXIMA[maximum]
    queue = Engine(slots=slots, step_per_stream_s=0.0144 / slots, noise=noise)
    endless = replace(queue, slots=1_000_000)
    slow = (int(0.6 * maximum), int(0.8 * maximum))
    cases = {
        "slots": Case(queue, (maximum,)),
        "lengths": Case(replace(queue, random_lengths=True), (maximum,)),
        "slow": Case(replace(queue, slow=slow), (slow[0] - 1, maximum)),
        "decode": Case(replace(endless, step_per_stream_s=0.015 / (maximum + 0.5)), (maximum,)),
        "cliff": Case(
            replace(endless, step_per_stream_s=0.010 / maximum, cliff=maximum), (maximum,)
        ),
    }
    return cases[shape]


PREFILL_QUEUE = Case(
    Engine(
        slots=1_000_000,
        prefills=1,
        prefill_s=0.02,
        step_per_stream_s=0.00005,
        noise=0.05,
        random_lengths=True,
    ),
    truths=(52,),
)
"""One prompt at a time, lengths at random: TTFT varies so slowly that nobody finds 2 % cheaply."""

SHAPES = ("slots", "lengths", "slow", "decode", "cliff")
