"""
Who vouches for a bundle: keys, signatures, and whose are trusted.
"""

from __future__ import annotations

import json
import stat
import zipfile
from base64 import b64decode
from pathlib import Path

import pytest

from doubles.bundles import packed
from doubles.mutations import entries_of, zipped
from pytest_ernie.bundles.envelope import pre_authentication
from pytest_ernie.bundles.keys import (
    PASSPHRASE_VARIABLE,
    new_key,
    private_key,
    public_key_id,
    signed_by,
)
from pytest_ernie.bundles.signing import Signed, sign_bundle, signed, trusted_keys
from pytest_ernie.cli import main
from pytest_ernie.errors import SignatureError
from pytest_ernie.evidence.bundle import SIGNATURE, open_bundle


def public(key: Path) -> Path:
    return Path(f"{key}.pub")


def test_a_new_key_is_its_owners_only(tmp_path: Path) -> None:
    """
    Nobody else may read the private half, and neither half is ever overwritten.
    """
    new_key(tmp_path / "a.key", {})

    assert 0o600 == stat.S_IMODE((tmp_path / "a.key").stat().st_mode)
    with pytest.raises(SignatureError, match="a key is never overwritten"):
        new_key(tmp_path / "a.key", {})


def test_a_private_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    """
    It may be anybody's by now.
    """
    new_key(tmp_path / "a.key", {})
    (tmp_path / "a.key").chmod(0o640)

    with pytest.raises(SignatureError, match="others may read this private key"):
        private_key(tmp_path / "a.key", {})


@pytest.mark.parametrize(
    ("locked", "given", "words"),
    [
        ("right", "", "is locked with a passphrase"),
        ("right", "wrong", "the passphrase is another one"),
        ("", "any", "needs no passphrase"),
    ],
)
def test_a_passphrase_that_does_not_fit_is_told(
    locked: str, given: str, words: str, tmp_path: Path
) -> None:
    """
    It comes from the environment, and is never asked for.
    """
    new_key(tmp_path / "a.key", {PASSPHRASE_VARIABLE: locked})

    with pytest.raises(SignatureError, match=words):
        private_key(tmp_path / "a.key", {PASSPHRASE_VARIABLE: given})


def test_a_locked_key_opens_with_its_passphrase(tmp_path: Path) -> None:
    """
    The key's id is the public half.
    """
    file, id = new_key(tmp_path / "a.key", {PASSPHRASE_VARIABLE: "right"})
    key = private_key(tmp_path / "a.key", {PASSPHRASE_VARIABLE: "right"})

    assert (id, True) == (public_key_id(file), signed_by(id, key.sign(b"m"), b"m"))
    assert not signed_by(id, key.sign(b"m"), b"n")


def test_what_is_signed_is_the_one_of_the_specification() -> None:
    """
    DSSE v1.0.2, protocol.md: lengths in decimal, a space between the parts.
    """
    assert b"DSSEv1 28 application/vnd.in-toto+json 11 hello world" == pre_authentication(
        b"hello world"
    )


def test_an_unsigned_bundle_says_so(tmp_path: Path) -> None:
    """
    It can be read all the same.
    """
    told = signed(packed(tmp_path))

    assert (told.is_good, "UNSIGNED" in told.words) == (False, True)


def test_a_signature_shows_whose_it_is(tmp_path: Path, keys: dict[str, Path]) -> None:
    """
    A key that isn't trusted here is shown as that, and no name is made up for it.
    """
    bundle = packed(tmp_path)
    digest, id = bundle.digest, sign_bundle(bundle.path, keys["vendor"])
    known = trusted_keys(None, [public(keys["vendor"])])

    again = open_bundle(bundle.path)

    assert digest == again.digest
    assert signed(again).words == f"signed by key {id[:16]}…, which isn't trusted here"
    assert signed(again, known).words == f"signed by vendor (key {id[:16]}…)"


def test_two_can_sign_the_same_bundle(tmp_path: Path, keys: dict[str, Path]) -> None:
    """
    The certifying body signs beside the vendor; signing twice changes nothing.
    """
    bundle = packed(tmp_path)
    both = {sign_bundle(bundle.path, key) for key in keys.values()}
    content = bundle.path.read_bytes()

    sign_bundle(bundle.path, keys["vendor"])

    assert both == set(signed(open_bundle(bundle.path)).keys)
    assert content == bundle.path.read_bytes()


def test_the_statements_are_in_totos(tmp_path: Path, keys: dict[str, Path]) -> None:
    """
    A test result for other tools and our own with the sealed end, both about the manifest.
    """
    bundle = packed(tmp_path)
    sign_bundle(bundle.path, keys["vendor"])
    with zipfile.ZipFile(bundle.path) as archive:
        lines = archive.read(SIGNATURE).splitlines()

    envelopes = [json.loads(line) for line in lines]
    result, own = (json.loads(b64decode(envelope["payload"])) for envelope in envelopes)

    assert {"application/vnd.in-toto+json"} == {e["payloadType"] for e in envelopes}
    assert {"https://in-toto.io/Statement/v1"} == {result["_type"], own["_type"]}
    assert "https://in-toto.io/attestation/test-result/v0.1" == result["predicateType"]
    assert [{"digest": {"sha256": bundle.digest}, "name": "manifest.json"}] == result["subject"]
    assert bundle.manifest.seal.entries == own["predicate"]["seal"]["entries"]


def with_signature_of(bundle: Path, other: Path) -> Signed:
    """Put another bundle's signature into one."""
    (taken,) = (e for e in entries_of(other.read_bytes()) if e[0].name == SIGNATURE)
    kept = [e for e in entries_of(bundle.read_bytes()) if e[0].name != SIGNATURE]
    bundle.write_bytes(zipped([*kept, taken]))
    return signed(open_bundle(bundle))


def test_the_signature_of_another_bundle_is_told(tmp_path: Path, keys: dict[str, Path]) -> None:
    """
    A good signature of a good key, and about something else.
    """
    one, two = packed(tmp_path / "one"), packed(tmp_path / "two")
    for bundle in (one, two):
        sign_bundle(bundle.path, keys["vendor"])

    told = with_signature_of(one.path, two.path)

    assert not told.is_good and "it is for another bundle" in told.words


def test_a_bad_signature_beside_a_good_one_spoils_both(
    tmp_path: Path, keys: dict[str, Path]
) -> None:
    """
    That is no accident.
    """
    bundle = packed(tmp_path)
    for key in keys.values():
        sign_bundle(bundle.path, key)
    entries = entries_of(bundle.path.read_bytes())
    lines = [json.loads(line) for line in entries[-1][1].splitlines()]
    for envelope in lines:
        one, two = envelope["signatures"]
        one["sig"], two["sig"] = two["sig"], one["sig"]
    from pytest_ernie.bundles.pack import with_signature
    from pytest_ernie.standard.digest import canonical

    with_signature(bundle.path, b"".join(canonical(line) + b"\n" for line in lines))

    told = signed(open_bundle(bundle.path))

    assert not told.keys and "doesn't fit what it stands for" in told.words


def test_the_commands_make_a_key_and_sign(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    ``keys new`` and ``sign``, with words for whoever must trust the key.
    """
    bundle = packed(tmp_path)

    assert 0 == main(["keys", "new", str(tmp_path / "lab.key")])
    assert 0 == main(["sign", str(bundle.path), "--key", str(tmp_path / "lab.key")])

    id = public_key_id(tmp_path / "lab.key.pub")
    assert 2 == capsys.readouterr().out.count(id)
