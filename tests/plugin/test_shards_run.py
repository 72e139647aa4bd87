"""
Shards of a certification against a laboratory of doubles: run apart, merged, and judged as if on one machine.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from itertools import combinations

import pytest
from certification_kit import Laboratory

from doubles.forger import Workshop
from pytest_ernie.cli import main
from pytest_ernie.evidence import Store

CHOSEN = "tier2 and not accuracy and not (throughput and inference)"
"""Ten criteria; what is asked of a whole question set, and what needs load, would only take longer."""
FAULTS = {"outliers": 11}


@pytest.fixture
def laboratory(pytester, monkeypatch, conformance_folder) -> Laboratory:
    """A laboratory with a reference of the training clauses and of what needs no load."""
    found = Laboratory(pytester, monkeypatch, conformance_folder)
    found.record_reference("-m", CHOSEN)
    return found


@pytest.fixture
def shards(laboratory: Laboratory) -> tuple[dict[str, str], ...]:
    """What three shards of a faulty device said; measured once, their evidence lies in shard-1 to shard-3."""
    laboratory.plant(train=FAULTS)
    kept, said = laboratory.path.parent / "shards", []
    for number in (1, 2, 3):
        evidence, words = f"shard-{number}", kept / f"{number}.json"
        if words.exists():
            shutil.copytree(kept / evidence, laboratory.path / evidence)
        else:
            _, told = laboratory.run(
                *("-m", CHOSEN, "--reference=ernie-reference"),
                *(f"--shard={number}/3", f"--evidence={evidence}"),
            )
            shutil.copytree(laboratory.path / evidence, kept / evidence)
            words.write_text(json.dumps(told))
        said.append(json.loads(words.read_text()))
    return tuple(said)


def judged(laboratory: Laboratory, *arguments: str) -> list[tuple[str, str, str, str]]:
    """What a certificate is made of: word, sentence and figures of each criterion."""
    laboratory.run("-m", CHOSEN, "--reference=ernie-reference", *arguments)
    return sorted(
        (str(v["word"]), str(v["message"]), str(v["measured"]), str(v["required"]))
        for v in laboratory.verdicts()
    )


def test_three_shards_merged_are_judged_as_one_machine_is(
    laboratory: Laboratory, shards: tuple[dict[str, str], ...]
) -> None:
    """
    The same verdicts, sentences and figures, and every measurement made once over all shards.
    """
    alone = judged(laboratory, "--evidence=alone")
    assert main(["merge", "shard-1", "shard-2", "shard-3", "-o", "all"]) == 0

    together = judged(laboratory, "--evidence=all", "--offline")

    assert together == alone
    assert [word for word, *_ in alone].count("FAIL") == 2
    shown = [name for words in shards for name in words]
    assert len(shown) == len(set(shown)) == len(alone)
    results = [e for chain in Store(laboratory.path / "all").chains for e in chain.entries]
    once = [e for e in Store(laboratory.path / "alone").journal.entries if e.type == "result"]
    assert sum(entry.type == "result" for entry in results) == len(once)


def test_a_shard_that_is_missing_leaves_its_criteria_inconclusive(
    laboratory: Laboratory, shards: tuple[dict[str, str], ...]
) -> None:
    """
    A merge of two of three certifies nothing that the third would have shown.
    """
    assert main(["merge", "shard-1", "shard-2", "-o", "all"]) == 0

    result, words = laboratory.run(
        "-m", CHOSEN, "--reference=ernie-reference", "--evidence=all", "--offline"
    )

    first, second, missing = shards
    assert result.ret == 1
    assert words == {**first, **second, **dict.fromkeys(missing, "INCONCLUSIVE")}
    assert "PASS" in {**first, **second}.values()


def test_the_run_says_which_shard_it_is(laboratory: Laboratory) -> None:
    """
    A part must not be taken for the whole; what isn't a shard is refused before anything starts.
    """
    result, _ = laboratory.run("-m", CHOSEN, "--shard=2/3", "--collect-only")
    result.stdout.fnmatch_lines(["ernie: shard 2 of 3;*merge joins the evidence of all"])
    result, _ = laboratory.run("-m", CHOSEN, "--shard=2/30")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*more shards than servers and training runs*"])


@pytest.fixture
def challenged(laboratory: Laboratory) -> Callable[..., tuple[pytest.RunResult, dict[str, str]]]:
    """Run the long prompts under a challenge."""

    def run(challenge: str, *more: str) -> tuple[pytest.RunResult, dict[str, str]]:
        given = [f"--challenge={challenge}"] if challenge else []
        return laboratory.run(
            *("-m", "tier2 and context and inference", "--reference=ernie-reference"),
            *given,
            *more,
        )

    return run


def codes(laboratory: Laboratory, folder: str) -> set[str]:
    """The codes that were hidden in long prompts."""
    entries = Store(laboratory.path / folder).journal.entries
    results = [
        e.body["data"] for e in entries if e.type == "result" and "needles" in e.body["data"]
    ]
    return {needle["wanted"] for data in results for needle in data["needles"]}


def test_a_challenge_hides_codes_that_nobody_knew(laboratory, challenged) -> None:
    """
    Another nonce, other needles; the reference needs none, and the verdict is what it was.
    """
    _, words = challenged("nonce-of-the-body-1", "--evidence=one")
    _, again = challenged("nonce-of-the-body-2", "--evidence=two")

    assert set(words.values()) == set(again.values()) == {"PASS"}
    hidden = [codes(laboratory, folder) for folder in ("one", "two", "ernie-reference")]
    assert all(len(one & other) < 3 for one, other in combinations(hidden, 2))
    assert Store(laboratory.path / "one").challenge == "nonce-of-the-body-1"


def test_evidence_of_another_challenge_is_refused(challenged) -> None:
    """
    Live and offline; an offline look without a challenge judges by the evidence's own.
    """
    challenged("nonce-of-the-body-1")
    for asked in (["nonce-of-the-body-2"], ["nonce-of-the-body-2", "--offline"], [""]):
        result, words = challenged(*asked)
        assert set(words.values()) == {"INCONCLUSIVE"}
        said = " ".join(result.stdout.str().split()).replace(
            "nonce-of-the- body", "nonce-of-the-body"
        )
        assert "recorded under another challenge; got nonce-of-the-body-1" in said
    _, words = challenged("", "--offline")
    assert set(words.values()) == {"PASS"}


def test_evidence_made_before_the_challenge_is_found_out(laboratory, challenged) -> None:
    """
    A header that names the nonce over needles of another time: the codes give it away.
    """
    challenged("", "--evidence=before")
    forger = Workshop(laboratory.path / "before")
    forger.of("header")[0]["body"]["challenge"] = "nonce-of-the-body-1"
    forger.write()

    result, words = challenged("nonce-of-the-body-1", "--evidence=before", "--offline")

    assert set(words.values()) == {"INCONCLUSIVE"}
    result.stdout.fnmatch_lines(["*codes were hidden in the prompt that aren't the challenge's*"])


def test_a_bundle_of_another_challenge_is_not_verified(challenged, capfd) -> None:
    """
    The body asks for the nonce that it issued: another one, or none, is refused (exit code 2).
    """
    challenged("nonce-of-the-body-1", "--evidence=evidence")
    assert main(["pack", "--evidence=evidence", "--output=it.ernie"]) == 0
    verify = ["verify", "it.ernie"]
    capfd.readouterr()

    assert main([*verify, "--challenge=nonce-of-the-body-1"]) in (0, 1)  # doubles convince nobody
    assert main([*verify, "--challenge=nonce-of-the-body-2"]) == 2
    assert "recorded under another challenge; got nonce-of-the-body-1" in capfd.readouterr().err


def test_what_is_no_challenge_is_refused(challenged) -> None:
    """
    A word that can be guessed challenges nobody.
    """
    result, _ = challenged("short")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["*--challenge: this is no challenge; got 'short'; wanted 8 to 128*"]
    )
