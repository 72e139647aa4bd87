"""
Serving throughput of two sides: what makes a comparison void, and which workload decides.
"""

from __future__ import annotations

import uuid
from typing import Any

import msgspec
import pytest

from doubles.load_client import SOUND, load_point
from pytest_ernie.comparison import comparable, share_of_serving_benchmark
from pytest_ernie.errors import EvidenceError
from pytest_ernie.evidence import Record, Subject, What
from pytest_ernie.measurements.throughput import Throughput, WorkloadLoads
from pytest_ernie.standard import criteria, load
from pytest_ernie.verdicts import Bounds, LoadPoint, Verdict, Word

EDITION = load("ernie-4.5")
CRITERION = next(
    one for one in criteria(EDITION) if one.clause == "inference.throughput" and one.share == 0.5
)


def record(machine: str = "a", **data: Any) -> Record:
    """Of a run of the whole workload, on a machine."""
    return Record(
        id=uuid.uuid4().hex,
        what=What(kind="serving.load", edition="ernie-4.5", model="m"),
        subject=Subject(
            device={"machine": machine, "name": f"CPU {machine}"}, toolchain=None, checkpoint="c"
        ),
        edition_digest="",
        started_unix_s=0.0,
        ended_unix_s=0.0,
        data={"prompt_problems": [], "prompts_sha256": "d" * 64, **data},
        samples=(),
        blobs={},
    )


def loads(
    *points: LoadPoint, name: str = "text", records: tuple[Record, ...] = ()
) -> WorkloadLoads:
    """Loads of the whole workload, under limits of 0.3 s and 40 tok/s."""
    return WorkloadLoads(
        name=name,
        bounds=Bounds(ttft_s=0.3, decode_tokens_per_s=40.0),
        rule=EDITION.rulings.serving_throughput,
        points=points,
        records=records,
    )


def recorded_elsewhere(one: WorkloadLoads) -> WorkloadLoads:
    """The same figures of other measurements."""
    records = (msgspec.structs.replace(each, id=uuid.uuid4().hex) for each in one.records)
    return msgspec.structs.replace(one, records=tuple(records))


def judged(own: WorkloadLoads, other: WorkloadLoads, edition: str = "ernie-4.5") -> Verdict:
    """The verdict on one workload."""
    sides = (Throughput(by_workload=(side,)) for side in (own, recorded_elsewhere(other)))
    return share_of_serving_benchmark(*sides, CRITERION, load(edition))


SOUND_LOADS = loads(load_point(), records=(record(),))
SLOW = load_point(ttft_mean_s=0.4)
BUSY = msgspec.structs.replace(SOUND, cpu_share=0.95)


def test_prompts_in_another_order_than_the_challenges_are_inconclusive() -> None:
    """The lengths of the answers, prompt by prompt, are the reference's, or nobody drew that order."""
    other = msgspec.structs.replace(SOUND_LOADS, lengths={0: 16, 1: 99})
    for lengths, word in (({0: 16, 1: 99}, Word.PASS), ({0: 99, 1: 16}, Word.INCONCLUSIVE)):
        own = msgspec.structs.replace(SOUND_LOADS, lengths=lengths, challenged=True)
        assert judged(own, other).word is word
    own = msgspec.structs.replace(SOUND_LOADS, lengths={0: 99, 1: 16}, challenged=True)
    assert judged(own, other).message == (
        "the prompts of the text workload weren't sent in the order of the challenge"
    )


def test_slowed_cards_are_told_of_the_candidate_and_void_the_benchmark() -> None:
    """A benchmark that is too low would let anybody pass."""
    states = {"slowed": ["thermal slowdown"], "held_back": {"thermal slowdown": 0.25}}
    hot = loads(load_point(), records=(record(cards_while_measured=states),))
    words = (
        "the cards were slowed down while they were measured: thermal slowdown in 25% of the "
        "readings"
    )

    assert judged(hot, SOUND_LOADS).word is Word.PASS
    assert words in judged(hot, SOUND_LOADS).notes
    void = judged(SOUND_LOADS, hot)
    assert void.word is Word.INCONCLUSIVE
    assert void.message == (
        f"the reference can't be a benchmark: {words}; record it anew on cards that are well"
    )


def test_the_share_is_that_of_the_peaks() -> None:
    """Beside it stands what the candidate's load was."""
    own = loads(load_point(output_tokens_per_s=900.0), load_point(8, ttft_mean_s=0.4))
    verdict = judged(own, loads(load_point(output_tokens_per_s=2000.0)))

    assert (verdict.word, verdict.numbers["share"]) == (Word.FAIL, 0.45)
    assert verdict.notes == own.notes
    assert judged(loads(load_point(output_tokens_per_s=1000.0)), SOUND_LOADS).word is Word.PASS


@pytest.mark.parametrize("side", ["candidate", "reference"])
@pytest.mark.parametrize(
    ("doubtful", "words"),
    [
        (
            loads(load_point(full_length_share=0.9)),
            "only 90.0 % of the answers reached their fixed",
        ),
        (
            loads(load_point(), records=(record(prompt_problems=["3 prompts were cut"]),)),
            "3 prompts were cut",
        ),
        (
            loads(load_point(client=BUSY)),
            "the load client may have been the bottleneck at 4 in flight: it took 95.0 % of a core",
        ),
    ],
    ids=["unequal work", "unread prompts", "saturated client"],
)
def test_a_doubtful_side_makes_it_void(doubtful: WorkloadLoads, words: str, side: str) -> None:
    """Whichever it is: the figure says nothing of the server, so it can neither pass nor fail."""
    sides = (doubtful, SOUND_LOADS) if side == "candidate" else (SOUND_LOADS, doubtful)
    verdict = judged(*sides)

    assert verdict.word is Word.INCONCLUSIVE
    assert verdict.message.startswith(words)


def test_a_saturated_client_excuses_a_candidate_without_a_load() -> None:
    """The lowest load may have broken its limits because of the client."""
    assert judged(loads(SLOW), SOUND_LOADS).word is Word.FAIL
    excused = loads(msgspec.structs.replace(SLOW, client=BUSY))
    assert judged(excused, SOUND_LOADS).word is Word.INCONCLUSIVE


def test_a_candidate_without_a_load_fails() -> None:
    """With what its lowest load breaks."""
    assert judged(loads(SLOW), SOUND_LOADS) == Verdict(
        word=Word.FAIL,
        message="no tested load of the text workload keeps the limits: 4 in flight: mean time to "
        "first token 0.400 s, must be < 0.3 s",
        measured="no load within the limits",
        required="≥ 50 % of the benchmark",
    )


def test_a_reference_without_a_load_is_none() -> None:
    """There is no benchmark then, whatever the candidate does."""
    verdict = judged(loads(SLOW), loads(SLOW))

    assert verdict.word is Word.INCONCLUSIVE
    assert verdict.message == (
        "the reference keeps the limits at no load of the text workload: 4 in flight: mean time to "
        "first token 0.400 s, must be < 0.3 s"
    )


@pytest.mark.parametrize("order", [1, -1])
def test_every_workload_must_pass(order: int) -> None:
    """R7b: the one that doesn't decides, wherever it stands."""
    slow = loads(load_point(output_tokens_per_s=100.0), name="images")
    pairs = [(one, recorded_elsewhere(SOUND_LOADS)) for one in (SOUND_LOADS, slow)][::order]
    own, other = (Throughput(by_workload=side) for side in zip(*pairs, strict=True))

    verdict = share_of_serving_benchmark(own, other, CRITERION, EDITION)

    assert (verdict.word, verdict.numbers["share"]) == (Word.FAIL, 0.05)


def test_other_prompts_are_not_compared() -> None:
    """Both sides know by the digest that they asked the same."""
    other = loads(load_point(), records=(record(prompts_sha256="e" * 64),))

    with pytest.raises(EvidenceError) as caught:
        judged(SOUND_LOADS, other)

    assert str(caught.value) == (
        "candidate and reference don't have the same prompts, so they can't be compared; "
        "got sha256 dddddddddddd…; wanted sha256 eeeeeeeeeeee…"
    )


def test_nothing_is_compared_with_itself() -> None:
    """A copy of the reference under another name is still the reference."""
    with pytest.raises(EvidenceError) as caught:
        comparable(SOUND_LOADS.records[0], SOUND_LOADS.records[0])

    assert str(caught.value) == (
        "serving.load of m: this is the reference's own measurement, and nothing is compared with "
        "itself. Give the reference as --reference and the candidate's own folder as --evidence"
    )


def test_an_edition_may_compare_one_machine_only() -> None:
    """The rehearsal does, as CPUs differ; the official one names its hardware."""
    other = loads(load_point(), records=(record("b"),))

    verdict = judged(SOUND_LOADS, other, "rehearsal")

    assert verdict.word is Word.INCONCLUSIVE
    assert verdict.message.startswith(
        "the reference's throughput was recorded on another machine (CPU b), and this edition "
    )
    assert judged(SOUND_LOADS, SOUND_LOADS, "rehearsal").word is Word.PASS
    assert judged(SOUND_LOADS, other).word is Word.PASS
