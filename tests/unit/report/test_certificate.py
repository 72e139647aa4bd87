"""
A certificate is printed only if everything holds; whatever is missing makes it a self-assessment.
"""

from __future__ import annotations

import re

import pytest
from msgspec import structs

from pytest_ernie.bundles.signing import Signed
from pytest_ernie.evidence import Subject
from pytest_ernie.outcomes import Judgement
from pytest_ernie.report.certificate import Case, lacking, page, short_code
from pytest_ernie.standard import criteria, load
from pytest_ernie.verdicts import Verdict, Word

EDITION = load("ernie-4.5")
MODEL = "ERNIE-4.5-0.3B"
TRUSTED = Signed(keys=("k" * 64,), trusted={"k" * 64: "the certifying body"})
STRANGER = Signed(keys=("s" * 64,))


def subject(name: str, **facts: object) -> Subject:
    return Subject(device={"name": name, **facts}, toolchain=None, checkpoint=None)


def judgements(word: Word = Word.PASS, only: str = "") -> tuple[Judgement, ...]:
    """PASS for everything; another word for the criterion that is named."""
    return tuple(
        Judgement(
            criterion=criterion,
            verdict=Verdict(word=word if only in ("", criterion.name) else Word.PASS, message="m"),
            node="n",
        )
        for criterion in criteria(EDITION)
    )


def case(**fields: object) -> Case:
    settings = {
        "edition": EDITION,
        "edition_digest": "e" * 64,
        "edition_is_shipped": True,
        "model": MODEL,
        "tier": 2,
        "scope": "both",
        "judgements": judgements(),
        "bundle_digest": "0123456789abcdef" * 4,
        "signed": TRUSTED,
        "subjects": (subject("Chip X"),),
        "reference_digest": "f" * 64,
        "reference_signed": TRUSTED,
        "reference_subjects": (subject("NVIDIA A800-SXM4-80GB"),),
    }
    return Case(**{**settings, **fields})


def test_a_certificate_names_model_tier_signature_and_digests():
    text = page(case())

    assert lacking(case()) == ()
    assert ">Certificate<" in text
    for part in (MODEL, "Tier II", "WINT4", "0123456789abcdef" * 4, "f" * 64, "e" * 64):
        assert part in text
    assert "the certifying body" in text
    assert "0123-4567-89AB-CDEF" in text
    assert "Every one of the 19 criteria" in text


FAULTS = {
    "the certifying body's key hasn't signed": {"signed": Signed()},
    "certifying body's key hasn't signed this evidence": {"signed": STRANGER},
    "key hasn't signed this evidence": {
        "signed": structs.replace(TRUSTED, problem="it is for another bundle")
    },
    "no key of the edition's trust list signed the reference": {"reference_signed": STRANGER},
    "trust list signed the reference": {"reference_signed": None},
    "there is no bundle of a reference": {"reference_digest": None, "reference_signed": None},
    "the reference wasn't recorded on A100 or A800": {"reference_subjects": (subject("H200"),)},
    "wasn't recorded on A100": {"reference_subjects": ()},
    "it is synthetic": {"subjects": (subject("A", synthetic=True),)},
    "says of itself that it is synthetic": {
        "reference_subjects": (subject("A100", synthetic=True),)
    },
    "entry 7 was changed": {"problems": ("entry 7 was changed",)},
    "doesn't certify: it is a rehearsal": {"edition": structs.replace(EDITION, certifies=False)},
    "is NOT RUN": {"judgements": ()},
    "no criteria for this model": {"model": "ERNIE-4.5-1T"},
}


@pytest.mark.parametrize("words", FAULTS)
def test_a_single_fault_makes_it_a_self_assessment(words):
    """R16: each of these alone, everything else being right."""
    faulty = case(**FAULTS[words])
    text = page(faulty)

    assert any(words in reason for reason in lacking(faulty))
    assert ">Self-assessment<" in text
    assert ">Certificate<" not in text


@pytest.mark.parametrize("word", [word for word in Word if word is not Word.PASS])
def test_one_criterion_of_another_word_is_enough(word):
    name = "inference.accuracy[tier2-ERNIE-4.5-0.3B-wint4-BBH]"

    assert lacking(case(judgements=judgements(word, name))) == (f"{name} is {word.value}",)


@pytest.mark.parametrize(
    ("scope", "name", "certifies"),
    [
        ("training", "inference.accuracy[tier2-ERNIE-4.5-0.3B-wint4-BBH]", True),
        ("inference", "inference.accuracy[tier2-ERNIE-4.5-0.3B-wint4-BBH]", False),
        ("inference", "training.loss[ERNIE-4.5-0.3B-sft]", True),
        ("training", "training.loss[ERNIE-4.5-0.3B-sft]", False),
        ("both", "inference.accuracy[tier3-ERNIE-4.5-0.3B-w4a8-BBH]", True),
        ("both", "training.loss[ERNIE-4.5-21B-A3B-sft]", True),
    ],
)
def test_a_certificate_is_of_its_own_scope_tier_and_model(scope, name, certifies):
    """R1: what fails elsewhere doesn't cost it, and what belongs to it does."""
    assert (lacking(case(scope=scope, judgements=judgements(Word.FAIL, name))) == ()) is certifies


def test_an_edition_that_is_not_shipped_is_said_to_be():
    """Above the clauses, not in the small print: who writes an edition chooses thresholds and keys."""
    said = "Judged by an edition that this suite doesn&#x27;t ship"

    before_the_clauses = page(case(edition_is_shipped=False)).split("<table")[0]
    assert said in before_the_clauses
    assert said not in page(case())


def test_a_device_is_named_as_people_say_it():
    facts = {"count": 8, "memory_gib": 64, "driver": "5.0", "machine": "m"}

    assert "Chip X × 8, 64 GiB, driver 5.0" in page(case(subjects=(subject("Chip X", **facts),)))


def test_hostile_names_do_nothing():
    text = page(
        case(
            subjects=(subject("<script>alert(1)</script>\u202e"),),
            problems=("<img src=x onerror=alert(1)>",),
        )
    )

    assert "<script" not in text
    assert "<img" not in text
    assert "\u202e" not in text


def test_the_page_loads_nothing():
    text = page(case())

    assert re.findall(r'(?:src|href)="', text) == []
    assert "@import" not in text


def test_many_reasons_are_counted():
    text = page(case(judgements=judgements(Word.FAIL)))

    assert "and 7 more" in text


def test_it_speaks_chinese():
    text = page(case(), "zh")

    assert '<html lang="zh">' in text
    assert "认证证书" in text


def test_the_short_code_is_the_digests_beginning():
    assert short_code("0123456789abcdef" + "0" * 48) == "0123-4567-89AB-CDEF"
