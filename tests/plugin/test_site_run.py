"""
What a site file changes: another device kind runs the same nodes, and wrong material is named.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

import pytest_ernie
from doubles.laboratory import SITE
from doubles.openai_server import Behaviour, FakeServer
from pytest_ernie.standard.loader import _EDITIONS

TESTS = Path(__file__).resolve().parent.parent


@pytest.fixture
def site(pytester: pytest.Pytester, tmp_path: Path) -> Path:
    """A site with a gpu of its own, weights, training data and one question set."""
    pytester.syspathinsert(TESTS)
    weights = tmp_path / "weights"
    weights.mkdir()
    (weights / "model.safetensors").write_bytes(b"weights")
    (tmp_path / "sft.jsonl").write_text('{"src": ["a b c"], "tgt": ["d"]}\n')
    (tmp_path / "gsm8k.jsonl").write_text(
        "\n".join(
            json.dumps({"id": str(n), "question": f"What is {n} + 3?", "answer": str(n + 3)})
            for n in range(20)
        )
    )
    (tmp_path / "site.toml").write_text(
        'cards = ["0"]\n'
        '[device]\nname = "NVIDIA A100"\ncount = 1\ndriver = "550"\nread = false\n'
        + SITE.format(python=sys.executable)
        + '[models."ERNIE-4.5-0.3B"]\ncheckpoint = "weights"\ntraining_data = "sft.jsonl"\n'
        '[datasets]\nGSM8K = "gsm8k.jsonl"\n'
    )
    official = (Path(pytest_ernie.__file__).parent / "standard/editions/ernie-4.5.toml").read_text()
    plain = re.sub(r"\[datasets\.evaluation\]\nbenchmark = .gsm8k.\n(.+\n)+", "", official)
    (tmp_path / "edition.toml").write_text(plain.replace('"ernie-4.5"', '"lab"', 1))
    return tmp_path / "site.toml"


def run(pytester: pytest.Pytester, conformance: Path, site: Path, *more: str) -> pytest.RunResult:
    return pytester.runpytest_inprocess(
        str(conformance),
        *("--rootdir", str(pytester.path), "-p", "doubles.laboratory", "-p", "no:cacheprovider"),
        *("--device=gpu", f"--site={site}", "--models=ERNIE-4.5-0.3B"),
        *(f"--edition={site.parent / 'edition.toml'}", *more),
    )


def test_an_accelerator_is_measured_by_the_same_nodes(pytester, conformance_folder, site):
    """
    Data type and accuracy of a model on a site's own gpu; without a reference the score can't be judged.
    """
    result = run(
        pytester,
        conformance_folder,
        site,
        "-m",
        "tier1 and (datatype or accuracy)",
        "-k",
        "not BBH and not CMMLU and not IFEval",
    )

    result.stdout.fnmatch_lines(
        [
            "PASS*inference.datatype*tier1-ERNIE-4.5-0.3B-wint8*",
            "INCONCLUSIVE*inference.accuracy*GSM8K*",
            "             100.00",
            "INCONCLUSIVE*no reference was given*",
        ]
    )


def test_an_official_recipe_is_trained_on_a_sites_own_card(pytester, conformance_folder, site):
    """
    Without a reference the run is kept and its loss INCONCLUSIVE; with one it is judged.
    """
    chosen = ("-m", "loss and sft")

    alone = run(pytester, conformance_folder, site, *chosen)
    run(pytester, conformance_folder, site, *chosen, "--record-reference")
    beside = run(pytester, conformance_folder, site, *chosen, "--reference=ernie-reference")

    alone.stdout.fnmatch_lines(
        ["INCONCLUSIVE*training.loss*", "INCONCLUSIVE*no reference was given*"]
    )
    beside.stdout.fnmatch_lines(["PASS*training.loss*"])


@pytest.mark.parametrize(
    ("changed", "what"),
    [("sft.jsonl", "training data"), ("weights/model.safetensors", "checkpoint")],
)
def test_other_material_than_the_reference_s_is_told_before_it_is_trained_on(
    pytester, conformance_folder, site, changed, what
):
    """
    Hours of training that could be compared with nothing aren't spent: nothing is measured.
    """
    chosen = ("-m", "loss and sft")
    run(pytester, conformance_folder, site, *chosen, "--record-reference")
    (site.parent / changed).write_text('{"src": ["x"], "tgt": ["y"]}\n')

    result = run(pytester, conformance_folder, site, *chosen, "--reference=ernie-reference")

    text = " ".join(result.stdout.str().split())
    assert f"candidate and reference don't have the same {what}, so they can't be compared" in text
    assert not (pytester.path / "ernie-evidence" / "journal.jsonl").exists()


def test_other_weights_than_the_reference_s_can_t_be_compared(pytester, conformance_folder, site):
    """
    R14: the same checkpoint on both sides, or the comparison is an error that names the difference.
    """
    chosen = ("-m", "tier1 and accuracy", "-k", "GSM8K")
    assert run(pytester, conformance_folder, site, *chosen, "--record-reference").ret == 0
    (site.parent / "weights" / "model.safetensors").write_bytes(b"other weights")

    result = run(pytester, conformance_folder, site, *chosen, "--reference=ernie-reference")

    assert result.ret == 1
    text = " ".join(result.stdout.str().split())
    assert "candidate and reference don't have the same checkpoint" in text


def test_the_same_weights_are_comparable(pytester, conformance_folder, site):
    """
    The counterpart: nothing changed, so the score is judged.
    """
    chosen = ("-m", "tier1 and accuracy", "-k", "GSM8K")
    run(pytester, conformance_folder, site, *chosen, "--record-reference")

    result = run(pytester, conformance_folder, site, *chosen, "--reference=ernie-reference")

    assert result.ret == 0
    result.stdout.fnmatch_lines(["*100.00 (+0.00)*"])


def test_an_endpoint_is_measured_and_what_it_hides_is_inconclusive(
    pytester, conformance_folder, site, monkeypatch
):
    """
    An appliance maker has a URL: contexts are measured, the data type can't be shown, the key is kept
    out of everything that is written.
    """
    monkeypatch.setenv("PYTEST_ERNIE_API_KEY", "secret-key-4711")
    with FakeServer(Behaviour(model="ERNIE-4.5-0.3B", api_key="secret-key-4711")) as server:
        result = pytester.runpytest_inprocess(
            str(conformance_folder),
            *("--rootdir", str(pytester.path), "-p", "no:cacheprovider", f"--site={site}"),
            *(f"--endpoint={server.base_url}", "--applicant=appliance", "--models=ERNIE-4.5-0.3B"),
            *("-m", "tier1 and inference", "-k", "datatype or 8192", "--html=report.html"),
        )

    assert result.ret == 1
    text = " ".join(result.stdout.str().split())
    assert "the engine shows no types of its weights" in text
    assert "no reference was given" in text
    written = [path for path in pytester.path.rglob("*") if path.is_file()]
    assert any(path.name == "journal.jsonl" for path in written)
    assert not [path for path in written if b"secret-key-4711" in path.read_bytes()]


def test_an_endpoint_that_isn_t_there_is_inconclusive(pytester, conformance_folder, site):
    """
    Nobody listens: the message names the address, and nothing hangs.
    """
    result = pytester.runpytest_inprocess(
        str(conformance_folder),
        *("--rootdir", str(pytester.path), "-p", "no:cacheprovider", f"--site={site}"),
        *("--endpoint=http://127.0.0.1:9/v1", "--models=ERNIE-4.5-0.3B"),
        *("-m", "tier1 and datatype"),
    )

    assert result.ret == 1
    assert "http://127.0.0.1:9/v1" in result.stdout.str()
    result.stdout.fnmatch_lines(["INCONCLUSIVE*inference.datatype*"])


def test_a_site_of_another_machine_stops_before_anything_is_measured(
    pytester, conformance_folder, site, tmp_path, monkeypatch
):
    """
    The vendor's tool is asked, and a difference names both sides.
    """
    tool = tmp_path / "bin" / "nvidia-smi"
    tool.parent.mkdir()
    tool.write_text('#!/bin/sh\necho "0, NVIDIA A800-SXM4-80GB, 81920, 550, 92.00"\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tool.parent), prepend=":")
    site.write_text(site.read_text().replace("read = false\n", ""))

    result = run(pytester, conformance_folder, site, "-m", "tier1 and datatype")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [
            "ERROR: nothing was measured: [[]device[]]: the site file and the machine don't agree on what "
            "is certified; got name 'NVIDIA A100' in the site file, 'NVIDIA A800-SXM4-80GB' from "
            "nvidia-smi. *"
        ]
    )


def test_cards_that_can_not_work_together_stop_before_anything_is_measured(
    pytester, conformance_folder, site
):
    """
    Too few of them here; a chip's own links likewise.
    """
    site.write_text(site.read_text().replace("[engine]\n", "[engine]\ntensor_parallel = 4\n"))

    result = run(pytester, conformance_folder, site, "-m", "tier1 and datatype")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: nothing was measured: cards: tensor parallel 4 needs 4 cards*"]
    )


def test_another_data_set_than_the_designated_one_is_told_before_it_is_trained_on(
    pytester, conformance_folder, site
):
    """
    The edition's slot is filled: whoever brings other data has trained nothing.
    """
    own = _EDITIONS.joinpath("ernie-4.5.toml").read_text(encoding="utf-8")
    own = own.replace('name = "ernie-4.5"', 'name = "mine"', 1)
    filled = own.replace(
        'modality = "text"\nnote', f'modality = "text"\nsha256 = "{"0" * 64}"\nnote'
    )
    assert filled != own
    (site.parent / "mine.toml").write_text(filled, encoding="utf-8")

    result = run(
        pytester,
        conformance_folder,
        site,
        *("-m", "loss and sft", "--record-reference", f"--edition={site.parent / 'mine.toml'}"),
    )

    text = " ".join(result.stdout.str().split())
    assert "this isn't the supervised data set that the edition designates" in text


def test_a_mixture_is_trained_on_and_named_by_its_digest(pytester, conformance_folder, site):
    """
    Named in the site file with shares; alpaca is as good as turns; facts of its filling are evidence.
    """
    (site.parent / "alpaca.json").write_text(
        '[{"instruction": "add ", "input": "1 2", "output": "3"}]'
    )
    text = site.read_text().replace('training_data = "sft.jsonl"', 'training_mixture = "mine"')
    parts = (("sft.jsonl", 0.75), ("alpaca.json", 0.25))
    site.write_text(
        text
        + "".join(f'[[mixtures.mine]]\ndata = "{name}"\nshare = {share}\n' for name, share in parts)
    )

    result = run(pytester, conformance_folder, site, "-m", "loss and sft", "--record-reference")

    assert result.ret == 0
    journal = (pytester.path / "ernie-reference" / "journal.jsonl").read_text()
    found = next(
        entry["body"]["data"]
        for entry in map(json.loads, journal.splitlines())
        if entry.get("type") == "result"
    )
    assert (found["samples"], found["samples_filled"]) == (8000, 0)
    assert 0.99 < found["padding_share"] < 1
    assert found["layout"]["accumulation"] == 8
    assert found["recipe"]["seed"] == 23


def test_a_server_that_talks_nonsense_is_stopped_and_asked_to_the_end_for_a_reason(
    pytester, conformance_folder, site
):
    """
    R10b: what wasn't asked has no score, and says why; measured anew for a stated reason it FAILs.
    """
    lines = [
        json.dumps(
            {"id": f"{n:03d}", "question": f"What is {n} + 3?", "answer": str(n % 2 * (n + 3))}
        )
        for n in range(100)  # of which the reference has half
    ]
    (site.parent / "gsm8k.jsonl").write_text("\n".join(lines))
    chosen = ("-m", "tier1 and accuracy", "-k", "GSM8K")
    run(pytester, conformance_folder, site, *chosen, "--record-reference")
    (pytester.path / "faults.json").write_text(json.dumps({"serve": {"answers": "!" * 99}}))

    compared = (*chosen, "--reference=ernie-reference")
    stopped = run(pytester, conformance_folder, site, *compared)
    again = run(pytester, conformance_folder, site, *compared, "--fresh=all of it")

    told = " ".join(stopped.stdout.str().split())
    stopped.stdout.fnmatch_lines(["INCONCLUSIVE*inference.accuracy*GSM8K*"])
    assert "80 questions have no score (not asked: 20 of the last 20 answers are broken" in told
    assert "0.00 points on 100 questions, the reference has 50.00" in " ".join(
        again.stdout.str().split()
    )
    again.stdout.fnmatch_lines(["FAIL*inference.accuracy*GSM8K*"])
