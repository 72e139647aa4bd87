"""
A server is started, watched until it is ready, and stopped; here it is a short script.
"""

from __future__ import annotations

import ctypes
import os
import socket
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil
import pytest

from doubles import openai_server
from pytest_ernie.engines.dialects import VLLM
from pytest_ernie.engines.lifecycle import watch
from pytest_ernie.engines.lifecycle.belongings import IPC_RMID, things
from pytest_ernie.engines.lifecycle.started import HowToStart, StartedServer, start_until_ready
from pytest_ernie.engines.ports import Ports, UnleasedPorts, free_ports
from pytest_ernie.errors import ServerNotStarted

SERVE = f"import runpy; runpy.run_path({openai_server.__file__!r}, run_name='__main__')"


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers of one process are quickly looked at; a worker counts once it was seen twice."""
    monkeypatch.setattr(watch, "LOOK_S", 0.2)


def worker_logs(workdir: Path) -> Iterable[Path]:
    """Where the scripts' workers write."""
    return workdir.glob("workerlog.*")


def begin(
    script: str,
    workdir: Path,
    *,
    take_ports: Callable[[int], UnleasedPorts] = free_ports,
    **how: object,
) -> StartedServer:
    """Start a Python script as a server."""
    settings: dict[str, object] = {"title": "Engine", "logs": worker_logs, **how}
    return start_until_ready(
        HowToStart(**settings),  # type: ignore[arg-type] - a test names only what it is about
        command=lambda ports: (sys.executable, "-c", script, "--port", str(ports.api)),
        env={"PATH": os.environ["PATH"]},
        api_key=None,
        model="m",
        dialect=VLLM,
        workdir=workdir,
        take_ports=take_ports,
    )


def refused(script: str, workdir: Path, **how: object) -> ServerNotStarted:
    """Return why that script never became a server."""
    with pytest.raises(ServerNotStarted) as caught:
        begin(script, workdir, **how)  # type: ignore[arg-type] - as above
    return caught.value


def running(workdir: Path) -> list[psutil.Process]:
    """Processes that work in a folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(workdir):
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_a_server_that_leaves_with_zero_has_failed_all_the_same(tmp_path: Path) -> None:
    """FastDeploy does that; the cause is the worker's, and its log is named."""
    script = """
import pathlib
pathlib.Path("workerlog.0").write_text("ValueError: head_dim 48 is not supported\\\\n")
print("Failed to launch worker processes, check log/workerlog.*")
"""
    problem = refused(script.replace("\\\\", "\\"), tmp_path)

    assert str(problem) == (
        f"{tmp_path}/workerlog.0: Engine died while starting: "
        "ValueError: head_dim 48 is not supported. The log has the traceback"
    )
    assert problem.logs == {
        "server_log": b"Failed to launch worker processes, check log/workerlog.*\n",
        "server_log workerlog.0": b"ValueError: head_dim 48 is not supported\n",
    }


def test_the_log_of_a_server_with_another_model_is_kept(tmp_path: Path) -> None:
    """It lives and answers, but it isn't what was asked for, and its log may say why."""
    script = f"""
import sys
print("loading /weights/of/another", flush=True)
sys.argv += ["--served-model-name", "another"]
{SERVE}
"""
    problem = refused(script, tmp_path)

    assert "another" in str(problem)
    assert problem.logs["server_log"].startswith(b"loading /weights/of/another\n")
    assert running(tmp_path) == []


def test_a_worker_that_dies_while_its_server_waits_is_noticed(tmp_path: Path) -> None:
    """The server alone would wait for ever."""
    script = """
import subprocess, sys, time
worker = [sys.executable, "-c", "import time; time.sleep(2.5)", "worker_process.py"]
subprocess.Popen(worker, start_new_session=True)
time.sleep(600)
"""
    problem = refused(script, tmp_path, worker=r"worker_process\.py$", worker_gone_s=0.5)

    assert problem.what == "a worker of Engine died while it started"
    assert problem.got is not None
    assert "worker_process.py) is gone; its log names no cause" in problem.got
    assert running(tmp_path) == []


def test_a_worker_in_a_deep_folder_is_seen(tmp_path: Path) -> None:
    """What is shown of a command line is cut, what is looked for isn't."""
    script = """
import subprocess, sys, time
worker = [sys.executable, "-c", "import time; time.sleep(2.5)", "/deep" * 60, "worker_process.py"]
subprocess.Popen(worker, start_new_session=True)
time.sleep(60)
"""
    problem = refused(script, tmp_path, worker=r"worker_process\.py$", worker_gone_s=0.5)

    assert problem.what == "a worker of Engine died while it started"


def test_a_helper_that_ends_is_no_dead_worker(tmp_path: Path) -> None:
    """Compilers come and go, and what a worker forks has its name for a moment."""
    script = f"""
import subprocess, sys, threading, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1.5)", "compiler"])
time.sleep(3.5)
{SERVE}
"""
    server = begin(script, tmp_path, worker=r"worker_process\.py$", worker_gone_s=0.0)
    server.stop()


def test_a_server_in_which_nothing_moves_is_given_up(tmp_path: Path) -> None:
    """Before its time is over; what it said last is looked at."""
    problem = refused("import time; print('one', flush=True); time.sleep(600)", tmp_path, quiet_s=1)

    assert problem.what == "Engine stopped moving while it started"
    assert problem.got is not None
    assert problem.got.startswith("nothing for ")
    assert running(tmp_path) == []


def test_a_server_that_writes_on_and_on_has_a_time_limit(tmp_path: Path) -> None:
    """Moving isn't arriving."""
    script = "import time\nwhile True: print('load', flush=True); time.sleep(0.1)"

    problem = refused(script, tmp_path, quiet_s=600, timeout_s=2)

    assert problem.what == "Engine didn't get ready in time"
    assert running(tmp_path) == []


def test_a_server_that_hangs_on_a_taken_port_is_started_elsewhere(tmp_path: Path) -> None:
    """Some engines only say so and wait; each attempt has ports of its own."""
    script = f"""
import pathlib, time
if not pathlib.Path("tried").exists():
    pathlib.Path("tried").touch()
    print("OSError: [Errno 98] Address already in use", flush=True)
    time.sleep(600)
{SERVE}
"""
    server = begin(script, tmp_path, port_conflict_s=1.0)
    try:
        assert server.log == tmp_path / "server-2.log"
    finally:
        server.stop()


def test_another_server_on_our_port_is_not_taken_for_ours(tmp_path: Path) -> None:
    """Even if it answers, and serves a model of the same name."""
    with openai_server.FakeServer() as other:
        taken = UnleasedPorts(Ports(numbers=(other.port,)))
        problem = refused(
            "import time; time.sleep(600)", tmp_path, take_ports=lambda _: taken, attempts=2
        )

    assert str(problem) == (
        f"{tmp_path}: Engine found its port taken each time it started; got 2 attempts. "
        "Look for what opens ports on this machine"
    )
    assert other.asked == []
    assert running(tmp_path) == []


def test_ports_are_given_back_when_the_server_stops_or_never_starts(tmp_path: Path) -> None:
    """Whatever happened in between."""

    class Held(UnleasedPorts):
        released = 0

        def release(self) -> None:
            """Count."""
            self.released += 1

    block = Held(free_ports(1).ports)
    refused("raise SystemExit(1)", tmp_path, take_ports=lambda _: block)
    assert block.released == 1

    server = begin(SERVE, tmp_path, take_ports=lambda _: block)
    assert block.released == 1
    server.stop()
    server.stop()
    assert block.released == 2


def test_a_killed_server_says_so(tmp_path: Path) -> None:
    """In the words of whoever has to find out why."""
    server = begin(SERVE, tmp_path)
    try:
        assert server.trouble() is None
        psutil.Process(server.process.pid).kill()

        assert server.trouble() == (
            "it was killed (SIGKILL), most often because the machine ran out of memory"
        )
        assert not server.alive()
    finally:
        server.stop()


def test_processes_that_outlive_a_dead_server_are_ended_and_told(tmp_path: Path) -> None:
    """In sessions of their own or not."""
    script = f"""
import subprocess, sys
for _ in range(2):
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
{SERVE}
"""
    server = begin(script, tmp_path)
    psutil.Process(server.process.pid).kill()
    server.trouble()
    server.stop()

    assert server.left_behind[0] == "2 processes outlived the server's own end: ended"
    assert running(tmp_path) == []


def test_a_front_end_that_outlives_its_engine_is_in_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lists its models as before, and answers nothing."""
    monkeypatch.setattr("pytest_ernie.engines.lifecycle.started.ENDING_S", 0.1)
    script = f"""
import sys
sys.path.insert(0, {str(Path(openai_server.__file__).parent)!r})
import openai_server, time
server = openai_server.FakeServer(port=int(sys.argv[sys.argv.index("--port") + 1]))
server.faults.extend([None] + ["500"] * 9)
server.__enter__()
time.sleep(600)
"""
    server = begin(script, tmp_path)
    try:
        assert server.alive()
        assert server.trouble() is not None
        assert "its process lives, but the first question was not answered (HTTP 500" in str(
            server.trouble()
        )
    finally:
        server.stop()


def test_shared_memory_of_a_dead_process_of_ours_is_removed_and_told(tmp_path: Path) -> None:
    """By its creator's number or our port in its name; what isn't provably ours is only told."""
    marker = f"pytest-ernie-{time.monotonic_ns()}"
    script = f"""
import mmap, os, sys
held = []
port = sys.argv[sys.argv.index("--port") + 1]
for name in (f"{marker}_{{os.getpid()}}", f"{marker}.{{port}}", "{marker}-unnumbered"):
    file = open(f"/dev/shm/{{name}}", "w+b")
    file.truncate(4096)
    held.append(mmap.mmap(file.fileno(), 4096))
{SERVE}
"""
    server = begin(script, tmp_path)
    pid = server.process.pid
    server.stop()
    other = Path(f"/dev/shm/{marker}-unnumbered")
    try:
        ours = [told for told in server.left_behind if marker in told]
        owner = psutil.Process().username()
        assert sorted(ours) == [
            f"shared memory /dev/shm/{marker}-unnumbered, 4096 bytes, owner {owner}, "
            "mapped by our server: left as it is",
            f"shared memory /dev/shm/{marker}.{server.ports.api}, 4096 bytes, owner {owner}, "
            "mapped by our server: removed",
            f"shared memory /dev/shm/{marker}_{pid}, 4096 bytes, owner {owner}, "
            "mapped by our server: removed",
        ]
        assert (tmp_path / "left-behind.txt").read_text().splitlines() == [*server.left_behind]
        assert not Path(f"/dev/shm/{marker}_{pid}").exists()
        assert other.exists()
    finally:
        other.unlink()


def test_what_others_make_meanwhile_is_told_as_such_and_left_alone(tmp_path: Path) -> None:
    """Two servers of one user run beside each other; nothing tells whose a nameless file is."""
    other = Path(f"/dev/shm/pytest-ernie-other-{time.monotonic_ns()}")
    server = begin(SERVE, tmp_path)
    other.write_bytes(b"x")
    try:
        server.stop()

        (told,) = [told for told in server.left_behind if other.name in told]
        assert told.endswith(
            "appeared while the server ran, and nothing shows whose it is; left as it is"
        )
        assert other.exists()
    finally:
        other.unlink()


def test_sysv_memory_is_removed_by_its_creators_number_and_a_queue_never(tmp_path: Path) -> None:
    """The system tells who created the one, and of the other only who used it."""
    script = f"""
import ctypes, pathlib
libc = ctypes.CDLL(None)
memory, queue = libc.shmget(0, 4096, 0o1600), libc.msgget(0, 0o1600)
pathlib.Path("made").write_text(f"{{memory}} {{queue}}")
{SERVE}
"""
    server = begin(script, tmp_path)
    server.stop()
    memory, queue = (tmp_path / "made").read_text().split()
    try:
        pid, owner = server.process.pid, psutil.Process().username()
        told = "\n".join(server.left_behind)
        assert (
            f"SysV shared memory {memory}, 4096 bytes, owner {owner}, of our process {pid}" in told
        )
        assert f"message queue {queue}, 0 bytes, owner {owner}: appeared while the server" in told
        assert {thing.id for thing in things() if thing.kind == "shm"}.isdisjoint({memory})
    finally:
        ctypes.CDLL(None).msgctl(int(queue), IPC_RMID, None)


def test_a_port_that_nobody_listens_on_any_more_is_free_again(tmp_path: Path) -> None:
    """A stopped server holds nothing."""
    server = begin(SERVE, tmp_path)
    server.stop()

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", server.ports.api))
