"""
What a watcher sees while criteria are measured: in a real terminal, in a log, and where nothing should be.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyte
import pytest

from pytest_ernie.progress import silent
from pytest_ernie.report import progress as shown
from pytest_ernie.report.progress import Watched, Work, clock, progress_for

TEST = """
import time
import pytest
from pytest_ernie.clauses import clause
from pytest_ernie.report import progress
from pytest_ernie.verdicts import Verdict, Word

progress.REDRAW_S, progress.TOLD_EVERY_S = 0.05, 0.05

@clause("training.context")
def test_context(criterion, judge, ernie):
    print("captured")
    for step in range(1, 9):
        ernie.progress("train sft", done=step, total=10, detail=f"loss {2.5 - step / 10:.3f}")
        time.sleep(0.03)
    word = Word.FAIL if criterion.length == 8192 else Word.PASS
    judge(Verdict(word=word, message="the message", measured="7", required="8"))
"""
CALL = ("-p", "no:cacheprovider", "--device=cpu", "-k", "sft-8192 or sft-32768")
COLUMNS, ROWS = 100, 60


@pytest.fixture
def written(tmp_path: Path) -> Path:
    (tmp_path / "test_it.py").write_text(TEST)
    return tmp_path


def watched(folder: Path, *arguments: str) -> tuple[list[str], list[str]]:
    """Run two criteria in a terminal; return every line that was ever seen, and those at the end."""
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(screen)
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color"}
    for name in ("CI", "COLUMNS"):
        environment.pop(name, None)
    command = [sys.executable, "-m", "pytest", *CALL, *arguments]
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    with subprocess.Popen(
        command, cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    ):
        os.close(theirs)
        seen: dict[str, None] = {}
        while True:
            try:
                said = os.read(ours, 65536)
            except OSError:  # the last who held the other end is gone
                break
            stream.feed(said)
            seen.update(dict.fromkeys(line.rstrip() for line in screen.display))
    os.close(ours)
    return list(seen), [line.rstrip() for line in screen.display]


def test_a_terminal_shows_what_runs_where_how_far_and_the_last_numbers(written):
    """Two lines below pytest's own, which pytest's capture doesn't swallow, and no trace of them after it."""
    seen, left = watched(written)

    heading = re.compile(r"training\.context\[ERNIE-4\.5-tiny-sft-8192\]  1 of 2, cpu: CPU .+")
    below = re.compile(r"train sft \S+ \d/10  0:00 left  loss [\d.]+")
    assert any(heading.fullmatch(line) for line in seen)
    assert any(below.fullmatch(line) for line in seen)
    assert not any(line.startswith(("training.context", "train sft")) for line in left[:14])
    assert any(re.fullmatch(r"test_it\.py F\. +\[100%\]", line) for line in left)
    assert "FAIL         training.context[ERNIE-4.5-tiny-sft-8192]" in left


def test_under_v_each_criterion_keeps_its_line(written):
    _, left = watched(written, "-v")

    for name, word in (("sft-8192", "FAIL"), ("sft-32768", "PASS")):
        line = re.compile(
            rf"test_it\.py::test_context\[ERNIE-4\.5-tiny-{name}\] {word} +\[ *\d+%\]"
        )
        assert any(line.fullmatch(each) for each in left), left


def test_under_s_nothing_is_redrawn_between_a_tests_own_lines(written):
    """Whoever lets tests write to the terminal gets plain lines."""
    seen, _ = watched(written, "-s")

    assert any(re.match(r"\[\d\d:\d\d:\d\d\] training\.context\[", line) for line in seen)
    assert not any("━" in line for line in seen)


def plain(folder: Path, *arguments: str) -> str:
    """Run the same where nobody watches."""
    command = [sys.executable, "-m", "pytest", *CALL, *arguments]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    return run.stdout


def test_a_log_gets_plain_lines_and_no_terminal_sequence(written):
    """A line that pytest had begun is ended, and what it writes next begins with the file's name."""
    text = plain(written)

    line = (
        r"^\[\d\d:\d\d:\d\d\] training\.context\[ERNIE-4\.5-tiny-sft-8192\]  1 of 2, cpu: CPU .+: "
    )
    assert re.search(line + r"train sft, \d/10, 0:00 left, loss [\d.]+$", text, re.MULTILINE)
    assert re.search(r"\nF\ntest_it\.py \n\[.+\n\. +\[100%\]\n", text, re.DOTALL)
    assert "\x1b" not in text


@pytest.mark.parametrize("argument", ["-q", "-n1"])
def test_under_q_and_where_workers_measure_there_is_none(pytester, argument):
    config = pytester.parseconfigure(argument)

    assert progress_for(config, lambda: "cpu") is silent


def test_a_run_of_something_else_is_not_watched(pytester):
    """Whoever has the plugin installed and certifies nothing sees nothing of it."""
    config = pytester.parseconfigure()

    assert not config.pluginmanager.has_plugin("ernie-progress")


@pytest.mark.parametrize(
    ("work", "words"),
    [
        (Work("train", 0.0, 100, 500, "loss 2"), ["100/500", "0:40 left", "loss 2"]),
        (Work("train", 0.0, 0, 500, ""), ["0/500", "0:10"]),
        (Work("start vllm", 4.0, 0, None, "\x1b[2Jloading"), ["0:06", "loading"]),
        (Work("ask", 0.0, 8, 7, ""), ["8/7", "0:10"]),
    ],
)
def test_a_stage_in_words(work, words):
    """Ten seconds after the start of the clock; what a log line holds acts on no terminal."""
    assert words == work.words(10.0)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0:00"), (59.6, "1:00"), (3599, "59:59"), (43200, "12:00:00")]
)
def test_durations(seconds, words):
    assert words == clock(seconds)


def gone() -> Any:
    """A terminal whose window was closed while pytest had begun a line."""
    read, write = os.pipe()
    os.close(read)
    file = SimpleNamespace(encoding="utf-8", fileno=lambda: write)
    writer = SimpleNamespace(width_of_current_line=12, _file=file)
    return SimpleNamespace(_tw=writer, isatty=True, currentfspath="begun")


@pytest.mark.parametrize("lively", [True, False])
def test_a_terminal_that_is_gone_ends_no_measurement(monkeypatch, lively):
    """Hours of measuring must survive the window that they were started from."""
    monkeypatch.setattr(shown, "REDRAW_S", 0.01)
    monkeypatch.setattr(shown, "TOLD_EVERY_S", 0.01)
    monkeypatch.setattr(shown, "criterion_of", lambda item: item)
    item: Any = SimpleNamespace(name="training.loss[it]", session=SimpleNamespace())
    item.session.items = [item]
    live = Watched(gone(), lambda: "cpu", lively=lively)
    call = live.pytest_runtest_call(item)
    next(call)
    live("train", done=1, total=3)
    time.sleep(0.05)

    with pytest.raises(StopIteration) as ended:
        call.send("measured")

    assert ended.value.value == "measured"
    live("train", done=2, total=3)
    assert live._shown is None  # between tests it is silent, whoever still calls
    live.pytest_unconfigure()
