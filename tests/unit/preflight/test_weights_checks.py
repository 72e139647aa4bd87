"""
Weights that a site names.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ernie.preflight import Lab, weights
from pytest_ernie.site import ModelSite, ServingSite, Site


def test_each_folder_of_weights_is_checked_once() -> None:
    """
    A model's own, and those that are in a data type already.
    """
    model = ModelSite(
        checkpoint="/w/a",
        serving={
            "w4a8": ServingSite(checkpoint="/w/a-w4a8"),
            "wint8": ServingSite(checkpoint="/w/a"),
            "wint4": ServingSite(max_num_seqs=4),
        },
    )

    names = [check.name for check in weights.checks_of(Lab(None, Site(models={"A": model})))]

    assert names == ["weights of A", "weights of A in w4a8"]


@pytest.mark.parametrize(("gib", "word"), [(2, "note"), (3, "ok"), (4, "ok")])
def test_a_host_that_can_not_hold_a_copy_is_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gib: int, word: str
) -> None:
    """
    3 GiB of weights; sparse files here.
    """
    for name, size in {"a.safetensors": 2, "b.pdparams": 1, "README.md": 9}.items():
        with (tmp_path / name).open("wb") as file:
            file.truncate(size * 2**30)
    monkeypatch.setattr(weights, "memory_gib", lambda: gib)

    finding = weights.weights("A", tmp_path)

    assert finding.word == word
    assert finding.got == f"3.0 GiB, and the host has {gib} GiB of memory"


def test_weights_that_are_not_there_are_missing(tmp_path: Path) -> None:
    """
    No folder, or one without weights.
    """
    nowhere = weights.weights("A", tmp_path / "no")
    empty = weights.weights("A", tmp_path)

    assert (nowhere.word, nowhere.got) == ("MISSING", f"no {tmp_path / 'no'}")
    assert (empty.word, empty.got) == (
        "MISSING",
        f"no *.safetensors, *.pdparams, *.bin in {tmp_path}",
    )
