"""
The keeper with real processes: whatever happens, nothing it started is left, and nothing else dies.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_ernie.errors import ToolchainError
from pytest_ernie.preflight.leftovers import our_leftovers
from pytest_ernie.toolchains import keeper, process
from pytest_ernie.toolchains.keeper import MARK

SOURCE = Path(process.__file__).parents[2]
DETACHED = """
import os, sys, time
from pathlib import Path
for name in ("child", "grandchild"):
    if os.fork():
        break
    os.setsid()
    Path(name).write_text(str(os.getpid()))
time.sleep(60)
"""
"""A command whose child and grandchild each leave their process group."""
STUBBORN = """
import signal, time
from pathlib import Path
signal.signal(signal.SIGTERM, signal.SIG_IGN)
Path("deaf").write_text("yes")
time.sleep(60)
"""


def alive(pid: int) -> bool:
    """Tell whether a process exists, a zombie included."""
    return pid in keeper.processes()


def eventually(condition: Callable[[], object], timeout_s: float = 10) -> bool:
    """Wait until the condition holds; False if it never does."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def pid_in(path: Path) -> int:
    """Wait for a pid file of a script and return what it holds."""
    assert eventually(lambda: path.exists() and path.read_text())
    return int(path.read_text())


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., process.Running]]:
    """Start Python code under a keeper, in the test's folder; stopped after the test."""
    started: list[process.Running] = []

    def start(code: str, **env: str) -> process.Running:
        running = process.start(
            [sys.executable, "-c", code], env=env, cwd=tmp_path, log=tmp_path / "log", grace_s=0.5
        )
        started.append(running)
        return running

    yield start
    for running in started:
        running.stop(grace_s=0)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("pass", 0),
        ("raise SystemExit(3)", 3),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -9),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", -11),
    ],
)
def test_the_exit_code_is_the_commands_own(
    start: Callable[..., process.Running], code: str, expected: int
) -> None:
    """A status is passed on as it is, a death by signal as the negative signal number."""
    assert start(code).wait(10) == expected


def test_the_command_gets_exactly_its_environment(start: Callable[..., process.Running]) -> None:
    """No variable of the parent reaches the command unless it was given."""
    running = start("import json, os; print(json.dumps(dict(os.environ)))", ONLY="this")
    running.wait(10)

    environment = json.loads(running.output_tail())

    assert environment.pop(MARK).startswith(f"{running._keeper.pid}:")
    assert {k: v for k, v in environment.items() if k != "LC_CTYPE"} == {"ONLY": "this"}


def test_output_of_both_streams_is_in_the_log(start: Callable[..., process.Running]) -> None:
    """``output_tail`` shows the last lines, whichever stream they went to."""
    running = start("import os; [os.write(1 + i % 2, b'%d\\n' % i) for i in range(100)]")
    running.wait(10)

    assert running.output_tail(3) == "97\n98\n99"


def test_follow_hands_over_every_byte(start: Callable[..., process.Running]) -> None:
    """What is printed last, just before the end, isn't lost."""
    received: list[bytes] = []

    code = start("print('x' * 3_000_000); print('end')").follow(received.append)

    assert (code, len(b"".join(received))) == (0, 3_000_005)


def test_an_error_while_following_stops_the_command(start: Callable[..., process.Running]) -> None:
    """Ctrl-C in the middle leaves nothing running and reaches the caller."""
    running = start("import time; print('go', flush=True); time.sleep(60)")

    def interrupt(_: bytes) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        running.follow(interrupt)

    assert running.poll() == -signal.SIGTERM
    assert not alive(running.pid)


def test_stop_ends_detached_descendants(
    start: Callable[..., process.Running], tmp_path: Path
) -> None:
    """A child and a grandchild that called setsid are ended with the command."""
    running = start(DETACHED)
    family = [running.pid, pid_in(tmp_path / "child"), pid_in(tmp_path / "grandchild")]

    code = running.stop(grace_s=5)

    assert code == -signal.SIGTERM
    assert [pid for pid in family if alive(pid)] == []


def test_a_deaf_command_is_killed_after_the_grace(
    start: Callable[..., process.Running], tmp_path: Path
) -> None:
    """SIGKILL comes after the grace, not before."""
    running = start(STUBBORN)
    assert eventually((tmp_path / "deaf").exists)
    began = time.monotonic()

    code = running.stop(grace_s=0.5)

    assert code == -signal.SIGKILL
    assert 0.5 <= time.monotonic() - began < 5


def test_leftovers_are_ended_when_the_command_ends(
    start: Callable[..., process.Running], tmp_path: Path
) -> None:
    """The exit code comes only after the last orphan is gone, and the orphans are counted."""
    ends = "while name == 'grandchild' or not Path('grandchild').exists(): time.sleep(0.02)"
    running = start(DETACHED.replace("time.sleep(60)", ends))
    child, grandchild = pid_in(tmp_path / "child"), pid_in(tmp_path / "grandchild")

    code = running.wait(10)

    assert code == 0
    assert running.leftovers >= 1
    assert not alive(child)
    assert not alive(grandchild)


def test_orphans_that_end_by_themselves_leave_no_zombie(
    start: Callable[..., process.Running], tmp_path: Path
) -> None:
    """The keeper reaps what it adopted while the command goes on."""
    running = start(
        "import os, time\n"
        "from pathlib import Path\n"
        "if not os.fork():\n"
        "    if not os.fork():\n"
        "        Path('orphan').write_text(str(os.getpid()))\n"
        "    os._exit(0)\n"
        "os.wait()\n"
        "time.sleep(60)\n"
    )
    orphan = pid_in(tmp_path / "orphan")

    assert eventually(lambda: not alive(orphan))
    assert running.poll() is None


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_everything_ends_when_the_parent_dies(tmp_path: Path, number: int) -> None:
    """However the parent is killed, nobody has to clean up after it."""
    code = (
        "import sys, time; from pathlib import Path\n"
        "from pytest_ernie.toolchains import process\n"
        "running = process.start([sys.executable, '-c', sys.argv[1]], env={}, cwd=Path('.'),"
        " log=Path('log'), grace_s=0.5)\n"
        "Path('command').write_text(str(running.pid))\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, DETACHED],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        stderr=subprocess.DEVNULL,
    )
    family = [pid_in(tmp_path / name) for name in ("command", "child", "grandchild")]

    parent.send_signal(number)
    parent.wait()

    assert eventually(lambda: not any(map(alive, family)))


def test_a_fork_that_holds_the_pipe_does_not_hide_the_parents_death(tmp_path: Path) -> None:
    """The parent's pid is watched too, since its forks inherit the control pipe."""
    code = (
        "import os, sys, time; from pathlib import Path\n"
        "from pytest_ernie.toolchains import process\n"
        "running = process.start([sys.executable, '-c', 'import time; time.sleep(60)'], env={},"
        " cwd=Path('.'), log=Path('log'), grace_s=0.5)\n"
        "if not os.fork():\n"
        "    time.sleep(8); os._exit(0)\n"
        "Path('command').write_text(str(running.pid))\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
    )
    command = pid_in(tmp_path / "command")

    parent.kill()
    parent.wait()

    assert eventually(lambda: not alive(command), timeout_s=5)


def test_a_bystander_survives(start: Callable[..., process.Running]) -> None:
    """A process that the keeper didn't start isn't signalled, not even in its own session."""
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        start("import time; time.sleep(60)").stop(grace_s=0.1)
        start("pass").wait(10)

        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_recycled_pid_is_not_signalled() -> None:
    """A pid whose start time differs is another process and is left alone."""
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        _, start_time = keeper.processes()[bystander.pid]

        keeper.signal_process((bystander.pid, start_time + 1), signal.SIGKILL)
        with pytest.raises(subprocess.TimeoutExpired):
            bystander.wait(0.2)
        keeper.signal_process((bystander.pid, start_time), signal.SIGKILL)

        assert bystander.wait(5) == -signal.SIGKILL
    finally:
        bystander.kill()
        bystander.wait()


def test_a_group_kill_by_the_command_does_not_reach_the_keeper(
    start: Callable[..., process.Running],
) -> None:
    """Launchers that kill their own process group still get their exit code reported."""
    running = start("import os, signal; os.killpg(0, signal.SIGKILL)")

    assert running.wait(10) == -signal.SIGKILL


def test_the_command_dies_with_a_killed_keeper(start: Callable[..., process.Running]) -> None:
    """Even if somebody kills the keeper the command doesn't go on alone."""
    running = start("import time; time.sleep(60)")

    os.kill(running._keeper.pid, signal.SIGKILL)

    assert running.wait(10) == -signal.SIGKILL
    assert eventually(lambda: not alive(running.pid))


def test_a_command_that_cannot_start_says_why(tmp_path: Path) -> None:
    """A missing program is an error at once, not a process that ends early."""
    with pytest.raises(ToolchainError, match=r"can't start /no/such; got .*No such file"):
        process.start(["/no/such"], env={}, cwd=tmp_path, log=tmp_path / "log")


def test_stopping_twice_is_harmless(start: Callable[..., process.Running]) -> None:
    """The first answer stays."""
    running = start("import time; time.sleep(60)")

    assert running.stop(grace_s=5) == running.stop() == -signal.SIGTERM


def test_what_outlives_a_killed_keeper_is_found_by_preflight(
    start: Callable[..., process.Running], tmp_path: Path
) -> None:
    """The one way to get lost: detached, and the keeper killed. It is told by its number, not ended."""
    running = start(DETACHED)
    lost = pid_in(tmp_path / "grandchild")
    assert str(lost) not in our_leftovers().got.split()
    try:
        os.kill(running._keeper.pid, signal.SIGKILL)
        running.wait(10)

        finding = our_leftovers()

        assert alive(lost)
        assert str(lost) in finding.got.split()
        assert str(lost) in finding.mend.split()
    finally:
        os.kill(pid_in(tmp_path / "child"), signal.SIGKILL)
        os.kill(lost, signal.SIGKILL)
