"""
Server-sent events out of bytes, however the network has cut or joined them.
"""

from __future__ import annotations


class Events:
    """Takes bytes as they come and hands out the data of each complete event."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, received: bytes) -> list[bytes]:
        """Return the data of the events that these bytes complete; lines end in LF or CRLF."""
        *lines, self._rest = (self._rest + received).split(b"\n")
        events: list[bytes] = []
        for ended in lines:
            line = ended.removesuffix(b"\r")
            if line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" "))
            elif not line and self._data:
                events.append(b"\n".join(self._data))
                self._data = []
        return events

    def close(self) -> list[bytes]:
        """Return the last event, if the stream ended without the empty line after it."""
        return self.feed(b"\n\n")
