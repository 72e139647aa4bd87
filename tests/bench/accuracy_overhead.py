"""
What the suite costs beside the server's time: GSM8K whole, prompts and scores included, 64 in flight.

    python tests/bench/accuracy_overhead.py FOLDER [SECONDS]    # three minutes of a quiet machine

FOLDER holds GSM8K. A server, a process of its own, takes SECONDS (8) for an answer, from half as much to
half as much again; so an ideal client, which sends the next question the moment an answer is there, needs
a time that can be told. What the measurement takes beyond that is the suite's.
"""

from __future__ import annotations

import heapq
import multiprocessing
import random
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "src")]

from doubles.accuracy_lab import MODEL, Lab  # noqa: E402 (after sys.path)
from doubles.openai_server import Behaviour, FakeServer  # noqa: E402 (after sys.path)
from doubles.oracle import Oracle, gsm8k_rows  # noqa: E402 (after sys.path)
from pytest_ernie.measurements.accuracy import IN_FLIGHT  # noqa: E402 (after sys.path)

Times = list[tuple[float, float]]
"""Of each question, in the order in which they came: when, and the seconds that it took."""


def oracle_of(data: Path) -> Oracle:
    """What is right, for both processes."""
    return Oracle(gsm8k_rows(data / "gsm8k-test.jsonl"), right=0.87)


def serve(data: Path, mean_s: float, told: Connection) -> None:
    """Answer until told to end; tell the address first, and the times last."""
    oracle = oracle_of(data)
    draw = random.Random(1)
    takes_s = {id: mean_s * draw.uniform(0.5, 1.5) for id in oracle.truth}
    times: Times = []

    def reply(prompt: str) -> str:
        question = oracle.question(prompt)
        if question is not None:  # else it is what the suite asks of any server
            took_s = takes_s[oracle.ids[question]]
            times.append((time.monotonic(), took_s))
            time.sleep(took_s)
        return oracle.reply(prompt)

    with FakeServer(Behaviour(model=MODEL, reply=reply)) as server:
        told.send(server.base_url)
        told.recv()
        told.send((times, server.most_in_flight))


def ideal_s(times: Times) -> float:
    """Return how long these answers take if every slot is always full."""
    free = [0.0] * IN_FLIGHT
    for _, took_s in times:
        heapq.heappush(free, heapq.heappop(free) + took_s)
    return max(free)


def main(data: Path, mean_s: float) -> None:
    """Print where the time went."""
    spawn = multiprocessing.get_context("spawn")
    told, childs = spawn.Pipe()
    server = spawn.Process(target=serve, args=(data, mean_s, childs), daemon=True)
    server.start()
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder))
        (lab.folder / "site.toml").write_text("")
        url = told.recv()
        began, processor = time.monotonic(), time.process_time()
        answers = lab.measure(url, data=str(data), edition="ernie-4.5")
        ended, processor = time.monotonic(), time.process_time() - processor
    told.send("end")
    times, most = told.recv()
    server.join()

    truth = oracle_of(data).truth
    assert answers.scores == truth
    assert len(times) == len(truth)
    first, last = times[0][0], max(at + took_s for at, took_s in times)
    ideal = ideal_s(times)
    print(
        f"{len(truth)} questions, {mean_s:g} s for an answer in the mean, {most} at once\n"
        f"before the first question  {first - began:7.2f} s\n"
        f"asking                     {last - first:7.2f} s (an ideal client: {ideal:.2f} s)\n"
        f"after the last answer      {ended - last:7.2f} s\n"
        f"in all                     {ended - began:7.2f} s: {(ended - began) / ideal - 1:.1%} beside\n"
        f"this process's processor   {1000 * processor / len(truth):7.2f} ms a question"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 8.0)
