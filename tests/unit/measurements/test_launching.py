"""
What a server is launched with: the site's word, else the published configuration.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from pytest_ernie.devices import shipped
from pytest_ernie.engines.fastdeploy import FastDeploy
from pytest_ernie.engines.vllm import Vllm
from pytest_ernie.errors import DeviceError, EngineError, SiteError
from pytest_ernie.measurements.equipment import Equipment
from pytest_ernie.measurements.launching import Planned, plan_launch
from pytest_ernie.measurements.serving import Configuration
from pytest_ernie.registry import Registry
from pytest_ernie.settings import read_settings
from pytest_ernie.site import EngineSite, ModelSite, ServingSite, Site

BIG = "ERNIE-4.5-300B-A47B"
EIGHT = tuple("01234567")


def planned(
    site: Site | None = None,
    *,
    device: str = "xpu",
    cards: tuple[str, ...] = EIGHT,
    datatype: str = "wint4",
    window: int = 32768,
    vllm: bool = False,
) -> Planned:
    """The launch of the 300B."""
    return plan_launch(
        Vllm() if vllm else FastDeploy(),
        model=BIG,
        datatype=datatype,
        window=window,
        checkpoint="/w",
        device=shipped(device),
        cards=cards,
        site=site or Site(),
    )


def site(*, engine: dict[str, object] | None = None, **wint4: object) -> Site:
    """A site file with a table for the model's wint4."""
    return Site(
        engine=EngineSite(python="p", **(engine or {})),  # type: ignore[arg-type] # as TOML would
        models={BIG: ModelSite(checkpoint="/w", serving={"wint4": ServingSite(**wint4)})},  # type: ignore[arg-type] # as TOML would
    )


def test_without_a_word_of_the_site_it_is_the_published_one() -> None:
    """
    Two servers of four cards, on a machine of eight (R6).
    """
    found = planned()

    assert (4, 40, 0.85, 2) == (
        found.launch.tensor_parallel,
        found.launch.max_num_seqs,
        found.launch.memory_share,
        found.launch.replicas,
    )
    assert (("load-choices", '"default"'),) == found.launch.flags
    assert () == found.origin.site
    assert found.origin.source is not None


def test_the_particular_table_wins() -> None:
    """
    The model's own over [engine], that over what is published; arguments of both, the particular last.
    """
    found = planned(
        site(
            engine={"max_num_seqs": 8, "memory_share": 0.7, "arguments": ("--a",)},
            max_num_seqs=20,
            tensor_parallel=8,
            arguments=("--b",),
        )
    )

    assert (8, 20, 0.7, 1, ("--a", "--b")) == (
        found.launch.tensor_parallel,
        found.launch.max_num_seqs,
        found.launch.memory_share,
        found.launch.replicas,
        found.launch.extra,
    )
    assert ("arguments", "max_num_seqs", "memory_share", "tensor_parallel") == found.origin.site


def test_another_data_type_s_table_says_nothing() -> None:
    """
    wint8 isn't served as the site wants wint4 served.
    """
    assert 80 == planned(site(max_num_seqs=20), datatype="wint8").launch.max_num_seqs


def test_fewer_servers_where_the_site_says_so() -> None:
    """
    One of two.
    """
    assert 1 == planned(site(replicas=1)).launch.replicas


def test_as_many_servers_as_the_links_allow() -> None:
    """
    Eight cards of which one is missing hold one server of four.
    """
    assert 1 == planned(cards=tuple("0124567")).launch.replicas


@pytest.mark.parametrize(
    ("cards", "error", "words"),
    [
        (("0", "1"), SiteError, "cards: ERNIE-4.5-300B-A47B in wint4 needs 4 cards; got 2: 0, 1. "),
        (tuple("1234"), DeviceError, "can't serve with tensor parallel 4 on these cards"),
    ],
)
def test_cards_that_can_not_serve_are_refused(
    cards: tuple[str, ...], error: type[Exception], words: str
) -> None:
    """
    Too few, or cards whose links don't allow it.
    """
    with pytest.raises(error, match=words):
        planned(cards=cards)


def test_more_servers_than_cards_are_refused() -> None:
    """
    Three of four on eight.
    """
    with pytest.raises(DeviceError):
        planned(site(replicas=3))


def test_an_engine_without_published_configurations() -> None:
    """
    One card a server, as many servers as cards, 64 requests at once.
    """
    found = planned(vllm=True)

    assert (1, 64, 8, ()) == (
        found.launch.tensor_parallel,
        found.launch.max_num_seqs,
        found.launch.replicas,
        found.launch.flags,
    )
    assert found.origin.source is None


def test_without_cards_to_choose_there_is_one_server() -> None:
    """
    On a CPU, or a chip without a variable; unless the site asks for more.
    """
    assert 1 == planned(vllm=True, device="cpu", cards=()).launch.replicas
    assert 2 == planned(site(replicas=2), vllm=True, device="cpu", cards=()).launch.replicas


def test_a_site_may_say_all_that_nobody_publishes() -> None:
    """
    FastDeploy documents no Ascend; a lab that has it says cards and requests itself.
    """
    with pytest.raises(EngineError, match="documents nothing for this kind of device"):
        planned(device="npu")

    found = planned(site(tensor_parallel=8, max_num_seqs=16), device="npu")

    assert (8, 16, None) == (
        found.launch.tensor_parallel,
        found.launch.max_num_seqs,
        found.origin.source,
    )


def test_paths_of_quantized_weights_start_at_the_site_file(tmp_path: Path) -> None:
    """
    As all others do.
    """
    from pytest_ernie.site import read_site

    (tmp_path / "site.toml").write_text(
        f'[models."{BIG}"]\ncheckpoint = "w"\n'
        f'[models."{BIG}".serving.w4a8]\ncheckpoint = "w4a8"\nmax_num_seqs = 96\n'
    )

    table = read_site(tmp_path / "site.toml").models[BIG].served_as("w4a8")

    assert ServingSite(checkpoint=str(tmp_path / "w4a8"), max_num_seqs=96) == table


@pytest.mark.parametrize(
    ("device", "kind", "expected"),
    [("gpu", None, "fastdeploy"), ("cpu", None, "vllm"), ("gpu", "vllm", "vllm")],
)
def test_the_engine_that_is_not_named(
    tmp_path: Path, device: str, kind: str | None, expected: str
) -> None:
    """
    FastDeploy on an accelerator, vLLM on a CPU.
    """
    settings = read_settings({"device": device, "evidence": "e"}, tmp_path)
    site = Site(engine=EngineSite(python="p", kind=kind))
    equipment = Equipment(msgspec.structs.replace(settings, site=site), Registry())

    assert expected == equipment.engine.name


def test_an_endpoint_is_one_server_whatever_the_site_has(tmp_path: Path) -> None:
    """
    Attached to once: its cards are none of ours.
    """
    options = {"device": "gpu", "evidence": "e", "endpoint": "http://127.0.0.1:9/v1"}
    settings = msgspec.structs.replace(
        read_settings(options, tmp_path),
        site=Site(cards=EIGHT, engine=EngineSite(python="p", replicas=4)),
    )
    asked = Configuration(edition="ernie-4.5", model=BIG, datatype="wint4", window=8192)

    assert 1 == asked.launch(Equipment(settings, Registry())).replicas
