"""
A server is lent to a measurement: its logs are kept, and a death ends what was being measured.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pytest_ernie.comparison import with_deaths
from pytest_ernie.engines.lifecycle.pool import ServerPool
from pytest_ernie.engines.protocol import Launch, Server
from pytest_ernie.errors import EngineError, ServerDied, ServerNotStarted
from pytest_ernie.evidence import Recording
from pytest_ernie.measurements.equipment import Equipment
from pytest_ernie.measurements.serving import Configuration
from pytest_ernie.verdicts import Verdict, Word

LAUNCH = Launch(
    engine="stub", model="m", checkpoint="/c", datatype="bf16", window=8, max_num_seqs=1
)


class Blobs:
    """Notes what is kept."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def blob(self, name: str, content: bytes) -> None:
        """As a recording does."""
        self.kept[name] = content


class Configured(Configuration, frozen=True, kw_only=True):
    """Always the same launch."""

    def launch(self, equipment: Equipment) -> Launch:
        """As the site would have it."""
        return LAUNCH


class Stub:
    """A server in as much trouble as it is told."""

    base_url = "http://127.0.0.1:1/v1"
    log: Path | None = None
    left_behind = ()

    def __init__(self) -> None:
        self.why: str | None = None
        self.stopped = False

    def alive(self) -> bool:
        """It lists its models whatever happens."""
        return True

    def trouble(self) -> str | None:
        """As told."""
        return self.why

    def kept_logs(self) -> dict[str, bytes]:
        """One line."""
        return {"server_log": b"a line\n"}

    def stop(self) -> None:
        """Note it."""
        self.stopped = True


def bench(start: Any) -> tuple[Configured, Equipment, Blobs, Recording]:
    """What a measurement is given."""
    pool = ServerPool(cast("Any", start))
    equipment = cast("Equipment", SimpleNamespace(pool=pool))
    blobs = Blobs()
    configured = Configured(edition="e", model="m", datatype="bf16", window=8)
    return configured, equipment, blobs, cast("Recording", blobs)


def test_the_logs_are_kept_with_what_was_measured() -> None:
    """Whether or not the server lived through it."""
    configured, equipment, blobs, recording = bench(lambda launch: Stub())

    with configured.serving(equipment, recording, "while it answered") as server:
        assert isinstance(cast("Server", server), Stub)

    assert blobs.kept == {"server_log": b"a line\n"}


def test_a_server_that_is_in_trouble_at_the_end_has_died_meanwhile() -> None:
    """The error says in the middle of what, and why; it is stopped."""
    stub = Stub()
    configured, equipment, blobs, recording = bench(lambda launch: stub)

    with (
        pytest.raises(ServerDied) as caught,
        configured.serving(equipment, recording, "at 8 requests in flight"),
    ):
        stub.why = "it was killed (SIGKILL)"

    assert str(caught.value) == (
        "http://127.0.0.1:1/v1: the server died at 8 requests in flight; got it was killed "
        "(SIGKILL). Its log tells why; it isn't started again, so that a flaky server can't pass"
    )
    assert stub.stopped
    assert blobs.kept == {"server_log": b"a line\n"}


@pytest.mark.parametrize(("why", "kind"), [(None, EngineError), ("it is gone", ServerDied)])
def test_what_broke_inside_is_told_by_its_cause(why: str | None, kind: type[EngineError]) -> None:
    """A question that found no answer is the server's death, if it died."""
    stub = Stub()
    configured, equipment, _, recording = bench(lambda launch: stub)

    with (  # noqa: PT012 (the block is what breaks)
        pytest.raises(EngineError) as caught,
        configured.serving(equipment, recording, "while it answered"),
    ):
        stub.why = why
        raise EngineError("a short prompt isn't answered")

    assert type(caught.value) is kind
    assert stub.stopped is (why is not None)


def test_an_interruption_asks_the_server_nothing() -> None:
    """Ctrl-C must not wait for an answer."""
    stub = Stub()
    stub.why = "it would be asked"
    configured, equipment, blobs, recording = bench(lambda launch: stub)

    with (
        pytest.raises(KeyboardInterrupt),
        configured.serving(equipment, recording, "while it answered"),
    ):
        raise KeyboardInterrupt

    assert blobs.kept == {"server_log": b"a line\n"}


def test_the_logs_of_a_server_that_never_started_are_kept_each_time() -> None:
    """The error is remembered, its logs with it."""

    def start(launch: Launch) -> Server:
        problem = ServerNotStarted("Engine died while starting: no such layer")
        problem.logs = {"server_log": b"ValueError: no such layer\n"}
        raise problem

    configured, equipment, blobs, recording = bench(start)
    for _ in range(2):
        blobs.kept.clear()
        with (
            pytest.raises(ServerNotStarted),
            configured.serving(equipment, recording, "while it answered"),
        ):
            pytest.fail("there is no server")
        assert blobs.kept == {"server_log": b"ValueError: no such layer\n"}


def test_a_verdict_says_once_what_happened_to_its_server() -> None:
    """After its own notes, and whatever its word."""
    verdict = Verdict(word=Word.PASS, message="fine", notes=("P90 is 0.1 s",))

    told = with_deaths(verdict, "the server died at 8", "the server died at 8")

    assert told.word is Word.PASS
    assert told.notes == ("P90 is 0.1 s", "in an earlier attempt the server died at 8")
    assert with_deaths(verdict) == verdict
