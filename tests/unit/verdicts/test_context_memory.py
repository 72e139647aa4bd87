"""
Memory in the context clause (R12): the peak is shown, and a device that has too little fails.
"""

from __future__ import annotations

import pytest

from pytest_ernie.standard.model import Rulings
from pytest_ernie.trainers.cause import cause_of, device_memory_ran_out
from pytest_ernie.verdicts import Memory, Verdict, Word, training_context

PADDLE = (
    "ResourceExhaustedError: Out of memory error on GPU 0. Cannot allocate 2.500000GB memory on GPU 0, "
    "77.100000GB memory has been allocated and available memory is only 1.100000GB."
)


def judged(rulings: Rulings, memory: Memory, steps: int = 20, tokens: int = 131072) -> Verdict:
    return training_context(
        dict.fromkeys(range(1, steps + 1), 2.0),
        dict.fromkeys(range(1, 21), 2.0),
        sample_tokens=[tokens],
        length=131072,
        rule=rulings.training_context,
        memory=memory,
    )


def test_the_peak_is_shown(rulings: Rulings) -> None:
    """Of a run that passes, too: how near the next length is to what there is."""
    verdict = judged(rulings, Memory(peak_gib=71.25, there_gib=80))

    assert verdict.word is Word.PASS
    assert verdict.notes == ("memory peak 71.2 of 80 GiB",)
    assert verdict.numbers["memory_peak_gib"] == 71.25
    assert judged(rulings, Memory()).notes == ()
    assert judged(rulings, Memory(peak_gib=1.5)).notes == ("memory peak 1.5 GiB",)


@pytest.mark.parametrize(("steps", "after"), [(0, "before its first step"), (7, "after step 7")])
def test_out_of_memory_fails_with_the_figure(rulings: Rulings, steps: int, after: str) -> None:
    """The device can't train this length: that is a result, whatever steps are missing."""
    verdict = judged(rulings, Memory(peak_gib=79.1, there_gib=80, ran_out=PADDLE), steps)

    assert verdict.word is Word.FAIL
    assert verdict.message == (
        f"the device ran out of memory {after} with 131072 tokens a sample (memory peak 79.1 of 80 "
        f"GiB): {PADDLE}"
    )
    assert verdict.measured == f"out of memory {after}"


@pytest.mark.parametrize("tokens", [128450, 128451])
def test_samples_must_be_truly_filled(rulings: Rulings, tokens: int) -> None:
    """98 % of 131072 is 128450.56: one token less shows another length."""
    verdict = judged(rulings, Memory(), tokens=tokens)

    assert verdict.word is (Word.PASS if tokens == 128451 else Word.INCONCLUSIVE)


@pytest.mark.parametrize(
    ("line", "device"),
    [
        (PADDLE, True),
        ("RuntimeError: CUDA out of memory. Tried to allocate 2.50 GiB", True),
        ("RuntimeError: NPU out of memory. Tried to allocate 1.00 GiB", True),
        ("terminate called after throwing an instance of 'std::bad_alloc'", False),
        ("MemoryError", False),
        ("OSError: [Errno 12] Cannot allocate memory", False),
        ("OSError: [Errno 28] No space left on device", False),
        ("ValueError: shapes differ", False),
    ],
)
def test_the_hosts_memory_is_not_the_devices(line: str, device: bool) -> None:
    """A host that is too small is no fault of the chip."""
    cause = cause_of(1, f"Traceback (most recent call last):\n  File x\n{line}\n")

    assert device_memory_ran_out(cause) == device
    assert not device_memory_ran_out(None)
