"""
Verifying a bundle: is it whole, does it agree with itself, and are its verdicts the ones it claims?

    holds       whole and consistent, every claimed verdict comes out again, and all of them are PASS; or it
                claims to be a reference, and all that it claims to have recorded is there
    doesn't     anything else; each reason is named
    unusable    it can't be opened, or not judged (an error instead of a result)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from pytest_ernie.bundles.chain import chain_findings
from pytest_ernie.bundles.consistency import ODD, Marks, consistency_findings, copied_findings
from pytest_ernie.bundles.facts import Facts, facts_of
from pytest_ernie.bundles.finding import Finding
from pytest_ernie.bundles.rederive import Question, rederive
from pytest_ernie.bundles.runs import Run, claims, cut_tails, earlier_claims
from pytest_ernie.bundles.signing import Signed, runs_of, signed, trusted_keys
from pytest_ernie.errors import BundleUnusable, EvidenceError
from pytest_ernie.evidence import Store
from pytest_ernie.evidence.bundle import FACTS, Bundle, Seal
from pytest_ernie.evidence.chain import named_blobs
from pytest_ernie.evidence.journal import Entry
from pytest_ernie.evidence.strict_json import decode_canonical
from pytest_ernie.outcomes import Judgement
from pytest_ernie.standard import criteria, edition_digest, editions, load
from pytest_ernie.verdicts import Word
from pytest_ernie.verdicts.verdict import NO_FIGURE

RECORDED = (Word.RECORDED, Word.UNSPECIFIED)
"""Words of a claim that says nothing about a device."""


class Difference(Struct, frozen=True, kw_only=True):
    """A verdict that isn't the one that the bundle claims."""

    criterion: str
    claimed: str
    derived: str
    about: str
    """word, or figures."""
    counts: bool = True
    """False for figures that were claimed against another reference."""
    message: str = ""


class Verification(Struct, frozen=True, kw_only=True):
    """Everything that was found; ``holds`` is the answer."""

    bundle: str
    digest: str
    signed: Signed
    edition: str
    findings: tuple[Finding, ...]
    differences: tuple[Difference, ...] = ()
    judgements: tuple[Judgement, ...] = ()
    reference: str | None = None
    reference_signed: Signed | None = None
    reference_findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    challenge: str | None = None
    """What the evidence was recorded under."""
    demands_trust: bool = False
    """Keys were named, and one of them must have signed it."""
    as_reference: bool = False
    """It was recorded as a reference and is verified as one: nothing was compared."""
    edition_criteria: int = 0
    """How many criteria the edition has: what isn't claimed isn't judged, unless every one was asked for."""

    @property
    def holds(self) -> bool:
        """Return whether the bundle holds what it claims, and claims nothing but PASS."""
        return not self.why_not

    @property
    def why_not(self) -> tuple[str, ...]:
        """Return each reason why it doesn't, a sentence each."""
        reasons = [str(finding) for finding in (*self.findings, *self.reference_findings)]
        if self.signed.problem:
            reasons.append(self.signed.words)
        reasons += [
            f"{d.criterion}: {d.about} claimed {d.claimed}, derived {d.derived}"
            for d in self.differences
            if d.counts
        ]
        if self.demands_trust and not (self.signed.trusted or self.signed.problem):
            reasons.append("none of the trusted keys signed it")
        words = [judgement.verdict.word for judgement in self.judgements]
        if not words:
            reasons.append(
                "no verdict could be derived: the bundle claims none that a reference shows"
            )
        elif not self.as_reference and (
            wanting := sum(word not in (Word.PASS, *RECORDED) for word in words)
        ):
            reasons.append(f"{wanting} of {len(words)} criteria aren't PASS")
        return tuple(reasons)


class Asked(Struct, frozen=True, kw_only=True):
    """How a bundle is to be verified."""

    reference: Path | None = None
    trust: tuple[Path, ...] = ()
    edition: str | None = None
    """Name or file; None: the one that the bundle names, as this suite ships it."""
    every: bool = False
    """All criteria of the edition, and not only those that are claimed."""


class Examined(Struct, frozen=True, kw_only=True):
    """Evidence that was opened, who signed it, and what is wrong with it."""

    store: Store
    signed: Signed
    findings: tuple[Finding, ...]
    marks: Marks


def examine(path: Path, trusted: Mapping[str, str] | None = None) -> Examined:
    """
    Open a bundle and say what is wrong with its evidence; judges nothing.

    BundleUnusable if it can't be opened safely.
    """
    try:
        store = Store.existing(path)
        if store.bundle is None:
            raise BundleUnusable(
                "this isn't a bundle", where=path, fix="pytest-ernie pack makes one"
            )
        found = _chain_findings(store, store.bundle.manifest.seal)
        vouched = signed(store.bundle, trusted)
        marks: Marks = {}
        if not found:
            found, marks = consistency_findings(store)
        named = set() if found else {n for chain in store.chains for n in named_blobs(chain)}
        store.bundle.check_contents(named)
        if not found:
            found = list(_facts_findings(store, store.bundle))
    except (RecursionError, MemoryError) as error:
        raise BundleUnusable(
            f"reading it took too much ({type(error).__name__})", where=path
        ) from None
    return Examined(store=store, signed=vouched, findings=tuple(found), marks=marks)


def verify(path: Path, asked: Asked) -> Verification:
    """
    Verify one bundle; BundleUnusable, or another ErnieError, if there is nothing to be said of it.
    """
    try:
        return _verified(path, asked)
    except ODD as error:
        raise BundleUnusable(
            f"its records aren't of the shape that this suite writes ({type(error).__name__})",
            where=path,
        ) from error


def _verified(path: Path, asked: Asked) -> Verification:
    edition = load(asked.edition) if asked.edition in editions() else None
    trusted = trusted_keys(edition, asked.trust)
    examined = examine(path, trusted)
    store, vouched, found = examined.store, examined.signed, list(examined.findings)
    assert store.bundle is not None
    runs = runs_of(store.bundle)
    name = asked.edition or _edition_named(store)
    edition = load(name)
    if trusted != (more := trusted_keys(edition, asked.trust)):
        vouched = signed(store.bundle, more)
    notes = list(_notes(store, runs, edition_digest(edition), edition.name))
    claimed = claims(runs)
    compared = [n for n, j in claimed.items() if j.verdict.word not in RECORDED]
    by_its_runs = len(compared) < len(claimed) and all(run.recorded_reference for run in runs)
    as_reference = by_its_runs and not (asked.every or asked.reference)
    reference = asked.reference
    if reference is None and not (edition.certifies or as_reference):
        reference = _shipped_reference()
    other = None if reference is None else _reference(reference, more)
    if other is not None:
        found += copied_findings(examined.marks, other.marks)
    found += _cut_findings(store, runs)
    judged: dict[str, Judgement] = {}
    if not found and not (other and other.findings):
        about = list(claimed) if as_reference or not compared else compared
        question = Question(
            evidence=str(path.resolve()),
            reference=None if reference is None else str(reference.resolve()),
            edition=name if name in editions() else str(Path(name).resolve()),
            criteria=None if asked.every else tuple(about),
            as_reference=as_reference,
        )
        judged = rederive(question) if about or asked.every else {}
    recorded = len(claimed) - len(compared)
    if compared and recorded and not (asked.every or as_reference):
        notes.append(f"{recorded} criteria are claimed as recorded only, and were not compared")
    same = _is_same_reference(runs, other.store if other else None)
    if judged and not same:
        notes.append(
            "the claimed verdicts were formed against another reference: figures may differ"
        )
    return Verification(
        bundle=str(path),
        digest=store.bundle.digest,
        signed=vouched,
        edition=edition.name,
        findings=tuple(found),
        differences=tuple(_differences(claimed, judged, same, as_reference)),
        judgements=tuple(judged.values()),
        reference=None if reference is None else str(reference),
        reference_signed=other.signed if other else None,
        reference_findings=other.findings if other else (),
        notes=tuple(notes),
        challenge=store.challenge,
        demands_trust=bool(asked.trust),
        as_reference=as_reference,
        edition_criteria=len(criteria(edition)),
    )


def _chain_findings(store: Store, seal: Seal | None) -> list[Finding]:
    """Check the evidence's own chain, and that of each part against the end with which it was merged."""
    if found := chain_findings(store.journal, seal):
        return found
    try:
        parts = store.chains[1:]
    except EvidenceError as problem:
        return [Finding(kind="rewritten", where=problem.where or "a part", what=problem.what)]
    return [
        msgspec.structs.replace(finding, where=f"{part.path.parent.name}, {finding.where}")
        for part in parts
        for finding in chain_findings(part, None)
    ]


def _cut_findings(store: Store, runs: tuple[Run, ...]) -> Iterable[Finding]:
    for what in cut_tails(store.chains, runs):
        yield Finding(kind="cut", where="the journal's end", what=what)


def _reference(reference: Path, trusted: Mapping[str, str]) -> Examined:
    """Examine a reference; a folder is signed by nobody, and has no sealed end."""
    if reference.is_file():
        return examine(reference, trusted)
    store = Store.existing(reference)
    found, marks = _chain_findings(store, None), Marks()
    if not found:
        found, marks = consistency_findings(store)
    return Examined(store=store, signed=Signed(), findings=tuple(found), marks=marks)


def _shipped_reference() -> Path:
    import pytest_ernie

    return Path(pytest_ernie.__file__).parent / "rehearsal" / "reference"


def _edition_named(store: Store) -> str:
    begun = _begun(store)
    names = {str(entry.body.get("spec", {}).get("edition")) for entry in begun}
    known = sorted(names & set(editions()))
    if len(names) != 1 or not known:
        raise BundleUnusable(
            "the evidence doesn't say by which shipped edition it is to be judged",
            where=store.folder,
            got=", ".join(sorted(ascii(name)[:60] for name in names)) or "none",
            fix="Name the edition, or its file, with --edition",
        )
    return known[0]


def _begun(store: Store) -> list[Entry]:
    return [entry for chain in store.chains for entry in chain.of_type.get("begin", ())]


def _facts_findings(store: Store, bundle: Bundle) -> Iterable[Finding]:
    """``facts.json`` is what people read: it must be what the journal says."""
    stated = decode_canonical(bundle.read(FACTS), Facts, where=f"{bundle.path}: {FACTS}")
    if msgspec.structs.replace(facts_of(store.chains, stated.packed_by)) != stated:
        what = "it says other things than the journal that it was made of"
        yield Finding(kind="other facts", where=FACTS, what=what)


def _notes(store: Store, runs: tuple[Run, ...], digest: str, name: str) -> Iterable[str]:
    recorded = {entry.body.get("edition") for entry in _begun(store)}
    if recorded - {digest}:
        yield (
            f"part of it was recorded under another text of the edition {name}; it was judged by this "
            "suite's"
        )
    for entry in (entry for entry in _begun(store) if entry.body.get("reason")):
        yield f"entry {entry.seq}: measured again, because: {entry.body['reason']}"
    yield from earlier_claims(runs)
    yield from _silent_servers(store)
    suites = {run.suite.words for run in runs}
    if len(suites) > 1:
        yield f"its runs were made by {len(suites)} versions of this suite: {'; '.join(sorted(suites))}"
    if any(run.suite.dirty for run in runs):
        yield "a run was made by a suite with changes that no commit holds"


def _silent_servers(store: Store) -> Iterable[str]:
    """Say of how many load runs only the answers tell how many tokens there were."""
    loads = {e.id for e in _begun(store) if e.body["spec"].get("kind") == "serving.load"}
    results = (e for chain in store.chains for e in chain.of_type.get("result", ()))
    counters = [e.body["data"].get("server_counters") for e in results if e.id in loads]
    if silent := sum(not told for told in counters):
        yield f"{silent} of {len(counters)} load runs have no count of tokens by the server itself"


def _is_same_reference(runs: tuple[Run, ...], reference: Store | None) -> bool:
    """Tell whether the claims were formed against this very reference."""
    head = reference.journal.entries[-1].hash if reference else None
    return all(run.reference == head for run in runs if not run.recorded_reference)


def _differences(
    claimed: Mapping[str, Judgement],
    judged: Mapping[str, Judgement],
    same_reference: bool,
    as_reference: bool,
) -> Iterable[Difference]:
    """A reference must hold what it says it recorded; else what was only recorded claims nothing."""
    for name, claim in claimed.items():
        if (claim.verdict.word in RECORDED) is not as_reference or not judged:
            continue
        own = judged.get(name)
        if own is None:
            yield Difference(
                criterion=name,
                claimed=claim.verdict.word.value,
                derived="nothing: the edition has no such criterion",
                about="word",
            )
        elif own.verdict.word is not claim.verdict.word:
            yield Difference(
                criterion=name,
                claimed=claim.verdict.word.value,
                derived=own.verdict.word.value,
                about="word",
                message=own.verdict.message,
            )
        elif claim.verdict.measured not in (own.verdict.measured, NO_FIGURE):
            yield Difference(
                criterion=name,
                claimed=claim.verdict.measured,
                derived=own.verdict.measured,
                about="figures",
                counts=same_reference,
            )
