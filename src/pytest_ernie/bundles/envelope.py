"""
in-toto statements in DSSE envelopes, a line each: who vouches for a bundle, readable by other tools.

Formats: in-toto attestation framework, Statement v1 and test-result predicate v0.1; DSSE v1.0.2
(envelope.md, protocol.md). A signature's ``keyid`` is the Ed25519 public key itself, so a signature can
be checked without asking anybody - which says who signed, and not that they may.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from pytest_ernie.bundles.keys import key_id, signed_by
from pytest_ernie.errors import SignatureError
from pytest_ernie.evidence.bundle import MANIFEST, Sha256
from pytest_ernie.evidence.strict_json import decode_canonical
from pytest_ernie.standard.digest import canonical

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
MEASUREMENTS = "urn:pytest-ernie:measurements:v1"
"""Type of our own predicate: seal, devices, software, and each claimed verdict with its figures."""
MOST_SIGNATURES = 32


class Signature(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One signature; ``keyid`` is the public key."""

    keyid: Sha256
    sig: str


class Envelope(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A DSSE envelope."""

    payload: str
    payload_type: Literal["application/vnd.in-toto+json"] = "application/vnd.in-toto+json"
    signatures: Annotated[tuple[Signature, ...], Meta(min_length=1, max_length=MOST_SIGNATURES)]


class Subject(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a statement is about: the manifest, by its digest."""

    name: Literal["manifest.json"] = "manifest.json"
    digest: dict[str, Sha256]


class Statement(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An in-toto statement."""

    type: Literal["https://in-toto.io/Statement/v1"] = msgspec.field(
        name="_type", default="https://in-toto.io/Statement/v1"
    )
    subject: tuple[Subject, ...]
    predicate_type: str = msgspec.field(name="predicateType")
    predicate: dict[str, Any]


T = TypeVar("T")


def statement(digest: str, predicate_type: str, predicate: dict[str, Any]) -> bytes:
    """Return a statement about the manifest of that digest."""
    subject = (Subject(digest={"sha256": digest}),)
    made = Statement(subject=subject, predicate_type=predicate_type, predicate=predicate)
    return canonical(msgspec.to_builtins(made))


def pre_authentication(payload: bytes) -> bytes:
    """Return what is signed (PAE): type and payload, each after its length."""
    type = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %s %d %s" % (len(type), type, len(payload), payload)


def sign(
    payloads: Sequence[bytes], key: Ed25519PrivateKey, earlier: Sequence[Envelope] = ()
) -> bytes:
    """
    Return an envelope for each payload, a line each; signatures of ``earlier`` ones are kept.

    SignatureError if those are about something else.
    """
    lines = []
    for place, payload in enumerate(payloads):
        others: tuple[Signature, ...] = ()
        if earlier:
            if _decoded(earlier[place].payload, "payload") != payload:
                raise SignatureError("the bundle was signed with other words", where=MANIFEST)
            others = tuple(s for s in earlier[place].signatures if s.keyid != key_id(key))
        own = Signature(keyid=key_id(key), sig=_encoded(key.sign(pre_authentication(payload))))
        both = tuple(sorted((*others, own), key=lambda signature: signature.keyid))
        envelope = Envelope(payload=_encoded(payload), signatures=both)
        lines.append(canonical(msgspec.to_builtins(envelope)))
    return b"".join(line + b"\n" for line in lines)


def read_envelopes(content: bytes, *, where: object) -> tuple[Envelope, ...]:
    """Return the envelopes of a signature file; BundleUnusable if they aren't as ``sign`` writes them."""
    lines = content.split(b"\n")
    if lines[-1] or not 1 <= len(lines) - 1 <= MOST_SIGNATURES:
        raise SignatureError("the signatures aren't lines of envelopes", where=where)
    return tuple(decode_canonical(line, Envelope, where=where) for line in lines[:-1])


def read_statements(
    content: bytes, *, where: object
) -> tuple[tuple[Statement, ...], tuple[str, ...]]:
    """
    Return the statements and the ids of the keys that signed all of them.

    SignatureError if any signature is wrong: a bad one beside a good one is no accident.
    """
    envelopes = read_envelopes(content, where=where)
    signers: list[tuple[str, ...]] = []
    statements = []
    for envelope in envelopes:
        payload = _decoded(envelope.payload, "payload")
        ids = tuple(signature.keyid for signature in envelope.signatures)
        if list(ids) != sorted(set(ids)):
            raise SignatureError("a key signed twice, or out of order", where=where)
        message = pre_authentication(payload)
        for one in envelope.signatures:
            if not signed_by(one.keyid, _decoded(one.sig, "signature"), message):
                raise SignatureError(
                    f"the signature of key {one.keyid[:16]}… doesn't fit what it stands for",
                    where=where,
                )
        signers.append(ids)
        statements.append(decode_canonical(payload, Statement, where=where))
    if len(set(signers)) != 1:
        raise SignatureError("its statements were signed by different keys", where=where)
    return tuple(statements), signers[0]


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _decoded(text: str, what: str) -> bytes:
    """Return what a text stands for; only the one way of writing it is taken."""
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        content = b""
    if not content or _encoded(content) != text:
        raise SignatureError(f"the {what} isn't base64", where=MANIFEST)
    return content
