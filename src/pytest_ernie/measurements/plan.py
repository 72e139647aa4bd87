"""
A plan: the key of a measurement beside the way to make it. Looking up needs only the key.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from pytest_ernie.evidence import Recording, Subject, What
from pytest_ernie.measurements.equipment import Equipment


class Plan(Protocol):
    """One measurement that evidence may hold or a device may give."""

    @property
    def what(self) -> What:
        """The half of the key that both sides share."""
        ...

    def subject(self, equipment: Equipment) -> Subject:
        """Return the other half for the candidate at hand; starts nothing."""
        ...

    @property
    def timed(self) -> bool:
        """Whether seconds count in it, so that nothing else may be measured on the machine meanwhile."""
        ...

    def equipped(self, equipment: Equipment) -> AbstractContextManager[None]:
        """Hold the cards and the memory that it needs; may wait for other runs, starts nothing."""
        ...

    def make_ready(self, equipment: Equipment) -> None:
        """Start what it measures with, if that must be done before the machine is quiet."""
        ...

    def measure(self, equipment: Equipment, recording: Recording) -> None:
        """Measure on the device; finish the recording, or raise MeasurementError."""
        ...
