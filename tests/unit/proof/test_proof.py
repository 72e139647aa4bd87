"""
What the proof on one GPU makes before it measures. The environment with torch is a stand-in here.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_ernie import rehearsal
from pytest_ernie.errors import ToolchainError
from pytest_ernie.proof import __main__ as command
from pytest_ernie.proof import prepare, weights_inside
from pytest_ernie.site import missing_from, read_site
from pytest_ernie.standard import criteria, load


def safetensors(path: Path, header: dict[str, object], content: bytes) -> None:
    """Write a file as the library does: length, header, bytes."""
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content)


def test_the_same_weights_are_the_same_bytes(tmp_path: Path) -> None:
    """However the library ordered the names; the header keeps its length, so nothing moves."""
    tensor = {"dtype": "I8", "shape": [2], "data_offsets": [0, 2]}
    one, other = tmp_path / "one", tmp_path / "other"
    safetensors(one, {"__metadata__": {"a": "1", "b": "2"}, "w": tensor}, b"xy")
    safetensors(other, {"w": tensor, "__metadata__": {"b": "2", "a": "1"}}, b"xy")
    size = one.stat().st_size

    for path in (one, other):
        weights_inside.settle(path)

    assert one.read_bytes() == other.read_bytes()
    assert one.stat().st_size == size
    length = int.from_bytes(one.read_bytes()[:8], "little")
    assert json.loads(one.read_bytes()[8 : 8 + length])["w"] == tensor
    assert one.read_bytes().endswith(b"xy")


def test_an_answer_consists_of_words() -> None:
    """No marks, no halves of characters: of the shipped tokenizer's pieces those of small letters."""
    path = rehearsal.checkpoint() / "tokenizer.json"
    ids = weights_inside.answerable(path)
    vocabulary = json.loads(path.read_text(encoding="utf-8"))["model"]["vocab"]
    names = {id: piece for piece, id in vocabulary.items()}

    assert len(ids) > 100
    assert all(names[id].lstrip("▁").isalpha() for id in ids)
    assert not {"<s>", "</s>", "<unk>", "<0xE4>"} & {names[id] for id in ids}


def test_the_site_file_has_all_that_the_edition_asks_for(tmp_path: Path) -> None:
    """For every criterion, on a GPU and on a CPU."""
    edition = load("gpu-proof")
    for on_cpu in (False, True):
        path = tmp_path / "site.toml"
        path.write_text(prepare.site_file(tmp_path, "/env/bin/python", on_cpu=on_cpu))
        site = read_site(path)

        assert missing_from(site, edition, criteria(edition), endpoint=False) == ()
        assert site.engine is not None
        assert site.engine.arguments == (() if on_cpu else ("--cb-use-cuda-graph",))
        assert set(site.models) == {model.name for model in edition.models}


def test_an_environment_without_torch_is_told(tmp_path: Path) -> None:
    """In one sentence, and nothing half-made stays."""
    with pytest.raises(ToolchainError) as caught:
        prepare.prepare(tmp_path / "proof", sys.executable)

    assert str(caught.value).startswith(
        f"{sys.executable}: the stand-ins' weights can't be made; got ModuleNotFoundError: "
    )
    assert str(caught.value).endswith("an environment with numpy, torch, transformers and torchao")
    assert not (tmp_path / "proof" / "weights").exists()


def test_what_is_prepared_stays_and_the_site_file_is_written_anew(tmp_path: Path) -> None:
    """The environment may be another one the next time."""
    (tmp_path / prepare.DONE).touch()

    site = prepare.prepare(tmp_path, "/another/python")

    assert 'python = "/another/python"' in site.read_text()


def test_the_command_says_what_is_wrong_and_leaves_with_four(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As pytest does for a wrong call."""
    assert command.main([str(tmp_path / "proof"), "--prepare-only"]) == 4
    assert "ERROR: " in capsys.readouterr().err


def test_further_arguments_are_pytests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is called with the edition, the device and the site file, and its exit code is ours."""
    (tmp_path / prepare.DONE).touch()
    called: list[list[str]] = []

    def run(line: list[str], check: bool) -> SimpleNamespace:
        called.append(line)
        return SimpleNamespace(returncode=1)

    monkeypatch.setattr(command.subprocess, "run", run)
    assert command.main([str(tmp_path), "--python", "/env/bin/python", "-m", "tier1"]) == 1

    (line,) = called
    assert line[1:5] == ["-m", "pytest", "--pyargs", "pytest_ernie.conformance"]
    assert line[5:] == [
        "--edition=gpu-proof",
        "--device=gpu",
        f"--site={tmp_path / prepare.SITE}",
        "-m",
        "tier1",
    ]
