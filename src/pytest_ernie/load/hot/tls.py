"""
TLS over bytes that somebody else sends and receives, so that the kernel's stamps stay in reach.
"""

from __future__ import annotations

import ssl

READ_BYTES = 1 << 18


class Tls:
    """One connection's TLS: bytes of the wire in, bytes of the application out, and back."""

    def __init__(self, context: ssl.SSLContext, name: str) -> None:
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._in, self._out, server_hostname=name)
        self.ready = False
        """The handshake is over."""
        self.ended = False
        """The peer has said that it says no more (close_notify)."""

    def handshake(self, received: bytes = b"") -> bytes:
        """Take what came, return what must be sent; ssl.SSLError if the peers can't agree."""
        self._in.write(received)
        try:
            self._object.do_handshake()
            self.ready = True
        except ssl.SSLWantReadError:
            pass
        return self._out.read()

    def encrypted(self, data: bytes) -> bytes:
        """Return what must be sent for ``data``."""
        self._object.write(data)
        return self._out.read()

    def decrypted(self, received: bytes = b"") -> bytes:
        """Return what the peer said, b"" if a record isn't whole yet."""
        self._in.write(received)
        parts = []
        try:
            while part := self._object.read(READ_BYTES):
                parts.append(part)
            self.ended = True
        except ssl.SSLWantReadError:
            pass
        return b"".join(parts)
