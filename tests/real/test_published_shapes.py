"""
Seven data sets in the files that the published ones have, by the real evaluation library, over HTTP.

Their content is made up (``published_inside.py``), so no copy of them is needed: of each answer it is known
whether it is right.
"""

from __future__ import annotations

import json
import random
import re
import subprocess
from collections import defaultdict
from pathlib import Path
from statistics import mean

import pytest

from doubles.accuracy_lab import EDITIONS, Lab
from doubles.openai_server import Behaviour, FakeServer
from pytest_ernie.paired_answers import scores_agree
from pytest_ernie.standard import load
from pytest_ernie.toolchains import provision
from pytest_ernie.verdicts import Word

WRITER = Path(__file__).with_name("published_inside.py")
SETS = tuple(dataset for dataset in load("ernie-4.5").datasets if dataset.name != "GSM8K")
MODELS = {"text": "ERNIE-4.5-0.3B", "multimodal": "ERNIE-4.5-28B-A3B"}
PROMPTS = 2
Items = dict[str, tuple[str, str]]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of all seven."""
    folder = tmp_path_factory.mktemp("published")
    subprocess.run([provision("evaluator").python, str(WRITER), str(folder)], check=True)
    return folder


class Oracle:
    """Answers a share of each set's questions right, drawn by ``seed``."""

    def __init__(self, items: Items, right: float, seed: int) -> None:
        draw = random.Random(seed)
        self.items = items
        self.truth = {id: float(draw.random() < right) for id in items}

    def reply(self, prompt: str) -> str:
        """Return the answer to the question whose id is the last that the prompt names."""
        named = [id for id in re.findall(r"\[([^\[\]\n]+/\d+)\]", prompt) if id in self.items]
        if not named:
            return "Yes."
        # The same long words to every question would be a broken server's.
        return f"Question {named[-1]}. {self.items[named[-1]][0 if self.truth[named[-1]] else 1]}"

    @property
    def scores(self) -> dict[str, float]:
        """What each answer's score must be, under every prompt."""
        return {
            f"{id}#{seed}" if seed else id: score
            for id, score in self.truth.items()
            for seed in range(PROMPTS)
        }

    @property
    def points(self) -> float:
        """The mean over the set's parts of the mean over their questions, on the 0..100 scale."""
        parts = defaultdict(list)
        for id, score in self.truth.items():
            parts[id.rpartition("/")[0]].append(score)
        return 100 * mean(mean(scores) for scores in parts.values())


def lab_of(folder: Path, data: Path, name: str, questions: int) -> Lab:
    """A lab whose edition has so many questions of the set, under two prompts, averaged by parts."""
    lab = Lab(folder)
    lab.model = next(MODELS[dataset.modality] for dataset in SETS if dataset.name == name)
    (folder / "data").symlink_to(data)
    (folder / "site.toml").write_text("")
    first, *blocks = (EDITIONS / "ernie-4.5.toml").read_text(encoding="utf-8").split("[[datasets]]")
    for key, value in (
        ("questions", questions),
        ("average", '"groups"'),
        ("prompt_seeds", PROMPTS),
    ):
        blocks = [
            re.sub(rf"(?m)^{key} = .*$", f"{key} = {value}", block, count=1)
            if f'name = "{name}"' in block
            else block
            for block in blocks
        ]
    text = "[[datasets]]".join([first, *blocks]).replace(
        'name = "ernie-4.5"', 'name = "made-up"', 1
    )
    (folder / "edition.toml").write_text(text, encoding="utf-8")
    return lab


@pytest.mark.parametrize("name", [dataset.name for dataset in SETS])
def test_the_score_is_the_truth_and_its_average_is_that_of_the_parts(
    tmp_path: Path, data: Path, name: str
) -> None:
    """Under two prompts each, and two sides that differ in known questions are compared by them."""
    items: Items = json.loads((data / "items.json").read_text(encoding="utf-8"))[name]
    lab = lab_of(tmp_path, data, name, len(items))
    sides = {}
    for side, right in (("reference", 0.9), ("candidate", 0.6)):
        oracle = Oracle(items, right, seed=len(side))
        with FakeServer(Behaviour(model=lab.model, reply=oracle.reply)) as server:
            sides[side] = (oracle, lab.measure(server.base_url, name, evidence=side))
        asked = [body for body in server.asked if oracle.reply(str(body["messages"][-1])) != "Yes."]

        assert sides[side][1].scores == oracle.scores
        assert len(asked) == PROMPTS * len(items)
        assert sum(body["messages"][0]["role"] == "system" for body in asked) == len(items)
        if lab.model == MODELS["multimodal"] and name != "MMLU":
            assert all("data:image/" in str(body["messages"][-1]["content"]) for body in asked)

    edition = lab.settings("http://127.0.0.1:9/v1").edition
    (theirs, reference), (ours, candidate) = sides.values()
    verdict = scores_agree(candidate, reference, edition)
    changed = [ours.truth[id] - theirs.truth[id] for id in items]
    numbers = verdict.numbers

    assert verdict.word is Word.FAIL
    assert numbers["score"] == pytest.approx(ours.points)
    assert numbers["reference_score"] == pytest.approx(theirs.points)
    assert (numbers["questions"], numbers["prompts"]) == (len(items), PROMPTS * len(items))
    assert (numbers["lost_questions"], numbers["won_questions"]) == (
        changed.count(-1.0),
        changed.count(1.0),
    )
    assert {flip.question.partition("#")[0] for flip in verdict.flips} <= {
        id for id, change in zip(items, changed, strict=True) if change
    }
