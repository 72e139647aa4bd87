"""
Kunlunxin P800 and its kin.
"""

from __future__ import annotations

import re

from pytest_ernie.devices.accelerator import Accelerator
from pytest_ernie.devices.protocol import Need
from pytest_ernie.devices.tables import required, value_of
from pytest_ernie.devices.tool import Ask, Found, Tool, Unreadable

GUIDE = "FastDeploy's installation guide for Kunlunxin XPU"
BLOCK = re.compile(r"^XPU [0-9A-Fa-f:.]+\s*$", re.MULTILINE)
MEMORY = re.compile(r"Memory Usage\s+Total\s*:\s*(\d+) MiB")


def read(ask: Ask) -> Found:
    """Ask for everything: Intel's xpu-smi, a tool of the same name, has no such answer."""
    return cards(ask("-q"))


def cards(text: str) -> Found:
    """
    Read ``xpu_smi -q``: a head with the driver, then a block a card.

    The firmware that the documents speak of (1.31, 1.48) is the line "SBL Version", as the last
    part of "ALL Version" (1.0.2.14.1.54 is 1.0, 2.14 and 1.54).
    """
    head, *blocks = BLOCK.split(text)
    driver = required(head, "Driver Version")
    told = value_of(head, "Attached XPUs")
    if told is not None and told != str(len(blocks)):
        raise Unreadable(f"it counts {told} cards and describes {len(blocks)}")
    memories = [MEMORY.search(block) for block in blocks]
    if not all(memories):
        raise Unreadable("a card has no 'Memory Usage'")
    return Found(
        names=tuple(_product(block) for block in blocks),
        memory_mib=tuple(int(found[1]) for found in memories if found),
        driver=driver,
        firmware=" + ".join(sorted({required(block, "SBL Version") for block in blocks})) or None,
        runtime=value_of(head, "XPU-RT Version"),
    )


def _product(block: str) -> str:
    found = re.search(r"Product Name\s*:\s*(.+)", block)
    if found is None:
        raise Unreadable("a card has no 'Product Name'")
    return found[1].strip()


DEVICE = Accelerator(
    kind="xpu",
    title="Kunlunxin XPU",
    paddle_name="xpu",
    visible_variable="XPU_VISIBLE_DEVICES",
    # Only these four have links among all of them (FastDeploy's guide for Kunlunxin XPU).
    together={4: ((0, 1, 2, 3), (4, 5, 6, 7))},
    tool=Tool(
        names=("xpu_smi", "xpu-smi"),
        folders=("/usr/local/xpu/bin", "/usr/local/bin"),
        read=read,
        tested_on="an answer of xpu-smi -q for one P800 PCIe under driver 5.0.21.26; several cards "
        "only by repeating its block",
        mend="Install the XRE driver; start a container with `--privileged` and xpu-smi mounted",
    ),
    needs=(
        Need(
            fact="driver",
            title="XPU driver",
            at_least="5.0.21.10",
            newer="5.0.21.26 from FastDeploy 2.4 on",
            source=GUIDE,
        ),
        Need(
            fact="firmware",
            title="XPU firmware",
            at_least="1.31",
            newer="1.48 from FastDeploy 2.4 on",
            source=GUIDE,
            mend="Ask Kunlunxin for the firmware that fits the driver",
        ),
    ),
)
