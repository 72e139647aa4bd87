"""
Hygon K100AI.

FastDeploy documents no variable that chooses cards; HIP_VISIBLE_DEVICES is the runtime's own (DTK is
a ROCm).
"""

from __future__ import annotations

import json
import re

from pytest_ernie.devices.accelerator import Accelerator
from pytest_ernie.devices.protocol import Need
from pytest_ernie.devices.tables import required
from pytest_ernie.devices.tool import Ask, Found, Tool, Unreadable

GUIDE = "FastDeploy's installation guide for Hygon DCU"
TOTAL = re.compile(r"^vram total memory \((MiB|B)\)$", re.IGNORECASE)


def read(ask: Ask) -> Found:
    """Ask for names and memories as JSON, and for the driver, which comes as text only."""
    return cards(
        ask("--showproductname", "--json"),
        ask("--showmeminfo", "vram", "--json"),
        ask("--showdriverversion"),
    )


def cards(products: str, memories: str, driver: str) -> Found:
    """Read the three answers of hy-smi; cards are keyed card0, card1 .."""
    by_card = _cards(products)
    numbers = sorted(by_card, key=lambda card: int(card.removeprefix("card")))
    totals = _cards(memories)
    return Found(
        names=tuple(str(by_card[card].get("Card Series") or "unnamed") for card in numbers),
        memory_mib=tuple(_total_mib(totals.get(card, {})) for card in numbers),
        driver=required(driver, "Driver Version"),
    )


def _cards(text: str) -> dict[str, dict[str, str]]:
    try:
        found = json.loads(text[text.index("{") : text.rindex("}") + 1])
    except ValueError:
        raise Unreadable(f"this is no JSON: {text.strip()[:80]!r}") from None
    return {card: facts for card, facts in found.items() if re.fullmatch(r"card\d+", card)}


def _total_mib(facts: dict[str, str]) -> int:
    for name, value in facts.items():
        if found := TOTAL.match(name):
            return int(value) if found[1].lower() == "mib" else int(value) // 2**20
    raise Unreadable("a card has no 'vram Total Memory'")


DEVICE = Accelerator(
    kind="dcu",
    title="Hygon DCU",
    paddle_name="gpu",
    visible_variable="HIP_VISIBLE_DEVICES",
    engine_environment={"FD_ATTENTION_BACKEND": "BLOCK_ATTN"},
    tool=Tool(
        names=("hy-smi",),
        folders=("/opt/hyhal/bin",),
        read=read,
        tested_on="answers of hy-smi under driver 6.3.31-V1.5.0a for BW cards; none for a K100AI "
        "was found",
        mend="Install the driver; start a container with `--device=/dev/kfd --device=/dev/dri "
        "--group-add video -v /opt/hyhal:/opt/hyhal:ro`",
    ),
    needs=(
        Need(fact="driver", title="DCU driver", at_least="6.3.8-V1.9.2", source=GUIDE),
        Need(
            fact="host_memory_gib",
            title="memory of the host (GiB)",
            at_least="1800",
            source=GUIDE,
            mend="Use a host with 2 TB",
            advice=True,
        ),
        Need(
            fact="disk_gib",
            title="disk for the weights (GiB)",
            at_least="3600",
            source=GUIDE,
            mend="Use a disk of 4 TB",
            advice=True,
        ),
    ),
)
