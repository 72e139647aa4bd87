"""
Findings: their words, and versions compared by their figures.
"""

from __future__ import annotations

import pytest

from pytest_ernie.preflight.finding import Finding, at_least


@pytest.mark.parametrize(
    ("got", "wanted", "enough"),
    [
        ("5.0.21.10", "5.0.21.10", True),
        ("5.0.21.9", "5.0.21.10", False),
        ("5.0.21.26", "5.0.21.10", True),
        ("5.0.21", "5.0.21.10", False),
        ("5.19.0.0", "5.0.21.10", True),
        ("535.129.03", "535", True),
        ("534.99", "535", False),
        ("12.10", "12.3", True),
        ("12.2", "12.3", False),
        ("6.3.31-V1.5.0a", "6.3.8-V1.9.2", True),
        ("6.3.8-V1.9.1", "6.3.8-V1.9.2", False),
        ("1.22.0-bd87f71", "1.22.0", True),
        ("1.54 + 1.39", "1.48", False),
        ("1.54 + 1.48", "1.48", True),
        ("unknown", "1", False),
        ("", "1", False),
    ],
)
def test_versions_are_compared_by_their_figures(got: str, wanted: str, enough: bool) -> None:
    """
    As numbers and not as text; of unlike cards the oldest counts; no figure is never enough.
    """
    assert enough == at_least(got, wanted)


@pytest.mark.parametrize(
    ("holds", "advice", "word", "passes"),
    [
        (True, False, "ok", True),
        (True, True, "ok", True),
        (False, False, "MISSING", False),
        (False, True, "note", True),
    ],
)
def test_advice_is_no_obstacle(holds: bool, advice: bool, word: str, passes: bool) -> None:
    """
    It is told, with its mend, and one can go on.
    """
    finding = Finding(
        name="disk", holds=holds, got="1", wanted="8", mend="Free some", advice=advice
    )

    assert (word, passes) == (finding.word, finding.passes)
    assert str(finding) == "disk: 1; wanted 8" + ("" if holds else ". Free some")
