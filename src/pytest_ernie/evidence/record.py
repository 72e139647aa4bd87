"""
What a measurement is: what was measured, on what, and what came out.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Struct

from pytest_ernie.standard.digest import digest

Kind = Literal[
    "training.run",
    "training.context",
    "serving.facts",
    "serving.context",
    "serving.load",
    "serving.accuracy",
]


class What(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    The first half of a measurement's key: what was measured, wherever.

    ``recipe`` and ``workload`` are digests of the edition's own data; thresholds aren't part of it, so
    judging anew never measures anew. What a site brings along (training data, weights) belongs to
    the subject, and both sides' are compared before a verdict.
    """

    kind: Kind
    edition: str
    model: str
    method: str | None = None
    length: int | None = None
    datatype: str | None = None
    concurrency: int | None = None
    repeat: int | None = None
    trial: int | None = None
    """Number of a trial of a search; None for the whole workload."""
    dataset: str | None = None
    recipe: str | None = None
    workload: str | None = None

    @property
    def digest(self) -> str:
        """Digest of this half, 64 hexadecimal digits."""
        return digest(msgspec.to_builtins(self))

    @property
    def title(self) -> str:
        """The parts that a person tells measurements apart by."""
        parts = (
            self.model,
            self.method,
            self.datatype,
            self.dataset,
            None if self.length is None else f"{self.length} tokens",
            None if self.concurrency is None else f"{self.concurrency} in flight",
            None if self.repeat is None else f"run {self.repeat}",
            None if self.trial is None else f"trial {self.trial}",
        )
        return f"{self.kind} of {', '.join(part for part in parts if part)}"


class Subject(Struct, frozen=True, kw_only=True):
    """
    The second half: the device and the software state that were measured.

    ``device`` holds the facts that identify it (no clocks, no temperatures), ``toolchain`` the digest of
    the installed files, ``checkpoint`` that of the weights, ``launch`` the arguments.
    """

    device: dict[str, Any]
    toolchain: str | None
    checkpoint: str | None
    launch: dict[str, Any] = {}

    @property
    def digest(self) -> str:
        """Digest of this half, 64 hexadecimal digits."""
        return digest(msgspec.to_builtins(self))


class Record(Struct, frozen=True, kw_only=True):
    """
    A completed measurement as it stands in a journal.

    ``data`` and ``samples`` are plain JSON values, ``blobs`` maps names to sha256 digests.
    ``reason`` is why it was measured again, if it was; ``earlier`` are the results that it replaces, kept
    and shown (R15: no best-of-N). ``deaths`` says of each earlier attempt in which the server died
    what it said.
    """

    id: str
    what: What
    subject: Subject
    edition_digest: str
    started_unix_s: float
    ended_unix_s: float
    data: dict[str, Any]
    samples: tuple[dict[str, Any], ...]
    blobs: dict[str, str]
    reason: str | None = None
    earlier: tuple[Record, ...] = ()
    deaths: tuple[str, ...] = ()
