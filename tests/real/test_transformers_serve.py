"""
A real ``transformers serve`` with the rehearsal's checkpoint.
"""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from pytest_ernie import rehearsal
from pytest_ernie.engines.lifecycle.belongings import WHOSE
from pytest_ernie.engines.lifecycle.started import StartedServer
from pytest_ernie.engines.protocol import Launch
from pytest_ernie.engines.transformers import Transformers
from pytest_ernie.load.arrivals import closed
from pytest_ernie.load.client import Target, run_load
from pytest_ernie.load.protocol import Prompt
from pytest_ernie.load.summary import summarise
from pytest_ernie.toolchains import provision

TOKENS = 16


@pytest.fixture
def server(tmp_path: Path):
    """One that is ready; when it is stopped nothing of it is left."""
    launch = Launch(
        engine="transformers",
        model="ERNIE-4.5-tiny",
        checkpoint=str(rehearsal.checkpoint()),
        datatype="bf16",
        window=8192,
        max_num_seqs=16,
    )
    started = Transformers(start_timeout_s=300).start(
        launch,
        toolchain=provision("transformers-cpu"),
        workdir=tmp_path,
        cards=(),
        device_env={},
    )
    processes = started.process.descendants()
    yield started
    started.stop()
    assert not any(process.is_running() for process in processes)
    assert [told for told in started.left_behind if WHOSE not in told] == []


def test_every_answer_under_load_has_its_fixed_length(server: StartedServer) -> None:
    """
    No token ends an answer before its time, usage comes unasked, and no decode speed is flattered.
    """
    target = Target(base_url=server.base_url, model=server.model, dialect=server.dialect)
    prompts = [Prompt(text=f"What is {n} + 2?", output_tokens=TOKENS) for n in range(24)]

    result = run_load(target, prompts, closed(4), run="real")

    summary = summarise(result)
    assert summary.failed == {}
    assert {record.output_tokens for record in result.records} == {TOKENS}
    assert summary.reached_full_length_share == 1.0
    for record in result.records:
        assert record.last_token_s is not None
        assert record.done_s - record.last_token_s < 0.5


def test_a_killed_server_is_in_trouble(server: StartedServer) -> None:
    """
    Its end is named, and doesn't take long to be noticed.
    """
    assert server.trouble() is None
    psutil.Process(server.process.pid).kill()

    assert server.trouble() == (
        "it was killed (SIGKILL), most often because the machine ran out of memory"
    )


def test_it_shows_what_it_computes_in(server: StartedServer) -> None:
    """
    Every matrix of the loaded model, and what a probe becomes in it.
    """
    assert set(server.facts.layer_types.values()) == {"bfloat16"}
    assert "model.layers.1.mlp.down_proj.weight" in server.facts.layer_types
    assert (server.facts.activation, server.facts.datatype_reported) == ("bfloat16", "bf16")
