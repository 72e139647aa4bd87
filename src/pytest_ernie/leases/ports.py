"""
Blocks of ports that no other server of this machine gets while they are leased.
"""

from __future__ import annotations

from pytest_ernie.engines.ports import PortBlock, Ports, TakePorts, free_ports
from pytest_ernie.errors import EngineError
from pytest_ernie.leases.office import Lease, Office

TRIES = 200


class LeasedPorts:
    """A block of ports under a lease."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self.ports = Ports(numbers=lease.ports)

    def release(self) -> None:
        """Give the ports back; more than once does no harm."""
        self._lease.release()


def leased_ports(office: Office, title: str) -> TakePorts:
    """Return what takes blocks for a server, as engines ask for it: count -> block."""

    def take(count: int) -> PortBlock:
        def choose(taken: frozenset[int]) -> tuple[int, ...]:
            for _ in range(TRIES):
                numbers = free_ports(count).ports.numbers
                if taken.isdisjoint(numbers):
                    return numbers
            raise EngineError(
                "no free ports",
                where="127.0.0.1",
                got=f"{TRIES} blocks tried, and {len(taken)} ports are leased",
                wanted=f"{count} neighbours",
            )

        return LeasedPorts(office.take_ports(f"the ports of {title}", choose))

    return take
