"""
Two hundred servers started and stopped, one after another: nothing piles up.
"""

from __future__ import annotations

import gc
import socket
from pathlib import Path

import psutil
import pytest

from doubles.fastdeploy import install, plant
from pytest_ernie import rehearsal
from pytest_ernie.engines.fastdeploy import FastDeploy
from pytest_ernie.engines.lifecycle import started
from pytest_ernie.engines.protocol import Launch
from pytest_ernie.toolchains import adopt

CYCLES = 200
WARM_UP = 20
"""Until imports and caches are there, a process may grow."""
GROWTH_BYTES = 8 * 2**20


def held() -> dict[str, int]:
    """Count what this process holds."""
    gc.collect()
    own = psutil.Process()
    return {
        "files": own.num_fds(),
        "threads": own.num_threads(),
        "children": len(own.children(recursive=True)),
    }


def listened_on(port: int) -> bool:
    """Tell whether somebody answers at a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_starting_and_stopping_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    No process, file, port, shared memory or memory of ours is more after 200 servers than after 20.
    """
    monkeypatch.setattr(started, "POLL_S", 0.02)
    before = set(Path("/dev/shm").iterdir())
    python = install(tmp_path / "toolchain")
    plant(python, "load_s=0")
    toolchain = adopt("double", python)
    launch = Launch(
        engine="fastdeploy",
        model="m",
        checkpoint=str(rehearsal.checkpoint()),
        datatype="wint8",
        window=4096,
        max_num_seqs=8,
    )
    engine, ports, after_warm_up, memory = FastDeploy(), set(), {}, 0
    for cycle in range(1, CYCLES + 1):
        server = engine.start(
            launch,
            toolchain=toolchain,
            workdir=tmp_path / f"server-{cycle}",
            cards=(),
            device_env={},
        )
        ports |= set(server.ports.numbers)
        server.stop()
        ours = [f".{port}," for port in server.ports.numbers]  # others use the machine, too
        assert [told for told in server.left_behind if any(name in told for name in ours)] == []
        assert [port for port in server.ports.numbers if listened_on(port)] == []
        if cycle == WARM_UP:
            after_warm_up, memory = held(), psutil.Process().memory_info().rss

    assert held() == after_warm_up
    assert psutil.Process().memory_info().rss - memory < GROWTH_BYTES
    running = [p.info["cmdline"] or [] for p in psutil.process_iter(["cmdline"])]
    assert [words for words in running if str(python) in words] == []
    new = set(Path("/dev/shm").iterdir()) - before
    assert [path.name for path in new if path.suffix[1:] in map(str, ports)] == []
