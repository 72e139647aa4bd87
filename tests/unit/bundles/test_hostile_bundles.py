"""
Bundles that were made to harm: each is refused with its reason, before anything in it is believed.
"""

from __future__ import annotations

import json
import os
import stat
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from doubles.bundles import packed
from doubles.forger import files_of, packed_files
from doubles.mutations import entries_of, zipped
from pytest_ernie.bundles.verify import examine
from pytest_ernie.errors import BundleUnusable, EvidenceError
from pytest_ernie.evidence import archive
from pytest_ernie.evidence.archive import Member
from pytest_ernie.evidence.bundle import Bundle, Seal, open_bundle

Entries = list[tuple[Member, bytes]]
CENTRAL = b"PK\x01\x02"


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    """A small one that is fine."""
    return packed(tmp_path)


def refusal(path: Path) -> str:
    """Return why it isn't opened."""
    with pytest.raises(BundleUnusable) as caught:
        examine(path)
    return str(caught.value)


def stored(name: str, content: bytes = b"x") -> tuple[Member, bytes]:
    """Return an entry that is packed as it should be."""
    return Member(name, 0, zlib.crc32(content), len(content), len(content), 0), content


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../../etc/cron.d/x", "leaves the bundle's folder"),
        ("evidence/../../x", "leaves the bundle's folder"),
        ("/etc/passwd", "leaves the bundle's folder"),
        ("c:\\windows\\x", "isn't one that a bundle has"),
        ("evidence\\..\\x", "isn't one that a bundle has"),
        ("Manifest.json", "isn't one that a bundle has"),
        ("evidence/JOURNAL.jsonl", "isn't one that a bundle has"),
        ("report.html\x00.txt", "isn't one that a bundle has"),
        ("a\x1b[31mb", "isn't one that a bundle has"),
        ("a\nb", "isn't one that a bundle has"),
        ("evidence//x", "isn't one that a bundle has"),
        ("evidence/", "isn't one that a bundle has"),
        ("", "isn't one that a bundle has"),
        ("a" * 200, "isn't one that a bundle has"),
        ("conftest.py", "lists other files than it holds"),
    ],
)
def test_a_name_that_could_do_harm_is_refused(name: str, words: str, bundle: Bundle) -> None:
    """
    Zip slip, case clashes, NUL, controls, endless names, and files that nobody listed.
    """
    entries = entries_of(bundle.path.read_bytes())
    bundle.path.write_bytes(zipped(sorted([stored(name), *entries[:-1]]) + entries[-1:]))

    told = refusal(bundle.path)

    assert words in told
    assert [letter for letter in told if ord(letter) < 32] == []


def central(content: bytes, number: int) -> int:
    """Return where the header of an entry stands in the directory."""
    place = struct.unpack_from("<L", content, len(content) - 6)[0]
    for _ in range(number):
        place = content.index(CENTRAL, place + 4)
    return int(place)


def patched(content: bytes, offset: int, form: str, value: int) -> bytes:
    """Put a number into the directory's first header."""
    changed = bytearray(content)
    struct.pack_into(form, changed, central(content, 0) + offset, value)
    return bytes(changed)


@pytest.mark.parametrize(
    ("offset", "form", "value", "words"),
    [
        (8, "<H", 1, "is encrypted"),
        (8, "<H", 0x0808, "isn't as pytest-ernie pack writes it"),
        (10, "<H", 12, "packed in a way that no bundle is"),
        (10, "<H", 99, "packed in a way that no bundle is"),
        (12, "<H", 7, "isn't as pytest-ernie pack writes it"),
        (16, "<L", 7, "has two headers that say different things"),
        (20, "<L", 7, "a bomb"),
        (20, "<L", 5000, "has two headers that say different things"),
        (24, "<L", 2**31, "are the most"),
        (24, "<L", 90 * 2**20, "a bomb"),
        (30, "<H", 4, "isn't as pytest-ernie pack writes it"),
        (32, "<H", 4, "isn't as pytest-ernie pack writes it"),
        (34, "<H", 1, "isn't as pytest-ernie pack writes it"),
        (38, "<L", (stat.S_IFLNK | 0o777) << 16, "is a link or a folder"),
        (38, "<L", (stat.S_IFDIR | 0o755) << 16, "is a link or a folder"),
        (38, "<L", (stat.S_IFIFO | 0o644) << 16, "is a link or a folder"),
        (38, "<L", (stat.S_IFREG | 0o4755) << 16, "isn't as pytest-ernie pack writes it"),
        (42, "<L", 5, "overlaps another entry, or stands apart from it"),
    ],
)
def test_a_header_with_any_freedom_is_refused(
    offset: int, form: str, value: int, words: str, bundle: Bundle
) -> None:
    """
    Encrypted, a link, a bomb, overlapping, or merely unusual: each by name.
    """
    bundle.path.write_bytes(patched(bundle.path.read_bytes(), offset, form, value))

    assert words in refusal(bundle.path)


def double(entries: Entries) -> Entries:
    return [entries[0], *entries]


def unsorted(entries: Entries) -> Entries:
    return [*reversed(entries[:-1]), entries[-1]]


def without_manifest(entries: Entries) -> Entries:
    return entries[:-1]


def without_journal(entries: Entries) -> Entries:
    return [entry for entry in entries if "journal" not in entry[0].name]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (double, "is in it twice"),
        (unsorted, "aren't in the order of their names"),
        (without_manifest, "it has no manifest.json"),
        (without_journal, "lists other files than it holds"),
    ],
)
def test_entries_that_are_not_the_manifests_are_refused(
    change: Callable[[Entries], Entries], words: str, bundle: Bundle
) -> None:
    """
    Doubled, unsorted or missing.
    """
    bundle.path.write_bytes(zipped(change(entries_of(bundle.path.read_bytes()))))

    assert words in refusal(bundle.path)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (b"MZ" * 40, b"", "cut off, or no zip"),
        (b"", b"comment", "cut off, or no zip"),
        (b"", b"PK\x05\x06" + bytes(18), "cut off, or no zip"),
    ],
)
def test_bytes_around_it_are_refused(
    before: bytes, after: bytes, words: str, bundle: Bundle
) -> None:
    """
    A file that is a zip and something else besides is nothing to be judged.
    """
    bundle.path.write_bytes(before + bundle.path.read_bytes() + after)

    assert words in refusal(bundle.path)


def test_truncated_at_any_byte_it_is_refused(bundle: Bundle) -> None:
    """
    Every prefix of a bundle is no bundle.
    """
    for end in reversed(range(bundle.path.stat().st_size)):
        os.truncate(bundle.path, end)
        with pytest.raises(BundleUnusable):
            open_bundle(bundle.path)


def test_a_bomb_that_lies_about_its_size_ends_at_that_size(bundle: Bundle) -> None:
    """
    A hundred megabytes that claim to be one are unpacked to one.
    """
    small = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = small.compress(bytes(100 * 2**20)) + small.flush()
    size = len(bomb) * 10
    entries = entries_of(bundle.path.read_bytes())
    member = Member("manifest.json", 8, 0, len(bomb), size, 0)
    bundle.path.write_bytes(zipped([*entries[:-1], (member, bomb)]))
    tracemalloc.start()
    try:
        assert "unpacks to more than its header states" in refusal(bundle.path)
        assert tracemalloc.get_traced_memory()[1] < 20 * 2**20
    finally:
        tracemalloc.stop()


def test_too_many_entries_are_refused_before_they_are_read(tmp_path: Path) -> None:
    """
    The end states their count and the directory's size; neither may run away.
    """
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 60000, 60000, 0, 0, 0)
    (tmp_path / "many.ernie").write_bytes(end)

    assert "60000 entries" in refusal(tmp_path / "many.ernie")


def manifest_as(bundle: Bundle, change: Callable[[str], str]) -> Path:
    """Change the manifest's text, with headers that fit."""
    entries = entries_of(bundle.path.read_bytes())
    member, content = entries[-1]
    plain = content if member.method == 0 else zlib.decompress(content, -15)
    entries[-1] = stored("manifest.json", change(plain.decode()).encode())
    bundle.path.write_bytes(zipped(entries))
    return bundle.path


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text.replace('"layout":1', '"layout":2'), "a layout that this version"),
        (lambda text: text.replace('"layout":1', '"layout":null'), "a layout that this version"),
        (lambda text: text.replace("{", '{"layout":1,', 1), "'layout' stands twice"),
        (lambda text: text.replace('"layout":1', '"layout":NaN'), "can't be used"),
        (lambda text: text.replace('"layout":1', '"layout":1.0'), "the JSON"),
        (lambda text: text.replace('"layout":1', '"layout": 1'), "isn't as this suite writes it"),
        (lambda text: text.replace('"layout":1', '"layout":1,"more":1'), "unknown field `more`"),
        (lambda text: "[" * 100_000, "nested too deeply"),
        (lambda text: '{"a":' * 100_000, "nested too deeply"),
        (lambda text: "1" * 1_000_000, "the JSON"),
        (lambda text: text[:-1], "can't be used"),
        (lambda text: "\ufeff" + text, "can't be used"),
        (lambda text: "[]", "can't be used"),
    ],
)
def test_json_that_could_be_read_in_two_ways_is_refused(
    change: Callable[[str], str], words: str, bundle: Bundle
) -> None:
    """
    Keys that stand twice, NaN, nesting, huge numbers, other versions, and merely other spaces.
    """
    assert words in refusal(manifest_as(bundle, change))


@pytest.mark.parametrize(
    "line", ["[" * 50_000, '{"body":' * 50_000, "9" * 100_000, '{"seq":1e400}', "\x00", '"\\ud800"']
)
def test_a_hostile_journal_line_is_a_finding(line: str, bundle: Bundle, tmp_path: Path) -> None:
    """
    It can't be read, and nothing else is believed either.
    """
    files = files_of(bundle)
    files["evidence/journal.jsonl"] += line.encode() + b"\n"
    path = packed_files(files, tmp_path / "forged.ernie", bundle.manifest.seal)

    try:
        kinds = {finding.kind for finding in examine(path).findings}
    except EvidenceError:
        return
    assert "unreadable" in kinds


@pytest.mark.parametrize(
    "content",
    [b"", b"PK", b"PK\x05\x06" + bytes(17), b"\x1f\x8b" * 100, b"{}", bytes(22), b"\xff" * 5000],
)
def test_what_is_no_bundle_at_all_is_refused(content: bytes, tmp_path: Path) -> None:
    """
    Any file may be named by mistake.
    """
    (tmp_path / "what.ernie").write_bytes(content)

    refusal(tmp_path / "what.ernie")


def test_a_zip_of_another_tool_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    """
    Unpacked and zipped again, it is no longer what was sealed.
    """
    other = tmp_path / "other.ernie"
    with zipfile.ZipFile(other, "w", zipfile.ZIP_DEFLATED) as made:
        for name in bundle.names:
            made.writestr(name, bundle.read(name))

    assert "isn't as pytest-ernie pack writes it" in refusal(other)


def test_a_bundle_never_brings_code(bundle: Bundle, tmp_path: Path) -> None:
    """
    A conftest that is listed, sealed and packed well is data like all else: nothing runs it.
    """
    trap = tmp_path / "sprung"
    code = f"open({str(trap)!r}, 'w')\n".encode()
    extra = dict.fromkeys(
        ["conftest.py", "pytest.ini", "evidence/conftest.py", "sitecustomize.py"], code
    )
    path = packed_files(
        {**files_of(bundle), **extra}, tmp_path / "trap.ernie", bundle.manifest.seal
    )

    examine(path)

    assert not trap.exists()


def test_a_fifo_or_a_folder_is_no_bundle(tmp_path: Path) -> None:
    """
    Opening it must not wait for ever.
    """
    os.mkfifo(tmp_path / "pipe.ernie")

    with pytest.raises(EvidenceError):
        examine(tmp_path / "pipe.ernie")


def test_what_would_shrink_like_a_bomb_is_packed_as_it_is(tmp_path: Path) -> None:
    """
    A log of one line a million times over is honest, and its bundle opens.
    """
    method, small = archive.packed(b"waiting\n" * 10**6)

    assert (archive.STORED, 8 * 10**6) == (method, len(small))


def test_limits_hold_for_whoever_packs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    What couldn't be opened isn't written.
    """
    monkeypatch.setattr(archive, "MOST_OF_ONE", 1000)
    seal = Seal(entries=0, head="0" * 64)

    with pytest.raises(BundleUnusable, match="a file is too large for a bundle"):
        packed_files({"facts.json": json.dumps("a" * 2000).encode()}, tmp_path / "x.ernie", seal)

    assert [] == list(tmp_path.iterdir())
