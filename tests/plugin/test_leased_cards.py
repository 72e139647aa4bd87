"""
Under ``-n`` no two servers have a card in common at the same time.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from certification_kit import TESTS

import pytest_ernie
from doubles.laboratory import SITE

ENGINE = """
import json, os, time
from doubles.laboratory import DoubleEngine

def note(**what):
    with open("cards.jsonl", "a") as file:
        file.write(json.dumps({"at": time.monotonic(), **what}) + chr(10))

class NotingEngine(DoubleEngine):
    name = "noting"

    def start(self, launch, *, cards, device_env, **more):
        server = super().start(launch, cards=cards, device_env=device_env, **more)
        shown = device_env["CUDA_VISIBLE_DEVICES"]
        note(worker=os.environ["PYTEST_XDIST_WORKER"], cards=cards, shown=shown, starts=launch.datatype)
        stop = server.stop

        def noted():
            note(ends=launch.datatype)
            stop()

        server.stop = noted
        return server

def pytest_ernie_register(registry):
    registry.engine("noting", NotingEngine)
"""
MODEL = "ERNIE-4.5-0.3B"


@pytest.fixture
def site(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two cards, and servers of one card each."""
    ours = Path(pytest_ernie.__file__).parents[1]
    monkeypatch.setenv("PYTHONPATH", f"{TESTS}:{ours}:{pytester.path}")
    pytester.makepyfile(noting=ENGINE)
    weights = pytester.mkdir("weights")
    (weights / "model.safetensors").write_bytes(b"weights")
    (pytester.path / "sft.jsonl").write_text('{"src": ["a b c"], "tgt": ["d"]}\n')
    text = SITE.format(python=sys.executable).replace(
        '[engine]\nkind = "double"', '[engine]\nkind = "noting"\nreplicas = 1'
    )
    path = pytester.path / "site.toml"
    path.write_text(
        'cards = ["3", "5"]\n[device]\nname = "NVIDIA A100"\ncount = 2\ndriver = "550"\n'
        f'{text}[models."{MODEL}"]\ncheckpoint = "weights"\ntraining_data = "sft.jsonl"\n'
    )
    return path


def test_servers_of_two_workers_have_cards_of_their_own(
    pytester: pytest.Pytester, conformance_folder: Path, site: Path
) -> None:
    """
    Three servers on two cards: each is given one, and none that somebody has.
    """
    result = pytester.runpytest_subprocess(
        *(str(conformance_folder), "--rootdir", str(pytester.path), "-p", "no:cacheprovider"),
        *("-p", "doubles.laboratory", "-p", "noting", "--device=gpu", f"--site={site}"),
        *(f"--models={MODEL}", "-m", "datatype or (inference and context)", "-n", "2"),
    )

    assert "NOT RUN      inference.datatype" not in result.stdout.str()
    events = [json.loads(line) for line in (pytester.path / "cards.jsonl").read_text().splitlines()]
    events.sort(key=lambda event: event["at"])
    taken: dict[str, str] = {}
    for event in events:
        if "ends" in event:
            del taken[event["ends"]]
            continue
        (card,) = event["cards"]
        assert card == event["shown"]
        assert card in ("3", "5")
        assert card not in taken.values()
        taken[event["starts"]] = card
    assert len([event for event in events if "starts" in event]) == 3
    assert {event["worker"] for event in events if "worker" in event} == {"gw0", "gw1"}
    assert taken == {}
