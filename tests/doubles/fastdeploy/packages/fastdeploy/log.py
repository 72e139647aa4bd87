"""
FastDeploy's log lines: to the console, and to files of FD_LOG_DIR.
"""

from __future__ import annotations

import os
import sys
import time

FOLDER = os.environ.get("FD_LOG_DIR", "log")


def line(level: str, source: str, words: str) -> str:
    """Return a line in FastDeploy's format; ``source`` is ``file.py:number``."""
    now = time.time()
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now)) + f",{int(now % 1 * 1000):03d}"
    file, _, number = source.partition(":")
    return f"{level:<8} {stamp} {os.getpid():<5} {file}[line:{number}] {words}\n"


def console(words: str, source: str = "engine.py:151", level: str = "INFO") -> None:
    """Say it on the console, warnings and errors in colour, and in fastdeploy.log."""
    text = line(level, source, words)
    colour = {"WARNING": "33", "ERROR": "31"}.get(level)
    sys.stderr.write(f"\x1b[{colour}m{text.rstrip()}\x1b[0m\n" if colour else text)
    sys.stderr.flush()
    to_file("fastdeploy.log", text)


def to_file(name: str, text: str) -> None:
    """Append to a file of the log folder."""
    os.makedirs(FOLDER, exist_ok=True)
    with open(os.path.join(FOLDER, name), "a", encoding="utf-8") as log:
        log.write(text)
