"""
NVIDIA GPUs, the benchmark's own kind (A100, A800).
"""

from __future__ import annotations

from pytest_ernie.devices.accelerator import Accelerator
from pytest_ernie.devices.protocol import Need
from pytest_ernie.devices.tables import value_of
from pytest_ernie.devices.tool import Ask, Found, Tool, Unreadable

FIELDS = ("index", "name", "memory.total", "driver_version", "vbios_version")
GUIDE = "FastDeploy's installation guide for NVIDIA GPUs"


def read(ask: Ask) -> Found:
    """Ask for one line of figures a card, and for the CUDA version that the driver supports."""
    rows = ask(f"--query-gpu={','.join(FIELDS)}", "--format=csv,noheader,nounits")
    return cards(rows, runtime=value_of(ask(), "CUDA Version"))


def cards(rows: str, runtime: str | None = None) -> Found:
    """Read the lines: number, name, MiB, driver, VBIOS, separated by a comma and a space."""
    split = [line.split(", ") for line in rows.strip().splitlines()]
    if not split or any(len(row) != len(FIELDS) for row in split):
        raise Unreadable(f"wanted {len(FIELDS)} figures a card, got {rows.strip()[:80]!r}")
    _, names, memories, drivers, firmwares = zip(*split, strict=True)
    # A GPU that shares the host's memory has none of its own and prints [N/A].
    own = [int(memory) for memory in memories if memory.isdecimal()]
    return Found(
        names=names,
        memory_mib=tuple(own) if len(own) == len(names) else (),
        driver=drivers[0],
        firmware=" + ".join(sorted(set(firmwares))),
        runtime=runtime,
    )


DEVICE = Accelerator(
    kind="gpu",
    title="NVIDIA GPU",
    paddle_name="gpu",
    visible_variable="CUDA_VISIBLE_DEVICES",
    tool=Tool(
        names=("nvidia-smi",),
        read=read,
        tested_on="answers of nvidia-smi 580.159.04 on an H200; A100 lines under driver 535.129.03",
        mend="Install the driver; start a container with `--gpus all` (NVIDIA container toolkit)",
    ),
    needs=(
        Need(fact="driver", title="GPU driver", at_least="535", source=GUIDE),
        Need(
            fact="runtime",
            title="CUDA (as far as the driver supports it)",
            at_least="12.3",
            source=GUIDE,
            mend="Install a driver that supports it",
        ),
        Need(
            fact="cudnn",
            title="cuDNN",
            at_least="9.5",
            source=GUIDE,
            mend="Install it into the engine's environment (nvidia-cudnn-cu12) or the system",
        ),
    ),
)
