"""
The log reader: every step that is there, nothing that isn't, and a word about every oddity.
"""

from __future__ import annotations

import math
import time

import msgspec
import pytest

from pytest_ernie.trainers.curve import Curve, read_curve, read_logs


def line(
    step: int, loss: object = 6.25875282, runtime_s: float = 0.0593, md5: str = "0f" * 16
) -> str:
    """One step as PaddleFormers prints it, colours included."""
    return (
        f"\x1b[32m[2026-01-01 01:09:53,731] [    INFO]\x1b[0m - loss: {loss}, learning_rate: 5e-05,"
        f" global_step: {step}, loss_md5: {md5}, interval_runtime: {runtime_s},"
        f" interval_samples_per_second: 134.8, interval_tokens_per_second_per_device: 8632.8,"
        f" interval_steps_per_second: 16.86, progress_or_epoch: {step / 500}\x1b[0m\n"
    )


def log(*steps: int) -> str:
    """A clean log of those steps."""
    return "".join(line(step, loss=7 - step / 100) for step in steps)


def test_every_number_of_a_step_is_read() -> None:
    """Loss, digest, runtime and speed come out as printed."""
    curve = read_curve(line(1))

    assert curve == Curve(
        steps=(1,),
        loss=(6.25875282,),
        loss_md5=("0f" * 16,),
        runtime_s=(0.0593,),
        tokens_per_s=(8632.8,),
        problems=(),
        learning_rate=(5e-05,),
        clock_s=(1767229793.731,),
        data_load_s=(None,),
    )


def test_the_keys_of_vl_models_are_read() -> None:
    """Their lines have other names for runtime, speed, memory and clock."""
    curve = read_curve(
        "[2026-01-01 00:00:00,000] [INFO] - loss: 1.5, loss_cur_dp: 1.6, learning_rate: 1e-05,"
        " global_step: 1, mem_allocated_gb: 20.1, max_mem_allocated_gb: 61.5, mem_reserved_gb: 22.0,"
        " max_mem_reserved_gb: 71.25, loss_scale: 4096.0, global_runtime: 12.5,"
        " tokens_trained_current_step: 8192, timestamp: 1767229793731, TFLOPS_per_sec_per_card: 1.5,"
        " tokens_per_sec_per_card: 254.1, tokens_per_sec_per_card_average: 250.0\n"
    )

    assert (curve.loss, curve.tokens_per_s, curve.runtime_s) == ((1.5,), (254.1,), (12.5,))
    assert (curve.clock_s, curve.memory_peak_gib) == ((1767229793.731,), 71.25)
    assert curve.problems == ()


def test_what_a_vl_line_lacks_is_none() -> None:
    """A short line is a step all the same, and a stamp that is no time of day is none."""
    curve = read_curve("[INFO] - loss: 1.5, learning_rate: 1e-05, global_step: 1, timestamp: 1\n")

    assert (curve.steps, curve.runtime_s, curve.clock_s) == ((1,), (None,), (None,))
    assert (curve.memory_peak_gib, curve.problems) == (None, ())


def test_the_memory_peak_is_the_largest_of_the_run() -> None:
    """What the runtime took of the device, rather than what was in use of it."""
    lines = [
        line(step).replace(
            ", progress", f", max_memory_allocated: 9.5, max_memory_reserved: {gib}, progress"
        )
        for step, gib in ((1, 10.5), (2, 12.25), (3, 11.0))
    ]

    assert read_curve("".join(lines)).memory_peak_gib == 12.25


def test_one_coarse_step_is_a_coarse_run() -> None:
    """Of what matrix products kept, the fewest bits count; None where no step says."""
    lines = [
        line(step).replace("\x1b[0m\n", f", matrix_product_bits: {bits}\x1b[0m\n")
        for step, bits in ((1, 24), (2, 11), (3, 24))
    ]

    assert read_curve("".join(lines)).product_bits == 11
    assert read_curve(log(1, 2)).product_bits is None


def test_checkpoints_and_waits_for_data_are_kept() -> None:
    """What the trainer says between two steps' lines."""
    loading = "[INFO] - [DataLoad global_step: 2] data_load_time: 7230.00 ms (over 1 batches)\n"
    curve = read_curve(
        log(1) + "[INFO] - Saving model checkpoint to output/checkpoint-1\n" + log(2) + loading
    )

    assert (curve.saved_after, curve.data_load_s) == ((1,), (None, 7.23))
    assert curve.problems == ()


def test_a_dictionary_is_read_as_well() -> None:
    """Some versions print the log as a Python dictionary."""
    curve = read_curve("{'loss': 1.5, 'learning_rate': 1e-05, 'global_step': 1}\n")

    assert (curve.steps, curve.loss, curve.problems) == ((1,), (1.5,), ())


def test_bytes_that_are_no_text_do_no_harm() -> None:
    """A worker's binary noise between the lines is passed over."""
    curve = read_curve(line(1).encode() + b"\xff\xfe\x00\x9d\n" + line(2).encode())

    assert (curve.steps, curve.problems) == ((1, 2), ())


def test_evaluation_and_summary_are_no_steps() -> None:
    """Losses under other names belong to no step, even beside a global_step."""
    curve = read_curve(
        log(1)
        + "[INFO] - eval_loss: 2.5, eval_runtime: 1.0, eval_ppl: 12.1, global_step: 1\n"
        + "[INFO] - train_runtime: 31.4, train_loss: 6.1, progress_or_epoch: 1.0\n"
        + "[INFO] - [DataLoad global_step: 1] data_load_time: 7.23 ms (over 1 micro-batches)\n"
        + "[INFO] - learning_rate                 : 0.0001\n"
        + "[INFO] -   train_loss               =     6.1\n"
    )

    assert (curve.steps, curve.problems) == ((1,), ())


@pytest.mark.parametrize(
    "text",
    [
        "  2%|\u258f| 10/500 [00:01<00:59,  8.1it/s]" + line(1),
        "  2%|\u258f| 10/500 [00:01<00:59,  8.1it/s]\r" + line(1),
        line(1).rstrip("\n") + "  2%|\u258f| 10/500 [00:01<00:59,  8.1it/s]\n",
        line(1).replace("\n", "\r\n"),
        line(1).replace(
            ", learning_rate", "  2%|\u258f| 10/500 [00:01<00:59,  8.1it/s], learning_rate"
        ),
    ],
    ids=["before", "before and back", "behind", "carriage return", "inside"],
)
def test_a_progress_bar_on_the_same_line_is_taken_off(text: str) -> None:
    """Nothing of the step is lost or changed by a bar around it."""
    assert read_curve(text) == read_curve(line(1))


@pytest.mark.parametrize(
    ("last_word", "reason"),
    [
        (", gl", "it has a loss and no global_step"),
        ("loss_md5: 0f0f0f0f", "loss_md5 of step 2 is '0f0f0f0f'"),
    ],
)
def test_a_torn_line_is_a_problem_and_no_step(last_word: str, reason: str) -> None:
    """A line that another writer interrupted is named; the next one still counts."""
    before, _, _ = line(2).partition(last_word)

    curve = read_curve(log(1) + before + last_word + "\n" + log(3))

    assert curve.steps == (1, 3)
    assert curve.problems == (f"line 2: torn: {reason}", "step 2 is missing")


def test_the_second_half_of_a_torn_line_is_a_problem() -> None:
    """A step number without a loss is never joined with the loss of another line."""
    curve = read_curve("garbage, global_step: 1, loss_md5: " + "0f" * 16 + "\n")

    assert curve.problems == ("line 1: torn: global_step 1 has no loss", "the log shows no step")


@pytest.mark.parametrize("number", ["global_step: 12", "interval_runtime: 0.05", "loss: 6.2"])
def test_a_log_cut_inside_a_number_is_a_problem(number: str) -> None:
    """The last number may lack digits: step 123 must not be read as step 12."""
    last = line(123)
    cut = last[: last.index(number) + len(number)]

    curve = read_curve(log(1) + cut)

    assert curve.steps == (1,)
    assert len(curve.problems) == 1
    assert curve.problems[0].startswith("line 2: ")


def test_a_complete_last_line_without_its_end_still_counts() -> None:
    """If the cut is behind the numbers that matter nothing is lost."""
    curve = read_curve(log(1) + line(2).rstrip())

    assert (curve.steps, curve.problems) == ((1, 2), ())


def test_two_lines_in_one_are_a_problem() -> None:
    """Two writers without a newline between them: neither step can be trusted."""
    curve = read_curve(line(1).rstrip("\n") + line(2))

    assert curve.steps == ()
    assert "ran into each other: loss appears twice" in curve.problems[0]


def test_missing_steps_are_named() -> None:
    """A gap is one problem, from the run's first step on; the last step isn't known here."""
    assert read_curve(log(3, 4, 6, 9)).problems == (
        "steps 1..2 are missing",
        "step 5 is missing",
        "steps 7..8 are missing",
    )


def test_an_identical_repetition_is_noted() -> None:
    """Launchers copy the first worker's log to the console: that is no problem."""
    curve = read_curve(log(1, 2, 2))

    assert (curve.steps, curve.problems) == ((1, 2), ())
    assert curve.notes == ("line 3: step 2 is repeated as it was",)


def test_a_repetition_with_another_loss_is_a_problem() -> None:
    """The first value stands, and both are told."""
    curve = read_curve(log(1) + line(1, loss=9.5))

    assert curve.loss == (6.99,)
    assert curve.problems == ("line 2: step 1 is repeated with another loss (6.99 and 9.5)",)


def test_several_workers_may_tell_of_one_step() -> None:
    """Each has a runtime of its own, the same loss, and writes at the same moment; the first counts."""
    curve = read_curve(line(1) + line(1, runtime_s=0.5) + line(2) + line(1, runtime_s=0.6))

    assert (curve.runtime_s, curve.problems) == ((0.0593, 0.0593), ())
    assert curve.notes == (
        "line 2: another worker tells of step 1, too",
        "line 4: another worker tells of step 1, too",
    )


@pytest.mark.parametrize("later", ["01:09:56,000", "02:09:53,731", ""])
def test_a_repetition_with_another_runtime_is_a_problem(later: str) -> None:
    """A resumed run repeats losses at another time, or nobody knows when; its time would count once."""
    curve = read_curve(line(1) + line(1, runtime_s=0.5).replace("01:09:53,731", later))

    assert curve.problems == (
        "line 2: step 1 is repeated with another runtime (0.0593 s and 0.5 s)",
    )


def test_steps_out_of_order_are_a_problem() -> None:
    """They are sorted, and said to have been out of order."""
    curve = read_curve(log(1, 3, 2))

    assert curve.steps == (1, 2, 3)
    assert curve.problems == ("line 3: step 2 comes after step 3",)


@pytest.mark.parametrize("value", ["nan", "NaN", "inf", "-inf"])
def test_a_loss_that_is_no_number_is_a_problem(value: str) -> None:
    """It is kept as a step without a loss, survives JSON, and is NaN for whoever judges."""
    curve = read_curve(log(1) + line(2, loss=value))
    again = msgspec.json.decode(msgspec.json.encode(curve), type=Curve)

    assert again == curve
    assert curve.loss == (6.99, None)
    assert curve.problems == ("line 2: the loss of step 2 is NaN or infinite",)
    assert math.isnan(curve.by_step()[2])
    assert curve.by_step()[1] == 6.99


@pytest.mark.parametrize("value", ["0", "-3", "1.5", "1_000", "\u0663"])
def test_a_step_number_that_is_none_is_a_problem(value: str) -> None:
    """Only whole numbers from 1 on are steps."""
    curve = read_curve(line(1).replace("global_step: 1", f"global_step: {value}"))

    assert curve.steps == ()
    assert curve.problems[0] == f"line 1: global_step is {value!r}, no step"


@pytest.mark.parametrize("value", ["6.2x", "1_0", "--1", "0x10", "6.2e"])
def test_a_loss_that_is_garbled_is_a_problem(value: str) -> None:
    """What Python would take for a number but no trainer prints isn't one."""
    curve = read_curve(line(1).replace("6.25875282", value, 1))

    assert curve.steps == ()
    assert curve.problems[0] == f"line 1: torn: loss of step 1 is {value!r}"


def test_an_empty_log_is_a_problem() -> None:
    """Silence isn't a clean curve."""
    assert read_curve("").problems == ("the log shows no step",)


def test_endless_problems_are_counted() -> None:
    """The first twenty are told and the others counted."""
    curve = read_curve("global_step: 1\n" * 1000)

    assert len(curve.problems) == 21
    assert curve.problems[-1] == "and 981 more"


@pytest.mark.parametrize(
    "pattern",
    [b"a", b"global_step", b"global_step\r", b"global_step\n", b"loss: 1, ", b"\x1b[0;1", b":,",
     b"\r", b"5%|", b"learning_rate: 1\x1b[\r"],
)  # fmt: skip
def test_hostile_input_costs_linear_time(pattern: bytes) -> None:
    """Two megabytes of anything take less than a few seconds, wherever the lines end."""
    text = pattern * (2_000_000 // len(pattern))
    began = time.process_time()

    curve = read_curve(text + b"\n" + line(1).encode())

    assert time.process_time() - began < 5
    assert curve.steps[-1:] == (1,)


def test_a_line_too_long_to_be_a_step_is_named() -> None:
    """It is left unread, and the gap that this may leave is told."""
    curve = read_curve("x" * 20_000 + line(1) + line(2))

    assert curve.steps == (2,)
    assert curve.problems[0] == "line 1: longer than 16384 bytes and left unread"


def workers(*texts: str) -> list[tuple[str, bytes]]:
    """The logs of some workers, by name."""
    return [(f"worker {number}", text.encode()) for number, text in enumerate(texts)]


def test_the_logs_of_several_workers_are_one_run() -> None:
    """Those that tell of no step, or of the same ones, change nothing."""
    noise = "NCCL INFO Channel 00\n" * 10
    curve = read_logs(workers(noise, log(1, 2, 3), noise, log(1, 2, 3)))

    assert (curve.steps, curve.problems) == ((1, 2, 3), ())


@pytest.mark.parametrize(
    ("other", "problem"),
    [
        (line(1) + line(2, loss=9.5), "step 2 is repeated with another loss (6.98 and 9.5)"),
        (log(1, 2, 3), "worker 1 alone tells of step 3"),
    ],
)
def test_workers_that_contradict_each_other_are_a_problem(other: str, problem: str) -> None:
    """Nobody can say which of them is right."""
    first = line(1) + line(2, loss=6.98)
    curve = read_logs(workers(first, other.replace("6.99", "6.25875282")))

    assert any(problem in told for told in curve.problems)
