"""
What the suite costs beside the server's time: GSM8K whole, prompts and scores included, 64 in flight.

    python tests/bench/accuracy_overhead.py FOLDER [SECONDS]    # three minutes of a quiet machine

FOLDER holds GSM8K. A server answers every question SECONDS (8) after it came, so an ideal client is done
after 1319 / 64 rounds of them; what the measurement takes beyond that is the suite's.
"""

from __future__ import annotations

import math
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "src")]

from doubles.accuracy_lab import Lab  # noqa: E402 (after sys.path)
from doubles.openai_server import Behaviour, FakeServer  # noqa: E402 (after sys.path)
from doubles.oracle import Oracle, gsm8k_rows  # noqa: E402 (after sys.path)
from pytest_ernie.measurements.accuracy import IN_FLIGHT  # noqa: E402 (after sys.path)


def main(data: Path, answer_s: float) -> None:
    """Print where the time went."""
    oracle = Oracle(gsm8k_rows(data / "gsm8k-test.jsonl"), right=0.87)
    came: list[float] = []

    def reply(prompt: str) -> str:
        came.append(time.monotonic())
        return oracle.reply(prompt)

    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder))
        (lab.folder / "site.toml").write_text("")
        behaviour = Behaviour(model=lab.model, reply=reply, first_token_delay_s=answer_s)
        with FakeServer(behaviour) as server:
            began, processor = time.monotonic(), time.process_time()
            answers = lab.measure(server.base_url, data=str(data), edition="ernie-4.5")
            ended, processor = time.monotonic(), time.process_time() - processor
            most = server.most_in_flight
    assert answers.scores == oracle.truth
    # What the suite asks of any server comes one by one before the set's questions.
    of_the_set = came[len(came) - len(oracle.truth) :]
    ideal_s = math.ceil(len(oracle.truth) / IN_FLIGHT) * answer_s
    answered = of_the_set[-1] + answer_s
    took_s = ended - began
    print(
        f"{len(oracle.truth)} questions, {answer_s:g} s for each answer, {most} at once\n"
        f"before the first question    {of_the_set[0] - began:7.2f} s\n"
        f"asking                       {answered - of_the_set[0]:7.2f} s (an ideal client: {ideal_s:.2f} s)\n"
        f"after the last answer        {ended - answered:7.2f} s\n"
        f"in all                       {took_s:7.2f} s: {took_s / ideal_s - 1:.1%} beside the server's time\n"
        f"processor of this process    {1000 * processor / len(oracle.truth):7.2f} ms a question "
        "(the server's threads included)"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 8.0)
