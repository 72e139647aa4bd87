"""
Equal servers beside each other that count as one: single-machine TPS uses all cards (R6).

They are started one after another: while weights are loaded they fill the host's memory, and two at once
may not fit. One that dies ends the whole; a server that lacks a replica isn't the one that was measured.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from pytest_ernie.engines.protocol import CountsTokens, Dialect, ServedFacts, Server
from pytest_ernie.errors import EngineError


class Replicas:
    """Several servers of one launch; the first answers what one server can answer alone."""

    def __init__(self, servers: Sequence[Server]) -> None:
        self._servers = tuple(servers)
        self._first = self._servers[0]
        self.facts = merged([server.facts for server in self._servers])

    @property
    def base_url(self) -> str:
        """Address of the first."""
        return self._first.base_url

    @property
    def other_urls(self) -> tuple[str, ...]:
        """Addresses of the others."""
        return tuple(server.base_url for server in self._servers[1:])

    @property
    def model(self) -> str:
        """Name under which all of them serve the model."""
        return self._first.model

    @property
    def api_key(self) -> str | None:
        """The key of all."""
        return self._first.api_key

    @property
    def log(self) -> Path | None:
        """Log of the first that doesn't live any more, else of the first."""
        return next((server.log for server in self._servers if not server.alive()), self._first.log)

    @property
    def dialect(self) -> Dialect:
        """How they are spoken to."""
        return self._first.dialect

    def alive(self) -> bool:
        """Return whether every one still lists its models."""
        return all(server.alive() for server in self._servers)

    def trouble(self) -> str | None:
        """Return why one of them can't be measured any more, None if every one answers."""
        told = ((number, server.trouble()) for number, server in enumerate(self._servers, 1))
        return next((f"replica {number}: {why}" for number, why in told if why), None)

    def output_tokens(self) -> float | None:
        """Return what all of them have put out, None if one of them doesn't tell."""
        told = [s.output_tokens() if isinstance(s, CountsTokens) else None for s in self._servers]
        known = [count for count in told if count is not None]
        return sum(known) if len(known) == len(told) else None

    def kept_logs(self) -> dict[str, bytes]:
        """Return the logs of all, by replica."""
        return {
            f"{name} of replica {number}": content
            for number, server in enumerate(self._servers, 1)
            for name, content in server.kept_logs().items()
        }

    @property
    def left_behind(self) -> tuple[str, ...]:
        """What any of them left on this machine; known once they were stopped."""
        return tuple(told for server in self._servers for told in server.left_behind)

    def stop(self) -> None:
        """End all of them, whatever one of them makes of it."""
        problems: list[Exception] = []
        for server in self._servers:
            try:
                server.stop()
            except Exception as problem:  # the others must be stopped before it is told
                problems.append(problem)
        if problems:
            raise problems[0]


def start_replicas(starts: Sequence[Callable[[], Server]]) -> Server:
    """
    Start every server, one after another, and return them as one.

    If one doesn't get ready, those before it are stopped, and its error is raised.
    """
    servers: list[Server] = []
    try:
        for start in starts:
            servers.append(start())
        if len({server.api_key for server in servers}) > 1:
            raise EngineError(
                "replicas have different keys, so that one client can't ask all of them"
            )
        return servers[0] if len(servers) == 1 else Replicas(servers)
    except BaseException:
        for server in servers:
            server.stop()
        raise


def merged(facts: Sequence[ServedFacts]) -> ServedFacts:
    """
    Return the facts of all: what they disagree about is named as both, or as unknown.
    """
    first = facts[0]
    types = dict(first.layer_types)
    for other in facts[1:]:
        for name, type in other.layer_types.items():
            if types.setdefault(name, type) != type:
                types[name] = f"{types[name]} and {type}"
        for name in types.keys() - other.layer_types.keys():
            types[name] = "unknown"
    windows = [each.window for each in facts if each.window is not None]
    return msgspec.structs.replace(
        first,
        engine_version=_same([each.engine_version for each in facts]) or "",
        window=min(windows) if len(windows) == len(facts) else None,
        datatype_reported=_same([each.datatype_reported for each in facts]),
        layer_types=types,
        activation=_same([each.activation for each in facts]),
        to_reveal=next((each.to_reveal for each in facts if each.to_reveal), None),
        log_evidence=tuple(dict.fromkeys(line for each in facts for line in each.log_evidence)),
    )


def _same(values: Sequence[str | None]) -> str | None:
    """Return what all say, both if they disagree, None if one says nothing."""
    if None in values:
        return None
    return " and ".join(dict.fromkeys(str(value) for value in values))
