"""
Servers that are started once and shared, and configurations that are known not to start.

    off ──get──> starting ──> ready ──> stopped ──get──> starting ...
                     └──────────┴─────> broken (for good: everyone is told the first failure)
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Literal

from pytest_ernie.errors import EngineError, ErnieError

from .protocol import Launch, Server

State = Literal["off", "starting", "ready", "stopped", "broken"]


class ServerPool:
    """
    Hands out servers by launch, at most ``at_most`` alive at a time; the longest unused goes first.

    ``start`` starts one and returns when it is ready.
    """

    def __init__(self, start: Callable[[Launch], Server], *, at_most: int = 1) -> None:
        if at_most < 1:
            raise ValueError(f"at_most is {at_most}; at least one server must be allowed")
        self._start = start
        self._at_most = at_most
        self._ready: dict[Launch, Server] = {}
        self._broken: dict[Launch, ErnieError] = {}
        self._states: dict[Launch, State] = {}

    def __enter__(self) -> ServerPool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop_all()

    def state(self, launch: Launch) -> State:
        """Return where the launch is in its life."""
        return self._states.get(launch, "off")

    def get(self, launch: Launch) -> Server:
        """
        Return the ready server of that launch, starting it if need be.

        A launch that once failed raises the same error at once: it isn't tried again.
        """
        if (known := self._broken.get(launch)) is not None:
            raise known
        server = self._ready.pop(launch, None)
        if server is None:
            return self._start_one(launch)
        if server.alive():
            self._ready[launch] = server  # now the most recently used
            return server
        server.stop()
        died = EngineError(
            "the server died between two measurements",
            where=server.log or server.base_url,
            fix="Its log tells why; it isn't started again, so that a flaky server can't pass",
        )
        self._break(launch, died)
        raise died

    def stop_all(self) -> None:
        """Stop every server; what was broken stays broken."""
        while self._ready:
            self._stop_oldest()

    def _start_one(self, launch: Launch) -> Server:
        while len(self._ready) >= self._at_most:
            self._stop_oldest()
        self._states[launch] = "starting"
        try:
            server = self._start(launch)
        except ErnieError as problem:
            self._break(launch, problem)
            raise
        except BaseException:
            self._states[launch] = "off"
            raise
        self._ready[launch] = server
        self._states[launch] = "ready"
        return server

    def _stop_oldest(self) -> None:
        launch = next(iter(self._ready))
        server = self._ready.pop(launch)
        self._states[launch] = "stopped"
        server.stop()

    def _break(self, launch: Launch, problem: ErnieError) -> None:
        self._broken[launch] = problem
        self._states[launch] = "broken"
