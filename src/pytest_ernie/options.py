"""
The command line's options, each with a destination of its own.
"""

from __future__ import annotations

from typing import Any

import pytest

DEVICE_HELP = (
    "kind of accelerator to certify: cpu (rehearsal), gpu, xpu, npu, iluvatar, gcu, metax, dcu, hpu"
)

OPTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("device", {"metavar": "KIND", "help": DEVICE_HELP}),
    ("site", {"metavar": "FILE", "help": "TOML file that says what this lab has"}),
    (
        "data",
        {
            "metavar": "FOLDER",
            "help": "folder of the accuracy data sets, searched before any cache",
        },
    ),
    (
        "edition",
        {
            "metavar": "NAME",
            "help": "edition of the standard: ernie-4.5, rehearsal, gpu-proof, or a TOML file",
        },
    ),
    ("models", {"metavar": "NAMES", "help": "only these models, separated by commas"}),
    (
        "reference",
        {
            "action": "append",
            "metavar": "FOLDER",
            "help": "evidence of the benchmark to compare with; further ones show how far it agrees "
            "with itself",
        },
    ),
    (
        "evidence",
        {"metavar": "FOLDER", "help": "where measurements are kept (default: ernie-evidence)"},
    ),
    ("offline", {"action": "store_true", "help": "judge what is recorded; measure nothing"}),
    (
        "record-reference",
        {
            "action": "store_true",
            "help": "record what is measured as a reference (default folder: ernie-reference)",
        },
    ),
    (
        "applicant",
        {
            "choices": ("chip", "appliance"),
            "default": "chip",
            "help": "who applies: a chip maker, or an appliance maker (tier I only)",
        },
    ),
    (
        "endpoint",
        {"metavar": "URL", "help": "serve nothing: measure this OpenAI-compatible endpoint"},
    ),
    (
        "fresh",
        {
            "metavar": "REASON",
            "help": "measure again and say why; earlier results are kept and shown",
        },
    ),
    (
        "stop-early",
        {
            "action": "store_true",
            "help": "bring-up only: end a training run that can no longer pass",
        },
    ),
    (
        "shard",
        {
            "metavar": "K/N",
            "help": "only this shard of the chosen criteria: 2/3, or 2/FILE of pytest-ernie plan",
        },
    ),
    (
        "challenge",
        {
            "metavar": "NONCE",
            "help": "what the certifying body issued: it seeds needles and the order of prompts",
        },
    ),
    ("lang", {"choices": ("en", "zh"), "default": "en", "help": "language of the report"}),
    ("results", {"metavar": "FILE", "help": "write every verdict as JSON"}),
    ("summary", {"metavar": "FILE", "help": "write a job summary in Markdown"}),
)


def destination(name: str) -> str:
    """Return the option's destination; other plugins own ``device`` and the like."""
    return f"ernie_{name.replace('-', '_')}"


def add_options(parser: pytest.Parser) -> tuple[str, ...]:
    """
    Add every option as ``--name`` and ``--ernie-name``; return the names that another plugin has taken.

    A taken one is reachable by its long form only. It is looked for before ours is added, because
    depending on its version pytest sees the clash at once, late, or never.
    """
    others = _added_names(parser)
    group = parser.getgroup("ernie", "ERNIE 4.5 certification")
    taken = []
    for name, settings in OPTIONS:
        flags = [f"--{name}", f"--ernie-{name}"]
        if flags[0] in others:
            taken.append(name)
            del flags[0]
        group.addoption(*flags, **settings, dest=destination(name))
    return tuple(taken)


def refuse_clash(parser: pytest.Parser, taken: tuple[str, ...], error: str = "") -> None:
    """
    Raise pytest.UsageError if a conftest adds a flag of ours; ``error`` is what argparse said of it.

    Conftests come after us, so they can't be given way to. Newer versions of pytest break off where
    the flag is added, older ones much later.
    """
    names = [
        name for group in _groups(parser) for option in group.options for name in option.names()
    ]
    clash = [
        flag
        for name, _ in OPTIONS
        if name not in taken
        and (names.count(flag := f"--{name}") > 1 or error.endswith(f" {flag}"))
    ]
    if clash:
        raise pytest.UsageError(
            f"a conftest.py adds {', '.join(clash)}, which pytest-ernie adds, too. Where this isn't a "
            "certification, run without pytest-ernie: -p no:ernie. Otherwise name the conftest's option "
            "differently, or move it to a plugin that -p names: then ours is --ernie-…"
        )


def _added_names(parser: pytest.Parser) -> set[str]:
    return {
        name for group in _groups(parser) for option in group.options for name in option.names()
    }


def _groups(parser: pytest.Parser) -> list[Any]:
    return list({id(group): group for group in (*parser._groups, parser._anonymous)}.values())
