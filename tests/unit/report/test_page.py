"""
The certification section: true words, nothing hostile, quick for 185 criteria.
"""

from __future__ import annotations

import re
import sys
import time
from html.parser import HTMLParser

import pytest
from msgspec import structs

from pytest_ernie.bundles.signing import Signed
from pytest_ernie.evidence import Subject
from pytest_ernie.outcomes import Judgement
from pytest_ernie.report.matrix import matrix
from pytest_ernie.report.page import Page, Side, broken, section
from pytest_ernie.report.pictures import Picture
from pytest_ernie.standard import criteria, load
from pytest_ernie.verdicts import Verdict, Word

REHEARSAL = load("rehearsal")
STANDARD = load("ernie-4.5")
HOSTILE = "<script>alert(1)</script>\x1b[31m\x00\u202e\ud800<img src=x onerror=alert(1)>"
_VOID = {"meta", "br", "img", "link"}
_INLINE = {"b", "code", "bdi", "a"}


def judged(edition, word=Word.PASS, **fields):
    verdict = Verdict(
        word=word, **{"message": "a sentence", "measured": "7", "required": "8", **fields}
    )
    return [Judgement(criterion=c, verdict=verdict, node="n") for c in criteria(edition)]


def page(judgements=(), edition=REHEARSAL, **fields) -> Page:
    settings = {
        "matrix": matrix(edition, judgements),
        "edition_digest": "e" * 64,
        "suite": "1.2.3",
        "candidate": Side(folder="here"),
        "reference": Side(folder="there", subjects=(subject("CPU of another host"),)),
    }
    return Page(**{**settings, **fields})


def subject(name: str, **fields) -> Subject:
    settings = {"device": {"name": name, "count": 8}, "toolchain": "t" * 64, "checkpoint": "c" * 64}
    return Subject(**{**settings, **fields})


class Reader(HTMLParser):
    """Checks that every element is closed in turn, and keeps tags, attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._space(tag)
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        self._space(tag)

    def _space(self, tag):
        self.text += "" if tag in _INLINE else " "

    def handle_data(self, data):
        self.text += data


_CHINESE = re.compile(r"<(span|text)[^>]* ?t-zh.*?</\1>|<style.*?</style>", re.DOTALL)


def shown(page: Page) -> str:
    """Return the text that an English reader sees."""
    return " ".join(Reader(_CHINESE.sub("", section(page))).text.split())


@pytest.mark.parametrize("edition", [REHEARSAL, STANDARD], ids=lambda edition: edition.name)
def test_it_is_a_self_assessment_and_never_a_certificate(edition):
    text = section(page(judged(edition), edition))

    assert "Self-assessment" in text
    assert "certificate" not in text.lower()


def test_a_rehearsal_says_so_with_everything_that_it_scales():
    text = shown(page(judged(REHEARSAL)))

    assert "Rehearsal" in text
    for sentence in REHEARSAL.scaled:
        assert sentence in text


def test_an_edition_that_certifies_is_no_rehearsal():
    assert "Rehearsal" not in shown(page(judged(STANDARD), STANDARD))


def test_the_verdict_is_one_sentence():
    judgements = [j for j in judged(REHEARSAL) if 1 in j.criterion.tiers]
    for place, word in ((0, Word.FAIL), (1, Word.FAIL), (2, Word.INCONCLUSIVE), (3, Word.NOT_RUN)):
        verdict = structs.replace(judgements[place].verdict, word=word)
        judgements[place] = structs.replace(judgements[place], verdict=verdict)

    text = shown(page(judgements))

    assert "Tier I: 9 of 13 criteria pass; 2 fail; 1 inconclusive; 1 not run." in text
    assert "Tier II: " not in text


def test_several_models_get_a_line_each():
    judgements = judged(STANDARD)
    judgements[0] = structs.replace(
        judgements[0], verdict=structs.replace(judgements[0].verdict, word=Word.FAIL)
    )

    text = shown(page(judgements, STANDARD))

    assert "Tier I: 4 of 5 models pass every criterion." in text
    assert "4 of 5 models" not in text.split("Tier II:")[0].split("Tier I:")[0]
    assert "1 of 5 models passes no tier; 184 of 185 criteria are PASS." in text


def test_what_this_run_did_not_ask_for_is_not_run():
    """No word but NOT RUN, wherever nothing was judged."""
    text = shown(page([]))

    assert text.count("NOT RUN") >= len(criteria(REHEARSAL))
    assert "ERNIE-4.5-tiny passes no tier; 0 of 37 criteria are PASS." in text
    words = [a["class"] for _, a in Reader(section(page([]))).tags if "ernie-word" in str(a)]
    assert {word.split()[1] for word in words} == {"ernie-not-run", "ernie-unspecified"}


def test_reinforcement_learning_is_unspecified():
    assert "Reinforcement learning UNSPECIFIED" in shown(page([]))


def test_the_matrix_shows_each_number_beside_its_limit():
    judgements = judged(REHEARSAL)
    judgements[0] = structs.replace(
        judgements[0],
        verdict=Verdict(word=Word.PASS, message="m", measured="0 outliers", required="at most 10"),
    )

    assert "PASS 0 outliers at most 10" in shown(page(judgements))


def test_a_shared_criterion_is_one_cell_across_its_tiers():
    tags = Reader(section(page(judged(REHEARSAL)))).tags
    cells = [
        a
        for tag, a in tags
        if tag == "td" and str(a.get("data-tier")).startswith("Tier I, II, III /")
    ]

    assert {cell["colspan"] for cell in cells} == {"3"}
    assert len(cells) == sum(criterion.tiers == (1, 2, 3) for criterion in criteria(REHEARSAL))


@pytest.mark.parametrize("word", [Word.FAIL, Word.INCONCLUSIVE, Word.NOT_RUN, Word.RECORDED])
def test_what_is_not_pass_is_explained(word):
    text = shown(page(judged(REHEARSAL, word, message="the cause", notes=("a note",))))

    assert text.count("the cause") == text.count("a note") == len(criteria(REHEARSAL))
    assert "Every criterion that this run judged is PASS" not in text


def test_notes_of_a_pass_are_shown():
    assert "weak: crosses the limit" in shown(
        page(judged(REHEARSAL, notes=("weak: crosses the limit",)))
    )


def test_every_link_leads_somewhere():
    tags = Reader(section(page(judged(STANDARD, Word.FAIL), STANDARD))).tags
    targets = [attributes["id"] for _, attributes in tags if "id" in attributes]
    links = {attributes["href"] for tag, attributes in tags if tag == "a"}

    assert len(targets) == len(set(targets))
    assert links
    assert {link.removeprefix("#") for link in links} <= {*targets, "results-table"}


def test_hostile_text_stays_text():
    """Whoever writes it: a model, a log, a device's tool, a site file or an edition."""
    verdict = {"message": HOSTILE, "measured": HOSTILE, "required": HOSTILE, "notes": (HOSTILE,)}
    side = Side(
        folder=HOSTILE,
        subjects=(subject(HOSTILE, launch={"engine": HOSTILE, "datatype": HOSTILE}),),
        remark=HOSTILE,
        suite=HOSTILE,
    )
    edition = structs.replace(
        REHEARSAL, title=HOSTILE, source=HOSTILE, scaled=(HOSTILE,), name=HOSTILE
    )
    picture = Picture(heading=HOSTILE, criteria=(), svg=None, remark=HOSTILE)

    text = section(
        page(
            judged(edition, Word.FAIL, **verdict),
            edition,
            candidate=side,
            reference=side,
            pictures=(picture,),
        )
    )

    assert {"script", "img"}.isdisjoint(tag for tag, _ in Reader(text).tags)
    assert not any(name.startswith("on") for _, a in Reader(text).tags for name in a)
    assert not re.search("[\x00-\x09\x0b-\x1f\u202a-\u202e\u2066-\u2069]", text)
    text.encode("utf-8")


def test_a_megabyte_of_message_does_not_fill_the_report():
    text = section(page(judged(REHEARSAL, Word.FAIL, message="x" * 1_000_000)))

    assert len(text) < 500_000
    assert "more characters are in the evidence" in text


def test_without_a_reference_the_page_says_what_follows():
    assert "No reference was given" in shown(page([], reference=None))


def test_a_reference_on_other_hardware_is_called_so():
    other = Side(folder="there", subjects=(subject("Kunlun P800"),))
    a100 = Side(folder="there", subjects=(subject("NVIDIA A100-SXM4-80GB"),))

    assert "recorded on Kunlun P800, not on A100 or A800" in shown(
        page([], STANDARD, reference=other)
    )
    assert "not on A100" not in shown(page([], STANDARD, reference=a100))


def test_making_a_reference_passes_nothing():
    text = shown(page(judged(REHEARSAL, Word.RECORDED), recording=True, reference=None))

    assert "This run records a reference" in text
    assert "0 of 13 criteria pass; 13 recorded" in text
    assert "No reference was given." not in text


def test_facts_name_device_software_and_digests():
    side = Side(
        folder="evidence",
        suite="0.9",
        subjects=(
            subject("NPU 9", launch={"trainer": "erniekit"}, toolchain="ab" * 32),
            subject("NPU 9", launch={"engine": "vllm", "model": "M", "datatype": "wint8"}),
        ),
    )

    text = shown(page([], candidate=side))

    assert text.count("NPU 9") == 1
    assert "erniekit, toolchain abababababab, weights cccccccccccc" in text
    assert "vllm, M, WINT8, toolchain" in text
    assert "rehearsal eeeeeeeeeeee" in text
    assert "pytest-ernie 1.2.3" in text


def test_evidence_of_two_devices_is_pointed_out():
    side = Side(folder="evidence", subjects=(subject("one"), subject("two")))

    assert "This evidence comes from 2 devices." in shown(page([], candidate=side))


def test_pictures_stand_beside_the_reason_for_those_that_are_missing():
    pictures = (
        Picture(heading="Drawn", criteria=(), svg="<svg></svg>", remark="a remark"),
        Picture(heading="Missing", criteria=(), svg=None, remark="nothing is recorded"),
    )

    text = shown(page([], pictures=pictures))

    assert "Drawn a remark" in text
    assert "Not drawn: Missing : nothing is recorded" in text


def test_a_report_that_broke_says_so_harmlessly():
    text = broken(ValueError(HOSTILE))

    assert "This report is incomplete." in text
    assert "<script" not in text


def test_185_criteria_are_quick_and_small():
    judgements = judged(STANDARD, Word.FAIL, message="m" * 300)
    assert len(judgements) == 185
    started = time.perf_counter()

    text = section(page(judgements, STANDARD))

    assert time.perf_counter() - started < 2
    assert len(text) < 1_000_000


def test_the_section_needs_no_drawing_library():
    """Checked in a fresh interpreter: other tests here draw."""
    import subprocess

    code = "import sys, pytest_ernie.report.page; sys.exit('matplotlib' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_synthetic_evidence_is_called_so_on_every_page():
    """A device that says that it doesn't exist must never look like one that was measured."""
    side = Side(folder="here", subjects=(subject("Demo", device={"name": "A", "synthetic": True}),))
    for page_of in (page([], candidate=side), page([], reference=side)):
        text = section(page_of)

        assert "No device was measured." in text
        assert "Synthetic data" in re.search(r"ernie-stamp.*?</style>", text).group(0)


@pytest.mark.parametrize(
    ("fields", "stamp"),
    [
        ({"reference": None}, "No reference"),
        ({"reference": Side(folder="r", subjects=(subject("Kunlun P800"),))}, "Other reference"),
        ({"recording": True, "reference": None}, "Reference"),
        ({}, "Untrusted reference"),
        ({"candidate": Side(folder="c", signed=Signed())}, "Unsigned evidence"),
        ({"candidate": Side(folder="c", signed=Signed(problem="x"))}, "Unsigned evidence"),
    ],
)
def test_what_keeps_a_report_from_certifying_stands_on_every_printed_page(fields, stamp):
    """R14 and R16: on every page, so that no page can be shown alone."""
    a100 = Side(folder="there", subjects=(subject("NVIDIA A100-SXM4-80GB"),))
    text = section(page([], STANDARD, **{"reference": a100, **fields}))

    assert stamp in re.search(r"ernie-stamp.*?</style>", text).group(0)
    assert "Self-assessment" in re.search(r"ernie-stamp.*?</style>", text).group(0)


def test_the_matrix_of_tiers_says_which_are_passed_in_which_scope():
    """One failing criterion of SFT in tier II costs that tier there and on the whole, nothing else."""
    judgements = judged(STANDARD)
    place = next(
        n
        for n, j in enumerate(judgements)
        if j.criterion.name == "training.throughput[tier2-ERNIE-4.5-0.3B-sft]"
    )
    verdict = structs.replace(judgements[place].verdict, word=Word.FAIL)
    judgements[place] = structs.replace(judgements[place], verdict=verdict)

    text = shown(page(judgements, STANDARD))

    assert text.count(" I · III ") == 2


def test_chinese_is_chosen_by_the_run_and_both_are_there():
    text = section(page(judged(REHEARSAL), lang="zh"))

    assert 'class="ernie ernie-zh"' in text
    assert "通过" in text
    assert 'class="ernie"' in section(page(judged(REHEARSAL)))


def test_a_margin_is_shown_with_its_side():
    numbers = {"share": 0.6}
    text = shown(page(judged(STANDARD, numbers=numbers), STANDARD))

    assert "margin +20 %" in text
    assert "margin −25 %" in text  # tier III asks for 80 %
