"""
What belongs to one machine only (its folders, its API key) goes into evidence by a name.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

NOT_ONES_OWN = frozenset(map(Path, ("/", "/usr", "/usr/local", "/opt", "/bin", "/etc", "/var")))
"""Folders that every machine has; what says nothing needs no name."""

SHORTEST_SECRET = 8
"""Characters; a shorter key keeps nobody out, and taking it for one would tear numbers apart."""


class Redaction:
    """
    Replaces folders by names like ``{cache}`` and secrets by ``{secret}``, in whatever evidence takes.

    Evidence goes to whoever certifies: it needs neither user names nor the lay-out of a lab's disks,
    and a key that some server repeats in an error message must not travel along. A folder is
    known as given and with its links followed, and only as a whole: ``/data/new`` isn't ``/data/newer``.
    Of nested folders the innermost counts.
    """

    def __init__(
        self, folders: Mapping[str, Path] | None = None, secrets: Iterable[str] = ()
    ) -> None:
        names: dict[bytes, bytes] = {}
        for name, folder in (folders or {}).items():
            for form in (Path(os.path.abspath(folder)), folder.resolve()):
                if form not in NOT_ONES_OWN:
                    names.setdefault(os.fsencode(form), f"{{{name}}}".encode())
        self._names = names
        self._secrets = [s.encode() for s in secrets if len(s) >= SHORTEST_SECRET]
        alternatives = b"|".join(re.escape(path) for path in sorted(names, key=len, reverse=True))
        self._path = re.compile(rb"(?<![\w.-])(?:" + alternatives + rb")(?![\w-]|\.\w)")

    def raw(self, content: bytes) -> bytes:
        """Return a file's content with names in place of what is local."""
        for secret in self._secrets:
            content = content.replace(secret, b"{secret}")
        if not self._names:
            return content
        return self._path.sub(lambda found: self._names[found[0]], content)

    def value(self, value: Any) -> Any:
        """Return a JSON value with the same done to every text in it, keys included."""
        if isinstance(value, str):
            return self.raw(value.encode(errors="surrogatepass")).decode(errors="surrogatepass")
        if isinstance(value, Mapping):
            return {self.value(key): self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        return value
