"""
Huawei Ascend.
"""

from __future__ import annotations

import re

from pytest_ernie.devices.accelerator import Accelerator
from pytest_ernie.devices.tables import BUS, required, value_of
from pytest_ernie.devices.tool import Ask, Found, Tool, Unreadable

USED_OF_TOTAL = re.compile(r"\d+\s*/\s*(\d+)")
NPU = re.compile(r"^\d+\s+(\S.*)$")


def read(ask: Ask) -> Found:
    """Ask for the table, and for the firmware of the first card's board."""
    table = ask("info")
    first = re.search(r"^\|\s*(\d+)\s+\S+\s*\|", table, re.MULTILINE)
    board = ask("info", "-t", "board", "-i", first[1]) if first else ""
    return cards(table, board)


def cards(table: str, board: str = "") -> Found:
    """
    Read ``npu-smi info``: a row with the card's name, then a row for each of its chips.

    A chip is what the visible variable counts, so it counts as a card here. Its memory is the last
    "used / total" of its row: HBM where it has any (MB as the tool counts it, of 1024 kB).
    """
    driver = required(table, "Version")
    names: list[str] = []
    memories: list[int] = []
    name = ""
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) < 3:
            continue
        if BUS.search(cells[1]):
            figures = USED_OF_TOTAL.findall(cells[2])
            if not (name and figures and int(figures[-1])):
                raise Unreadable(f"a chip without name or memory: {line.strip()[:80]!r}")
            names.append(name)
            memories.append(int(figures[-1]))
        elif found := NPU.match(cells[0]):
            name = found[1]
    return Found(
        names=tuple(f"Ascend {name.removeprefix('Ascend ')}" for name in names),
        memory_mib=tuple(memories),
        driver=driver,
        firmware=value_of(board, "Firmware Version"),
    )


DEVICE = Accelerator(
    kind="npu",
    title="Ascend NPU",
    paddle_name="npu",
    visible_variable="ASCEND_RT_VISIBLE_DEVICES",
    tool=Tool(
        names=("npu-smi",),
        folders=("/usr/local/sbin", "/usr/local/bin"),
        read=read,
        tested_on="answers of npu-smi 25.5 for 910B2C and 310P3, and for one board of the former",
        mend="Install driver and firmware; mount npu-smi, /usr/local/Ascend/driver and /dev/davinci* "
        "into a container",
    ),
)
