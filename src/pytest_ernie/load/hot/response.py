"""
HTTP/1.1 responses out of bytes as they come: where the body is, and when it is over.

Pure, and used twice: while a run goes on, only to know when an answer is complete; afterwards, on the
bytes that were kept, to read it.
"""

from __future__ import annotations

from collections.abc import Callable

HEAD_END = b"\r\n\r\n"
HEAD_BYTES_MAX = 1 << 20
"""Longer than any server's headers; a peer that talks another protocol is found out by it."""


class BadResponse(Exception):
    """The bytes are no HTTP/1.1 response; the text says why."""


class Response:
    """
    One response: ``feed`` takes bytes and returns the body's, ``complete`` says when it is whole.

    Chunked, counted (Content-Length) and close-delimited bodies. Whatever follows the end is an
    error, because nothing was asked after it.
    """

    __slots__ = (
        "_feed",
        "_need",
        "_rest",
        "chunked",
        "complete",
        "headers",
        "keeps_alive",
        "status",
    )

    def __init__(self) -> None:
        self.status: int | None = None
        self.headers: dict[bytes, bytes] = {}
        """Names in lower case."""
        self.complete = False
        self.chunked = False
        """The headers are complete, and say that the body comes in chunks."""
        self.keeps_alive = False
        """The connection may carry another request once this response is complete."""
        self._rest = b""
        self._need = 0
        self._feed: Callable[[bytes], bytes] = self._head

    def feed(self, data: bytes) -> bytes:
        """Return the part of the body in these bytes; BadResponse if they can't be understood."""
        return self._feed(data)

    def close(self) -> bool:
        """Take the end of the connection; return whether it ends the response well."""
        if self._feed == self._until_close:
            self.complete = True
        return self.complete

    def _head(self, data: bytes) -> bytes:
        self._rest += data
        end = self._rest.find(HEAD_END)
        if end < 0:
            if len(self._rest) > HEAD_BYTES_MAX:
                raise BadResponse(f"no end of the headers after {len(self._rest)} bytes")
            return b""
        head, body = self._rest[:end], self._rest[end + 4 :]
        self._rest = b""
        self._read_head(head)
        return self.feed(body) if body else b""

    def _read_head(self, head: bytes) -> None:
        start, *lines = head.split(b"\r\n")
        version, _, rest = start.partition(b" ")
        if not version.startswith(b"HTTP/1.") or not rest[:3].isdigit():
            raise BadResponse(f"it begins with {start[:60]!r}, not with HTTP/1.1 and a status")
        if rest.startswith(b"1"):  # 100 Continue: the real one follows
            return
        self.status = int(rest[:3])
        pairs = (line.partition(b":") for line in lines)
        self.headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        wish = self.headers.get(b"connection", b"").lower()
        self.keeps_alive = wish != b"close" and (version != b"HTTP/1.0" or wish == b"keep-alive")
        if b"chunked" in self.headers.get(b"transfer-encoding", b"").lower():
            self.chunked, self._need, self._feed = True, 0, self._chunked
        elif (length := self.headers.get(b"content-length")) is not None:
            if not length.isdigit():
                raise BadResponse(f"Content-Length is {length[:20]!r}")
            self._need, self._feed = int(length), self._counted
            self.complete = self._need == 0
        elif self.status in (204, 304):
            self.complete = True
        else:
            self._feed, self.keeps_alive = self._until_close, False

    def _counted(self, data: bytes) -> bytes:
        self._need -= len(data)
        if self._need < 0:
            raise BadResponse(f"{-self._need} bytes more than its Content-Length")
        self.complete = self._need == 0
        return data

    def _until_close(self, data: bytes) -> bytes:
        return data

    def _chunked(self, data: bytes) -> bytes:
        """
        ``_need`` counts what is missing of a chunk and of the line end after it.

        The usual read holds one whole chunk, which takes one search and one slice.
        """
        if self.complete:
            raise BadResponse("bytes after the last chunk")
        if self._rest:
            data, self._rest = self._rest + data, b""
        need, size_of_data = self._need, len(data)
        if need > size_of_data:
            self._need = need - size_of_data
            return data if self._need >= 2 else data[: size_of_data + self._need - 2]
        pieces = [data[: need - 2]] if need > 2 else []
        at = need
        while at < size_of_data:
            end = data.find(b"\r\n", at)
            if end < 0:
                self._rest, at = data[at:], size_of_data
                break
            size = self._size(data[at:end])
            if size == 0:
                self._feed, self._need = self._trailer, 0
                self._trailer(data[end + 2 :])
                return b"".join(pieces)
            pieces.append(data[end + 2 : end + 2 + size])
            at = end + 2 + size + 2
        self._need = at - size_of_data
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    @staticmethod
    def _size(line: bytes) -> int:
        digits = line.partition(b";")[0].strip()
        try:
            if digits.isalnum():  # no sign, which int() would take
                return int(digits, 16)
        except ValueError:
            pass
        raise BadResponse(f"a chunk's size is {line[:20]!r}")

    def _trailer(self, data: bytes) -> bytes:
        """After the last chunk come header lines, which nobody needs, and an empty line."""
        if self.complete and data:
            raise BadResponse("bytes after the last chunk")
        self._rest += data
        *lines, self._rest = self._rest.split(b"\r\n")
        if b"" in lines:
            self.complete = True
            if lines[-1] or self._rest:
                raise BadResponse("bytes after the last chunk")
        return b""
