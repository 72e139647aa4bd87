"""
The cause of a failed training, in one line.
"""

from __future__ import annotations

import pytest

from pytest_ernie.trainers.cause import cause_of

TRACE = """\
[32m[2026-01-01][0m loss: 1.0
Traceback (most recent call last):
  File "launcher.py", line 40, in <module>
    launch()
  File "workflow.py", line 7, in run
    raise ValueError("the first")
ValueError: the first

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "launcher.py", line 41, in <module>
    launch()
paddle.base.core.EnforceNotMet: (InvalidArgument) The shape
  [Hint: Expected 3 == 4.] (at /paddle/x.cc:12)
LAUNCH INFO 2026-01-01 00:00:00 Pod failed
LAUNCH INFO 2026-01-01 00:00:00 Exit code 1
"""


def test_success_has_no_cause() -> None:
    """Whatever the log says, exit code 0 is no failure."""
    assert cause_of(0, "MemoryError") is None


def test_the_last_exception_is_the_cause() -> None:
    """Not what follows it (hints, the launcher's farewell), not what it replaced."""
    assert cause_of(1, TRACE) == "paddle.base.core.EnforceNotMet: (InvalidArgument) The shape"


def test_an_exception_without_a_message_is_the_cause() -> None:
    """Its bare name stands alone on its line."""
    trace = "Traceback (most recent call last):\n  File 'x', line 1\n    f()\nKeyboardInterrupt\n"

    assert cause_of(1, trace) == "KeyboardInterrupt"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("OSError: [Errno 28] No space left on device: 'x'", "the disk is full"),
        ("ResourceExhaustedError: Out of memory error on GPU 0.", "out of memory"),
        ("terminate called after throwing an instance of 'std::bad_alloc'", "out of memory"),
        ("MemoryError", "out of memory"),
        ("OSError: [Errno 12] Cannot allocate memory", "out of memory"),
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB.", "out of memory"),
        ("RuntimeError: NPU out of memory. Tried to allocate 2 GiB.", "out of memory"),
        ("RuntimeError: DefaultCPUAllocator: can't allocate memory: you tried", "out of memory"),
    ],
)
def test_a_full_disk_or_memory_comes_first(text: str, expected: str) -> None:
    """They are the cause even if another exception is the last."""
    assert cause_of(1, f"{text}\n{TRACE}") == f"{expected}: {text}"


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        (-15, "", "killed by signal 15 (SIGTERM)"),
        (-9, "", "killed by signal 9 (SIGKILL); the system does that when memory runs out"),
        (1, "LAUNCH INFO Exit code -11", "killed by signal 11 (SIGSEGV)"),
        (-99, "", "killed by signal 99"),
    ],
)
def test_a_signal_is_named(code: int, text: str, expected: str) -> None:
    """Its own or, from the launcher's words, its worker's."""
    assert cause_of(code, text) == expected


def test_otherwise_the_last_line_is_shown() -> None:
    """Something is always said."""
    assert cause_of(3, "one\n\x1b[31mtwo\x1b[0m\n\n") == "exit code 3: two"
    assert cause_of(3, "") == "exit code 3: no output"


def test_a_long_cause_is_shortened() -> None:
    """It stays one line of bearable length."""
    cause = cause_of(1, "Traceback (most recent call last):\nValueError: " + "x" * 9999)

    assert cause is not None
    assert len(cause) == 300
