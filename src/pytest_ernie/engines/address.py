"""
The address of a running server, as people give it.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from pytest_ernie.errors import UsageProblem


def checked_address(text: str, *, where: str) -> str:
    """
    Return an address without the slash at its end; ``where`` is the option that gave it.

    UsageProblem if it is none, or holds what must not be written down: evidence names the address.
    """
    try:
        url = urlsplit(text.strip())
        host, port = url.hostname, url.port
    except ValueError:
        url, host, port = None, None, None
    if url is None or url.scheme not in ("http", "https") or not host or port == 0:
        raise UsageProblem(
            "this is no address", where=where, got=text, wanted="http://HOST:PORT/v1"
        )
    if url.username is not None or url.password is not None or url.query:
        raise UsageProblem(
            "an address with a user, a key or a query would be written down with them",
            where=where,
            wanted="the address alone, and the key in a variable",
        )
    return text.strip().rstrip("/")
