"""
The whole certification against a laboratory of doubles: every planted fault turns exactly its criteria red.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from typing import Any

import pytest
from certification_kit import Laboratory, Words, not_passed


@pytest.fixture
def laboratory(pytester, monkeypatch, conformance_folder) -> Laboratory:
    """A laboratory without a reference."""
    return Laboratory(pytester, monkeypatch, conformance_folder)


@pytest.fixture
def compared(laboratory) -> Callable[..., tuple[pytest.RunResult, Words]]:
    """Record an honest reference of tier I, then run the candidate with faults planted."""
    laboratory.record_reference("-m", "tier1")

    def run(*arguments: str, **faults: Any) -> tuple[pytest.RunResult, Words]:
        laboratory.plant(**faults)
        return laboratory.run("-m", "tier1", "--reference=ernie-reference", *arguments)

    return run


def test_an_honest_candidate_passes_every_criterion_of_tier_one(compared):
    """
    Candidate and reference are the same doubles: 13 of 13 PASS, exit code 0.
    """
    result, words = compared()

    assert len(words) == 13
    assert not_passed(words) == {}
    assert result.ret == 0
    result.stdout.fnmatch_lines(["ERNIE-4.5-tiny, tier I: 13 of 13 criteria PASS"])


LOSS = "training.loss[ERNIE-4.5-tiny-{}]"
CONTEXT = "training.context[ERNIE-4.5-tiny-{}-{}]"
ALL_TRAINING = [
    *(LOSS.format(method) for method in ("sft", "sft_lora")),
    *(CONTEXT.format(m, length) for m in ("sft", "sft_lora") for length in (8192, 32768)),
]
SERVED = "[tier1-ERNIE-4.5-tiny-wint8"
ACCURACY = [
    f"inference.accuracy{SERVED}-{name}]"
    for name in ("arithmetic", "reasoning", "chinese", "instructions")
]
ALL_SERVING = [
    f"inference.datatype{SERVED}]",
    *(f"inference.context{SERVED}-{length}]" for length in (8192, 32768)),
    *ACCURACY,
]


@pytest.mark.parametrize(
    ("faults", "red", "word", "cause"),
    [
        ({"train": {"nan_at": 300}}, ALL_TRAINING[:2], "FAIL", "the loss is nan at step 300"),
        ({"train": {"missing": 450}}, ALL_TRAINING[:2], "INCONCLUSIVE", "no loss for step 450"),
        ({"train": {"stop_after": 480}}, ALL_TRAINING[:2], "INCONCLUSIVE", "no loss for step 481"),
        ({"train": {"outliers": 11}}, ALL_TRAINING[:2], "FAIL", "11 of 100 steps differ"),
        ({"train": {"drift": 0.0099}}, ALL_TRAINING[:2], "FAIL", "the difference grows by"),
        ({"train": {"shift": 0.011}}, ALL_TRAINING, "FAIL", "100 of 100 steps differ"),
        (
            {"train": {"exit_code": 1}},
            dict.fromkeys(ALL_TRAINING[:2], "INCONCLUSIVE")
            | dict.fromkeys(ALL_TRAINING[2:], "FAIL"),
            None,
            "out of memory on card 0",
        ),
        (
            {"serve": {"serves": "bf16"}},
            ALL_SERVING[:1],
            "FAIL",
            "layers.0.q.weight is bfloat16, it must be int8",
        ),
        (
            {"serve": {"hide": True}},
            ALL_SERVING[:1],
            "INCONCLUSIVE",
            "shows no types of its weights",
        ),
        ({"serve": {"answers": "4 4 4"}}, None, None, "points on"),
        (
            {"serve": {"window": 20000}},
            [ALL_SERVING[2]],
            "FAIL",
            "the server refused a prompt of 32768",
        ),
        (
            {"serve": {"refuse_start": True}},
            ALL_SERVING,
            "INCONCLUSIVE",
            "CUDA error: out of memory",
        ),
    ],
    ids=lambda value: "-".join(next(iter(value.values()))) if isinstance(value, dict) else "",
)
def test_a_planted_fault_turns_exactly_its_criteria_red(compared, faults, red, word, cause):
    """
    Each fault is found by the criteria that it concerns, by no others, and its cause is named.
    """
    result, words = compared(**faults)

    wrong = not_passed(words)
    assert result.ret == 1
    assert cause in " ".join(result.stdout.str().split())
    if red is not None:
        assert wrong == (red if isinstance(red, dict) else dict.fromkeys(red, word))
    else:
        assert set(wrong) <= set(ALL_SERVING)
        assert wrong


def test_ten_outliers_are_allowed(compared):
    """
    outlier不多于10个: the eleventh fails, the tenth doesn't.
    """
    _, words = compared(train={"outliers": 10})

    assert words[LOSS.format("sft")] == "PASS"


def test_a_server_that_dies_in_the_middle_is_inconclusive_and_loses_nothing(laboratory):
    """
    What was measured before stays; what the server died in is INCONCLUSIVE and named; nothing hangs.
    """
    laboratory.record_reference("-m", "tier1")
    laboratory.plant(serve={"die_after": 60})

    result, words = laboratory.run("-m", "tier1", "--reference=ernie-reference")

    wrong = not_passed(words)
    assert set(wrong.values()) == {"INCONCLUSIVE"}
    assert set(wrong) <= set(ALL_SERVING)
    assert ACCURACY[-1] in wrong
    assert f"inference.datatype{SERVED}]" not in wrong
    assert "died" in result.stdout.str()

    laboratory.plant()
    _, words = laboratory.run("-m", "tier1", "--reference=ernie-reference")
    assert not_passed(words) == {}


def test_without_a_reference_everything_is_measured_and_what_needs_one_is_inconclusive(
    laboratory, tmp_path
):
    """
    效果基准：联系 - most users have no reference at first.
    """
    empty = tmp_path / "empty"
    empty.mkdir()

    result, words = laboratory.run("-m", "tier1", f"--reference={empty}")

    assert result.ret == 1
    passed = {name for name, word in words.items() if word == "PASS"}
    assert passed == {f"inference.datatype{SERVED}]", *ALL_TRAINING[2:]}
    assert set(not_passed(words).values()) == {"INCONCLUSIVE"}
    laboratory.record_reference("-m", "tier1")
    again, words = laboratory.run("-m", "tier1", "--reference=ernie-reference")
    assert not_passed(words) == {}
    again.stdout.fnmatch_lines(["*(0 measurements were made in this run)"])


def test_a_second_run_measures_nothing_and_starts_no_server(compared, laboratory):
    """
    Measuring is dear, judging is free.
    """
    compared()
    before = laboratory.starts()

    result, words = compared()

    assert before == laboratory.starts()
    assert not_passed(words) == {}
    result.stdout.fnmatch_lines(["*(0 measurements were made in this run)"])


def test_offline_gives_the_same_verdicts_without_a_device(compared, laboratory):
    """
    The certifier runs the same nodes on the same evidence.
    """
    _, live = compared(train={"outliers": 11})
    laboratory.plant(train={"nan_at": 1})

    _, offline = laboratory.run("-m", "tier1", "--reference=ernie-reference", "--offline")

    assert live == offline


def test_fresh_measures_again_and_keeps_the_earlier_result(compared, laboratory):
    """
    R15: no best-of-N without a trace.
    """
    compared(train={"outliers": 11})

    result, words = compared("--fresh=the fan was broken", "-k", "loss")

    assert words[LOSS.format("sft")] == "PASS"
    from pytest_ernie.evidence import Store

    entries = Store.existing(laboratory.path / "ernie-evidence").journal.entries
    reasons = [e.body["reason"] for e in entries if e.type == "begin"]
    assert reasons.count("the fan was broken") == 2
    runs = sorted((laboratory.path / "ernie-evidence" / "runs").glob("*.json"))
    sealed = json.loads(runs[-1].read_text())["sealed"]
    assert sealed == {"entries": len(entries), "head": entries[-1].hash}
    beside = [note for verdict in laboratory.verdicts() for note in verdict["notes"]]
    assert (
        beside
        == [
            "attempts: 2 at 1 measurement, 2 of them completed; measured again because: the fan was broken"
        ]
        * 2
    )
    result.stdout.fnmatch_lines(["*attempts: 2 at 1 measurement, 2 of them completed;*"])


def test_the_reference_under_another_name_is_judged_by_nobody(laboratory):
    """
    A copy, judged offline: what would have to be compared with itself is INCONCLUSIVE.
    """
    laboratory.record_reference("-m", "tier1 and training")
    shutil.copytree(laboratory.path / "ernie-reference", laboratory.path / "mine")

    result, words = laboratory.run(
        *("-m", "tier1 and training", "--reference=ernie-reference"),
        *("--evidence=mine", "--offline"),
    )

    assert set(words.values()) == {"INCONCLUSIVE"}
    said = " ".join(result.stdout.str().split())
    assert "this is the reference's own measurement" in said


def test_an_edited_record_turns_its_criteria_inconclusive_and_no_others(compared, laboratory):
    """
    A number changed by hand in the journal is named instead of believed.
    """
    compared()
    journal = laboratory.path / "ernie-evidence" / "journal.jsonl"
    lines = journal.read_text().splitlines()
    begins = {
        json.loads(line)["id"]: json.loads(line)["body"]["spec"]
        for line in lines
        if json.loads(line)["type"] == "begin"
    }
    for number, line in enumerate(lines):
        entry = json.loads(line)
        spec = begins.get(entry["id"], {})
        if entry["type"] == "sample" and spec.get("dataset") == "chinese":
            entry["body"]["score"] = 1.0 - entry["body"]["score"]
            lines[number] = json.dumps(entry)
            break
    journal.write_text("\n".join(lines) + "\n")

    result, words = compared("--offline")

    assert not_passed(words) == {ACCURACY[2]: "INCONCLUSIVE"}
    assert "the evidence was altered: its content" in " ".join(result.stdout.str().split())


def test_a_changed_log_is_found_by_its_digest(compared, laboratory):
    """
    The loss is read from the log at every judgement, and the log is kept under its own sha256.
    """
    compared()
    for blob in (laboratory.path / "ernie-evidence" / "blobs").rglob("*"):
        if blob.is_file() and b"global_step: 500," in blob.read_bytes():
            blob.write_bytes(blob.read_bytes().replace(b"loss: 2.0", b"loss: 2.1"))

    result, words = compared("--offline")

    assert not_passed(words) == dict.fromkeys(ALL_TRAINING[:2], "INCONCLUSIVE")
    assert "a blob of the evidence was changed" in " ".join(result.stdout.str().split())


def test_tiers_two_and_three_compare_throughput_on_one_machine(laboratory):
    """
    The shares of the benchmark: half the speed passes tier II and fails tier III.
    """
    laboratory.record_reference("-m", "(tier2 or tier3) and training")
    laboratory.plant(train={"slower": 1.6})

    _, words = laboratory.run(
        "-m", "(tier2 or tier3) and training and throughput", "--reference=ernie-reference"
    )

    for method in ("sft", "sft_lora"):
        assert words[f"training.throughput[tier2-ERNIE-4.5-tiny-{method}]"] == "PASS"
        assert words[f"training.throughput[tier3-ERNIE-4.5-tiny-{method}]"] == "FAIL"


FAST = {"slots": 8, "prefill_s": 0.02, "interval_s": 0.002, "ttft_s": 0.02}
"""Eight requests run at once; the limits of a rehearsal hold up to the highest load."""


def test_serving_throughput_is_searched_and_compared(laboratory):
    """
    Tier II's TPS: the same server on both sides reaches its share, one of half its slots doesn't.
    """
    chosen = ("-m", "tier2 and inference and throughput")
    laboratory.record_reference(*chosen, serve={"paced": FAST})
    laboratory.plant(serve={"paced": FAST})

    result, words = laboratory.run(*chosen, "--reference=ernie-reference")

    assert words == {"inference.throughput[tier2-ERNIE-4.5-tiny-wint4]": "PASS"}
    result.stdout.fnmatch_lines(["*tok/s = *"])

    laboratory.plant(serve={"paced": {**FAST, "slots": 3}})
    result, words = laboratory.run(*chosen, "--reference=ernie-reference", "--fresh", "other slots")

    assert words == {"inference.throughput[tier2-ERNIE-4.5-tiny-wint4]": "FAIL"}
    result.stdout.fnmatch_lines(["*% of the benchmark's*50 % is required*"])


def test_each_server_starts_once(laboratory):
    """
    All criteria of a tier share one server; three tiers, three starts.
    """
    laboratory.run("-m", "inference and (datatype or accuracy)")

    assert sorted(laboratory.starts()) == ["w4a8 131072", "wint4 131072", "wint8 32768"]


def test_each_server_starts_once_over_all_workers(laboratory):
    """
    Under -n 2, too: no worker starts what another one has.
    """
    laboratory.run("-m", "inference and (datatype or context)", "-n", "2")

    assert sorted(laboratory.starts()) == ["w4a8 131072", "wint4 131072", "wint8 32768"]


def test_two_workers_measure_each_thing_once(laboratory):
    """
    Under -n 2 a measurement that several criteria share is made by one worker.
    """
    laboratory.record_reference("-m", "tier2 and training")
    result, words = laboratory.run(
        "-m", "tier2 and training", "--reference=ernie-reference", "-n", "2"
    )

    assert not_passed(words) == {}
    from pytest_ernie.evidence import Store

    entries = Store.existing(laboratory.path / "ernie-evidence").journal.entries
    specs = [json.dumps(e.body["spec"]) for e in entries if e.type == "begin"]
    assert len(specs) == len(set(specs)) == 8
    assert result.ret == 0
