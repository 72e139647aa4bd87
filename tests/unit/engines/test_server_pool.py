"""
Servers are started once, shared, and not tried again once broken.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from pytest_ernie.engines.dialects import VLLM
from pytest_ernie.engines.lifecycle.pool import ServerPool
from pytest_ernie.engines.protocol import UNKNOWN, Dialect, Launch, ServedFacts
from pytest_ernie.errors import EngineError, ServerDied


class StubServer:
    """Notes what is done to it."""

    base_url = "http://127.0.0.1:1/v1"
    model = "m"
    api_key: str | None = None
    facts: ServedFacts = UNKNOWN
    log: Path | None = None
    dialect: Dialect = VLLM
    left_behind: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.lives = True
        self.stops = 0

    def alive(self) -> bool:
        """As told."""
        return self.lives

    def trouble(self) -> str | None:
        """As told."""
        return None if self.lives else "it was told to die"

    def kept_logs(self) -> dict[str, bytes]:
        """Return none."""
        return {}

    def stop(self) -> None:
        """Count."""
        self.lives = False
        self.stops += 1


class Starter:
    """Starts stub servers, or fails as told."""

    def __init__(self) -> None:
        self.started: list[StubServer] = []
        self.fails_with: BaseException | None = None

    def __call__(self, launch: Launch) -> StubServer:
        if self.fails_with is not None:
            raise self.fails_with
        self.started.append(StubServer())
        return self.started[-1]


def launch(datatype: str = "bf16") -> Launch:
    """A configuration."""
    return Launch(
        engine="stub", model="m", checkpoint="/c", datatype=datatype, window=8, max_num_seqs=1
    )


@pytest.fixture
def starter() -> Starter:
    """A starter without faults."""
    return Starter()


def test_a_server_starts_once_for_all_who_ask(starter: Starter) -> None:
    """Equal launches share it."""
    pool = ServerPool(starter)

    assert pool.state(launch()) == "off"
    assert pool.get(launch()) is pool.get(launch())
    assert len(starter.started) == 1
    assert pool.state(launch()) == "ready"


def test_another_configuration_stops_the_one_before(starter: Starter) -> None:
    """One alive at a time, unless told otherwise; the stopped one may be started again."""
    pool = ServerPool(starter)
    pool.get(launch("bf16"))
    pool.get(launch("wint8"))

    assert [server.stops for server in starter.started] == [1, 0]
    assert pool.state(launch("bf16")) == "stopped"
    pool.get(launch("bf16"))
    assert [server.stops for server in starter.started] == [1, 1, 0]


def test_the_one_that_was_unused_longest_goes_first(starter: Starter) -> None:
    """With room for two."""
    pool = ServerPool(starter, at_most=2)
    pool.get(launch("bf16"))
    pool.get(launch("wint8"))
    pool.get(launch("bf16"))
    pool.get(launch("wint4"))

    assert [server.stops for server in starter.started] == [0, 1, 0]


def test_the_old_server_is_gone_before_the_new_one_starts(starter: Starter) -> None:
    """They share the device."""

    def start(wanted: Launch) -> StubServer:
        assert all(not server.lives for server in starter.started)
        return starter(wanted)

    pool = ServerPool(start)
    pool.get(launch("bf16"))
    pool.get(launch("wint8"))

    assert len(starter.started) == 2


def test_what_once_failed_fails_at_once_with_the_same_error(starter: Starter) -> None:
    """Forty criteria don't wait forty times for a server that can't start."""
    pool = ServerPool(starter)
    starter.fails_with = EngineError("no such kernel")
    with pytest.raises(EngineError) as first:
        pool.get(launch())
    starter.fails_with = None
    with pytest.raises(EngineError) as second:
        pool.get(launch())

    assert second.value is first.value
    assert pool.state(launch()) == "broken"
    assert starter.started == []
    assert pool.get(launch("wint8")).alive()


def test_a_server_that_died_is_broken(starter: Starter) -> None:
    """It is cleaned away, and never started again."""
    pool = ServerPool(starter)
    pool.get(launch())
    starter.started[0].lives = False
    for _ in range(2):
        with pytest.raises(EngineError) as caught:
            pool.get(launch())

    assert str(caught.value) == (
        "http://127.0.0.1:1/v1: the server died between two measurements; got it was told to die. "
        "Its log tells why; it isn't started again, so that a flaky server can't pass"
    )
    assert starter.started[0].stops == 1
    assert len(starter.started) == 1


def test_a_server_that_died_is_started_again_as_often_as_the_site_says(starter: Starter) -> None:
    """Each death is told to whoever measured on it; the last one breaks the launch for good."""
    pool = ServerPool(starter, restarts=1)
    pool.get(launch())
    first = pool.bury(launch(), "the server died at 8 requests in flight", "it was killed")

    assert first.again
    assert str(first) == (
        "http://127.0.0.1:1/v1: the server died at 8 requests in flight; got it was killed. "
        "It is started again, once in a run, as the site file allows"
    )
    assert pool.state(launch()) == "off"
    assert starter.started[0].stops == 1
    assert pool.get(launch()) is starter.started[1]

    starter.started[1].lives = False
    with pytest.raises(ServerDied) as second:
        pool.get(launch())
    assert not second.value.again
    assert pool.state(launch()) == "broken"
    with pytest.raises(ServerDied) as third:
        pool.get(launch())
    assert third.value is second.value
    assert len(starter.started) == 2


def test_another_launch_has_restarts_of_its_own(starter: Starter) -> None:
    """One flaky configuration doesn't use up another's."""
    pool = ServerPool(starter, at_most=2, restarts=1)
    for datatype in ("bf16", "wint8"):
        pool.get(launch(datatype))
        assert pool.bury(launch(datatype), "the server died", "it was killed").again


def test_what_stopped_servers_left_is_remembered(starter: Starter) -> None:
    """The end of the run tells it."""
    pool = ServerPool(starter)
    pool.get(launch("bf16"))
    starter.started[0].left_behind = ("message queue 7",)
    pool.get(launch("wint8"))
    pool.stop_all()

    assert pool.left_behind == ["message queue 7"]


def test_an_interruption_breaks_nothing(starter: Starter) -> None:
    """Ctrl-C says nothing about the server."""
    pool = ServerPool(starter)
    starter.fails_with = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        pool.get(launch())
    starter.fails_with = None

    assert pool.state(launch()) == "off"
    assert pool.get(launch()).alive()


def test_leaving_the_pool_stops_every_server(starter: Starter) -> None:
    """Even if what used them failed."""
    with contextlib.suppress(RuntimeError), ServerPool(starter, at_most=2) as pool:
        pool.get(launch("bf16"))
        pool.get(launch("wint8"))
        raise RuntimeError

    assert [server.stops for server in starter.started] == [1, 1]


def test_room_for_no_server_is_refused(starter: Starter) -> None:
    """It could serve nobody."""
    with pytest.raises(ValueError, match="at_most is 0; at least one server must be allowed"):
        ServerPool(starter, at_most=0)
