"""
Bytes become events however the network cut them.
"""

from __future__ import annotations

import pytest

from pytest_ernie.load.sse import Events

STREAM = b'data: {"a": 1}\n\n: a comment\n\ndata: two\ndata: lines\n\ndata:[DONE]\n\n'
EVENTS = [b'{"a": 1}', b"two\nlines", b"[DONE]"]


@pytest.mark.parametrize("size", [1, 2, 3, 7, len(STREAM)])
def test_events_are_the_same_for_every_size_of_read(size: int) -> None:
    """Splitting and joining reads changes nothing."""
    events = Events()

    found = [
        event
        for start in range(0, len(STREAM), size)
        for event in events.feed(STREAM[start : start + size])
    ]

    assert found == EVENTS


def test_lines_may_end_in_crlf() -> None:
    """CRLF ends a line as LF does, even if a read ends between the two."""
    events = Events()

    found = events.feed(b"data: one\r") + events.feed(b"\n\r\ndata: two\r\n\r\n")

    assert found == [b"one", b"two"]


def test_an_unfinished_event_is_kept_back_until_the_stream_is_closed() -> None:
    """An event without its empty line counts only at the end of the stream."""
    events = Events()

    assert events.feed(b"data: last") == []
    assert events.close() == [b"last"]


def test_only_the_first_space_after_the_colon_belongs_to_the_protocol() -> None:
    """What follows it is data."""
    assert Events().feed(b"data:  two spaces\n\n") == [b" two spaces"]
