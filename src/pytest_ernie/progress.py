"""
How long work tells how far it is: one small callable, so that measuring knows no terminal.
"""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """
    Told about every step of long work; cheap enough to call hundreds of times a second.

    ``stage`` names the work ("train sft", "start vllm"), ``done`` of ``total`` counts its steps
    (``total`` None: unknown), ``detail`` holds the last numbers, ready to print.
    """

    def __call__(
        self, stage: str, *, done: float = 0, total: float | None = None, detail: str = ""
    ) -> None: ...


def silent(stage: str, *, done: float = 0, total: float | None = None, detail: str = "") -> None:
    """Say nothing: under ``-q``, in CI logs, and wherever nobody watches."""
