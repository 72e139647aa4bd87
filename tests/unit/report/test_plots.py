"""
Pictures: well-formed, equal for equal data, and honest about gaps.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from doubles.load_client import SOUND
from pytest_ernie.measurements.latencies import Latencies
from pytest_ernie.report import accuracy_plot, plots
from pytest_ernie.report.load_plot import (
    LoadCurve,
    latency_spreads,
    throughput_against_load,
)
from pytest_ernie.report.svg import Scale, nice_ticks
from pytest_ernie.report.tiers_plot import TierBar, tier_bars
from pytest_ernie.standard import load
from pytest_ernie.verdicts import Bounds, LoadPoint

RULINGS = load("rehearsal").rulings
RULE = RULINGS.loss
SVG = "{http://www.w3.org/2000/svg}"
REFERENCE = {step: 1 + 3 * math.exp(-step / 90) for step in range(1, 501)}


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def description(svg: str) -> str:
    return parsed(svg).findtext(f"{SVG}desc") or ""


def lines_in(svg: str, kind: str) -> list[str]:
    """Return the path data of every line of a class that has more than the two points of a legend."""
    return [
        path.get("d", "")
        for path in parsed(svg).iter(f"{SVG}path")
        if {"p-line", kind} <= set(path.get("class", "").split())
        and len(re.findall("[ML]", path.get("d", ""))) > 2
    ]


def dots_in(svg: str, kind: str) -> int:
    """Count the round markers of a class."""
    return sum(kind in c.get("class", "").split() for c in parsed(svg).iter(f"{SVG}circle"))


def point(concurrency: int, tokens_per_s: float, ttft_s: float = 0.1) -> LoadPoint:
    return LoadPoint(
        workload="text",
        concurrency=concurrency,
        output_tokens_per_s=tokens_per_s,
        ttft_mean_s=ttft_s,
        ttft_percentile_s=ttft_s,
        decode_mean_tokens_per_s=30.0,
        decode_percentile_tokens_per_s=30.0,
        failed_share=0.0,
        full_length_share=1.0,
        client=SOUND,
    )


def load_curve(**fields: object) -> LoadCurve:
    settings = {
        "workload": "text",
        "bounds": Bounds(ttft_s=1.0, decode_tokens_per_s=10),
        "rule": RULINGS.serving_throughput,
        "counts": point(4, 90),
        "candidate": (point(1, 30), point(4, 90), point(16, 200, ttft_s=3.0)),
        "reference": (point(1, 40), point(4, 120)),
        "required_tokens_per_s": 60.0,
    }
    return LoadCurve(**{**settings, **fields})


BOUNDS = Bounds(ttft_s=1.0, decode_tokens_per_s=10)
SPREADS = Latencies(ttft_s=(0.2, 0.4, 1.5), decode_tokens_per_s=(8.0, 20.0, 30.0))
NEEDLES = [
    accuracy_plot.Needles(label="WINT8 8192", found=((0.1, True), (0.9, False))),
    accuracy_plot.Needles(label="W4A8 <131072>", remark="refused"),
]

PICTURES = {
    "loss": lambda: plots.loss_curves(REFERENCE, REFERENCE, RULE, name="m & <n>"),
    "loss alone": lambda: plots.loss_curves(REFERENCE, None, RULE, name="m"),
    "no loss": lambda: plots.loss_curves({}, {}, RULE, name="m"),
    "context": lambda: plots.context_differences({8192: {1: 0.001, 2: -0.5}}, 0.01, name="m"),
    "load": lambda: throughput_against_load(load_curve(), name="m"),
    "no load": lambda: throughput_against_load(
        load_curve(candidate=(point(1, math.nan, math.nan),), reference=()), name="m"
    ),
    "accuracy": lambda: accuracy_plot.accuracy_points(
        [accuracy_plot.ScorePoint(dataset="$x_1$ <b>\x00 推理", score=80, reference=82)],
        1.0,
        name="m",
    ),
    "spreads": lambda: latency_spreads(SPREADS, SPREADS, BOUNDS, name="m"),
    "no answer": lambda: latency_spreads(
        Latencies(ttft_s=(), decode_tokens_per_s=()), None, BOUNDS, name="m"
    ),
    "needles": lambda: accuracy_plot.needle_map(NEEDLES, name="m"),
    "tiers": lambda: tier_bars([TierBar(model="<m>", tier=1, counts=(10, 2, 1, 0))]),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_well_formed_with_a_text_alternative(name):
    root = parsed(PICTURES[name]())

    assert root.get("role") == "img"
    named = {element.get("id") for element in root if element.tag in (f"{SVG}title", f"{SVG}desc")}
    named_in_english = set(root.get("aria-labelledby", "").split())
    assert named == named_in_english | set(root.get("data-zh", "").split())
    assert root.findtext(f"{SVG}title")
    assert root.findtext(f"{SVG}desc")
    _, *in_chinese = (element.text or "" for element in root.iter(f"{SVG}desc"))
    assert all(re.search("[\u4e00-\u9fff]", text) for text in in_chinese), in_chinese


@pytest.mark.parametrize("name", PICTURES)
def test_equal_data_give_equal_bytes(name):
    assert PICTURES[name]() == PICTURES[name]()


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_loads_nothing_and_leaves_the_page_alone(name):
    """Inline, a style element or an id of matplotlib's would reach the whole page."""
    svg = PICTURES[name]()

    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg\")", svg)
    assert "<style" not in svg
    assert "<metadata" not in svg
    identifiers = re.findall(r' id="([^"]+)"', svg)
    assert len(identifiers) == len(set(identifiers))
    assert set(re.findall(r'(?:url\(|href=")#([\w-]+)', svg)) <= set(identifiers)


def test_pictures_of_one_page_share_no_id():
    first = plots.loss_curves(REFERENCE, REFERENCE, RULE, name="sft")
    second = plots.loss_curves(REFERENCE, REFERENCE, RULE, name="sft_lora")

    assert not set(re.findall(r' id="([^"]+)"', first)) & set(re.findall(r' id="([^"]+)"', second))


def test_colours_follow_the_page():
    """A picture names no colour: classes of the style sheet do, in the light, the dark and on paper."""
    sheet = (Path(plots.__file__).parent / "criteria.css").read_text(encoding="utf-8")
    for draw in PICTURES.values():
        svg = draw()
        assert not re.search(r"#[0-9a-f]{3,8}\b|rgb\(|style=|fill=|stroke=", svg)
        for classes in re.findall(r'class="([^"]+)"', svg):
            assert all(f".{name}" in sheet for name in classes.split())


def test_no_line_crosses_a_gap():
    """Steps 101 to 200 are missing: the candidate's line starts anew behind them."""
    candidate = {step: loss for step, loss in REFERENCE.items() if not 100 < step <= 200}

    (whole,) = lines_in(plots.loss_curves(REFERENCE, None, RULE, name="m"), "p-candidate")
    (torn,) = lines_in(plots.loss_curves(candidate, None, RULE, name="m"), "p-candidate")

    assert whole.count("M") == 1
    assert torn.count("M") == 2


def test_a_loss_that_is_no_number_interrupts_the_line_and_is_marked():
    candidate = {**REFERENCE, 300: math.nan, 301: math.inf}

    svg = plots.loss_curves(candidate, REFERENCE, RULE, name="m")

    assert lines_in(svg, "p-candidate")[0].count("M") == 2
    assert "no finite loss" in svg
    assert "2 steps between them have no finite loss" in description(svg)


def test_a_step_alone_between_gaps_is_still_seen():
    candidate = {1: 2.0, 2: 1.9, 50: 1.5, 99: 1.1, 100: 1.0}

    with_it = plots.loss_curves(candidate, None, RULE, name="m")
    del candidate[50]
    without_it = plots.loss_curves(candidate, None, RULE, name="m")

    assert dots_in(with_it, "p-candidate") == dots_in(without_it, "p-candidate") + 1


def test_outliers_of_the_window_are_marked_and_counted():
    """A step outside 401..500 is no outlier, however far off; on the limit isn't either."""
    candidate = {**REFERENCE, 100: REFERENCE[100] + 1, 450: REFERENCE[450] + 0.02}
    candidate[460] = REFERENCE[460] - 0.5

    svg = plots.loss_curves(candidate, REFERENCE, RULE, name="m")

    assert "2 outliers" in svg
    assert "largest difference from the reference is 0.5, at step 460; 2 steps" in description(svg)


def test_without_a_reference_nothing_is_compared():
    svg = plots.loss_curves(REFERENCE, None, RULE, name="m")

    assert "There is no reference to compare it with." in description(svg)
    assert ">difference<" not in svg


def test_differences_need_both_sides():
    assert plots.differences({1: 2.0, 2: 3.0, 4: 1.0}, {1: 1.5, 3: 1.0, 4: 0.0}) == {1: 0.5, 4: 1.0}
    assert math.isnan(plots.differences({1: math.inf}, {1: math.inf})[1])


def test_holes_become_nan():
    steps, losses = zip(*plots.without_holes({3: 1.0, 5: 2.0}), strict=True)

    assert steps == (3, 4, 5)
    assert losses[0::2] == (1.0, 2.0)
    assert math.isnan(losses[1])


def test_the_load_that_counts_and_the_broken_one_are_told_apart():
    text = description(throughput_against_load(load_curve(), name="m"))

    assert "The highest load that counts is 4 requests in flight with 90 tok/s" in text
    assert "At 16 in flight: mean time to first token 3.000 s, must be < 1 s." in text


def test_a_threshold_is_drawn_only_where_there_is_one():
    with_it = throughput_against_load(load_curve(), name="m")
    without_it = throughput_against_load(load_curve(required_tokens_per_s=None), name="m")

    assert "≥ 60<" in with_it
    assert "≥ 60<" not in without_it


def test_accuracy_says_both_scores():
    svg = accuracy_plot.accuracy_points(
        [accuracy_plot.ScorePoint(dataset="GSM8K", score=83.25, reference=84.5, low=-2, high=-0.5)],
        1.0,
        name="m",
    )

    assert "83.25, reference 84.50" in svg
    assert description(svg) == (
        "GSM8K: 83.25 points, the reference has 84.50. A difference of 1 is allowed."
    )


def test_flips_stand_beside_their_score():
    score = accuracy_plot.ScorePoint(dataset="BBH", score=80, reference=82, lost=7, won=3)

    svg = accuracy_plot.accuracy_points([score], 1.0, name="m")

    assert ">7 lost, 3 won<" in svg
    assert ">丢 7 题，得 3 题<" in svg


def test_lost_needles_are_crosses_and_named():
    svg = PICTURES["needles"]()

    assert svg.count("p-lost-mark") == 1
    assert svg.count("p-found-mark") == 1
    assert description(svg) == (
        "WINT8 8192: 1 of 2 needles found, lost at 90%. W4A8 <131072>: refused."
    )


def test_the_spread_says_how_many_were_late_and_slow():
    text = description(PICTURES["spreads"]())

    assert "Over 3 requests the median first token took 0.4 s" in text
    assert "33.3% took longer than 1 s" in text
    assert "33.3% were slower than 10 tok/s" in text


def test_every_criterion_of_a_tier_is_a_part_of_its_bar():
    svg = PICTURES["tiers"]()

    parts = [svg.count(f'"p-part-{kind}"') for kind in ("pass", "fail", "open", "rest")]
    assert parts == [10, 2, 1, 0]
    assert "10/13" in svg


def test_texts_of_a_picture_are_in_both_languages():
    svg = plots.loss_curves(REFERENCE, REFERENCE, RULE, name="m")

    assert 't-en" x=' in svg.replace("text ", "")
    assert ">candidate<" in svg
    assert ">被测<" in svg


def test_a_symmetric_logarithm_keeps_what_lies_inside_linear():
    scale = Scale((-10.0, 10.0), (0.0, 100.0), "symlog", linear_to=0.1)

    assert scale(0.0) == 50
    assert scale(0.1) - scale(0.05) == pytest.approx(scale(0.05) - scale(0.0))
    assert scale(10.0) == 100
    assert math.isnan(scale(math.nan))


@pytest.mark.parametrize(
    ("low", "high", "texts"),
    [
        (0, 500, ["0", "100", "200", "300", "400", "500"]),
        (1.1, 2.7, ["1.5", "2", "2.5"]),
        (3, 3, ["3"]),
        (-2.2, 2.2, ["−2", "−1", "0", "1", "2"]),
    ],
)
def test_ticks_are_round(low, high, texts):
    assert [text for _, text in nice_ticks(low, high)] == texts
