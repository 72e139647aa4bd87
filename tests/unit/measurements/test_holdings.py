"""
What one process holds while it measures, and when it lets go.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from pytest_ernie.devices.accelerator import Accelerator
from pytest_ernie.devices.cpu import DEVICE as CPU
from pytest_ernie.devices.xpu import DEVICE as KUNLUNXIN
from pytest_ernie.engines.protocol import Launch
from pytest_ernie.errors import DeviceError, SiteError
from pytest_ernie.leases import Office
from pytest_ernie.measurements.holdings import (
    PROCESS_GIB,
    Holdings,
    _replica_by_replica,
    weights_gib,
)
from pytest_ernie.progress import silent

XPU = Accelerator(
    kind="xpu", title="XPU", paddle_name="xpu", visible_variable="XPU_VISIBLE_DEVICES"
)
HIDDEN = Accelerator(kind="gcu", title="GCU", paddle_name="gcu", visible_variable=None)
CARDS = tuple("01234567")


class Stopper:
    """Stands for the servers; notes what was still held when they were stopped."""

    def __init__(self) -> None:
        self.held: list[list[str]] = []

    def __call__(self) -> None:
        self.held.append([held.wish.title for held in Office().held()])


def launch(tmp_path: Path, datatype: str = "wint8", share: int = 2) -> Launch:
    """A server's configuration."""
    return Launch(
        engine="e",
        model="m",
        checkpoint=str(tmp_path),
        datatype=datatype,
        window=8,
        max_num_seqs=1,
        tensor_parallel=share,
    )


@pytest.fixture
def stopper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stopper:
    """A machine of its own."""
    monkeypatch.setenv("PYTEST_ERNIE_LEASES", str(tmp_path / "leases"))
    return Stopper()


def holdings(stopper: Stopper, device: Accelerator = XPU) -> Holdings:
    """A process that holds nothing yet."""
    return Holdings(device, CARDS, silent, stopper)


def test_a_server_gets_the_cards_of_its_tensor_parallel_and_keeps_them(
    tmp_path: Path, stopper: Stopper
) -> None:
    """
    Asked again for the same launch nothing is stopped; another process gets other cards.
    """
    first, second = holdings(stopper), holdings(stopper)
    first.for_server(launch(tmp_path))
    stops = len(stopper.held)
    first.for_server(launch(tmp_path))
    second.for_server(launch(tmp_path))

    assert (first.cards, second.cards) == (("0", "1"), ("2", "3"))
    assert len(stopper.held) == stops + 1
    first.release()
    assert first.cards == ()
    second.release()


def test_the_old_server_is_stopped_before_its_cards_are_given_back(
    tmp_path: Path, stopper: Stopper
) -> None:
    """
    Otherwise somebody else's would start beside it.
    """
    mine = holdings(stopper)
    mine.for_server(launch(tmp_path))
    mine.for_server(launch(tmp_path, "wint4", share=8))

    assert stopper.held[-1] == ["a server of m in wint8"]
    assert mine.cards == CARDS
    mine.release()
    assert Office().held() == ()


def test_training_has_all_cards_while_it_lasts(tmp_path: Path, stopper: Stopper) -> None:
    """
    And stops the server that this process still has.
    """
    mine = holdings(stopper)
    mine.for_server(launch(tmp_path))
    with mine.for_training("training", tmp_path):
        assert mine.cards == CARDS
        assert [held.wish.title for held in Office().held()] == ["training"]

    assert Office().held() == ()


def test_the_topology_is_the_device_s(tmp_path: Path, stopper: Stopper) -> None:
    """
    Two servers of four cards get a half each, and a site that can't give one is told at once.
    """
    device = KUNLUNXIN
    first, second = holdings(stopper, device), holdings(stopper, device)
    first.for_server(launch(tmp_path, share=4))
    second.for_server(launch(tmp_path, share=4))

    assert (first.cards, second.cards) == (CARDS[:4], CARDS[4:])
    with pytest.raises(DeviceError, match="Kunlunxin XPU can't serve with tensor parallel 4"):
        Holdings(KUNLUNXIN, CARDS[2:6], silent, stopper).for_server(launch(tmp_path, share=4))
    two = msgspec.structs.replace(launch(tmp_path, share=4), replicas=2)
    with pytest.raises(
        SiteError,
        match=r"cards: a server of m in wint8 can't be given cards for 2 replicas; got 0, 1, 2, 3, "
        r"4; wanted 2 groups of 4 that Kunlunxin XPU can combine",
    ):
        Holdings(KUNLUNXIN, CARDS[:5], silent, stopper).for_server(two)
    for one in (first, second):
        one.release()


@pytest.mark.parametrize(
    ("free", "wanted", "chosen"),
    [
        ("01234567", 4, "0123"),
        ("1234567", 4, "4567"),
        ("123567", 4, None),
        ("01234567", 8, "01234567"),
        ("1234567", 8, None),
    ],
)
def test_cards_of_replicas_are_combined_one_by_one(
    free: str, wanted: int, chosen: str | None
) -> None:
    """
    Six free cards may be too few for four; two replicas of four are two such sets.
    """
    found = _replica_by_replica(KUNLUNXIN, 4, tuple(free), wanted)

    assert found == (None if chosen is None else tuple(chosen))


def test_where_no_variable_chooses_cards_all_are_held(tmp_path: Path, stopper: Stopper) -> None:
    """
    Every process sees all of them, so two servers would share one.
    """
    mine = holdings(stopper, HIDDEN)
    mine.for_server(launch(tmp_path, share=1))

    assert [held.cards for held in Office().held()] == [CARDS]
    assert mine.cards == ()
    mine.release()


def test_a_cpu_has_no_cards_but_memory(tmp_path: Path, stopper: Stopper) -> None:
    """
    Two servers run side by side as long as they fit.
    """
    mine = Holdings(CPU, ("0",), silent, stopper)
    mine.for_server(launch(tmp_path))

    (held,) = Office().held()
    assert (held.wish.cards, held.wish.memory_gib) == (0, PROCESS_GIB)
    mine.release()


def test_weights_are_counted_in_memory(tmp_path: Path) -> None:
    """
    Whatever format they have.
    """
    for name in ("a.safetensors", "b.pdparams", "c.bin"):
        with (tmp_path / name).open("wb") as file:
            file.truncate(2**29)
    (tmp_path / "tokenizer.json").write_text("{}")

    assert weights_gib(tmp_path) == 1.5


def test_ports_are_leased_for_the_launch(tmp_path: Path, stopper: Stopper) -> None:
    """
    Whoever looks sees whose they are.
    """
    block = holdings(stopper).ports(launch(tmp_path))(3)

    (held,) = Office().held()
    assert (held.wish.title, held.ports) == ("the ports of m in wint8", block.ports.numbers)
    block.release()


def test_who_has_the_machine_alone_doesn_t_wait_for_himself(stopper: Stopper) -> None:
    """
    What is installed or hashed on the way is part of what he does.
    """
    mine = holdings(stopper)
    with mine.machine("alone", "a load"), mine.machine("shared", "hashing"):
        assert [held.wish.title for held in Office().held()] == ["a load"]
    with mine.machine("shared", "hashing"):
        assert [held.wish.title for held in Office().held()] == ["hashing"]
    assert Office().held() == ()
