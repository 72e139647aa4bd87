"""
NVIDIA GPUs, the benchmark's own kind (A100, A800).
"""

from __future__ import annotations

import time

from pytest_ernie.devices.accelerator import Accelerator
from pytest_ernie.devices.protocol import Need
from pytest_ernie.devices.states import CardState
from pytest_ernie.devices.tables import value_of
from pytest_ernie.devices.tool import Ask, Found, Tool, Unreadable

FIELDS = ("index", "name", "memory.total", "driver_version", "vbios_version")
SETTINGS = {
    "ecc": "ecc.mode.current",
    "mig": "mig.mode.current",
    "power_limit_w": "enforced.power.limit",
    "sm_mhz_max": "clocks.max.sm",
    "memory_mhz_max": "clocks.max.memory",
}
"""Fact -> the figure of nvidia-smi that tells it; ``[N/A]`` where a card has none."""
STATE = (
    "index",
    "clocks.sm",
    "clocks.max.sm",
    "power.draw",
    "enforced.power.limit",
    "temperature.gpu",
    "clocks_throttle_reasons.active",
    "ecc.errors.uncorrected.volatile.total",
)
REASONS = {
    0x02: "application clocks",
    0x04: "power limit",
    0x08: "hardware slowdown",
    0x10: "synchronised clocks",
    0x20: "thermal slowdown",
    0x40: "thermal slowdown",
    0x80: "power brake",
    0x100: "display clocks",
}
"""Bits of nvmlClocksThrottleReasons (NVML's API reference); bit 0, idling, holds nobody back."""
GUIDE = "FastDeploy's installation guide for NVIDIA GPUs"


def read(ask: Ask) -> Found:
    """Ask for one line of figures a card, and for the CUDA version that the driver supports."""
    rows = ask(f"--query-gpu={','.join(FIELDS)}", "--format=csv,noheader,nounits")
    set_to = ask(f"--query-gpu={','.join(SETTINGS.values())}", "--format=csv,noheader,nounits")
    return cards(rows, runtime=value_of(ask(), "CUDA Version"), settings=settings(set_to))


def settings(rows: str) -> dict[str, str]:
    """Read how the cards are set; cards that differ are told apart by " + "."""
    columns = zip(*_figures(rows, len(SETTINGS)), strict=True)
    told = dict(zip(SETTINGS, (" + ".join(sorted(set(column))) for column in columns), strict=True))
    return {name: value for name, value in told.items() if "N/A" not in value}


def states(ask: Ask) -> tuple[CardState, ...]:
    """Ask how each card is at this moment."""
    return card_states(
        ask(f"--query-gpu={','.join(STATE)}", "--format=csv,noheader,nounits"), time.time()
    )


def card_states(rows: str, time_unix_s: float) -> tuple[CardState, ...]:
    """Read the lines: MHz, W, degrees Celsius, reasons as a hexadecimal number, memory errors."""
    return tuple(
        CardState(
            time_unix_s=time_unix_s,
            card=card,
            sm_mhz=_number(sm),
            sm_mhz_max=_number(sm_max),
            power_w=_number(power),
            power_limit_w=_number(limit),
            temperature_c=_number(heat),
            held_back_by=_reasons(reasons),
            uncorrected_ecc_errors=int(errors) if errors.isdecimal() else None,
        )
        for card, sm, sm_max, power, limit, heat, reasons, errors in _figures(rows, len(STATE))
    )


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:  # [N/A], [Not Supported]
        return None


def _reasons(text: str) -> tuple[str, ...]:
    try:
        bits = int(text, 16)
    except ValueError:
        return ()
    return tuple(dict.fromkeys(word for bit, word in REASONS.items() if bits & bit))


def _figures(rows: str, count: int) -> list[list[str]]:
    split = [line.split(", ") for line in rows.strip().splitlines()]
    if not split or any(len(row) != count for row in split):
        raise Unreadable(f"wanted {count} figures a card, got {rows.strip()[:80]!r}")
    return split


def cards(rows: str, runtime: str | None = None, settings: dict[str, str] | None = None) -> Found:
    """Read the lines: number, name, MiB, driver, VBIOS, separated by a comma and a space."""
    split = _figures(rows, len(FIELDS))
    _, names, memories, drivers, firmwares = zip(*split, strict=True)
    # A GPU that shares the host's memory has none of its own and prints [N/A].
    own = [int(memory) for memory in memories if memory.isdecimal()]
    return Found(
        names=names,
        memory_mib=tuple(own) if len(own) == len(names) else (),
        driver=drivers[0],
        firmware=" + ".join(sorted(set(firmwares))),
        runtime=runtime,
        settings=settings or {},
    )


DEVICE = Accelerator(
    kind="gpu",
    title="NVIDIA GPU",
    paddle_name="gpu",
    visible_variable="CUDA_VISIBLE_DEVICES",
    tool=Tool(
        names=("nvidia-smi",),
        read=read,
        states=states,
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
