"""
What this process holds of the machine while it measures, so that no other run has the same.

    equipment   cards and memory, for one server or one training run at a time
    machine     shared while anything is started or measured, alone while seconds count

Equipment is taken first and the machine last, and whoever waits for equipment holds nothing else:
so nobody ever waits for somebody who waits for him.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ernie.devices.topology import disjoint_sets, refuse_impossible
from pytest_ernie.errors import DeviceError, SiteError
from pytest_ernie.leases import Lease, Office, Wish, leased_ports
from pytest_ernie.leases.rule import first_free
from pytest_ernie.progress import Progress

if TYPE_CHECKING:
    from pytest_ernie.devices import Device
    from pytest_ernie.engines.ports import TakePorts
    from pytest_ernie.engines.protocol import Launch
    from pytest_ernie.leases.rule import Machine

WITHOUT_CARDS = ("cpu", "endpoint")
"""Kinds whose processes share what there is: nothing to be chosen, nothing to be held."""
PROCESS_GIB = 3.0
"""What the processes of an engine or a trainer take beside the weights, roughly."""
TRAINING_COPIES = 4
"""Weights, gradients and two moments, where a CPU holds them."""


class Holdings:
    """
    The leases of one process; ``stop_servers`` ends what runs on the equipment before it is given back.
    """

    def __init__(
        self,
        device: Device,
        cards: tuple[str, ...],
        progress: Progress,
        stop_servers: Callable[[], None],
    ) -> None:
        self._device = device
        self._site_cards = cards
        self._progress = progress
        self._stop_servers = stop_servers
        self._lease: Lease | None = None
        self._launch: Launch | None = None
        self._has_machine = False

    @cached_property
    def _office(self) -> Office:
        return Office()

    @property
    def cards(self) -> tuple[str, ...]:
        """The cards that are held, as the visible-devices variable takes them."""
        if self._lease is None or self._device.visible_variable is None:
            return ()
        return self._lease.cards

    def for_server(self, launch: Launch) -> None:
        """Hold what a server of that launch needs, until another launch or a training run needs some."""
        if self._launch == launch:
            return
        share, replicas = launch.tensor_parallel, launch.replicas
        title = f"a server of {launch.model} in {launch.datatype}"
        gib = replicas * (PROCESS_GIB + weights_gib(Path(launch.checkpoint)))
        self._take(title, share, replicas, gib)
        self._launch = launch

    @contextmanager
    def for_training(self, title: str, checkpoint: Path) -> Iterator[None]:
        """Hold all cards of the site while a training run lasts."""
        copies = TRAINING_COPIES if self._device.kind == "cpu" else 1
        gib = PROCESS_GIB + copies * weights_gib(checkpoint)
        self._take(title, len(self._site_cards), 1, gib, whole_site=True)
        try:
            yield
        finally:
            self.release()

    @contextmanager
    def machine(self, how: Machine, title: str) -> Iterator[None]:
        """Share the machine with other measurements, or have it alone; who has it already keeps it."""
        if self._has_machine:
            yield
            return
        wish = Wish(title=title, machine=how)
        with self._office.take(wish, progress=self._progress):
            self._has_machine = True
            try:
                yield
            finally:
                self._has_machine = False

    def ports(self, launch: Launch) -> TakePorts:
        """Return what hands a server its ports."""
        return leased_ports(self._office, f"{launch.model} in {launch.datatype}")

    def release(self) -> None:
        """Stop what runs on the equipment, then give it back."""
        self._stop_servers()
        if self._lease is not None:
            self._lease.release()
        self._lease = self._launch = None

    def _take(
        self, title: str, share: int, replicas: int, gib: float, *, whole_site: bool = False
    ) -> None:
        self.release()
        cards, wanted = self._site_cards, share * replicas
        if self._device.kind in WITHOUT_CARDS:
            cards, wanted = (), 0
        elif self._device.visible_variable is None:
            wanted, whole_site = len(cards), True  # every process sees them all
        choose = first_free if whole_site else partial(_replica_by_replica, self._device, share)
        if wanted and choose(cards, wanted) is None:
            refuse_impossible(self._device, cards, share)
            raise SiteError(
                f"{title} can't be given cards for {replicas} replicas",
                where="cards",
                got=", ".join(cards),
                wanted=f"{replicas} groups of {share} that {self._device.title} can combine",
            )
        wish = Wish(title=title, device=self._device.kind, cards=wanted, memory_gib=gib)
        self._lease = self._office.take(wish, cards=cards, choose=choose, progress=self._progress)


def _replica_by_replica(
    device: Device, share: int, free: tuple[str, ...], wanted: int
) -> tuple[str, ...] | None:
    """Return cards for so many servers of ``share`` cards that the device's links allow, or None."""
    try:
        sets = disjoint_sets(device, free, share, wanted // share)
    except DeviceError:
        return None
    return tuple(card for cards in sets for card in cards)


def weights_gib(checkpoint: Path) -> float:
    """Return the size of a checkpoint's weights: about what they take in memory; 0 if there are none."""
    kinds = ("*.safetensors", "*.pdparams", "*.bin")
    return sum(path.stat().st_size for kind in kinds for path in checkpoint.glob(kind)) / 2**30
