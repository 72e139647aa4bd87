"""
Text that others wrote is shown harmlessly.
"""

from __future__ import annotations

import time

import pytest

from pytest_ernie.report.text import html, line, visible


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain 中文 שלום é", "plain 中文 שלום é"),
        ("two\nlines\r\nthree", "two\nlines\nthree"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;a title\x07text", "text"),
        ("\x1b]8;;http://x\x1b\\link", "link"),
        ("a\x00b", "a‹U+0000›b"),
        ("a\x9bb", "a‹U+009B›b"),
        ("exe\u202etxt", "exe‹U+202E›txt"),
        ("\u2066isolated\u2069", "‹U+2066›isolated‹U+2069›"),
        ("half \ud83d a pair", "half ‹U+D83D› a pair"),
        ("tab\there", "tab here"),
    ],
)
def test_what_would_act_is_shown_as_a_mark(raw, shown):
    assert shown == visible(raw)


def test_a_long_text_is_cut_and_says_so():
    """A megabyte of model output costs neither the page nor time."""
    started = time.perf_counter()

    shown = visible("x" * 1_000_000, 2000)

    assert shown == "x" * 2000 + " … (998000 more characters are in the evidence)"
    assert time.perf_counter() - started < 0.1


def test_a_text_of_exactly_the_length_is_whole():
    assert visible("x" * 50, 50) == "x" * 50


def test_terminal_sequences_do_not_count_as_text():
    assert visible("\x1b[31mred\x1b[0m", 3) == "red"


def test_html_is_escaped_and_isolated():
    shown = html("<script>alert('x')</script> & \"y\"")

    assert shown == (
        "<bdi>&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt; &amp; &quot;y&quot;</bdi>"
    )


def test_a_line_has_no_line_ends():
    assert line("a\n  b\r\nc") == "a b c"


def test_every_shown_text_can_be_written_as_utf8():
    """A lone surrogate would otherwise cost the whole report file."""
    everything = [*range(0, 0x110000, 11), *range(0xD800, 0xE000)]

    visible("".join(map(chr, everything)), len(everything)).encode("utf-8")
