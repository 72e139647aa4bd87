"""
Iluvatar CoreX BI150; it listens to CUDA's variable.
"""

from __future__ import annotations

from pytest_ernie.devices.accelerator import Accelerator
from pytest_ernie.devices.protocol import Need
from pytest_ernie.devices.tables import cards_of, required, value_of
from pytest_ernie.devices.tool import Ask, Found, Tool

GUIDE = "FastDeploy's installation guide for Iluvatar"


def read(ask: Ask) -> Found:
    """Ask for the table; ixsmi has queries as nvidia-smi, but of field names that change."""
    return cards(ask())


def cards(text: str) -> Found:
    """Read ``ixsmi``: the head names IX-ML, driver and CUDA, then two rows a chip."""
    names, memories = cards_of(text)
    return Found(
        names=names,
        memory_mib=memories,
        driver=required(text, "Driver Version"),
        runtime=value_of(text, "IX-ML"),
    )


DEVICE = Accelerator(
    kind="iluvatar",
    title="Iluvatar GPU",
    paddle_name="iluvatar_gpu",
    visible_variable="CUDA_VISIBLE_DEVICES",
    engine_environment={
        "PADDLE_XCCL_BACKEND": "iluvatar_gpu",
        "FD_SAMPLING_CLASS": "rejection",
        "LD_PRELOAD": "/usr/local/corex/lib64/libcuda.so.1",
    },
    tool=Tool(
        names=("ixsmi",),
        folders=("/usr/local/corex/bin",),
        read=read,
        tested_on="answers of ixsmi 4.1.0 for BI-V150 and 4.4.0 for MR-V100",
        mend="Install the CoreX driver; mount ixsmi and its libraries, of the host's version, into "
        "a container",
    ),
    needs=(
        Need(
            fact="host_memory_gib",
            title="memory of the host (GiB)",
            at_least="900",
            source=GUIDE,
            mend="The 300B is loaded into the host's memory first: use a host with 1 TB",
            advice=True,
        ),
        Need(
            fact="disk_gib",
            title="disk for the weights (GiB)",
            at_least="900",
            source=GUIDE,
            mend="Use a disk of 1 TB",
            advice=True,
        ),
    ),
)
