"""
Training runs that are cut short, stopped early or recorded several times, through the whole plugin.
"""

from __future__ import annotations

import pytest
from certification_kit import Laboratory

from pytest_ernie import rehearsal
from pytest_ernie.evidence import Store

CHOICE = ("-m", "loss", "-k", "sft]")
LOSS = "training.loss[ERNIE-4.5-tiny-sft]"

CHECKPOINTS = """
[models."ERNIE-4.5-tiny"]
checkpoint = "{folder}"
training_data = "{data}"

[models."ERNIE-4.5-tiny".training.sft]
checkpoint_steps = 100
"""


@pytest.fixture
def laboratory(pytester, monkeypatch, conformance_folder) -> Laboratory:
    """A laboratory with a reference of the SFT run."""
    laboratory = Laboratory(pytester, monkeypatch, conformance_folder)
    laboratory.record_reference(*CHOICE)
    return laboratory


def judged(laboratory: Laboratory, *more: str, **faults) -> dict:
    """The verdict on the SFT run against the recorded reference."""
    laboratory.plant(train=faults)
    laboratory.run(*CHOICE, "--reference=ernie-reference", *more)
    (verdict,) = laboratory.verdicts()
    return verdict


def types_and_kinds(laboratory: Laboratory) -> list[tuple[str, str]]:
    entries = Store.existing(laboratory.path / "ernie-evidence").journal.entries
    return [(entry.type, str(entry.body.get("kind", ""))) for entry in entries]


def test_a_reference_is_recorded_as_often_as_the_edition_says(laboratory):
    """Three times in the rehearsal: the noise band is printed beside the limit."""
    verdict = judged(laboratory)

    assert verdict["word"] == "PASS"
    assert verdict["required"].endswith("(3 runs of the reference agree within 0)")
    entries = Store.existing(laboratory.path / "ernie-reference").journal.entries
    assert len({str(e.body["spec"]) for e in entries if e.type == "begin"}) == 3


def test_further_references_widen_the_band(laboratory):
    """Each --reference after the first shows how far references agree, and nothing else."""
    laboratory.plant(train={"shift": 0.004})
    laboratory.run(*CHOICE, "--record-reference", "--evidence=other")

    verdict = judged(laboratory, "--reference=other")

    assert verdict["word"] == "PASS"
    assert verdict["required"].endswith("(6 runs of the reference agree within 0.004)")


def test_a_trainer_that_dies_keeps_what_it_did_and_the_next_run_says_so(laboratory):
    """The losses up to its death are in the journal; the run that completes is marked."""
    verdict = judged(laboratory, die_after=312)
    assert verdict["word"] == "INCONCLUSIVE"
    assert "exit code -9 after step 312: killed by signal 9" in verdict["message"]

    again = judged(laboratory)

    assert again["word"] == "PASS"
    assert again["notes"] == [
        "in an earlier attempt the run was cut short (once, last step kept: 312); it began anew",
        "attempts: 2 at 1 measurement, 1 of them completed",
    ]
    assert ("failure", "TrainerDied") in types_and_kinds(laboratory)


def test_a_site_may_restart_its_trainer_in_the_same_run(laboratory):
    """As often as it says; the verdict tells of each death."""
    site = laboratory.path / "site.toml"
    site.write_text(site.read_text().replace('kind = "double"', 'kind = "double"\nrestarts = 2', 1))

    verdict = judged(laboratory, die_after=100, deaths=2)

    assert verdict["word"] == "PASS"
    assert "(2 times, last step kept: 100, 100); it began anew" in verdict["notes"][0]


def test_a_site_may_ask_for_checkpoints(laboratory):
    """The next run goes on from the last one that is known to be whole, and its speed is nobody's."""
    with (laboratory.path / "site.toml").open("a") as site:
        site.write(
            CHECKPOINTS.format(folder=rehearsal.checkpoint(), data=rehearsal.supervised_data())
        )
    judged(laboratory, die_after=312)

    again = judged(laboratory)

    assert again["word"] == "PASS"
    assert again["notes"][0] == (
        "in an earlier attempt the run was cut short (once, last step kept: 312); it went on from the "
        "checkpoint of step 300"
    )
    assert (laboratory.path / "trained.txt").read_text().splitlines()[-1].endswith("checkpoint-300")
    assert not list((laboratory.path / "ernie-evidence" / "scratch").glob("*/output"))


def test_a_bad_run_that_was_killed_can_t_be_forgotten(laboratory):
    """The attempt that went wrong stands in the journal: beginning anew doesn't hide it."""
    judged(laboratory, die_after=450, shift=0.5)

    verdict = judged(laboratory)

    assert verdict["word"] == "INCONCLUSIVE"
    assert "had other losses at 450 of the steps that were trained again" in verdict["message"]
    fresh = judged(laboratory, "--fresh=the fan was broken")
    assert fresh["word"] == "PASS"


def test_a_hopeless_run_is_stopped_and_is_no_result(laboratory):
    """It ends at its eleventh outlier, says what that saved, and the next run trains in full."""
    verdict = judged(laboratory, "--stop-early", shift=0.5)

    assert verdict["word"] == "INCONCLUSIVE"
    assert (
        "stopped early after step 411 of 500, because the run can no longer pass"
        in verdict["message"]
    )
    assert "card-hours" in verdict["message"]
    kinds = types_and_kinds(laboratory)
    assert ("failure", "StoppedEarly") in kinds
    assert "result" not in [type for type, _ in kinds]
    judged(laboratory, "--offline")
    assert "nothing is recorded" in laboratory.verdicts()[0]["message"]


def test_an_honest_run_isn_t_stopped(laboratory):
    """Watched from the first step to the last, it is a result like any other."""
    assert judged(laboratory, "--stop-early")["word"] == "PASS"
