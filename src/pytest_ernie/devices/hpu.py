"""
Intel Gaudi 2.
"""

from __future__ import annotations

import re

from pytest_ernie.devices.accelerator import Accelerator
from pytest_ernie.devices.protocol import Need
from pytest_ernie.devices.tables import cards_of, required
from pytest_ernie.devices.tool import Ask, Found, Tool

GUIDE = "FastDeploy's installation guide for Intel Gaudi"
FIRMWARE = re.compile(r"Firmware \[SPI\] Version\s*:\s*Preboot version (\S+)")


def read(ask: Ask) -> Found:
    """Ask for the table, and for the list, which knows the firmware."""
    return cards(ask(), ask("-L"))


def cards(table: str, listed: str = "") -> Found:
    """Read ``hl-smi``: driver in the head, then two rows a card; and the preboot firmware."""
    names, memories = cards_of(table)
    return Found(
        names=names,
        memory_mib=memories,
        driver=required(table, "Driver Version"),
        firmware=" + ".join(sorted(set(FIRMWARE.findall(listed)))) or None,
    )


DEVICE = Accelerator(
    kind="hpu",
    title="Intel Gaudi",
    paddle_name="intel_hpu",
    visible_variable="HPU_VISIBLE_DEVICES",
    # GC_KERNEL_PATH names files of the environment: it belongs to [engine] env in the site file.
    engine_environment={
        "PADDLE_DISTRI_BACKEND": "xccl",
        "PADDLE_XCCL_BACKEND": "intel_hpu",
        "FD_ATTENTION_BACKEND": "HPU_ATTN",
        "HABANA_PROFILE": "0",
        "HPU_WARMUP_BUCKET": "1",
        "HPU_WARMUP_MODEL_LEN": "4096",
    },
    tool=Tool(
        names=("hl-smi",),
        read=read,
        tested_on="answers of hl-smi 1.14 for Gaudi 2 and 1.21 for Gaudi 3; of hl-smi -L one line",
        mend="Install the Gaudi driver; start a container with `--runtime=habana -e "
        "HABANA_VISIBLE_DEVICES=all`",
    ),
    needs=(Need(fact="driver", title="Gaudi software", at_least="1.22.0", source=GUIDE),),
)
