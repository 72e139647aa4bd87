"""
The ports of a server: one block of neighbours, chosen so that two servers never want the same.
"""

from __future__ import annotations

import random
import socket
from collections.abc import Callable
from contextlib import ExitStack
from typing import Protocol

import msgspec

from pytest_ernie.errors import EngineError

LOWEST, HIGHEST = 20_000, 32_000
"""Below what Linux gives to outgoing connections (32768 and up), which would take them at random."""
TRIES = 200


class Ports(msgspec.Struct, frozen=True, kw_only=True):
    """Port numbers of 127.0.0.1, neighbours; the first is the API's."""

    numbers: tuple[int, ...]

    @property
    def api(self) -> int:
        """Where the OpenAI API is served."""
        return self.numbers[0]

    @property
    def others(self) -> tuple[int, ...]:
        """For what the engine's processes tell each other."""
        return self.numbers[1:]


class PortBlock(Protocol):
    """Ports that are ours until they are released."""

    @property
    def ports(self) -> Ports: ...

    def release(self) -> None:
        """Give them back; more than once does no harm."""


TakePorts = Callable[[int], PortBlock]
"""Count -> a block of so many."""


class UnleasedPorts:
    """Ports that were free when they were looked at; nothing keeps others away from them."""

    def __init__(self, ports: Ports) -> None:
        self.ports = ports

    def release(self) -> None:
        """Do nothing: nothing was held."""


def free_ports(count: int) -> UnleasedPorts:
    """
    Return ``count`` neighbouring ports of 127.0.0.1 that nobody listens on right now.

    EngineError if there are none.
    """
    for _ in range(TRIES):
        first = random.randrange(LOWEST, HIGHEST - count)
        numbers = tuple(range(first, first + count))
        if are_free(numbers):
            return UnleasedPorts(Ports(numbers=numbers))
    raise EngineError(
        "no free ports",
        where="127.0.0.1",
        got=f"{TRIES} blocks tried between {LOWEST} and {HIGHEST}",
        wanted=f"{count} neighbours that nobody listens on",
    )


def are_free(numbers: tuple[int, ...]) -> bool:
    """Return whether every one of these ports could be bound right now, all at once."""
    with ExitStack() as held:
        for number in numbers:
            probe = held.enter_context(socket.socket())
            try:
                probe.bind(("127.0.0.1", number))
            except OSError:
                return False
    return True
