"""
What processes of one machine must not use twice: cards, ports, memory, and its quiet.
"""

from __future__ import annotations

from pytest_ernie.leases.machine import capacity_gib, folder_of_leases
from pytest_ernie.leases.office import Lease, Office
from pytest_ernie.leases.ports import leased_ports
from pytest_ernie.leases.rule import Wish

__all__ = [
    "Lease",
    "Office",
    "Wish",
    "capacity_gib",
    "folder_of_leases",
    "leased_ports",
]
