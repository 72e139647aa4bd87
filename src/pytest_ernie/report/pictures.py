"""
Which pictures a report shows, drawn from what both sides have recorded. Nothing is measured here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct

from pytest_ernie.errors import ErnieError, ReferenceBeingRecorded
from pytest_ernie.report.accuracy_plot import Needles, ScorePoint, accuracy_points, needle_map
from pytest_ernie.report.load_plot import LoadCurve, latency_spreads, throughput_against_load
from pytest_ernie.report.matrix import Matrix, Row
from pytest_ernie.report.plots import Curve, context_differences, differences, loss_curves
from pytest_ernie.report.text import METHODS
from pytest_ernie.verdicts import Word

if TYPE_CHECKING:
    from pytest_ernie.measurements import Bench

T = TypeVar("T")
_NOT_RECORDED = (ErnieError, ReferenceBeingRecorded)


class Picture(Struct, frozen=True, kw_only=True):
    """
    A drawn SVG, or None with the reason why there is none in ``remark``.

    ``criteria`` are the names of the criteria that it illustrates.
    """

    heading: str
    criteria: tuple[str, ...]
    svg: str | None
    remark: str = ""
    model: str = ""


def pictures(matrix: Matrix, candidate: Bench, reference: Bench) -> tuple[Picture, ...]:
    """
    Return the pictures of every criterion that this run judged, in the order of the matrix.

    A picture that can't be drawn says why and costs no other: the report outlives whatever is wrong
    with one record.
    """
    judged = [row for row in matrix.rows if row.node is not None]
    drawn = []
    for heading, rows, draw in _wanted(judged, matrix, candidate, reference):
        try:
            svg, remark = draw()
        except Exception as error:
            svg, remark = None, _reason(error)
        drawn.append(
            Picture(
                heading=heading,
                criteria=tuple(row.criterion.name for row in rows),
                svg=svg,
                remark=remark,
                model=rows[0].criterion.model,
            )
        )
    return tuple(drawn)


Drawing = tuple[str, list[Row], Callable[[], tuple[str, str]]]


def _wanted(
    judged: list[Row], matrix: Matrix, candidate: Bench, reference: Bench
) -> Iterator[Drawing]:
    for model in [model.name for model in matrix.edition.models]:
        own = [row for row in judged if row.criterion.model == model]
        for row in own:
            if row.criterion.clause == "training.loss":
                yield _losses(row, matrix, candidate, reference)
        for method in matrix.edition.methods:
            rows = [r for r in _of(own, "training.context") if r.criterion.method == method]
            if rows:
                yield _contexts(rows, matrix, candidate, reference)
        for row in _of(own, "inference.throughput"):
            yield from _loads(row, matrix, candidate, reference)
        if rows := _of(own, "inference.context"):
            yield _needles(rows, candidate, reference)
        for tier in matrix.edition.tiers:
            rows = [r for r in _of(own, "inference.accuracy") if r.criterion.tier == tier.number]
            if rows:
                yield _scores(rows, matrix)


def _of(rows: list[Row], clause: str) -> list[Row]:
    return [row for row in rows if row.criterion.clause == clause]


def _losses(row: Row, matrix: Matrix, candidate: Bench, reference: Bench) -> Drawing:
    criterion = row.criterion
    name = f"{criterion.model}, {METHODS[criterion.method or '']}"

    def draw() -> tuple[str, str]:
        measured: Curve = candidate.training_run(criterion).losses
        benchmark, remark = _if_any(lambda: reference.training_run(criterion))
        svg = loss_curves(
            measured,
            benchmark.losses if benchmark else None,
            matrix.edition.rulings.loss,
            name=name,
            repeats=[run.losses for run in benchmark.repeats] if benchmark else (),
        )
        return svg, remark

    return f"Loss, {name}", [row], draw


def _contexts(rows: list[Row], matrix: Matrix, candidate: Bench, reference: Bench) -> Drawing:
    first = rows[0].criterion
    name = f"{first.model}, {METHODS[first.method or '']}"

    def draw() -> tuple[str, str]:
        by_length: dict[int, Curve] = {}
        missing = []
        for row in rows:
            length = row.criterion.length or 0
            try:
                by_length[length] = differences(
                    candidate.training_context(row.criterion).losses,
                    reference.training_context(row.criterion).losses,
                )
            except _NOT_RECORDED as error:
                missing.append(f"{length} tokens: {_reason(error)}")
        if not by_length:
            raise ErnieError("; ".join(missing))
        tolerance = matrix.edition.rulings.training_context.tolerance
        return context_differences(by_length, tolerance, name=name), "; ".join(missing)

    return f"Training at the context lengths, {name}", rows, draw


def _loads(row: Row, matrix: Matrix, candidate: Bench, reference: Bench) -> Iterator[Drawing]:
    """Two pictures for each workload; the required line only where the sides were compared."""
    criterion = row.criterion
    name = f"{criterion.model}, {(criterion.datatype or '').upper()}"
    compared = row.verdict.word in (Word.PASS, Word.FAIL)
    model = matrix.edition.model(criterion.model)
    workloads = [
        load
        for load in matrix.edition.workloads
        if load.modality == "text" or model.modality == "multimodal"
    ]
    for place, workload in enumerate(workloads):

        def draw(place: int = place) -> tuple[str, str]:
            own = candidate.peak_throughput(criterion).by_workload[place]
            other, remark = _if_any(lambda: reference.peak_throughput(criterion).by_workload[place])
            required = None
            if compared and other is not None and other.peak is not None and criterion.share:
                required = criterion.share * other.peak.output_tokens_per_s
            curve = LoadCurve(
                workload=own.name,
                bounds=own.bounds,
                rule=own.rule,
                counts=own.peak,
                candidate=own.curve,
                reference=other.curve if other else (),
                required_tokens_per_s=required,
            )
            return throughput_against_load(curve, name=name), remark

        def draw_spreads(place: int = place, workload: str = workload.name) -> tuple[str, str]:
            from pytest_ernie.measurements.latencies import latencies_at_peak

            own = candidate.peak_throughput(criterion).by_workload[place]
            measured = latencies_at_peak(candidate.store, own)
            if measured is None:
                raise ErnieError("no load keeps the limits")
            other, remark = _if_any(
                lambda: latencies_at_peak(
                    reference.store, reference.peak_throughput(criterion).by_workload[place]
                )
            )
            of = f"{name}, workload {workload}"
            return latency_spreads(measured, other, own.bounds, name=of), remark

        yield f"Serving throughput, {name}, workload {workload.name}", [row], draw
        yield f"Latency at that load, {name}, workload {workload.name}", [row], draw_spreads


def _needles(rows: list[Row], candidate: Bench, reference: Bench) -> Drawing:
    """A line for each data type and length of the candidate, and the reference's below it."""
    model = rows[0].criterion.model

    def draw() -> tuple[str, str]:
        lines = []
        for row in rows:
            label = f"{(row.criterion.datatype or '').upper()} {row.criterion.length}"
            lines.append(_found_needles(candidate, row, label))
            lines.append(_found_needles(reference, row, "reference"))
        if not any(line.found for line in lines):
            raise ErnieError("; ".join(dict.fromkeys(line.remark for line in lines)))
        return needle_map(lines, name=model), ""

    return f"Needles in long prompts, {model}", rows, draw


def _found_needles(bench: Bench, row: Row, label: str) -> Needles:
    try:
        data = bench.context(row.criterion).record.data
    except _NOT_RECORDED as error:
        return Needles(label=label, remark=_reason(error))
    found = tuple((float(each["depth"]), bool(each["found"])) for each in data["needles"])
    return Needles(label=label, found=found, remark="" if found else "refused")


def _scores(rows: list[Row], matrix: Matrix) -> Drawing:
    """The scores stand in the verdicts, which are recomputed from the evidence at every run."""
    first = rows[0].criterion
    name = f"{first.model}, {(first.datatype or '').upper()}"

    def draw() -> tuple[str, str]:
        points, missing = [], []
        for row in rows:
            numbers = row.verdict.numbers
            dataset = row.criterion.dataset or ""
            if "score" not in numbers or "reference_score" not in numbers:
                missing.append(f"{dataset}: {row.verdict.word.value}")
                continue
            points.append(
                ScorePoint(
                    dataset=dataset,
                    score=_number(numbers["score"]),
                    reference=_number(numbers["reference_score"]),
                    low=_number(numbers.get("difference_low")),
                    high=_number(numbers.get("difference_high")),
                    lost=_count(numbers.get("lost_questions")),
                    won=_count(numbers.get("won_questions")),
                )
            )
        if not points:
            raise ErnieError("; ".join(missing))
        points_max = matrix.edition.rulings.accuracy.points_max
        return accuracy_points(points, points_max, name=name), "; ".join(missing)

    return f"Accuracy, {name}", rows, draw


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else float("nan")


def _count(value: object) -> int | None:
    return int(value) if isinstance(value, (int, float)) else None


def _if_any(look_up: Callable[[], T]) -> tuple[T | None, str]:
    """Return what the reference holds, or None with the reason why it holds nothing."""
    try:
        return look_up(), ""
    except _NOT_RECORDED as error:
        return None, f"without the reference: {_reason(error)}"


def _reason(error: Exception) -> str:
    if isinstance(error, ReferenceBeingRecorded):
        return "it is being recorded"
    return error.what if isinstance(error, ErnieError) else f"{type(error).__name__}: {error}"
