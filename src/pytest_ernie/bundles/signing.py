"""
Signing a bundle, and reading who signed it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from pytest_ernie.bundles.envelope import (
    MEASUREMENTS,
    TEST_RESULT,
    Statement,
    read_envelopes,
    read_statements,
    sign,
    statement,
)
from pytest_ernie.bundles.facts import Facts
from pytest_ernie.bundles.keys import key_id, private_key, public_key_id
from pytest_ernie.bundles.pack import with_signature
from pytest_ernie.bundles.runs import Run, claims
from pytest_ernie.errors import ErnieError, SignatureError
from pytest_ernie.evidence.bundle import EDITIONS, FACTS, RUNS, Bundle, open_bundle
from pytest_ernie.evidence.strict_json import decode_canonical
from pytest_ernie.verdicts import Word

if TYPE_CHECKING:
    from pytest_ernie.evidence import Store
    from pytest_ernie.standard import Edition


class Signed(Struct, frozen=True, kw_only=True):
    """Who vouches for a bundle: key ids, and the names under which some of them are trusted."""

    keys: tuple[str, ...] = ()
    trusted: dict[str, str] = {}
    problem: str = ""
    """Why the signatures can't be believed, if they can't."""

    @property
    def is_good(self) -> bool:
        """Return whether anybody signed it, and nothing is wrong with that."""
        return bool(self.keys) and not self.problem

    @property
    def words(self) -> str:
        """Return it in one sentence, for every page and terminal."""
        if self.problem:
            return f"SIGNATURE INVALID: {self.problem}"
        if not self.keys:
            return "UNSIGNED: nobody vouches for this evidence, and anybody could have changed it"
        names = [
            f"{self.trusted[key]} (key {key[:16]}…)"
            if key in self.trusted
            else f"key {key[:16]}…, which isn't trusted here"
            for key in self.keys
        ]
        return f"signed by {' and '.join(names)}"


def vouching(store: Store, edition: Edition) -> Signed | None:
    """Return who vouches for evidence that is read: None for a folder, which nobody can sign."""
    return None if store.bundle is None else signed(store.bundle, trusted_keys(edition))


def in_words(path: Path, edition: Edition) -> str:
    """Return who signed the bundle at ``path``, or why that can't be told."""
    try:
        return signed(open_bundle(path), trusted_keys(edition)).words
    except ErnieError as error:
        return str(error)


def sign_bundle(path: Path, key_file: Path) -> str:
    """Sign the bundle at ``path`` in place, beside others who did; return the key's id."""
    key = private_key(key_file)
    bundle = open_bundle(path)
    where = f"{path}: signatures"
    earlier = read_envelopes(bundle.signature, where=where) if bundle.signature else ()
    with_signature(path, sign(payloads(bundle), key, earlier))
    return key_id(key)


def payloads(bundle: Bundle) -> tuple[bytes, bytes]:
    """Return the two statements of a bundle; they follow from its content alone."""
    claimed = claims(runs_of(bundle))
    words = {name: judgement.verdict.word for name, judgement in claimed.items()}

    def named(*chosen: Word) -> list[str]:
        return sorted(name for name, word in words.items() if word in chosen)

    good = named(Word.PASS, Word.RECORDED)
    result = {
        "result": "PASSED" if words and len(good) == len(words) else "FAILED",
        "configuration": [
            {"name": file.name, "digest": {"sha256": file.sha256}}
            for file in bundle.manifest.files
            if file.name.startswith(EDITIONS)
        ],
        "passedTests": good,
        "warnedTests": named(Word.INCONCLUSIVE, Word.NOT_RUN, Word.UNSPECIFIED),
        "failedTests": named(Word.FAIL),
    }
    facts = decode_canonical(bundle.read(FACTS), Facts, where=f"{bundle.path}: {FACTS}")
    own: dict[str, Any] = {
        "seal": msgspec.to_builtins(bundle.manifest.seal),
        "suite": msgspec.to_builtins(facts.packed_by),
        "subjects": msgspec.to_builtins(facts.subjects),
        "verdicts": {
            name: msgspec.to_builtins(judgement.verdict) for name, judgement in claimed.items()
        },
    }
    return (
        statement(bundle.digest, TEST_RESULT, result),
        statement(bundle.digest, MEASUREMENTS, own),
    )


def runs_of(bundle: Bundle) -> tuple[Run, ...]:
    """Return what the bundle's own runs claimed."""
    names = (name for name in bundle.names if name.startswith(RUNS))
    where = bundle.path
    return tuple(
        decode_canonical(bundle.read(name), Run, where=f"{where}: {name}") for name in names
    )


def signed(bundle: Bundle, trusted: Mapping[str, str] | None = None) -> Signed:
    """
    Return who signed a bundle; ``trusted`` has the names of known keys.

    Every signature must be good and about this very bundle: its manifest, its seal and its claims.
    """
    if bundle.signature is None:
        return Signed()
    where = f"{bundle.path}: signatures"
    try:
        statements, keys = read_statements(bundle.signature, where=where)
        stated = [{s.digest.get("sha256") for s in one.subject} for one in statements]
        if any(digests != {bundle.digest} for digests in stated):
            return Signed(
                problem="it is for another bundle: manifest and signature don't belong together"
            )
        if _told(statements) != _told(map(_statement, payloads(bundle))):
            return Signed(
                problem="it states other figures, or another sealed end, than the bundle holds"
            )
    except SignatureError as error:
        return Signed(problem=error.what)
    known = {key: name for key, name in (trusted or {}).items() if key in keys}
    return Signed(keys=keys, trusted=known)


def _statement(payload: bytes) -> Statement:
    return msgspec.json.decode(payload, type=Statement)


def _told(statements: Iterable[Statement]) -> list[tuple[Any, ...]]:
    """
    Return what two versions of this suite would state alike: the sealed end, and each verdict's word.

    All else is bound by the manifest's digest.
    """
    return [
        (
            one.predicate_type,
            *(one.predicate.get(name) for name in ("result", "passedTests", "failedTests", "seal")),
            {name: v.get("word") for name, v in one.predicate.get("verdicts", {}).items()},
        )
        for one in statements
    ]


def trusted_keys(edition: Edition | None, files: Iterable[Path] = ()) -> dict[str, str]:
    """Return names by key id: the edition's trust list, then the files that were named."""
    listed = edition.rulings.reference.trusted_keys if edition else ()
    known = {entry.key: entry.name for entry in listed}
    return {
        **known,
        **{
            public_key_id(path): path.name.removesuffix(".pub").removesuffix(".key")
            for path in files
        },
    }
