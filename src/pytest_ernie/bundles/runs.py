"""
What each pytest run claimed: kept beside the journal, so that whoever judges anew sees what differs.

A claim is nothing that a verdict rests on. It is what the applicant's own run said.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from msgspec import Struct

from pytest_ernie.bundles.suite import Suite, suite
from pytest_ernie.errors import ErnieError
from pytest_ernie.evidence.bundle import Seal
from pytest_ernie.evidence.journal import Journal
from pytest_ernie.outcomes import Judgement, judgement_of
from pytest_ernie.standard.digest import canonical

if TYPE_CHECKING:
    from pytest_ernie.session import ErnieSession

FOLDER = "runs"


class Run(Struct, frozen=True, kw_only=True):
    """One pytest run over criteria: who ran it, against what, and each verdict that it came to."""

    suite: Suite
    edition: str
    edition_digest: str
    device: str | None
    applicant: str
    offline: bool
    recorded_reference: bool
    reference: str | None
    """What the verdicts were formed against: the hash of the last entry of the reference's journal."""
    started_unix_s: float
    ended_unix_s: float
    site: dict[str, Any] | None
    """The site file without its secrets and folders."""
    judgements: tuple[Judgement, ...]
    sealed: Seal | None = None
    """The journal's end when the run ended; None in records of older versions."""


class RunKeeper:
    """Hooks that note a run's verdicts and write them into its evidence folder when it ends."""

    def __init__(self, session: ErnieSession) -> None:
        self._session = session
        self._started_unix_s = time.time()
        self._judgements: dict[str, Judgement] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        judgement = judgement_of(report)
        if judgement is not None:
            self._judgements[judgement.criterion.name] = judgement

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Write once; a full disk, or a journal that was cut meanwhile, costs the claim and nothing else."""
        if not self._judgements:
            return
        folder = self._session.settings.evidence
        if not (folder / "journal.jsonl").is_file():
            return
        try:
            write_run(folder, self._run())
        except (OSError, ErnieError):
            return

    def _run(self) -> Run:
        settings = self._session.settings
        used = self._session.candidate_if_used  # under -n it is the workers' alone
        journal = used.store.journal if used else Journal(settings.evidence)
        journal.refresh()
        return Run(
            suite=suite(),
            edition=settings.edition.name,
            edition_digest=settings.edition_digest,
            device=settings.device_kind,
            applicant=settings.applicant,
            offline=settings.offline,
            recorded_reference=settings.record_reference,
            reference=self._reference_head(),
            started_unix_s=self._started_unix_s,
            ended_unix_s=time.time(),
            site=self._site(),
            judgements=tuple(self._judgements.values()),
            sealed=end_of(journal) if journal.entries else None,
        )

    def _reference_head(self) -> str | None:
        if self._session.settings.record_reference:
            return None
        try:
            entries = self._session.reference.store.journal.entries
        except ErnieError:
            return None
        return entries[-1].hash if entries else None

    def _site(self) -> dict[str, Any] | None:
        from pytest_ernie.measurements.local import local_redaction, without_secrets

        settings = self._session.settings
        if settings.site is None:
            return None
        return without_secrets(settings.site, local_redaction(settings, os.environ))


def write_run(folder: Path, run: Run) -> Path:
    """Write a run into an evidence folder under a name of its own; whole, or not at all."""
    runs = folder / FOLDER
    runs.mkdir(exist_ok=True)
    path = runs / f"{int(run.started_unix_s * 1000):013d}-{secrets.token_hex(4)}.json"
    part = path.with_suffix(".part")
    part.write_bytes(canonical(msgspec.to_builtins(run)))
    part.replace(path)
    return path


def end_of(journal: Journal) -> Seal:
    """Return where a journal ends now."""
    return Seal(entries=len(journal.entries), head=journal.entries[-1].hash)


def cut_tails(chains: Sequence[Journal], runs: Iterable[Run]) -> Iterator[str]:
    """
    Yield a sentence for each run at whose end the journal had entries that aren't there any more.

    Whoever cuts off a measurement that went badly must also drop what its run said; of merged evidence
    any part's chain may be the run's.
    """
    for run in runs:
        end = run.sealed
        if end is None or any(
            len(chain.entries) >= end.entries > 0
            and chain.entries[end.entries - 1].hash == end.head
            for chain in chains
        ):
            continue
        day = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(run.ended_unix_s))
        yield (
            f"a run that ended at {day} UTC left a journal of {end.entries} entries that ends in "
            f"{end.head[:12]}, and this isn't its continuation"
        )


def earlier_claims(runs: tuple[Run, ...]) -> Iterator[str]:
    """Yield a sentence for each verdict that a run claimed and a later one claimed otherwise (R15)."""
    last = claims(runs)
    for run in sorted(runs, key=lambda run: run.ended_unix_s):
        for judgement in run.judgements:
            name, verdict = judgement.criterion.name, judgement.verdict
            now = last[name].verdict
            if (verdict.word, verdict.measured) != (now.word, now.measured):
                yield f"{name}: an earlier run claimed {verdict.word.value} ({verdict.measured})"


def claims(runs: tuple[Run, ...]) -> dict[str, Judgement]:
    """Return the verdict that was claimed last for each criterion."""
    ordered = sorted(runs, key=lambda run: run.ended_unix_s)
    return {j.criterion.name: j for run in ordered for j in run.judgements}
