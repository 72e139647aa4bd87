"""
Attaching to a server that somebody else runs.
"""

from __future__ import annotations

import pytest

from doubles.openai_server import Behaviour, FakeServer
from pytest_ernie.engines.dialects import FASTDEPLOY, PLAIN, VLLM
from pytest_ernie.engines.endpoint import Endpoint, attach
from pytest_ernie.engines.protocol import Launch
from pytest_ernie.errors import EngineError


def test_what_nothing_shows_is_not_known() -> None:
    """So the data type can't pass: only answers are seen."""
    with FakeServer(Behaviour(window=4096)) as fake:
        facts = attach(fake.base_url).facts

    assert facts.window == 4096
    assert facts.datatype_reported is None
    assert facts.activation is None
    assert facts.layer_types == {}
    assert facts.command == ()
    assert facts.log_evidence == ()


def test_stopping_leaves_the_server_alone() -> None:
    """Whoever started it stops it."""
    with FakeServer() as fake:
        server = attach(fake.base_url + "/")
        server.stop()

        assert server.alive()
    assert not server.alive()


def test_the_model_may_be_left_out_where_there_is_one() -> None:
    """The one that is listed is meant."""
    with FakeServer(Behaviour(model="ernie")) as fake:
        assert attach(fake.base_url).model == "ernie"


@pytest.mark.parametrize(
    ("owner", "dialect"), [("vllm", VLLM), ("FastDeploy", FASTDEPLOY), ("?", PLAIN)]
)
def test_the_server_says_which_dialect_it_speaks(owner: str, dialect: object) -> None:
    """Unless the site says so itself."""
    with FakeServer(Behaviour(owned_by=owner)) as fake:
        assert attach(fake.base_url).dialect == dialect
        assert attach(fake.base_url, dialect=VLLM).dialect == VLLM


def test_a_name_that_is_not_listed_is_refused() -> None:
    """FastDeploy would answer to any name."""
    with FakeServer(Behaviour(model="ernie")) as fake, pytest.raises(EngineError) as caught:
        attach(fake.base_url, model="other")

    assert str(caught.value) == (
        f"{fake.base_url}: the server doesn't list the model; got ernie; wanted other. "
        "Give the name under which it is served"
    )


def test_a_server_that_lists_but_does_not_answer_is_not_ready() -> None:
    """/health and /models say nothing about the engine behind."""
    with FakeServer() as fake:
        fake.faults.append("500")
        with pytest.raises(EngineError) as caught:
            attach(fake.base_url)

    assert str(caught.value) == (
        f"{fake.base_url}: the first question was not answered; got HTTP 500: fault 500; "
        "wanted at least one token"
    )


def test_a_wrong_key_is_told() -> None:
    """With what the server said."""
    with FakeServer(Behaviour(api_key="secret")) as fake:
        assert attach(fake.base_url, api_key="secret").model == "m"
        with pytest.raises(EngineError, match=r"/models is no list of models; got HTTP 401"):
            attach(fake.base_url, api_key="wrong")


def test_nobody_at_the_address_is_told() -> None:
    """Without a retry."""
    with FakeServer() as fake:
        pass
    with pytest.raises(EngineError, match=r"127\.0\.0\.1:\d+/v1: no answer; got ConnectError"):
        attach(fake.base_url)


def test_a_launch_attaches_by_its_models_name() -> None:
    """The rest of the launch isn't the endpoint's to choose."""
    launch = Launch(
        engine="endpoint", model="m", checkpoint="", datatype="wint8", window=8, max_num_seqs=1
    )
    with FakeServer(Behaviour(owned_by="fastdeploy")) as fake:
        engine = Endpoint(fake.base_url)
        server = engine.start(launch)

        assert (server.model, server.log) == ("m", None)
        assert engine.dialect == FASTDEPLOY
