"""
The ports of a server.
"""

from __future__ import annotations

import socket

import pytest

from pytest_ernie.engines import ports
from pytest_ernie.engines.ports import Ports, are_free, free_ports
from pytest_ernie.errors import EngineError


def test_a_block_is_of_neighbours_that_are_free() -> None:
    """The first is the API's; all lie below what outgoing connections get."""
    block = free_ports(4).ports

    assert block.numbers == tuple(range(block.api, block.api + 4))
    assert block.others == block.numbers[1:]
    assert block.numbers[-1] < 32_768
    assert are_free(block.numbers)


def test_a_block_with_one_port_in_use_is_not_free() -> None:
    """Whichever of them it is."""
    block = free_ports(3).ports
    with socket.socket() as other:
        other.bind(("127.0.0.1", block.numbers[2]))
        other.listen()

        assert not are_free(block.numbers)
        assert are_free(block.numbers[:2])


def test_no_free_ports_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """With where it looked."""
    monkeypatch.setattr(ports, "are_free", lambda numbers: False)

    with pytest.raises(EngineError) as caught:
        free_ports(5)

    assert str(caught.value) == (
        "127.0.0.1: no free ports; got 200 blocks tried between 20000 and 32000; "
        "wanted 5 neighbours that nobody listens on"
    )


def test_releasing_what_was_never_held_does_no_harm() -> None:
    """A chooser without leases holds nothing."""
    block = free_ports(1)
    block.release()
    block.release()

    assert Ports(numbers=(block.ports.api,)) == block.ports
