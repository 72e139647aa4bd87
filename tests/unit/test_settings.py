"""
The command line: read once, with defaults that can be said in a sentence, and no contradictions.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ernie.errors import ErnieError, SiteError, StandardError, UsageProblem
from pytest_ernie.evidence import Store, Subject, What
from pytest_ernie.settings import Settings, read_settings
from pytest_ernie.standard import edition_digest, load


def read(folder: Path, **options: object) -> Settings:
    """Read settings from a folder of its own."""
    return read_settings(options, folder)


def test_nothing_asked_is_the_standard_without_a_device(tmp_path: Path) -> None:
    """
    Looking at the standard needs nothing.
    """
    expected = Settings(
        device_kind=None,
        edition=load("ernie-4.5"),
        edition_digest=edition_digest(load("ernie-4.5")),
        site=None,
        reference=None,
        evidence=tmp_path / "ernie-evidence",
        offline=False,
        record_reference=False,
        applicant="chip",
        endpoint=None,
        fresh=None,
        lang="en",
    )

    assert expected == read(tmp_path)


@pytest.mark.parametrize(
    ("options", "edition", "rehearses"),
    [
        ({}, "ernie-4.5", False),
        ({"device": "cpu"}, "rehearsal", True),
        ({"device": "xpu"}, "ernie-4.5", False),
        ({"device": "gpu", "edition": "rehearsal"}, "rehearsal", True),
        ({"device": "cpu", "edition": "ernie-4.5"}, "ernie-4.5", False),
        ({"endpoint": "http://h/v1"}, "ernie-4.5", False),
    ],
)
def test_a_cpu_rehearses_and_everything_else_is_certified(
    tmp_path: Path, options: dict[str, object], edition: str, rehearses: bool
) -> None:
    """
    Unless an edition is named.
    """
    settings = read(tmp_path, **options)

    assert (edition, rehearses) == (settings.edition.name, settings.rehearses)


@pytest.mark.parametrize(
    ("options", "device"),
    [
        ({"endpoint": "http://h/v1"}, "endpoint"),
        ({"endpoint": "http://h/v1", "device": "xpu"}, "xpu"),
        ({"device": " xpu "}, "xpu"),
    ],
)
def test_an_endpoint_is_a_device_unless_one_is_named(
    tmp_path: Path, options: dict[str, object], device: str
) -> None:
    """
    An appliance maker may know what stands behind the URL.
    """
    assert device == read(tmp_path, **options).device_kind


@pytest.mark.parametrize(
    ("options", "folder"),
    [
        ({}, "ernie-evidence"),
        ({"record_reference": True}, "ernie-reference"),
        ({"evidence": "mine"}, "mine"),
        ({"evidence": "mine", "record_reference": True}, "mine"),
    ],
)
def test_evidence_lies_where_the_run_was_started(
    tmp_path: Path, options: dict[str, object], folder: str
) -> None:
    """
    A reference is recorded into a folder of its own.
    """
    assert tmp_path / folder == read(tmp_path, **options).evidence


def test_an_absolute_folder_stays_as_it_is(tmp_path: Path) -> None:
    """
    Shared evidence lies anywhere.
    """
    assert Path("/evidence/p800") == read(tmp_path, evidence="/evidence/p800").evidence


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"device": " "}, "--device is empty"),
        ({"fresh": ""}, "--fresh is empty"),
        ({"evidence": ""}, "--evidence is empty"),
        (
            {"models": "ERNIE-4.5-0.3B,ERNIE-5"},
            (
                "--models: the edition ernie-4.5 has no such model; got ERNIE-5; wanted one of "
                "ERNIE-4.5-424B-A47B, ERNIE-4.5-28B-A3B, ERNIE-4.5-300B-A47B, ERNIE-4.5-21B-A3B, "
                "ERNIE-4.5-0.3B"
            ),
        ),
    ],
)
def test_a_contradiction_is_refused_before_anything_is_measured(
    tmp_path: Path, options: dict[str, object], expected: str
) -> None:
    """
    In words that name the option.
    """
    with pytest.raises(UsageProblem) as caught:
        read(tmp_path, **options)

    assert expected == str(caught.value)


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"edition": "ernie-5"}, StandardError, "there is no such edition; got ernie-5"),
        ({"site": "no.toml"}, SiteError, "no.toml: there is no such site file"),
        ({"reference": "nowhere"}, UsageProblem, "--reference: there is no such reference; got "),
    ],
)
def test_what_is_not_there_is_named(
    tmp_path: Path, options: dict[str, object], kind: type[ErnieError], words: str
) -> None:
    """
    Editions, site files, references.
    """
    with pytest.raises(kind) as caught:
        read(tmp_path, **options)

    assert words in str(caught.value)


def test_chosen_models_leave_the_others_out_in_the_editions_order(tmp_path: Path) -> None:
    """
    The digest stays the whole edition's: what was left out was not scaled.
    """
    settings = read(tmp_path, models=" ERNIE-4.5-0.3B , ERNIE-4.5-21B-A3B ")

    assert [m.name for m in settings.edition.models] == ["ERNIE-4.5-21B-A3B", "ERNIE-4.5-0.3B"]
    assert edition_digest(load("ernie-4.5")) == settings.edition_digest


def test_a_reference_is_found_from_where_the_run_was_started(tmp_path: Path) -> None:
    """
    Relative to that folder.
    """
    (tmp_path / "a100").mkdir()

    assert tmp_path / "a100" == read(tmp_path, reference="a100").reference


@pytest.mark.parametrize("reference", ["mine", "./mine", "link"])
def test_evidence_is_not_its_own_reference(tmp_path: Path, reference: str) -> None:
    """
    Every chip equals itself: whatever the path is called.
    """
    (tmp_path / "mine").mkdir()
    (tmp_path / "link").symlink_to("mine")

    with pytest.raises(UsageProblem) as caught:
        read(tmp_path, evidence="mine", reference=reference)
    expected = (
        f"--reference: the evidence can't be its own reference; got {tmp_path / reference}. Record "
        "the reference into a folder of its own: --record-reference --evidence FOLDER"
    )
    assert expected == str(caught.value)


def test_a_site_file_is_read_from_where_the_run_was_started(tmp_path: Path) -> None:
    """
    And its own relative paths from where it lies.
    """
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "site.toml").write_text('[datasets]\nGSM8K = "g.jsonl"\n')

    site = read(tmp_path, site="lab/site.toml").site
    assert site is not None
    assert {"GSM8K": str(tmp_path / "lab" / "g.jsonl")} == site.datasets


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ("chip", "en", None)),
        (
            {"applicant": "appliance", "lang": "zh", "fresh": "new driver"},
            ("appliance", "zh", "new driver"),
        ),
    ],
)
def test_the_rest_is_taken_as_it_is(
    tmp_path: Path, options: dict[str, object], expected: tuple[str, str, str | None]
) -> None:
    """
    Applicant, language, and the reason for measuring again.
    """
    settings = read(tmp_path, **options)

    assert expected == (settings.applicant, settings.lang, settings.fresh)


def test_offline_the_evidence_says_by_which_edition(tmp_path: Path) -> None:
    """
    Unless one is named. An unknown one, several, or none leave what the device stands for.
    """
    recorded = Path(__file__).parents[2] / "fixtures" / "gpu-proof" / "candidate.ernie"

    def edition(offline: bool = True, evidence: Path = recorded, **more: object) -> str:
        return read(tmp_path, offline=offline, evidence=str(evidence), **more).edition.name

    assert edition() == "gpu-proof"
    assert edition(device="xpu") == "gpu-proof"
    assert edition(edition="rehearsal") == "rehearsal"
    assert edition(evidence=tmp_path / "nothing") == "ernie-4.5"
    assert edition(evidence=measured(tmp_path / "foreign", "theirs")) == "ernie-4.5"
    assert edition(evidence=measured(tmp_path / "mixed", "rehearsal", "gpu-proof")) == "ernie-4.5"
    assert edition(offline=False, evidence=measured(tmp_path / "live", "gpu-proof")) == "ernie-4.5"


def measured(folder: Path, *editions: str) -> Path:
    """Evidence of a measurement under each edition."""
    store = Store(folder)
    subject = Subject(device={"machine": "a"}, toolchain=None, checkpoint="c")
    for name in editions:
        what = What(kind="training.run", edition=name, model="m", method="sft")
        with store.recording(what, subject, "digest") as recording:
            recording.finish({})
    return folder
