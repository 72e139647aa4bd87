"""
Under ``-n``: one worker for each server, one evidence folder for all, and a word for what a crash cut short.
"""

from __future__ import annotations

import json
from collections import defaultdict

import pytest

SUITE = """
import json, os
import pytest
from pytest_ernie.clauses import clause
from pytest_ernie.evidence import Store, Subject, What
from pytest_ernie.outcomes import judgement_of
from pytest_ernie.standard.starts import start_of
from pytest_ernie.verdicts import Verdict, Word

def note(criterion, standard, ernie):
    with open("ran.jsonl", "a") as file:
        file.write(json.dumps([
            os.environ["PYTEST_XDIST_WORKER"], start_of(standard, criterion).title, criterion.name
        ]) + chr(10))
    if os.environ.get("CRASH") == criterion.name:
        os.kill(os.getpid(), 9)

PASS = Verdict(word=Word.PASS, message="well", measured="1", required="1")

def write(criterion):
    store = Store(__import__("pathlib").Path("evidence").absolute())
    what = What(kind="serving.facts", edition="e", model=criterion.name)
    with store.recording(what, Subject(device={}, toolchain=None, checkpoint=None), "d") as kept:
        for n in range(5):
            kept.sample({"n": n})
        kept.blob("log", criterion.name.encode())
        kept.finish({})
"""

CLAUSES = (
    "training.loss",
    "training.throughput",
    "training.context",
    "inference.datatype",
    "inference.context",
    "inference.throughput",
    "inference.accuracy",
)


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Every criterion, judged in no time; it notes which worker ran it."""
    monkeypatch.delenv("CRASH", raising=False)
    tests = "".join(
        f'\n@clause("{clause}")\n'
        f"def test_{clause.replace('.', '_')}(criterion, standard, ernie, judge):\n"
        "    note(criterion, standard, ernie)\n    write(criterion)\n    judge(PASS)\n"
        for clause in CLAUSES
    )
    pytester.makepyfile(SUITE + tests + "\ndef test_something_else(): pass\n")
    return pytester


def run(suite: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return suite.runpytest_subprocess(
        "--device=cpu", "--offline", "-p", "no:cacheprovider", *arguments
    )


def ran(suite: pytest.Pytester) -> list[tuple[str, str, str]]:
    """Worker, start and criterion of everything that ran."""
    lines = (suite.path / "ran.jsonl").read_text().splitlines()
    return [tuple(json.loads(line)) for line in lines]


@pytest.mark.parametrize("dist", [(), ("--dist=worksteal",)])
def test_each_server_and_each_run_has_one_worker(suite, dist):
    """
    However the work is asked to be shared out: 11 starts of the rehearsal, each on one worker.
    """
    result = run(suite, "-n", "2", *dist)

    result.assert_outcomes(passed=38)
    workers, names = defaultdict(set), [name for _, _, name in ran(suite)]
    for worker, start, _ in ran(suite):
        workers[start].add(worker)
    assert len(names) == len(set(names)) == 37
    assert len(workers) == 11
    assert all(len(of_start) == 1 for of_start in workers.values()), dict(workers)
    assert {worker for of_start in workers.values() for worker in of_start} == {"gw0", "gw1"}


def test_workers_write_one_folder(suite):
    """
    One unbroken chain of every worker's entries, and every measurement complete.
    """
    from pytest_ernie.evidence import Store

    run(suite, "-n", "2", "-m", "inference").assert_outcomes(passed=25)

    journal = Store.existing(suite.path / "evidence").journal
    assert (journal.gaps, journal.altered) == ([], {})
    types = [entry.type for entry in journal.entries]
    counts = {
        type: types.count(type) for type in ("header", "subject", "begin", "sample", "result")
    }
    assert counts == {"header": 1, "subject": 1, "begin": 25, "sample": 125, "result": 25}


def test_a_worker_that_dies_leaves_a_word(suite, monkeypatch):
    """
    What it was at is INCONCLUSIVE, everything else runs once, and its server's criteria stay together.
    """
    crashed = "inference.throughput[tier2-ERNIE-4.5-tiny-wint4]"
    monkeypatch.setenv("CRASH", crashed)
    result = run(suite, "-n", "2", "-m", "inference")

    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "INCONCLUSIVE *: the worker that measured it died;*",
            "*1 inconclusive*",
        ]
    )
    names = [name for _, _, name in ran(suite)]
    assert len(names) == len(set(names)) == 25
    after = [worker for worker, _, name in ran(suite) if "wint4" in name][5:]
    assert len(after) == 4
    assert len(set(after)) == 1


def test_what_can_t_be_tried_is_told_once(suite):
    """
    By the controller, in the words that a run without workers has.
    """
    alone = suite.runpytest_subprocess("--device=xpu", "-m", "tier1")
    together = suite.runpytest_subprocess("--device=xpu", "-m", "tier1", "-n", "2")

    assert alone.ret == together.ret == pytest.ExitCode.USAGE_ERROR
    alone.stderr.fnmatch_lines(["ERROR: nothing was measured: --device=xpu needs --site=FILE*"])
    assert together.stderr.str() == alone.stderr.str()


def test_each_worker_for_itself_is_refused(suite):
    """
    --dist=each measures everything as often as there are workers.
    """
    result = run(suite, "--dist=each", "--tx=2*popen")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--dist=each would measure everything once for each worker*"])


def test_other_peoples_tests_are_shared_out_as_ever(suite):
    """
    A run that certifies nothing keeps xdist's own scheduler.
    """
    suite.makepyfile(test_plain="def test_one(): pass\ndef test_two(): pass\n")
    result = suite.runpytest_subprocess("test_plain.py", "-n", "2", "-v", "--dist=loadfile")

    result.stdout.fnmatch_lines(["scheduling tests via LoadFileScheduling"])
