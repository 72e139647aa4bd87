"""
A bundle (``*.ernie``): one file with an evidence folder and what is needed to judge it elsewhere.

    editions/…          the text of each edition that the evidence was recorded under
    evidence/…          journal.jsonl, blobs/, runs/, as in a folder
    facts.json          what the bundle holds, in a form that people read
    report.html, site.json    if there were any
    manifest.json       size and sha256 of each of these, and the journal's sealed end
    signatures.intoto.jsonl who vouches for the manifest; absent in an unsigned bundle

The order is the alphabet's, the last two excepted. docs/bundle.md describes it for others who
read or write one. A bundle is only ever read, and nothing in it is ever executed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Literal, NoReturn

from msgspec import Meta, Struct

from pytest_ernie.errors import BundleUnusable, EvidenceError, EvidenceMissing, EvidenceTampered
from pytest_ernie.evidence.archive import DEFLATED, STORED, Archive, Member
from pytest_ernie.evidence.strict_json import decode_canonical

FORMAT = "pytest-ernie bundle"
LAYOUT = 1
"""Version of the layout; another one is refused, never guessed at."""
SUFFIX = ".ernie"
MANIFEST, SIGNATURE = "manifest.json", "signatures.intoto.jsonl"
JOURNAL, BLOBS, RUNS = "evidence/journal.jsonl", "evidence/blobs/", "evidence/runs/"
FACTS, SITE, REPORT, EDITIONS = "facts.json", "site.json", "report.html", "editions/"
LARGEST_MANIFEST = 16 * 2**20
LARGEST_SIGNATURE = 2**20

Size = Annotated[int, Meta(ge=0)]
Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
_METHODS: dict[int, Literal["stored", "deflated"]] = {STORED: "stored", DEFLATED: "deflated"}


class PackedFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    One file of a bundle: its content, and the bytes that stand for it in the zip.
    """

    name: str
    size: Size
    sha256: Sha256
    method: Literal["stored", "deflated"]
    packed_size: Size
    packed_sha256: Sha256


class Seal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The journal's end: how many entries it has, and the hash of the last one."""

    entries: Size
    head: Sha256


class Manifest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    What a bundle holds, to the byte. Its own sha256 identifies the bundle, and is what is signed.
    """

    format: Literal["pytest-ernie bundle"] = "pytest-ernie bundle"
    layout: int
    seal: Seal
    files: tuple[PackedFile, ...]


def open_bundle(path: Path) -> Bundle:
    """
    Return the bundle at ``path``, every byte of it checked against its manifest.

    BundleUnusable, with the reason, if it is no bundle, damaged, of another layout, or made to harm.
    Who signed it is another question (``bundles.signing``).
    """
    return Bundle(Archive(path))


def is_bundle(path: Path) -> bool:
    """Tell a bundle from an evidence folder: whatever is a file is read as a bundle, or refused."""
    return path.is_file()


class Bundle:
    """
    An opened bundle: files by name, as a folder has them, and nothing that writes.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self.path = archive.path
        members = dict(archive.members)
        last = members.pop(SIGNATURE, None)
        stated = members.pop(MANIFEST, None)
        if stated is None:
            self._refuse("it has no manifest.json")
        if stated.size > LARGEST_MANIFEST or (last and last.size > LARGEST_SIGNATURE):
            self._refuse("its manifest or its signature is larger than any that is needed")
        if list(archive.members) != [*sorted(members), MANIFEST, *([SIGNATURE] if last else [])]:
            self._refuse("its entries aren't in the order of their names")
        content = archive.read(stated)
        self.digest = hashlib.sha256(content).hexdigest()
        """Identifies the bundle; equal content has equal digests."""
        self.manifest = self._checked(content)
        self.signature = None if last is None else archive.read(last)
        """The envelopes of ``bundles.envelope``; None in an unsigned bundle."""
        self._files = {file.name: file for file in self.manifest.files}
        if list(self._files) != list(members) or len(self._files) != len(self.manifest.files):
            self._refuse("its manifest lists other files than it holds")
        for name, member in members.items():
            self._check_packed(self._files[name], member)

    @property
    def names(self) -> tuple[str, ...]:
        """The files, without manifest and signature."""
        return tuple(self._files)

    def read(self, name: str) -> bytes:
        """Return a file's content, checked; EvidenceMissing if the bundle has none of that name."""
        file = self._files.get(name)
        if file is None:
            raise EvidenceMissing("the bundle has no such file", where=self.path, got=name)
        content = self._archive.read(self._archive.members[name])
        if hashlib.sha256(content).hexdigest() != file.sha256:
            self._refuse(f"the content of {name} isn't the one of its manifest")
        return content

    def check_contents(self, known: Collection[str] = ()) -> None:
        """
        Unpack every file once and throw it away; BundleUnusable for the first that isn't right.

        ``known`` are blobs that are read, and so checked, anyway; whoever opens a store has read the journal.
        """
        for name in self._files:
            if name != JOURNAL and name.rpartition("/")[2] not in known:
                self.read(name)

    def close(self) -> None:
        """Let go of the file."""
        self._archive.close()

    def _checked(self, content: bytes) -> Manifest:
        version = decode_canonical(content, dict, where=f"{self.path}: {MANIFEST}")
        if (version.get("format"), version.get("layout")) != (FORMAT, LAYOUT):
            raise BundleUnusable(
                "the bundle has a layout that this version doesn't know",
                where=self.path,
                got=ascii((version.get("format"), version.get("layout")))[:80],
                wanted=(FORMAT, LAYOUT),
                fix="Use the version of pytest-ernie that packed it",
            )
        return decode_canonical(content, Manifest, where=f"{self.path}: {MANIFEST}")

    def _check_packed(self, file: PackedFile, member: Member) -> None:
        told = (file.size, file.packed_size, file.method)
        if told != (member.size, member.packed_size, _METHODS[member.method]):
            self._refuse(f"manifest and zip say different things of {file.name}")
        hashed = hashlib.sha256()
        for chunk in self._archive.packed_chunks(member):
            hashed.update(chunk)
        if hashed.hexdigest() != file.packed_sha256:
            self._refuse(f"{file.name} was changed after the bundle had been packed")

    def _refuse(self, why: str) -> NoReturn:
        raise BundleUnusable(why, where=self.path)


class PackedBlobs:
    """The blobs of a bundle: read, verified, and never written."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle

    def get(self, name: str) -> bytes:
        """
        Return the content kept under that digest.

        Raises EvidenceMissing if it is gone and EvidenceTampered if it is no longer the same.
        """
        content = self._bundle.read(f"{BLOBS}{name[:2]}/{name}")
        actual = hashlib.sha256(content).hexdigest()
        if actual != name:
            raise EvidenceTampered(
                "a blob of the evidence was changed",
                where=self._bundle.path,
                got=f"sha256 {actual[:12]}…",
                wanted=f"{name[:12]}…",
            )
        return content

    def put(self, content: bytes) -> str:
        """Refuse: evidence is made in a folder."""
        raise EvidenceError("a bundle is only read", where=self._bundle.path)
