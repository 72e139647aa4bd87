"""
What can go wrong, as people read it: what is wrong, where, got, wanted, what to do.

    ErnieError
    ├── UsageProblem          the command line, a site file or an edition is wrong; nothing was measured
    │   ├── StandardError     an edition file breaks its own rules
    │   ├── SiteError         the site file is wrong, or lacks what the chosen criteria need
    │   └── DeviceError       the device can't be read, or isn't what the site file says it is
    ├── ToolchainError        an isolated environment can't be made or used
    ├── MeasurementError      a measurement was tried and didn't complete
    │   ├── TrainerError      the trainer died, or its log can't be read
    │   │   ├── TrainerDied   it had begun, and ended before its time
    │   │   └── StoppedEarly  it was ended because it could no longer pass (--stop-early)
    │   └── EngineError       the server didn't start, died, or answered wrongly
    │       ├── ServerNotStarted  it never became ready
    │       └── ServerDied    it was ready, and then it was not
    └── EvidenceError         recorded evidence can't be used
        ├── EvidenceMissing   nothing recorded for what was asked (offline, or no reference)
        ├── EvidenceTampered  a record or blob isn't what was written
        ├── SeveralSubjects   records of several devices or software states answer the same question
        ├── BundleUnusable    a file isn't a bundle, or none that is safe to open
        └── SignatureError    a key or a signature can't be used

    ReferenceBeingRecorded is no error: it ends a criterion's test whose measurement is itself the
    reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType


class ErnieError(Exception):
    """
    Base of every error that this suite raises on purpose.

    ``what`` is a clause without a full stop; the optional parts are joined to it in a fixed order,
    so that every message answers the same questions.
    """

    def __init__(
        self,
        what: str,
        *,
        where: object | None = None,
        got: object | None = None,
        wanted: object | None = None,
        fix: str | None = None,
    ) -> None:
        self.what = what
        self.where = None if where is None else str(where)
        self.got = None if got is None else str(got)
        self.wanted = None if wanted is None else str(wanted)
        self.fix = fix
        super().__init__(self._render())

    def _render(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        if self.got is not None:
            text += f"; got {self.got}"
        if self.wanted is not None:
            text += f"; wanted {self.wanted}"
        return f"{text}. {self.fix}" if self.fix else text


class UsageProblem(ErnieError):
    """The command line, a site file or an edition is wrong; nothing was measured."""


class StandardError(UsageProblem):
    """An edition file breaks its own rules."""


class SiteError(UsageProblem):
    """The site file is wrong, or lacks what the chosen criteria need."""


class DeviceError(UsageProblem):
    """The device can't be read, or isn't what the site file says it is."""


class ToolchainError(ErnieError):
    """An isolated environment can't be made or used."""


class MeasurementError(ErnieError):
    """A measurement was tried and didn't complete."""


class TrainerError(MeasurementError):
    """The trainer died, or its log can't be read."""


class TrainerDied(TrainerError):
    """The trainer had begun and ended before its time: killed, out of memory, a host that went away."""


class StoppedEarly(TrainerError):
    """The run could no longer pass and was ended (``--stop-early``); it is no result."""


class EngineError(MeasurementError):
    """The server didn't start, died, or answered wrongly."""


class ServerNotStarted(EngineError):
    """The server never became ready; ``logs`` are its logs by name, bounded and without secrets."""

    logs: Mapping[str, bytes] = MappingProxyType({})


class ServerDied(EngineError):
    """
    The server was ready, and then it was not: what was being measured isn't measured.

    ``again`` says whether the site lets it be started again now.
    """

    again: bool = False


class EvidenceError(ErnieError):
    """Recorded evidence can't be used."""


class EvidenceMissing(EvidenceError):
    """Nothing is recorded for what was asked."""


class EvidenceTampered(EvidenceError):
    """A record or blob isn't what was written."""


class SeveralSubjects(EvidenceError):
    """Records of several devices or software states answer the same question."""


class BundleUnusable(EvidenceError):
    """A file isn't a bundle, or none that is safe to open; nothing in it was believed."""


class SignatureError(EvidenceError):
    """A key can't be used, or a signature isn't one."""


class ReferenceBeingRecorded(Exception):
    """What was measured is itself the reference; there is nothing to compare it with."""
