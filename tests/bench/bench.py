"""
The load client beside a floor and its peers, against a server whose schedule is known.

    python tests/bench/bench.py --quick
    python tests/bench/bench.py --peers aiperf,evalscope,guidellm,vllm --vllm-python PYTHON

The server has one core to itself and each client another, whatever the machine has. Repeats go round,
so that what else the machine does strikes all clients alike; the ranges say how much that was. "µs/event"
is processor time from the first request to the last token, "after" what followed per event
(parsing that was put off, reports). The exit code is 1 if an aim fails.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import resource
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import aims
import msgspec
import ours
import peers
import processes
import table
import venvs
from measured import Load, Row
from peers import PEERS, THE_FLOOR, Peer

PACED = (64, 256, 1024)
QUICK = (64, 1024)
TOKENS = 256
CAPACITY = Load(64, 512, fast=True)
DISTURBED_S = 0.002
"""Mean lateness of the server's writes that it doesn't have by itself."""
USUAL_PEERS = ("aiperf", "evalscope")


class Bench:
    """The clients and what was measured of them."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.loads = [Load(n, TOKENS) for n in (QUICK if options.quick else PACED)]
        self.loads.append(CAPACITY)
        self.repeat = options.repeat or (1 if options.quick else 3)
        self.missing: dict[str, str] = {}
        self.pythons: dict[str, Path] = {}
        self.groups: dict[tuple[str, Load], list[Row]] = {}
        self.flips: list[ours.Flip] = []
        given = {"vllm": options.vllm_python} if options.vllm_python else {}
        self.others = [THE_FLOOR, *(PEERS[name] for name in options.peers)]
        for peer in self.others:
            _say(f"prepare {peer.name}")
            with self._noted(peer.name):
                self.pythons[peer.name] = peers.prepared(peer, folder, given)

    def run(self) -> None:
        """Measure everything."""
        core, server_core = processes.cores()
        os.sched_setaffinity(0, core)
        startup_s = ours.startup_cpu_s(server_core)
        for turn in range(self.repeat):
            for load in self.loads:
                where = f"{turn + 1} of {self.repeat}, {_words(load)}"
                _say(f"{ours.NAME}: {where}")
                self._keep(ours.measure(load, server_core, startup_s))
                for peer in self.others:
                    self._try(peer, load, server_core, where)
        _say(f"{ours.NAME}: where verdicts flip")
        self.flips = [ours.verdict(self.groups[ours.NAME, n]) for n in self.loads if _judged(n)]
        self.flips += ours.flips(server_core)

    def _try(self, peer: Peer, load: Load, core: set[int], where: str) -> None:
        if peer.name not in self.pythons:
            return
        _say(f"{peer.name}: {where}")
        with self._noted(f"{peer.name}, {_words(load)}"):
            self._keep(peers.measure(peer, self.pythons[peer.name], load, core))

    @contextlib.contextmanager
    def _noted(self, what: str) -> Iterator[None]:
        try:
            yield
        except processes.Failed as problem:
            self.missing[what] = str(problem)
            _say(f"  {problem}")

    def _keep(self, row: Row) -> None:
        self.groups.setdefault((row.client, row.load), []).append(row)

    def of(self, *, fast: bool) -> list[list[Row]]:
        """Return the groups of the paced loads, load by load, or those of the fast one."""
        chosen = [rows for (_, load), rows in self.groups.items() if load.fast is fast]
        return sorted(chosen, key=lambda rows: rows[0].load.streams)


def report(bench: Bench, judged: Sequence[aims.Aim]) -> str:
    """Return what is printed."""
    versions = [
        f"{name} {venvs.version(python, 'uvloop' if name == peers.FLOOR else name)}"
        for name, python in bench.pythons.items()
    ]
    return "\n\n".join(
        part
        for part in (
            f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; "
            f"{', '.join(versions)}; median of {bench.repeat} (least..most)",
            table.paced(bench.of(fast=False), ours.NAME),
            f"Capacity, {_words(CAPACITY)}:",
            table.fast(bench.of(fast=True), ours.NAME),
            "\n".join([*_disturbed(bench), *(f"{k}: {v}" for k, v in bench.missing.items())]),
            "\n".join(map(str, judged)),
        )
        if part
    )


def _disturbed(bench: Bench) -> list[str]:
    """Say where the server was so late that something else must have used its core."""
    return [
        f"{rows[0].client}, {_words(rows[0].load)}: disturbed, the server was "
        f"{max(r.server_late_s for r in rows) * 1e3:.0f} ms late on average in one run"
        for rows in bench.of(fast=False)
        if max(r.server_late_s for r in rows) > DISTURBED_S
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and return 1 if an aim fails."""
    options = _options(arguments)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with contextlib.ExitStack() as stack:
        folder = options.venvs or stack.enter_context(tempfile.TemporaryDirectory())
        bench = Bench(options, Path(folder).absolute())
        bench.run()
        judged = aims.judged(bench.groups, bench.flips)
        print(report(bench, judged))
    if options.json:
        rows = [row for rows in bench.groups.values() for row in rows]
        kept = {"rows": rows, "flips": bench.flips, "missing": bench.missing, "aims": judged}
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(kept)))
    return 1 if any(aim.reached is False for aim in judged) else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The load client beside a floor and its peers.")
    parser.add_argument("--quick", action="store_true", help="once, 64 and 1024 streams, no peers")
    parser.add_argument("--peers", help=f"of {', '.join(PEERS)}; 'none' for none")
    parser.add_argument("--repeat", type=int, metavar="N", help="default: 3, or 1 if quick")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every run there")
    parser.add_argument("--venvs", type=Path, metavar="FOLDER", help="keep peers installed there")
    parser.add_argument("--vllm-python", type=Path, metavar="PYTHON", help="one that has vLLM")
    options = parser.parse_args(arguments)
    if options.peers is None:
        usual = () if options.quick else USUAL_PEERS
        options.peers = [*usual, *(["vllm"] if options.vllm_python else [])]
    else:
        options.peers = [name for name in options.peers.split(",") if name not in ("", "none")]
    if unknown := set(options.peers) - set(PEERS):
        parser.error(f"unknown peers: {', '.join(sorted(unknown))}; known: {', '.join(PEERS)}")
    return options


def _judged(load: Load) -> bool:
    return not load.fast and load.streams > min(PACED)


def _words(load: Load) -> str:
    return f"{load.streams} streams of {load.tokens} tokens{', as fast as possible' * load.fast}"


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
