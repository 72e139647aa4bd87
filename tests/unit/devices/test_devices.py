"""
Devices: each kind in a file of its own, with facts that stay the same from run to run.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest

from pytest_ernie import devices
from pytest_ernie.devices import KINDS, Device, cpu, host, shipped
from pytest_ernie.devices.accelerator import Accelerator
from pytest_ernie.devices.protocol import ATTRIBUTES
from pytest_ernie.devices.tool import Tool
from pytest_ernie.errors import SiteError

STATED = {"name": "P800", "count": 8, "driver": "5.1.2"}
ACCELERATORS = [kind for kind in KINDS if kind != "cpu"]


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose facts are known, and that has no vendor's tool."""
    monkeypatch.setattr(Tool, "path", lambda tool: None)
    for module in (cpu, devices.accelerator):  # type: ignore[attr-defined]
        monkeypatch.setattr(module, "machine_id", lambda: "m" * 16)
    monkeypatch.setattr(cpu, "cpu_name", lambda: "Example 9000")
    monkeypatch.setattr(cpu, "usable_cores", lambda: 4)
    monkeypatch.setattr(cpu, "memory_gib", lambda: 16)


def test_the_shipped_kinds_are_those_of_the_documents() -> None:
    """
    What ``--device`` takes without anything else installed.
    """
    assert KINDS == ("cpu", "gpu", "xpu", "npu", "iluvatar", "gcu", "metax", "dcu", "hpu")


def test_every_file_of_a_device_is_a_kind() -> None:
    """
    A chip that has a file and no name couldn't be chosen.
    """
    files = {path.stem for path in Path(inspect.getfile(devices)).parent.glob("*.py")}
    shared = {
        "__init__",
        "protocol",
        "host",
        "accelerator",
        "endpoint",
        "tool",
        "tables",
        "topology",
        "states",
    }

    assert set(KINDS) == files - shared


@pytest.mark.parametrize("kind", [*KINDS, "endpoint"])
def test_a_device_is_what_it_is_called(kind: str) -> None:
    """
    Kind, title and everything else that the protocol asks.
    """
    device: Device = shipped(kind)

    assert kind == device.kind
    assert device.title
    assert all(isinstance(value, str) for value in device.engine_environment.values())
    assert device.visible_variable is None or device.visible_variable.endswith("_DEVICES")
    assert [name for name in ATTRIBUTES if not hasattr(device, name)] == []


@pytest.mark.parametrize(
    ("kind", "paddle_name", "visible_variable"),
    [
        ("cpu", "cpu", None),
        ("gpu", "gpu", "CUDA_VISIBLE_DEVICES"),
        ("xpu", "xpu", "XPU_VISIBLE_DEVICES"),
        ("npu", "npu", "ASCEND_RT_VISIBLE_DEVICES"),
        ("iluvatar", "iluvatar_gpu", "CUDA_VISIBLE_DEVICES"),
        ("gcu", "gcu", "TOPS_VISIBLE_DEVICES"),
        ("metax", "metax_gpu", "MACA_VISIBLE_DEVICES"),
        ("dcu", "gpu", "HIP_VISIBLE_DEVICES"),
        ("hpu", "intel_hpu", "HPU_VISIBLE_DEVICES"),
    ],
)
def test_a_chip_has_the_names_of_its_documents(
    kind: str, paddle_name: str, visible_variable: str | None
) -> None:
    """
    What Paddle's trainer takes, and the variable that chooses cards.
    """
    device = shipped(kind)

    assert (paddle_name, visible_variable) == (device.paddle_name, device.visible_variable)


@pytest.mark.parametrize("kind", ACCELERATORS)
def test_an_accelerator_takes_its_facts_from_the_site_and_says_so(kind: str) -> None:
    """
    Kind and machine are read; name, count and driver are the lab's word.
    """
    expected = {"kind": kind, "facts_from": "site file", "machine": "m" * 16, **STATED}

    assert expected == shipped(kind).facts(STATED)


@pytest.mark.parametrize(
    ("stated", "missing"),
    [
        ({}, "name, count, driver"),
        ({"name": "P800"}, "count, driver"),
        ({"name": "P800", "count": 8}, "driver"),
    ],
)
def test_an_accelerator_without_its_facts_is_refused(stated: dict[str, Any], missing: str) -> None:
    """
    Evidence that doesn't say what was measured is worth nothing.
    """
    with pytest.raises(SiteError) as caught:
        shipped("xpu").facts(stated)

    expected = (
        "[device]: the site file doesn't say which Kunlunxin XPU is certified; wanted "
        f'{missing} (for example name = "…", count = 8, driver = "…")'
    )
    assert expected == str(caught.value)


@pytest.mark.parametrize("kind", [*KINDS, "endpoint"])
def test_a_site_can_not_pass_its_device_off_as_another_kind(kind: str) -> None:
    """
    What is read outweighs what is stated.
    """
    facts = shipped(kind).facts(
        STATED | {"kind": "gpu!", "machine": "?", "facts_from": "nvidia-smi"}
    )

    assert kind == facts["kind"]
    if kind in ACCELERATORS:
        assert (facts["machine"], facts["facts_from"]) == ("m" * 16, "site file")


def test_the_cpu_reads_its_own_facts() -> None:
    """
    A CPU is called a CPU, whatever the site file calls it, so that it can't stand for an A100.
    """
    expected = {
        "kind": "cpu",
        "name": "CPU Example 9000",
        "count": 1,
        "cores": 4,
        "memory_gib": 16,
        "machine": "m" * 16,
        "rack": "B7",
    }

    stated = {"name": "NVIDIA A100", "count": 8, "machine": "?", "rack": "B7"}
    assert expected == shipped("cpu").facts(stated)


def test_an_endpoint_knows_nothing_and_says_so() -> None:
    """
    The site may name what stands behind it.
    """
    endpoint = shipped("endpoint")

    assert endpoint.facts({}) == {"kind": "endpoint", "name": "unknown behind an endpoint"}
    assert endpoint.facts({"name": "X100"})["name"] == "X100"


@pytest.mark.parametrize("kind", [*KINDS, "endpoint"])
def test_facts_are_the_same_each_time(kind: str) -> None:
    """
    They are part of a measurement's key: a clock among them would measure everything anew.
    """
    assert shipped(kind).facts(STATED) == shipped(kind).facts(STATED)


def test_facts_leave_the_site_file_as_it_is() -> None:
    """
    The stated table is read by others too.
    """
    stated = dict(STATED)
    shipped("xpu").facts(stated)

    assert stated == STATED


def test_an_accelerator_is_immutable() -> None:
    """
    One object serves the whole run.
    """
    device = shipped("xpu")
    assert isinstance(device, Accelerator)

    with pytest.raises(AttributeError):
        device.kind = "gpu"  # type: ignore[misc]


def test_what_a_registered_device_must_have_is_the_protocol() -> None:
    """
    The list that registering checks can't fall behind.
    """
    asked = {name for name in vars(Device) if not name.startswith("_")}

    assert asked == set(ATTRIBUTES)


def test_the_machine_is_named_by_the_hosts_own_id(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """
    The same each time, another for another machine, and it doesn't give the id away.
    """
    names = []
    for text in ("0123456789abcdef\n", "fedcba9876543210\n"):
        (tmp_path / "machine-id").write_text(text)
        monkeypatch.setattr(host, "Path", lambda _: tmp_path / "machine-id")
        names += [host.machine_id(), host.machine_id()]

    assert (names[0], names[2]) == (names[1], names[3])
    assert names[0] != names[2]
    assert all(len(name) == 16 and name not in "0123456789abcdef" for name in names)


@pytest.mark.parametrize("content", [b"", b"\n", b"uninitialized\n", b"\xff\xfe", None])
def test_a_host_without_an_id_is_named_by_its_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None
) -> None:
    """
    An empty id would make all machines one, and throughput is compared on one machine only.
    """
    path = tmp_path / "machine-id"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setattr(host, "Path", lambda _: path)
    names = []
    for node in ("one", "two"):
        monkeypatch.setattr(host.platform, "node", lambda node=node: node)
        names.append(host.machine_id())

    assert names[0] != names[1]


def test_the_processors_name_is_the_kernels(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """
    The first ``model name`` of /proc/cpuinfo, without what stands before the colon.
    """
    path = tmp_path / "cpuinfo"
    path.write_text("processor\t: 0\nmodel name\t: Kunpeng 920: 64 cores\nmodel name\t: other\n")
    monkeypatch.setattr(host, "Path", lambda _: path)

    assert host.cpu_name() == "Kunpeng 920: 64 cores"


@pytest.mark.parametrize(
    ("processor", "machine", "expected"), [("arm", "aarch64", "arm"), ("", "aarch64", "aarch64")]
)
def test_a_processor_that_the_kernel_does_not_name_is_named_by_its_architecture(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, processor: str, machine: str, expected: str
) -> None:
    """
    Many ARM kernels print no ``model name``.
    """
    monkeypatch.setattr(host, "Path", lambda _: tmp_path / "cpuinfo")
    monkeypatch.setattr(host.platform, "processor", lambda: processor)
    monkeypatch.setattr(host.platform, "machine", lambda: machine)

    assert expected == host.cpu_name()


def test_cores_are_those_that_the_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Under taskset or a container's limit a run is another measurement.
    """
    monkeypatch.setattr(host.os, "sched_getaffinity", lambda _: {0, 3, 5}, raising=False)

    assert host.usable_cores() == 3


def test_cores_are_counted_where_no_affinity_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    macOS has none.
    """
    monkeypatch.delattr(host.os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(host.os, "cpu_count", lambda: None)

    assert host.usable_cores() == 1


def test_memory_is_in_whole_gib() -> None:
    """
    A figure that differs by a few pages after an update of the kernel would be another machine.
    """
    memory = host.memory_gib()

    assert (True, int) == (memory > 0, type(memory))
