"""
Search for the most requests in flight at which a server keeps its latency limits (R6, R7).

A generator: it yields a trial, is sent what came of it, and returns what it found. It is a pure
function of the outcomes, so recorded ones lead it the same way again.

1. Grow from the first load, twofold or fourfold, but only just beyond where the figures so far let
   expect the limit.
2. Narrow between the highest load that held and the lowest that broke, by where the two say that
   the limit is met; by halves if they don't say, or if it didn't help.
3. Confirm these two by longer trials. If one of them turns out to be on the other side, go on at 2.

A trial of 1 and 2 is one round: every slot of the closed loop is seen once. Fewer samples mean
nothing where requests queue, as the slots wait in turn.
"""

from __future__ import annotations

import math
from collections.abc import Generator

from msgspec import Struct

from .means import SAMPLES_MIN
from .statistics import Evidence, Finding, Limits, Sample
from .steps import APART, Point, above, between
from .trial import Trial, round_of

__all__ = [
    "CurvePoint", "Found", "Limits", "Sample", "SearchSettings", "Trial", "TrialOutcome", "search",
]  # fmt: skip

ROUNDS_CONFIRM = 3
"""From so many on, the error of a mean is known well."""
SAMPLES_CONFIRM = 512
"""Of small loads, confirmation takes so many samples if need be."""
TRIALS_PER_LOAD = 4
PRECISION = 1 / 3
"""A standard error of so much of a step between loads is as good as it needs to be."""


class SearchSettings(Struct, frozen=True, kw_only=True):
    """How to search."""

    start: int = 1
    """The first load."""
    most: int = 1024
    """No load above it is tried."""
    confidence: float = 0.95
    """Of each single finding; the rest is the rate of false ones that is put up with."""
    resolution: float = 0.01
    """The answer and the next load that breaks may be so far apart, as a share (or by one)."""
    requests_max: int = 100_000
    """All trials together send no more. Once they are spent, what was found is less sure."""
    output_tokens: float | None = None
    """
    Mean length of the workload's answers (R9 fixes it). With it the search knows how long a
    request takes, and so by Little's law how fast a queue can grow; without it needs more trials.
    """

    def step(self, concurrency: int) -> int:
        """Return how many requests in flight are one step of the search at a load."""
        return max(1, int(self.resolution * concurrency))

    def precision(self, concurrency: int) -> float:
        """Return the relative standard error that tells one step from the next."""
        return PRECISION * max(1 / concurrency, self.resolution)


class TrialOutcome(Struct, frozen=True, kw_only=True):
    """What came of a trial."""

    samples: tuple[Sample, ...]
    """In order of completion, without the warm-up: requests due before the load was in flight."""
    requests_sent: int
    output_tokens_per_s: float


class CurvePoint(Struct, frozen=True, kw_only=True):
    """One tested load, all its trials together."""

    concurrency: int
    samples: int
    failed: int
    requests_sent: int
    ttft_s: float | None
    """None, as the next ones, if there was no answer, or too few to tell an error."""
    ttft_error_s: float | None
    s_per_token: float | None
    s_per_token_error: float | None
    output_tokens_per_s: float
    """Of its last trial."""
    keeps: bool
    """By the means alone."""
    finding: Finding
    """With the confidence asked for."""


class Found(Struct, frozen=True, kw_only=True):
    """What the search found."""

    max_concurrency: int
    """The highest load at which it and every lower tested one keep the limits; 0 if none does."""
    confidence: float
    """
    How probable it is that ``max_concurrency`` holds and the next tested load breaks: the product,
    as they were tested apart, of what each load's own samples say (``statistics``). If
    there is only one of the two (0, or a capped search), of that one; 0.0 if the requests ran out
    before any load broke. It is too high rather than too low where neighbours can't be told apart
    (of several such pairs the search ends at one whose samples agree), and where a queue remembers
    longer than a trial lasts. ``tests/bench/search_table.py`` compares it with what was right.
    """
    curve: tuple[CurvePoint, ...]
    """Ascending."""
    requests_sent: int
    capped: bool
    """The highest allowed load still holds."""


def search(limits: Limits, settings: SearchSettings) -> Generator[Trial, TrialOutcome, Found]:
    """Yield trials, take their outcomes, return what was found."""
    state = _Search(limits, settings)
    while (trial := state.next_trial()) is not None:
        outcome = yield trial
        state.learn(trial, outcome)
    return state.found()


class _Search:
    """The tested loads, and what to do next."""

    def __init__(self, limits: Limits, settings: SearchSettings) -> None:
        self._limits = limits
        self._settings = settings
        self._error_rate = 1 - settings.confidence
        self._points: dict[int, Point] = {}
        self._evidence: dict[int, Evidence] = {}
        self._trials = 0
        self._widths: list[int] = []
        self._beyond = False

    def learn(self, trial: Trial, outcome: TrialOutcome) -> None:
        """Add what came of a trial to what is known of its load."""
        load = trial.concurrency
        before = self._points.get(load)
        evidence = trial.earlier.plus(outcome.samples, trial.before_drain)
        figures = evidence.figures()
        self._evidence[load] = evidence
        self._points[load] = Point(
            concurrency=load,
            figures=figures,
            keeps=figures.keeps(self._limits),
            trials=before.trials + 1 if before else 1,
            requests_sent=outcome.requests_sent + (before.requests_sent if before else 0),
            output_tokens_per_s=outcome.output_tokens_per_s,
        )

    def next_trial(self) -> Trial | None:
        """Return the next trial, None if there is nothing more to learn, or to spend."""
        low, high = self._bracket()
        doubted = self._doubted(high)
        if doubted is not None:
            return self._confirm(doubted.concurrency, doubted)
        load = self._untested(low, high)
        if load is not None:
            step = self._settings.step(low.concurrency if low else 0)
            beside = [p for p in (low, high) if p and abs(p.concurrency - load) <= step]
            return self._confirm(load) if high and beside else self._trial(load, round_of(load))
        unsettled = [p for p in (low, high) if p is not None and not self._settled(p)]
        unsettled = unsettled or self._suspects(low)
        if not unsettled:
            return None
        point = min(unsettled, key=self._sureness)
        return self._confirm(point.concurrency, point)

    def _bracket(self) -> tuple[Point | None, Point | None]:
        """Return the highest load that holds with all lower ones, and the lowest that breaks."""
        points = [self._points[load] for load in sorted(self._points)]
        high = next((point for point in points if not point.keeps), None)
        low = [point for point in points if high is None or point.concurrency < high.concurrency]
        return (low[-1] if low else None), high

    def _doubted(self, high: Point | None) -> Point | None:
        """A load that breaks, although not surely, while a higher one holds: look again, first."""
        if high is None or self._settled(high):
            return None
        higher = (p for p in self._points.values() if p.concurrency > high.concurrency)
        return high if any(point.keeps for point in higher) else None

    def _suspects(self, low: Point | None) -> list[Point]:
        """
        Lower loads that may break although a higher one holds: R6 asks for them all.

        Such as are worse than the higher one, or so far below it that it should be plain.
        """
        if low is None:
            return []
        limits, error_rate = self._limits, self._error_rate
        return [
            point
            for point in self._points.values()
            if point.concurrency < low.concurrency
            and not self._settled(point)
            and (
                point.concurrency <= APART * low.concurrency
                or point.figures.worse_than(low.figures, limits, error_rate)
            )
        ]

    def _untested(self, low: Point | None, high: Point | None) -> int | None:
        """Return the load to try next, None if the bracket is as narrow as it should be."""
        settings, limits = self._settings, self._limits
        floor = low.concurrency if low else 0
        step = settings.step(floor)
        tested = [self._points[load] for load in sorted(self._points)]
        if high is None:
            if low is None:
                return max(1, min(settings.start, settings.most))
            load = above(tested, limits, settings.output_tokens, step)
            if self._left() < 2 * _requests(load, round_of(load)):
                load = max(floor + 1, load - step)  # the last one should hold, not break
            return min(load, settings.most) if floor < settings.most else None
        if high.concurrency - floor <= step:
            return None
        expected = between(tested, low, high, limits, settings.output_tokens, step)
        return self._unstuck(floor, high.concurrency, expected, step)

    def _unstuck(self, floor: int, top: int, expected: int, step: int) -> int:
        """
        Return the expected load, unless such ones didn't halve the bracket in two trials.

        Then the limit is approached from one side only: go beyond it once, and after that by halves.
        """
        self._widths.append(top - floor)
        if len(self._widths) < 3 or top - floor <= self._widths[-3] / 2:
            return expected
        self._beyond = not self._beyond
        if not self._beyond:
            self._widths.clear()
            return floor + (top - floor) // 2
        if top - expected < expected - floor:
            return max(floor + 1, 2 * expected - top - step)
        return min(top - 1, 2 * expected - floor + step)

    def _settled(self, point: Point) -> bool:
        """Whether more samples of this load aren't worth it, or aren't allowed."""
        if point.trials >= TRIALS_PER_LOAD or self._finding(point) != "close":
            return True
        precision = self._settings.precision(point.concurrency)
        most = _samples_max(point.concurrency)
        return all(
            doubt.relative_error <= precision or doubt.mean.samples >= most
            for doubt in point.figures.doubts(self._limits, self._error_rate)
        )

    def _finding(self, point: Point) -> Finding:
        return point.figures.finding(self._limits, self._error_rate)

    def _sureness(self, point: Point) -> float:
        """How probable it is that a load is on the side on which it seems to be."""
        if point.keeps:
            return point.figures.probability_holds(self._limits)
        return point.figures.probability_breaks(self._limits)

    def _confirm(self, load: int, point: Point | None = None) -> Trial | None:
        """Enough samples to settle a load, or as many as its spread so far lets expect to be."""
        most = _samples_max(load)
        wanted = float(ROUNDS_CONFIRM * load if point else most)
        for doubt in point.figures.doubts(self._limits, self._error_rate) if point else ():
            ratio = doubt.relative_error / self._settings.precision(load)
            wanted = max(wanted, min(most, doubt.mean.samples * ratio**2) - doubt.mean.samples)
        return self._trial(load, math.ceil(wanted / round_of(load)) * round_of(load))

    def _trial(self, load: int, before_drain: int) -> Trial | None:
        """Return a trial, a shorter one if requests run short, None if it would be too short."""
        requests_max = min(self._left(), _requests(load, before_drain))
        if requests_max < _requests(load, SAMPLES_MIN):
            return None
        self._trials += 1
        lower = [p.ttft_s for p in self._points.values() if p.concurrency < load]
        none = Evidence(concurrency=load, unloaded_ttft_s=min(lower, default=None))
        return Trial(
            number=self._trials,
            concurrency=load,
            requests_max=requests_max,
            limits=self._limits,
            error_rate=self._error_rate,
            precision=self._settings.precision(load),
            earlier=self._evidence.get(load, none),
        )

    def _left(self) -> int:
        return self._settings.requests_max - self._sent()

    def _sent(self) -> int:
        return sum(point.requests_sent for point in self._points.values())

    def found(self) -> Found:
        """Return what the trials so far have shown."""
        low, high = self._bracket()
        capped = high is None and low is not None and low.concurrency >= self._settings.most
        sure = [self._sureness(point) for point in (low, high) if point is not None]
        return Found(
            max_concurrency=low.concurrency if low else 0,
            confidence=math.prod(sure) if high is not None or capped else 0.0,
            curve=tuple(self._curve_point(self._points[load]) for load in sorted(self._points)),
            requests_sent=self._sent(),
            capped=capped,
        )

    def _curve_point(self, point: Point) -> CurvePoint:
        figures = point.figures
        return CurvePoint(
            concurrency=point.concurrency,
            samples=figures.samples,
            failed=figures.failed,
            requests_sent=point.requests_sent,
            ttft_s=_finite(figures.ttft_s.value),
            ttft_error_s=_finite(figures.ttft_s.error),
            s_per_token=_finite(figures.s_per_token.value),
            s_per_token_error=_finite(figures.s_per_token.error),
            output_tokens_per_s=point.output_tokens_per_s,
            keeps=point.keeps,
            finding=self._finding(point),
        )


def _finite(value: float) -> float | None:
    """JSON knows neither NaN nor infinity."""
    return value if math.isfinite(value) else None


def _requests(load: int, before_drain: int) -> int:
    """How many to send: a warm-up, so many samples, and what is in flight when they have ended."""
    return 2 * load + before_drain


def _samples_max(load: int) -> int:
    """With so many samples a load is settled, whatever they show."""
    return max(SAMPLES_CONFIRM, ROUNDS_CONFIRM * load)
