"""
Servers that are started once and shared, and configurations that are known not to start.

    off ──get──> starting ──> ready ──> stopped ──get──> starting ...
                     │          ├─────> off     it died, and the site lets it be started once more
                     └──────────┴─────> broken  for good: everyone is told the first failure
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Literal

from pytest_ernie.engines.protocol import Launch, Server
from pytest_ernie.errors import ErnieError, ServerDied

State = Literal["off", "starting", "ready", "stopped", "broken"]


class ServerPool:
    """
    Hands out servers by launch, at most ``at_most`` alive at a time; the longest unused goes first.

    ``start`` starts one and returns when it is ready; ``restarts`` is how often one that died is
    started again.
    """

    def __init__(
        self, start: Callable[[Launch], Server], *, at_most: int = 1, restarts: int = 0
    ) -> None:
        if at_most < 1:
            raise ValueError(f"at_most is {at_most}; at least one server must be allowed")
        self._start = start
        self._at_most = at_most
        self._ready: dict[Launch, Server] = {}
        self._broken: dict[Launch, ErnieError] = {}
        self._states: dict[Launch, State] = {}
        self._restarts = restarts
        self._deaths: dict[Launch, int] = {}
        self.left_behind: list[str] = []
        """What stopped servers left on this machine, a line each."""

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
        self._ready[launch] = server
        why = server.trouble() or "it doesn't answer"
        raise self.bury(launch, "the server died between two measurements", why)

    def bury(self, launch: Launch, what: str, why: str) -> ServerDied:
        """
        Stop a server that died, and return the error that says so.

        Its ``again`` is True if the site lets it be started once more; else the launch is broken.
        """
        server = self._ready.pop(launch)
        self._deaths[launch] = self._deaths.get(launch, 0) + 1
        again = self._deaths[launch] <= self._restarts
        died = ServerDied(
            what,
            where=server.log or server.base_url,
            got=why,
            fix="It is started again, once in a run, as the site file allows"
            if again
            else "Its log tells why; it isn't started again, so that a flaky server can't pass",
        )
        died.again = again
        self._stop(server)
        if again:
            self._states[launch] = "off"
        else:
            self._break(launch, died)
        return died

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
        self._stop(server)

    def _stop(self, server: Server) -> None:
        server.stop()
        self.left_behind += server.left_behind

    def _break(self, launch: Launch, problem: ErnieError) -> None:
        self._broken[launch] = problem
        self._states[launch] = "broken"
