"""
``--shard`` and ``pytest-ernie plan --shards``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_ernie import planned
from pytest_ernie.cli import main
from pytest_ernie.errors import UsageProblem
from pytest_ernie.shards import asked_shard, names_in, read_plan
from pytest_ernie.standard import criteria, edition_digest, load

EDITION = load("rehearsal")
DIGEST = edition_digest(EDITION)
TIER2 = [c for c in criteria(EDITION) if 2 in c.tiers]
REFERENCE = Path(planned.__file__).parent / "rehearsal" / "reference"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "3/", "/3", "-1/3", "1/1001", "x/3", "1.5/3"])
def test_what_names_no_shard_is_refused(text: str, tmp_path: Path) -> None:
    """
    A slip of the finger measures nothing.
    """
    with pytest.raises(UsageProblem, match=r"--shard: this names no shard; got .*; wanted 2/3"):
        asked_shard(text, tmp_path)


def test_the_shards_of_a_run_cover_it(tmp_path: Path) -> None:
    """
    1/3, 2/3 and 3/3 are everything, each criterion once.
    """
    shards = [names_in(asked_shard(f"{k}/3", tmp_path), EDITION, DIGEST, TIER2) for k in (1, 2, 3)]

    assert set.union(*shards) == {c.name for c in TIER2}
    assert sum(map(len, shards)) == len(TIER2)


def test_more_shards_than_starts_are_refused(tmp_path: Path) -> None:
    """
    An empty shard would end as a run in which nothing was chosen.
    """
    with pytest.raises(UsageProblem, match=r"some would be empty; got 10; wanted at most 9"):
        names_in(asked_shard("1/10", tmp_path), EDITION, DIGEST, TIER2)


def plan(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["plan", "--device=cpu", "-m", "tier2", *arguments]) == 0
    return capsys.readouterr().out


def test_the_plan_prints_what_to_run(capsys: pytest.CaptureFixture[str]) -> None:
    """
    A command for each shard, its hours where evidence tells them, and how to join them.
    """
    out = plan(capsys, "--shards=3", f"--evidence={REFERENCE}")

    assert "pytest -m tier2 --device=cpu --shard=2/3 --evidence=ernie-evidence-2" in out
    assert out.count("shard ") == 3
    assert "min, no cards," in out
    assert " side by side, " in out
    assert out.splitlines()[-1] == (
        "then: pytest-ernie merge ernie-evidence-1 ernie-evidence-2 ernie-evidence-3 -o ernie-evidence"
    )


def test_without_evidence_no_hours_are_made_up(capsys: pytest.CaptureFixture[str]) -> None:
    """
    The split is by work, and its time isn't known.
    """
    out = plan(capsys, "--shards=2")

    assert out.count("time not known") == 2
    assert "side by side" not in out


def test_a_plan_file_is_what_its_shards_measure(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """
    Split by known hours, read by every host, and the same as what is printed as JSON.
    """
    out = plan(capsys, "--shards=3", f"--evidence={REFERENCE}", "-o", "plan.json", "--json")
    written = read_plan(tmp_path / "plan.json")

    assert json.loads(out) == json.loads((tmp_path / "plan.json").read_text())
    assert "--shard=2/plan.json" in written.shards[1].command
    names = [
        names_in(asked_shard(f"{k}/plan.json", tmp_path), EDITION, DIGEST, TIER2) for k in (1, 2, 3)
    ]
    assert [set(shard.criteria) for shard in written.shards] == names
    seconds = [shard.seconds or 0 for shard in written.shards]
    assert max(seconds) < 0.5 * sum(seconds)


def change(tmp_path: Path, capsys: pytest.CaptureFixture[str], **fields: Any) -> Path:
    """Write a plan, and change something in it."""
    path = tmp_path / "plan.json"
    plan(capsys, "--shards=2", "-o", str(path))
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))
    return path


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"layout": 2}, "a layout that this version doesn't know; got 2; wanted 1"),
        ({"shards": []}, "this is no plan of shards"),
        ({"more": 1}, "this is no plan of shards"),
        ({"edition_digest": "0" * 64}, "the plan was made for another edition"),
    ],
)
def test_a_plan_for_something_else_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], fields: dict[str, Any], words: str
) -> None:
    """
    What isn't understood isn't half obeyed.
    """
    path = change(tmp_path, capsys, **fields)

    with pytest.raises(UsageProblem, match=words):
        names_in(asked_shard(f"1/{path.name}", tmp_path), EDITION, DIGEST, TIER2)


def test_a_plan_whose_shards_overlap_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    A measurement made twice would have to be explained (R15).
    """
    path = change(tmp_path, capsys)
    content = json.loads(path.read_text())
    content["shards"][1]["criteria"] += content["shards"][0]["criteria"]
    path.write_text(json.dumps(content))

    with pytest.raises(UsageProblem, match="the plan's shards overlap"):
        read_plan(path)


def test_criteria_that_no_shard_has_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    A run that chooses more than the plan did would leave the rest out in silence.
    """
    path = change(tmp_path, capsys)

    with pytest.raises(UsageProblem, match=r"18 of the chosen criteria are in none of the plan's"):
        names_in(asked_shard(f"1/{path.name}", tmp_path), EDITION, DIGEST, criteria(EDITION))
    with pytest.raises(UsageProblem, match=r"the plan has no such shard; got 3; wanted 2"):
        names_in(asked_shard(f"3/{path.name}", tmp_path), EDITION, DIGEST, TIER2)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--shards=10"], "there can't be so many shards; got 10; wanted 1 to 9"),
        (["--shards=0"], "there can't be so many shards; got 0"),
        (["-o", "plan.json"], "--output writes shards, and none were asked for"),
        (["--shards=2", "-o", "no/such/plan.json"], r"the plan can't be written \(No such file"),
    ],
)
def test_a_plan_that_cannot_be_made_says_why(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    """
    Exit code 2, and one sentence.
    """
    import re

    assert main(["plan", "--device=cpu", "-m", "tier2", *arguments]) == 2
    assert re.search(words, capsys.readouterr().err)


def test_cards_are_those_that_a_start_takes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    Training takes the site's cards, a server what the site states for it.
    """
    (tmp_path / "site.toml").write_text(
        'cards = ["0", "1", "2", "3"]\n[engine]\npython = "python3"\n'
        "replicas = 1\ntensor_parallel = 2\n"
    )
    said = json.loads(
        _plan_of(capsys, "-m", "tier3 and inference", "--shards=5", "--site=site.toml", "--json")
    )
    assert {shard["cards"] for shard in said["shards"]} == {2}
    said = json.loads(
        _plan_of(capsys, "-m", "tier3 and loss", "--shards=5", "--site=site.toml", "--json")
    )
    assert {shard["cards"] for shard in said["shards"]} == {4}


def _plan_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["plan", "--device=xpu", "--edition=ernie-4.5", *arguments]) == 0
    return capsys.readouterr().out
