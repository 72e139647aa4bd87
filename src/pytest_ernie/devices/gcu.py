"""
Enflame S60.

Neither Paddle nor FastDeploy documents a variable that chooses cards; TOPS_VISIBLE_DEVICES is the
TOPS runtime's own, which vLLM's platform for GCU sets, too.
"""

from __future__ import annotations

import re

from pytest_ernie.devices.accelerator import Accelerator
from pytest_ernie.devices.protocol import Need
from pytest_ernie.devices.tables import cards_of, required
from pytest_ernie.devices.tool import Ask, Found, Tool

GUIDE = "FastDeploy's installation guide for Enflame S60"
FIRMWARE = re.compile(r"^\|\s*\d+\s+[^|]*\|\s*(\d[\w.]*)\s*\|", re.MULTILINE)


def read(ask: Ask) -> Found:
    """Ask for the table."""
    return cards(ask())


def cards(text: str) -> Found:
    """Read ``efsmi``: the driver in the head, then two rows a card; the second cell is firmware."""
    names, memories = cards_of(text)
    return Found(
        names=names,
        memory_mib=memories,
        driver=required(text, "Driver Ver"),
        firmware=" + ".join(sorted(set(FIRMWARE.findall(text)))) or None,
    )


DEVICE = Accelerator(
    kind="gcu",
    title="Enflame GCU",
    paddle_name="gcu",
    visible_variable="TOPS_VISIBLE_DEVICES",
    tool=Tool(
        names=("efsmi",),
        folders=("/usr/local/efsmi", "/usr/bin"),
        read=read,
        tested_on="answers of efsmi 1.2.0.301 (S60), 1.6.3.12 (S60G) and 1.7.2.14 (L300)",
        mend="Install the driver of TopsRider on the host, and restart the container",
    ),
    needs=(
        Need(fact="driver", title="GCU driver", at_least="1.5.0.5", source=GUIDE),
        Need(
            fact="runtime",
            title="TopsRider",
            at_least="3.4.623",
            source=GUIDE,
            mend="Install it, and state `runtime` under [device]: no tool tells its version",
        ),
    ),
)
