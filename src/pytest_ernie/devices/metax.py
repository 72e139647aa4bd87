"""
MetaX C550.
"""

from __future__ import annotations

from pytest_ernie.devices.accelerator import Accelerator
from pytest_ernie.devices.protocol import Need
from pytest_ernie.devices.tables import cards_of, required, value_of
from pytest_ernie.devices.tool import Ask, Found, Tool

GUIDE = "FastDeploy's installation guide for MetaX"


def read(ask: Ask) -> Found:
    """Ask for the table."""
    return cards(ask())


def cards(text: str) -> Found:
    """Read ``mx-smi``: kernel driver, MACA and BIOS in the head, then two rows a card."""
    names, memories = cards_of(text)
    return Found(
        names=names,
        memory_mib=memories,
        driver=required(text, "Kernel Mode Driver Version"),
        firmware=value_of(text, "BIOS Version"),
        runtime=value_of(text, "MACA Version"),
    )


DEVICE = Accelerator(
    kind="metax",
    title="MetaX GPU",
    paddle_name="metax_gpu",
    visible_variable="MACA_VISIBLE_DEVICES",
    tool=Tool(
        names=("mx-smi",),
        folders=("/opt/mxdriver/bin", "/opt/maca/bin"),
        read=read,
        tested_on="answers of mx-smi 2.2.4 and 2.2.9, both for a C500; none for a C550 was found",
        mend="Install the kernel driver; start a container with `--device=/dev/dri "
        "--device=/dev/mxcd --group-add video`",
    ),
    needs=(
        Need(
            fact="driver",
            title="kernel driver (KMD)",
            at_least="2.14.6",
            newer="3.4.4",
            source=GUIDE,
        ),
        Need(
            fact="runtime",
            title="MACA",
            at_least="3.0.0.1",
            newer="3.3.0.15",
            source=GUIDE,
        ),
    ),
)
