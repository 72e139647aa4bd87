"""
Pictures: well-formed, equal for equal data, and honest about gaps.
"""

from __future__ import annotations

import math
import re
import sys
from xml.etree import ElementTree

import pytest

from doubles.load_client import SOUND
from pytest_ernie.report import plots
from pytest_ernie.report.load_plot import LoadCurve, throughput_against_load
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


def lines_in(svg: str, variable: str) -> list[str]:
    """Return the path data of every line that is drawn in a colour."""
    return [
        path.get("d", "")
        for path in parsed(svg).iter(f"{SVG}path")
        if f"stroke: var({variable}," in path.get("style", "") and "clip-path" in path.attrib
    ]


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


PICTURES = {
    "loss": lambda: plots.loss_curves(REFERENCE, REFERENCE, RULE, name="m & <n>"),
    "loss alone": lambda: plots.loss_curves(REFERENCE, None, RULE, name="m"),
    "no loss": lambda: plots.loss_curves({}, {}, RULE, name="m"),
    "context": lambda: plots.context_differences({8192: {1: 0.001, 2: -0.5}}, 0.01, name="m"),
    "load": lambda: throughput_against_load(load_curve(), name="m"),
    "no load": lambda: throughput_against_load(
        load_curve(candidate=(point(1, math.nan, math.nan),), reference=()), name="m"
    ),
    "accuracy": lambda: plots.accuracy_points(
        [plots.ScorePoint(dataset="$x_1$ <b>\x00 推理", score=80, reference=82)], 1.0, name="m"
    ),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_well_formed_with_a_text_alternative(name):
    root = parsed(PICTURES[name]())

    assert root.get("role") == "img"
    named = {element.get("id") for element in root if element.tag in (f"{SVG}title", f"{SVG}desc")}
    assert named == set(root.get("aria-labelledby", "").split())
    assert root.findtext(f"{SVG}title")
    assert root.findtext(f"{SVG}desc")


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
    """Every colour is a variable of the style sheet, so that dark pages are legible."""
    for draw in PICTURES.values():
        styles = " ".join(re.findall(r'style="([^"]+)"', draw()))
        without_fallbacks = re.sub(r"var\([^)]*\)", "", styles)
        assert re.findall(r"#[0-9a-f]{6}", without_fallbacks) == []


def test_no_line_crosses_a_gap():
    """Steps 101 to 200 are missing: the candidate's line starts anew behind them."""
    candidate = {step: loss for step, loss in REFERENCE.items() if not 100 < step <= 200}

    (whole,) = lines_in(plots.loss_curves(REFERENCE, None, RULE, name="m"), "--ernie-candidate")
    (torn,) = lines_in(plots.loss_curves(candidate, None, RULE, name="m"), "--ernie-candidate")

    assert whole.count("M") == 1
    assert torn.count("M") == 2


def test_a_loss_that_is_no_number_interrupts_the_line_and_is_marked():
    candidate = {**REFERENCE, 300: math.nan, 301: math.inf}

    svg = plots.loss_curves(candidate, REFERENCE, RULE, name="m")

    assert lines_in(svg, "--ernie-candidate")[0].count("M") == 2
    assert "no finite loss" in svg
    assert "2 steps between them have no finite loss" in description(svg)


def test_a_step_alone_between_gaps_is_still_seen():
    candidate = {1: 2.0, 2: 1.9, 50: 1.5, 99: 1.1, 100: 1.0}

    with_it = plots.loss_curves(candidate, None, RULE, name="m")
    del candidate[50]
    without_it = plots.loss_curves(candidate, None, RULE, name="m")

    assert with_it.count("<use") == without_it.count("<use") + 1


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
    steps, losses = plots.without_holes({3: 1.0, 5: 2.0})

    assert steps == [3, 4, 5]
    assert losses[0::2] == [1.0, 2.0]
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
    svg = plots.accuracy_points(
        [plots.ScorePoint(dataset="GSM8K", score=83.25, reference=84.5, low=-2, high=-0.5)],
        1.0,
        name="m",
    )

    assert "83.25, reference 84.50" in svg
    assert description(svg) == (
        "GSM8K: 83.25 points, the reference has 84.50. A difference of 1 is allowed."
    )


def test_drawing_touches_no_global_state():
    import matplotlib

    before = matplotlib.rcParams.copy()

    PICTURES["load"]()

    assert before == matplotlib.rcParams.copy()
    assert "matplotlib.pyplot" not in sys.modules
