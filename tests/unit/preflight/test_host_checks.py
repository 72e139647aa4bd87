"""
What any run asks of a host, at, under and over each limit.
"""

from __future__ import annotations

import shutil
import socket
from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_ernie.devices import shipped
from pytest_ernie.preflight import ALWAYS, REHEARSAL, Lab, checks_for, host


@pytest.mark.parametrize("check", ALWAYS + REHEARSAL, ids=lambda check: check.__name__)
def test_every_check_says_what_it_got_and_wanted(check: object) -> None:
    """
    A check that can't say these can't be mended by its reader.
    """
    finding = check()  # type: ignore[operator]

    assert finding.got
    assert finding.wanted
    assert finding.mend


def test_without_a_device_the_rehearsal_is_checked() -> None:
    """
    The embedded default makes its toolchains itself, so it needs a Python for them.
    """
    names = [check.name for check in checks_for(Lab())]

    assert names == [function.__name__ for function in ALWAYS + REHEARSAL]


def test_an_endpoint_needs_no_toolchain() -> None:
    """
    Nothing is served on this host; only the questions must be on it.
    """
    names = [check.name for check in checks_for(Lab(shipped("endpoint")))]

    assert names[: len(ALWAYS)] == [function.__name__ for function in ALWAYS]
    assert all(name.startswith("data set ") for name in names[len(ALWAYS) :])


def test_a_missing_library_doesn_t_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A slim container lacks libgomp, and both toolchains need it.
    """
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)

    finding = host.libgomp()

    assert not finding.holds
    assert "apt-get install libgomp1" in str(finding)


def test_a_host_name_that_can_t_be_resolved_doesn_t_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Launchers resolve the host's own name; the mend is the line to add.
    """

    def refuse(name: str) -> str:
        raise OSError("unknown")

    monkeypatch.setattr("socket.gethostbyname", refuse)
    monkeypatch.setattr("socket.gethostname", lambda: "box")

    finding = host.host_name()

    assert not finding.holds
    assert str(finding) == (
        "host name: box can't be resolved (unknown); wanted the host's own name resolves. Add a "
        "line '127.0.0.1 box' to /etc/hosts"
    )


@pytest.mark.parametrize(("gib", "holds"), [(5, False), (6, True), (7, True)])
def test_memory_has_a_floor(monkeypatch: pytest.MonkeyPatch, gib: int, holds: bool) -> None:
    """
    Six GiB is enough, five isn't.
    """
    monkeypatch.setattr(host, "memory_gib", lambda: gib)

    assert host.memory().holds is holds


@pytest.mark.parametrize(("free", "holds"), [(8 * 2**30 - 1, False), (8 * 2**30, True)])
def test_the_disk_has_a_floor(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, free: int, holds: bool
) -> None:
    """
    Eight GiB where the toolchains will lie, in a folder that needn't be there yet.
    """
    monkeypatch.setenv("PYTEST_ERNIE_CACHE", str(tmp_path / "not" / "yet"))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=free))

    finding = host.disk()

    assert finding.holds is holds
    assert str(tmp_path) in finding.got


@pytest.mark.parametrize(
    ("libc", "holds"),
    [
        (("glibc", "2.28"), True),
        (("glibc", "2.27"), False),
        (("glibc", "2.5"), False),
        (("glibc", "3.0"), True),
        (("", ""), False),
    ],
)
def test_glibc_has_a_floor_and_musl_none(
    monkeypatch: pytest.MonkeyPatch, libc: tuple[str, str], holds: bool
) -> None:
    """
    2.28 is what the wheels ask for; 2.5 is older, though its text is larger.
    """
    monkeypatch.setattr("platform.libc_ver", lambda: libc)

    assert host.glibc().holds is holds


def test_too_few_ports_do_not_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The count and the system's reason are told, and those that were held are let go.
    """
    bound: list[socket.socket] = []

    class Door(socket.socket):
        def bind(self, address: object) -> None:
            if len(bound) == 3:
                raise OSError(98, "Address already in use")
            super().bind(address)  # type: ignore[arg-type]
            bound.append(self)

    monkeypatch.setattr(host.socket, "socket", Door)

    finding = host.free_ports()

    assert not finding.holds
    assert finding.got == "3 at 127.0.0.1 (Address already in use)"
    assert [door.fileno() for door in bound] == [-1, -1, -1]


@pytest.mark.parametrize(
    ("msgmax", "msgmnb", "holds"),
    [
        ("8192", "16384", True),
        ("65536", "65536", True),
        ("8191", "16384", False),
        ("8192", "16383", False),
        ("8192", None, False),
    ],
)
def test_message_queues_have_the_kernels_own_limits_at_least(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, msgmax: str, msgmnb: str | None, holds: bool
) -> None:
    """
    A container may have been given less, or no such limits at all.
    """
    (tmp_path / "msgmax").write_text(f"{msgmax}\n")
    if msgmnb is not None:
        (tmp_path / "msgmnb").write_text(f"{msgmnb}\n")
    monkeypatch.setattr(host, "LIMITS", tmp_path)

    assert host.message_queues().holds is holds
