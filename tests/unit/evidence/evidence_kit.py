"""
What tests of the evidence share: keys, subjects, a measurement of no time, and a forger's hash.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pytest_ernie.evidence import Store, Subject, What

WHAT = What(kind="training.run", edition="ernie-4.5", model="ERNIE-4.5-0.3B", method="sft")
OTHER = What(kind="training.run", edition="ernie-4.5", model="ERNIE-4.5-0.3B", method="sft_lora")
SUBJECT = Subject(device={"name": "P800", "count": 8}, toolchain="a" * 64, checkpoint="b" * 64)
NEWER = Subject(device={"name": "P800", "count": 8}, toolchain="c" * 64, checkpoint="b" * 64)
EDITION = "e" * 64


def measure(
    store: Store,
    what: What = WHAT,
    subject: Subject = SUBJECT,
    *,
    loss: float = 2.0,
    samples: int = 0,
    reason: str | None = None,
) -> str:
    """Record one finished measurement and return its id."""
    with store.recording(what, subject, EDITION, reason) as recording:
        for number in range(samples):
            recording.sample({"number": number})
        recording.blob("log", b"step 1 loss %f" % loss)
        recording.finish({"loss": loss})
    return recording.id


Lines = list[dict[str, Any]]


def line_of(entry: dict[str, Any]) -> str:
    """Write an entry as the journal does: sorted keys, no spaces, UTF-8."""
    return json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def hashed_anew(entry: dict[str, Any]) -> dict[str, Any]:
    """Give an entry the hash of its content, as a forger would."""
    rest = {key: value for key, value in entry.items() if key != "hash"}
    return rest | {"hash": hashlib.sha256(line_of(rest).encode()).hexdigest()}
