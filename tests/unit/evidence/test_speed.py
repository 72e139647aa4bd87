"""
Speed: a folder of a whole certification opens in seconds and answers at once.
"""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest
from evidence_kit import EDITION, SUBJECT, WHAT

from pytest_ernie.evidence import Store, What
from pytest_ernie.evidence.journal import GENESIS, line_of

MEASUREMENTS = 200
SAMPLES = 248
ENTRIES = 2 + MEASUREMENTS * (SAMPLES + 2)


def whats() -> list[What]:
    """Two hundred keys."""
    return [msgspec.structs.replace(WHAT, repeat=number) for number in range(MEASUREMENTS)]


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole journal of 50,000 entries, written at once: 200 measurements with many samples."""
    bodies: list[tuple[str, str, dict[str, object]]] = [
        ("header", "header", {"layout": 1}),
        ("subject", SUBJECT.digest, msgspec.to_builtins(SUBJECT)),
    ]
    for number, what in enumerate(whats()):
        begin = {
            "what": what.digest,
            "spec": msgspec.to_builtins(what),
            "subject": SUBJECT.digest,
            "edition": EDITION,
            "reason": None,
            "continues": [],
        }
        bodies.append(("begin", f"m{number}", begin))
        bodies += [
            ("sample", f"m{number}", {"id": f"q{i}", "text": "四十二" * 20, "score": 1.0})
            for i in range(SAMPLES)
        ]
        bodies.append(("result", f"m{number}", {"data": {"number": number}, "blobs": {}}))
    folder = tmp_path_factory.mktemp("large")
    previous = GENESIS
    with (folder / "journal.jsonl").open("wb") as file:
        for seq, (type, id, body) in enumerate(bodies):
            fields = {"seq": seq, "time_unix_s": float(seq), "type": type, "id": id, "body": body}
            line = line_of({**fields, "prev": previous})
            previous = msgspec.json.decode(line)["hash"]
            file.write(line)
    return folder


def test_a_large_journal_opens_and_answers_in_seconds(large: Path) -> None:
    """
    50,000 entries verified in less than 5 s, and 200 look-ups in less than 2 s more.
    """
    start = time.perf_counter()
    store = Store.existing(large)
    opened = time.perf_counter() - start
    found = [store.find(what, SUBJECT) for what in whats()]
    answered = time.perf_counter() - start - opened

    assert (
        len(store.journal.entries),
        store.journal.altered,
        store.journal.gaps,
    ) == (ENTRIES, {}, [])
    assert list(range(MEASUREMENTS)) == [record.data["number"] for record in found if record]
    assert opened < 5, f"opening took {opened:.1f} s"
    assert answered < 2, f"200 look-ups took {answered:.1f} s"


def test_appending_to_a_large_journal_does_not_read_it_anew(large: Path) -> None:
    """
    A hundred more entries cost a hundred entries' time, not a hundred readings of the whole.
    """
    store = Store.existing(large)
    start = time.perf_counter()
    for number in range(100):
        store.journal.append("note", "n", {"number": number})
    spent = time.perf_counter() - start

    assert spent < 3, f"100 entries took {spent:.1f} s"
