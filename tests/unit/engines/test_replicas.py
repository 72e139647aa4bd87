"""
Equal servers that count as one.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from pytest_ernie.engines.dialects import FASTDEPLOY
from pytest_ernie.engines.lifecycle.replicas import Replicas, merged, start_replicas
from pytest_ernie.engines.protocol import UNKNOWN, ServedFacts
from pytest_ernie.errors import EngineError


class One:
    """A server that remembers what was done to it."""

    dialect = FASTDEPLOY
    model = "m"
    other_urls: tuple[str, ...] = ()

    def __init__(self, port: int, *, key: str = "k", facts: ServedFacts = UNKNOWN) -> None:
        self.base_url = f"http://127.0.0.1:{port}/v1"
        self.api_key: str | None = key
        self.facts = facts
        self.log: Path | None = Path(f"{port}.log")
        self.left_behind: tuple[str, ...] = ()
        self.lives = True
        self.stopped = 0

    def alive(self) -> bool:
        return self.lives

    def trouble(self) -> str | None:
        return None if self.lives else "it is gone"

    def kept_logs(self) -> dict[str, bytes]:
        return {"server_log": self.base_url.encode()}

    def stop(self) -> None:
        self.stopped += 1
        if self.log is None:
            raise EngineError("it doesn't stop")


def fails() -> One:
    raise EngineError("no memory")


def lend(server: One) -> Callable[[], One]:
    return lambda: server


def test_one_server_stays_what_it_is() -> None:
    """
    Nothing is wrapped where there is nothing to join.
    """
    one = One(1)

    assert one is start_replicas([lend(one)])


def test_all_must_live() -> None:
    """
    Throughput of the rest would be taken for the machine's; the dead one's log is told.
    """
    first, second = One(1), One(2)
    both = start_replicas([lend(first), lend(second)])
    assert both.alive()
    assert both.trouble() is None

    second.lives = False

    assert not both.alive()
    assert "replica 2: it is gone" == both.trouble()
    assert second.log == both.log
    assert (first.base_url, (second.base_url,)) == (both.base_url, both.other_urls)
    assert 2 == len(both.kept_logs())


def test_those_that_started_are_stopped_if_one_does_not() -> None:
    """
    And the error is the one's that failed.
    """
    first = One(1)

    with pytest.raises(EngineError, match="no memory"):
        start_replicas([lend(first), fails])

    assert 1 == first.stopped


def test_different_keys_are_refused() -> None:
    """
    One client has one key.
    """
    servers = One(1, key="a"), One(2, key="b")

    with pytest.raises(EngineError, match="replicas have different keys"):
        start_replicas([lend(server) for server in servers])

    assert [1, 1] == [server.stopped for server in servers]


def test_all_are_stopped_whatever_one_makes_of_it() -> None:
    """
    A hung driver of one card doesn't keep the others' processes.
    """
    first, second = One(1), One(2)
    first.log = None

    with pytest.raises(EngineError, match="it doesn't stop"):
        Replicas([first, second]).stop()

    assert 1 == second.stopped


def facts(**changes: object) -> ServedFacts:
    """Facts of a server of wint8."""
    right = msgspec.structs.replace(
        UNKNOWN,
        engine_version="2.3",
        window=8192,
        layer_types={"a": "int8", "b": "int8"},
        activation="bfloat16",
        datatype_reported="wint8",
        log_evidence=("said",),
    )
    return msgspec.structs.replace(right, **changes)


def test_equal_facts_are_those_of_one() -> None:
    """
    Evidence that all give is told once.
    """
    assert facts() == merged([facts(), facts()])


@pytest.mark.parametrize(
    ("other", "changed"),
    [
        ({"activation": None}, {"activation": None}),
        ({"activation": "int8"}, {"activation": "bfloat16 and int8"}),
        ({"window": 4096}, {"window": 4096}),
        ({"window": None}, {"window": None}),
        (
            {"layer_types": {"a": "int8", "b": "int4"}},
            {"layer_types": {"a": "int8", "b": "int8 and int4"}},
        ),
        (
            {"layer_types": {"a": "int8"}},
            {"layer_types": {"a": "int8", "b": "unknown"}},
        ),
        ({"to_reveal": "a switch"}, {"to_reveal": "a switch"}),
        ({"log_evidence": ("other",)}, {"log_evidence": ("said", "other")}),
    ],
)
def test_what_one_does_not_show_is_not_shown(
    other: dict[str, object], changed: dict[str, object]
) -> None:
    """
    A replica in another data type can't hide behind the first.
    """
    assert facts(**changed) == merged([facts(), facts(**other)])
