"""
Leases between processes: disjoint, and gone with their holders.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_ernie.engines import ports as engine_ports
from pytest_ernie.errors import EngineError, MeasurementError, UsageProblem
from pytest_ernie.leases import Lease, Office, Wish, capacity_gib, folder_of_leases, leased_ports
from pytest_ernie.toolchains.process import start

CARDS = ("0", "1", "2", "3")
ONE = Wish(title="a server", device="xpu", cards=1)
HOLDER = """
import subprocess, sys, time
from pathlib import Path
from pytest_ernie.leases import Office, Wish
from pytest_ernie.toolchains.process import start

folder = Path(sys.argv[1])
lease = Office(folder, 100).take(
    Wish(title="another run", device="xpu", cards=2), cards=("0", "1", "2", "3")
)
if sys.argv[2] == "server":  # that takes its time to end
    ending = "import signal, time; signal.signal(15, lambda *_: (time.sleep(0.7), exit())); "
    server = [sys.executable, "-c", ending + "print('up', flush=True); time.sleep(60)"]
    running = start(server, env={}, cwd=folder, log=folder / "log")
    while "up" not in (folder / "log").read_text():
        time.sleep(0.01)
print(",".join(lease.cards), flush=True)
time.sleep(60)
"""

RACER = """
import os, sys
from pathlib import Path
from pytest_ernie.leases import Office, Wish, leased_ports, office

office.POLL_S = 0.002
folder = Path(sys.argv[1])
mine = Office(folder, 100)
for turn in range(12):
    quiet = turn % 4 == 3
    wish = Wish(title="x", machine="alone") if quiet else Wish(title="x", device="xpu", cards=1)
    with mine.take(wish, cards=("0", "1"), wait_max_s=60) as lease:
        names = ["quiet"] if quiet else lease.cards
        held = [os.open(folder / f"card {name}", os.O_CREAT | os.O_EXCL) for name in names]
        block = leased_ports(mine, "m")(2)
        held += [os.open(folder / f"port {n}", os.O_CREAT | os.O_EXCL) for n in block.ports.numbers]
        for number in block.ports.numbers:
            os.unlink(folder / f"port {number}")
        for name in names:
            os.unlink(folder / f"card {name}")
        block.release()
"""


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """An office of its own, with 100 GiB to give."""
    return Office(tmp_path, 100.0)


def take(office: Office, wish: Wish = ONE, wait_max_s: float = 0.0) -> Lease:
    """Ask without patience."""
    return office.take(wish, cards=CARDS, wait_max_s=wait_max_s)


@pytest.fixture
def holder(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the cards 0 and 1."""
    kind = getattr(request, "param", "alone")
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path), kind], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process, process.stdout:
        assert process.stdout.readline() == "0,1\n"
        yield process
        process.kill()


def test_what_one_process_holds_no_other_gets(
    office: Office, holder: subprocess.Popen[str]
) -> None:
    """
    The kernel knows it; no process has to be asked.
    """
    assert take(office, Wish(title="x", device="xpu", cards=2)).cards == ("2", "3")


def test_four_processes_race_for_two_cards(tmp_path: Path) -> None:
    """
    None ever has what another one has, all get their turns, and nothing stays behind.
    """
    racers = [subprocess.Popen([sys.executable, "-c", RACER, str(tmp_path)]) for _ in range(4)]

    assert [racer.wait(60) for racer in racers] == [0, 0, 0, 0]
    assert [path.name for path in tmp_path.iterdir()] == ["mutex"]


def test_a_killed_holder_holds_nothing(office: Office, holder: subprocess.Popen[str]) -> None:
    """
    SIGKILL leaves a file behind, and nobody waits for it.
    """
    holder.send_signal(signal.SIGKILL)
    holder.wait()

    with take(office, Wish(title="x", device="xpu", cards=4)) as lease:
        assert lease.cards == CARDS


@pytest.mark.parametrize("holder", ["server"], indirect=True)
def test_cards_of_a_killed_run_stay_taken_until_its_last_process_is_gone(
    office: Office, holder: subprocess.Popen[str]
) -> None:
    """
    A server whose pytest was killed still has the card's memory while its keeper ends it.
    """
    holder.send_signal(signal.SIGKILL)
    holder.wait()

    with pytest.raises(MeasurementError, match="another run"):
        take(office, Wish(title="x", device="xpu", cards=4))
    began = time.monotonic()
    lease = take(office, Wish(title="x", device="xpu", cards=4), wait_max_s=20)
    assert 0.1 < time.monotonic() - began
    lease.release()


def test_released_is_free_at_once(office: Office, tmp_path: Path) -> None:
    """
    And leaves no file behind; releasing twice does no harm.
    """
    lease = take(office)
    lease.release()
    lease.release()

    assert take(office).cards == ("0",)
    assert len(list(tmp_path.glob("*.lease"))) == 1


def test_a_keeper_holds_what_its_process_uses(office: Office, tmp_path: Path) -> None:
    """
    A card is given back by the end of the last process, even if the lease was let go before.
    """
    lease = take(office)
    program = [sys.executable, "-c", "import time; time.sleep(60)"]
    with start(program, env={}, cwd=tmp_path, log=tmp_path / "log", grace_s=0):
        lease.release()
        assert take(office).cards == ("1",)

    assert take(office).cards == ("0",)


def test_the_machine_isn_t_held_by_a_keeper(office: Office, tmp_path: Path) -> None:
    """
    A server that was started while the machine was shared doesn't keep it from being quiet.
    """
    with office.take(Wish(title="a", machine="shared")):
        running = start(
            [sys.executable, "-c", "import time; time.sleep(60)"],
            env={},
            cwd=tmp_path,
            log=tmp_path / "log",
            grace_s=0,
        )
    with running:
        take(office, Wish(title="b", machine="alone")).release()


def test_waiting_has_an_end_and_names_who_was_waited_for(office: Office) -> None:
    """
    After two days; a run that hangs on a card must not make others hang.
    """
    wish = Wish(title="training", device="xpu", cards=4)
    with (
        take(office, wish),
        pytest.raises(
            MeasurementError,
            match=r"what a server needs was not free in time; got 1 of the cards .* training "
            r"\(process \d+\) holds 0, for 0.0 h. See whether that process still does anything",
        ),
    ):
        take(office)
    assert len(office.held()) == 0


def test_whoever_waits_is_told_for_whom(office: Office) -> None:
    """
    A line of progress, not silence.
    """
    told = []
    lease = take(office, Wish(title="training", device="xpu", cards=4))

    def progress(stage: str, *, detail: str = "", **_: object) -> None:
        told.append((stage, detail.split("; ")[1]))
        lease.release()

    office.take(ONE, cards=CARDS, progress=progress, wait_max_s=5).release()

    assert told == [("wait for a server", f"training (process {os.getpid()}) holds 0")]


def test_a_lease_that_can_t_be_read_is_no_free_card(office: Office, tmp_path: Path) -> None:
    """
    Guessing could put two servers on one card.
    """
    lease = take(office)
    next(tmp_path.glob("*.lease")).write_text('{"wish":')

    with pytest.raises(MeasurementError, match="nothing tells what is free"):
        take(office)
    lease.release()


def test_port_blocks_never_overlap(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Though a port that was only leased, and not opened yet, looks free.
    """
    monkeypatch.setattr(engine_ports, "LOWEST", 20_000)
    monkeypatch.setattr(engine_ports, "HIGHEST", 20_040)
    ports = leased_ports(office, "m")
    blocks = [ports(4) for _ in range(4)]
    numbers = [number for block in blocks for number in block.ports.numbers]

    assert len(set(numbers)) == 16
    for block in blocks:
        assert block.ports.numbers == tuple(range(block.ports.api, block.ports.api + 4))
        block.release()
    assert office.held() == ()


def test_ports_that_are_all_leased_are_an_error(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Instead of a block that somebody has.
    """
    monkeypatch.setattr(engine_ports, "LOWEST", 20_000)
    monkeypatch.setattr(engine_ports, "HIGHEST", 20_005)
    ports = leased_ports(office, "m")
    ports(4)

    with pytest.raises(
        EngineError, match=r"no free ports.*4 ports are leased; wanted 4 neighbours"
    ):
        ports(4)


def test_the_folder_is_for_every_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A lease that only its own user can see keeps nobody else off the card.
    """
    monkeypatch.setenv("PYTEST_ERNIE_LEASES", str(tmp_path / "all"))

    assert folder_of_leases() == tmp_path / "all"
    assert (tmp_path / "all").stat().st_mode & 0o777 == 0o777
    Office().take(ONE, cards=CARDS)
    modes = {path.name[-5:]: path.stat().st_mode & 0o777 for path in (tmp_path / "all").iterdir()}
    assert modes == {"mutex": 0o666, "lease": 0o644}


def test_a_folder_that_can_t_be_used_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Running without leases would be the silent alternative.
    """
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PYTEST_ERNIE_LEASES", str(tmp_path / "file" / "leases"))

    with pytest.raises(UsageProblem, match=r"nothing keeps two runs off the same card.*_LEASES"):
        folder_of_leases()


@pytest.mark.parametrize(("text", "limited"), [("max", False), (str(2**30), True)])
def test_a_container_has_its_own_limit(tmp_path: Path, text: str, limited: bool) -> None:
    """
    The machine's memory is no use to a container that may have less.
    """
    path = tmp_path / "memory.max"
    path.write_text(f"{text}\n")

    assert (capacity_gib((path,)) == 0.9) == limited
    assert capacity_gib((tmp_path / "absent",)) == capacity_gib(()) > 0.9
