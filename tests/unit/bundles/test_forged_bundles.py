"""
Records that don't agree with each other are found, whoever made every hash anew; each by its name.
"""

from __future__ import annotations

import copy
import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from doubles.forger import Workshop, files_of, packed_files
from pytest_ernie.bundles.consistency_of_loads import COUNTER_TOLERANCE
from pytest_ernie.bundles.verify import examine

Lines = list[dict[str, Any]]


def test_honest_evidence_has_no_findings(workshop: Workshop, tmp_path: Path) -> None:
    """
    What real tools wrote on a real machine agrees with itself in every check.
    """
    workshop.pack(tmp_path / "chip.ernie")

    assert () == examine(tmp_path / "chip.ernie").findings


def test_several_prompts_of_a_question_are_one_question(workshop: Workshop, tmp_path: Path) -> None:
    """
    A data set of n questions asked under two prompts has 2n answers, and is whole.
    """
    for entry in workshop.of("sample", "serving.accuracy"):
        body = entry["body"]
        further = {**entry, "body": {**body, "id": f"{body['id']}#1", "prompt_seed": 1}}
        workshop.entries.insert(workshop.entries.index(entry), further)
    workshop.pack(tmp_path / "chip.ernie")

    assert () == examine(tmp_path / "chip.ernie").findings


Forge = Callable[[Workshop], object]


def other_device(workshop: Workshop) -> None:
    from pytest_ernie.standard.digest import digest

    place, spliced = next(
        (n, e) for n, e in enumerate(workshop.entries) if e["type"] == "subject" and n > 3
    )
    body = copy.deepcopy(spliced["body"])
    body["device"]["name"] = "A better chip"
    entry = {**copy.deepcopy(spliced), "id": digest(body), "body": body}
    workshop.entries.insert(place, entry)
    begin = next(e for e in workshop.of("begin") if e["body"]["subject"] == spliced["id"])
    begin["body"]["subject"] = entry["id"]


def result_without_begin(workshop: Workshop) -> None:
    workshop.entries.append({**copy.deepcopy(workshop.of("result")[0]), "id": "f" * 32})
    workshop.entries[-1]["time_unix_s"] = workshop.entries[-2]["time_unix_s"]


def result_twice(workshop: Workshop) -> None:
    workshop.entries.append(copy.deepcopy(workshop.of("result", "serving.context")[0]))
    workshop.entries[-1]["time_unix_s"] = workshop.entries[-2]["time_unix_s"]


def run_as_another(workshop: Workshop) -> None:
    one, two = workshop.of("result", "serving.load")
    workshop.set_blob(two, "requests", workshop.blob(one, "requests"))


def run_as_another_with_its_own_start(workshop: Workshop) -> None:
    one, two = workshop.of("result", "serving.load")
    kept = json.loads(workshop.blob(two, "requests"))["started_unix_s"]
    workshop.set_blob(two, "requests", workshop.blob(one, "requests"))
    workshop.change_requests(two, lambda result: result.update(started_unix_s=kept))


def subject_of_other_facts(workshop: Workshop) -> None:
    workshop.of("subject")[0]["body"]["device"]["count"] = 64


def spec_of_another(workshop: Workshop) -> None:
    workshop.of("begin", "serving.context")[0]["body"]["spec"]["length"] = 131072


@pytest.mark.parametrize(
    ("forge", "kind"),
    [
        (other_device, "other device"),
        (result_without_begin, "added"),
        (result_twice, "added"),
        (run_as_another, "replayed"),
        (run_as_another_with_its_own_start, "replayed"),
        (subject_of_other_facts, "edited"),
        (spec_of_another, "edited"),
    ],
)
def test_records_that_were_exchanged_are_named(
    forge: Forge, kind: str, workshop: Workshop, tmp_path: Path
) -> None:
    """
    Every hash was made anew and the end sealed again; the records give it away.
    """
    forge(workshop)
    workshop.pack(tmp_path / "chip.ernie")

    assert kind in {finding.kind for finding in examine(tmp_path / "chip.ernie").findings}


def test_a_swapped_blob_is_named(workshop: Workshop, tmp_path: Path) -> None:
    """
    The manifest lists the new content, and the journal still names the old one.
    """
    bundle = workshop.pack(tmp_path / "chip.ernie")
    (entry,) = workshop.of("result", "training.run")
    digest = entry["body"]["blobs"]["log"]
    files = {**files_of(bundle), f"evidence/blobs/{digest[:2]}/{digest}": b"another log"}
    packed_files(files, tmp_path / "forged.ernie", bundle.manifest.seal)

    (finding,) = examine(tmp_path / "forged.ernie").findings

    assert ("swapped blob", f"entry {entry['seq']}") == (finding.kind, finding.where)


def test_facts_for_people_are_the_journals(workshop: Workshop, tmp_path: Path) -> None:
    """
    What people read first says the same as what is judged.
    """
    bundle = workshop.pack(tmp_path / "chip.ernie")
    files = files_of(bundle)
    files["facts.json"] = files["facts.json"].replace(b'"CPU ', b'"GPU ')
    packed_files(files, tmp_path / "forged.ernie", bundle.manifest.seal)

    (finding,) = examine(tmp_path / "forged.ernie").findings

    assert ("other facts", "facts.json") == (finding.kind, finding.where)


def of_load(change: Callable[[Any], object]) -> Forge:
    return lambda w: w.change_requests(w.of("result", "serving.load")[0], change)


def of_log(pattern: bytes, by: bytes, count: int = 1) -> Forge:
    def forge(workshop: Workshop) -> None:
        (entry,) = workshop.of("result", "training.run")
        log, done = re.subn(pattern, by, workshop.blob(entry, "log"), count=count)
        assert done
        workshop.set_blob(entry, "log", log)

    return forge


def of_data(kind: str, **changed: Any) -> Forge:
    return lambda w: w.of("result", kind)[0]["body"]["data"].update(changed)


def all_tokens_times_1000(result: Any) -> None:
    for record in result["records"]:
        record["output_tokens"] = (record["output_tokens"] or 1) * 1000


def all_half_as_long(result: Any) -> None:
    for record in result["records"]:
        record["due_s"] /= 2


def counted_by_the_server(less: int) -> Callable[[Workshop], None]:
    """Let the server have counted so many tokens less than one for each answer is forgiven."""

    def forge(workshop: Workshop) -> None:
        entry = workshop.of("result", "serving.load")[0]
        told = [r["output_tokens"] for r in json.loads(workshop.blob(entry, "requests"))["records"]]
        least = math.ceil((sum(told) - len(told)) / (1 + COUNTER_TOLERANCE))
        entry["body"]["data"]["server_counters"] = {
            "before": {"output_tokens": 1000.0},
            "after": {"output_tokens": 1000.0 + least - less},
        }

    return forge


def another_score_for_the_same_answer(workshop: Workshop) -> None:
    samples = workshop.of("sample", "serving.accuracy")
    samples[1]["body"] = {**samples[0]["body"], "score": 1.0 - samples[0]["body"]["score"]}


def a_score_without_an_answer(workshop: Workshop) -> None:
    sample = workshop.of("sample", "serving.accuracy")[0]["body"]
    sample["error"] = "ReadTimeout: timed out"
    data = workshop.of("result", "serving.accuracy")[0]["body"]["data"]
    data["scores"] = {sample["id"]: [1.0, "7"]}


@pytest.mark.parametrize(
    ("forge", "words"),
    [
        (of_load(lambda r: r["records"].pop()), "its summary counts"),
        (of_load(lambda r: r.update(requests_sent=0)), "0 requests were sent"),
        (of_load(lambda r: r["records"].append(r["records"][0])), "is recorded twice"),
        (of_load(lambda r: r["arrivals"].update(concurrency=999)), "had 999"),
        (of_load(lambda r: r.update(started_unix_s=1.0)), "don't lie between those of its record"),
        (of_load(lambda r: r.update(wall_s=1e9)), "don't lie between those of its record"),
        (of_load(lambda r: r.update(wall_s=0.001)), "lie outside the run"),
        (of_load(lambda r: r["records"][3].update(first_token_s=-5.0)), "times aren't in order"),
        (of_load(all_tokens_times_1000), "tokens"),
        (of_load(all_half_as_long), "before any slot was free"),
        (counted_by_the_server(less=1), "tokens, and the server counted"),
        (of_log(rb"(?<= loss: )\d", b"9"), "isn't the one whose digest the log has"),
        (of_log(rb"(?<=interval_runtime: )", b"9", 0), "its steps took"),
        (of_log(rb"\[20\d\d-\d\d-\d\d \d\d:", b"[2020-01-01 00:", 0), "in whatever time zone"),
        (of_log(rb"(?<=tokens_per_second_per_device: )", b"3", 9), "every step has the same"),
        (of_data("training.run", ended_unix_s=1.0), "start and end don't lie"),
        (of_data("training.run", tokens=1), "fewer than its samples' least"),
        (of_data("serving.accuracy", questions=5000), "it counts 5000 questions"),
        (another_score_for_the_same_answer, "has another score"),
        (a_score_without_an_answer, "1 scores are of no answer, the first is that of"),
    ],
)
def test_figures_that_do_not_fit_are_told(
    forge: Forge, words: str, workshop: Workshop, tmp_path: Path
) -> None:
    """
    A forger must get right what different hands wrote at different moments.
    """
    forge(workshop)
    workshop.pack(tmp_path / "chip.ernie")

    told = [str(finding) for finding in examine(tmp_path / "chip.ernie").findings]

    assert [text for text in told if text.startswith("inconsistent") and words in text], told


def test_a_server_may_count_a_token_less_for_each_answer(
    workshop: Workshop, tmp_path: Path
) -> None:
    """
    Engines differ in whether the first token counts, and in how soon the last one does.
    """
    counted_by_the_server(less=0)(workshop)
    workshop.pack(tmp_path / "chip.ernie")

    assert () == examine(tmp_path / "chip.ernie").findings


def test_a_question_that_was_not_asked_under_one_of_its_prompts_is_told(
    workshop: Workshop, tmp_path: Path
) -> None:
    """
    Questions are counted, not prompts; under each seed all of them must have been asked.
    """
    samples = workshop.of("sample", "serving.accuracy")
    again = [copy.deepcopy(sample) for sample in samples[1:]]
    for sample in again:
        sample["time_unix_s"] = samples[-1]["time_unix_s"]
        sample["body"] |= {"id": f"{sample['body']['id']}#1", "prompt_seed": 1}
    place = workshop.entries.index(samples[-1]) + 1
    workshop.entries[place:place] = again
    workshop.pack(tmp_path / "chip.ernie")

    (found,) = examine(tmp_path / "chip.ernie").findings

    assert found.what.endswith("and 199 have an answer under prompt seed 1")
