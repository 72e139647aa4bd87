"""
What is to go wrong, by command.

Commands stand in the variable ``FD_DOUBLE_FAULTS`` (separated by spaces) and, one a line, in the
file ``faults.txt`` at the top of the toolchain's folder. The file is read anew for each question,
so a fault may begin in the middle of a run::

    name            out_of_memory
    name=value      load_s=2.5
    name@from       http_429@5         from the fifth question on
    name@from-to    reset@5-5          the fifth question only
    name@from/stream                   of those the streamed ones
    ../stream          of streamed questions only, counted with the others: hang@2/stream

Questions are counted from 1, the one that proves the server ready included.

No faults: the pace, ``load_s=0.1`` ``first_token_s=0.01`` ``token_s=0.005`` (seconds), and
``says=WORDS`` (only in the file), a line that each worker logs.

While it starts, the front end: ``port_taken`` ``exit_zero`` ``boot_failure`` (exit 3)
``version_conflict`` ``killed_starting`` ``no_port`` (loads, never listens) ``early_port`` (answers
/health and /v1/models before anything is loaded) ``other_model`` (lists another name)
``noisy_log=MB``.

While it starts, a worker (of rank ``value``, else 0), its words in workerlog.*: those of
``worker.CAUSES``; ``killed_loading`` ``crashes_loading`` ``hang_loading`` ``dies_profiling``
(nobody notices).

On a question: ``http_429`` ``http_500`` ``http_503`` ``error_line`` ``stall`` ``hang``
``slow_first_token=S`` ``slow_tokens=S`` ``wrong_usage=N`` ``no_usage`` ``zero_usage`` ``no_done``
``no_finish`` ``empty`` ``garbage`` ``bad_json`` ``reset`` (``reset=before`` any answer) ``cut``
``short`` ``burst`` ``tokens_per_chunk=N`` ``html`` ``die`` ``worker_dies`` ``worker_lost`` (nobody notices)
``leaves`` (exit 0) ``close_port`` (lives, listens no more).

When it is stopped: ``deaf`` (to SIGTERM) ``leak_child`` ``leak_shm`` ``leak_queue``.
"""

from __future__ import annotations

import os
import sys

VARIABLE = "FD_DOUBLE_FAULTS"
FILE = os.path.join(sys.prefix, "faults.txt")


def commands() -> list[str]:
    """Return the commands as they are now."""
    found = os.environ.get(VARIABLE, "").split()
    try:
        with open(FILE, encoding="utf-8") as lines:
            found += [line.strip() for line in lines if line.strip()]
    except FileNotFoundError:
        pass
    return found


def planted(question: int | None = None, *, streamed: bool = False) -> dict[str, str]:
    """
    Return name -> value of what is to go wrong now.

    Without a question, what has no number.
    """
    active: dict[str, str] = {}
    for command in commands():
        words, _, numbers = command.partition("@")
        numbers, _, only = numbers.partition("/")
        if numbers:
            if only and not streamed:
                continue
            first, _, last = numbers.partition("-")
            if question is None or not int(first) <= question <= int(last or sys.maxsize):
                continue
        name, _, value = words.partition("=")
        active[name] = value
    return active


def seconds(active: dict[str, str], name: str, otherwise: float) -> float:
    """Return the seconds that a command gives."""
    return float(active.get(name) or otherwise)
