"""
Starts one worker per card, each in a session of its own, its output in ``workerlog.<rank>``.

``--log_dir DIR --devices 0,1 SCRIPT ARGS``. When one ends, it ends the others and leaves.
"""

from __future__ import annotations

import os
import signal
import sys


def start(rank: int, ranks: int, log_dir: str, command: list[str]) -> int:
    """Start one worker; return its pid."""
    pid = os.fork()
    if not pid:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        log = os.open(f"{log_dir}/workerlog.{rank}", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(log, 1)
        os.dup2(log, 2)
        rank_of = {"PADDLE_TRAINER_ID": str(rank), "PADDLE_TRAINERS_NUM": str(ranks)}
        os.execve(sys.executable, [sys.executable, "-u", *command], {**os.environ, **rank_of})
    return pid


def main() -> None:
    """Keep the workers until one of them ends."""
    arguments = sys.argv[1:]
    log_dir = arguments[arguments.index("--log_dir") + 1]
    at = arguments.index("--devices")
    cards = arguments[at + 1].split(",")
    os.makedirs(log_dir, exist_ok=True)
    workers: list[int] = []

    def end(*_: object) -> None:
        for pid in workers:
            os.kill(pid, signal.SIGTERM)
        os._exit(1)

    signal.signal(signal.SIGTERM, end)
    for rank in range(len(cards)):
        workers.append(start(rank, len(cards), log_dir, arguments[at + 2 :]))
    pid, status = os.wait()
    workers.remove(pid)
    code = os.waitstatus_to_exitcode(status)
    print("LAUNCH INFO Pod failed", "LAUNCH ERROR Container failed !!!", sep="\n", file=sys.stderr)
    print(f"LAUNCH INFO Exit code {code}", file=sys.stderr, flush=True)
    end()


main()
