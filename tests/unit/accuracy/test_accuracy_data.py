"""
Where a data set is looked for, in which order, and what is said if it is nowhere.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ernie.accuracy.data import find, found, how_to_get, is_there
from pytest_ernie.errors import SiteError
from pytest_ernie.preflight import Lab, checks_for
from pytest_ernie.registry import Registry
from pytest_ernie.site import Site
from pytest_ernie.standard import load
from pytest_ernie.standard.dataset import Dataset

SETS = {dataset.name: dataset for dataset in load("ernie-4.5").datasets}
GSM8K, BBH, IFEVAL = SETS["GSM8K"], SETS["BBH"], SETS["IFEval"]
MODELSCOPE = (
    "datasets/AI-ModelScope--gsm8k/snapshots/master",
    "datasets/AI-ModelScope/gsm8k",
    "hub/datasets/AI-ModelScope/gsm8k",
)
HUGGING_FACE = "hub/datasets--openai--gsm8k/snapshots/0123abc"


def put(folder: Path, dataset: Dataset = GSM8K) -> Path:
    """Write files of a data set as it is published."""
    assert dataset.evaluation is not None
    for pattern in (dataset.evaluation.test[0], *dataset.evaluation.train[:1]):
        path = folder / pattern.replace("{subset}", "navigate").replace("*", "00000-of-00001")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"rows")
    return folder


@pytest.mark.parametrize("name", ["GSM8K", "gsm8k", "AI-ModelScope/gsm8k", "openai/gsm8k"])
def test_the_data_folder_may_name_it_in_several_ways(tmp_path: Path, name: str) -> None:
    """As the edition, the library or either hub does."""
    put(tmp_path / name)
    there = find(GSM8K, data=tmp_path, env={"HOME": "/nowhere"})

    assert there is not None
    assert Path(there.folder).samefile(tmp_path / name)
    assert there.files == {"test": "main/test-*.parquet", "train": "main/train-*.parquet"}
    assert [path.name[:5] for path in there.paths()] == ["test-", "train"]


@pytest.mark.parametrize("name", MODELSCOPE)
def test_modelscopes_cache_is_searched_in_all_its_layouts(tmp_path: Path, name: str) -> None:
    """That of now, and those that older releases left."""
    put(tmp_path / ".cache" / "modelscope" / name)
    named = find(GSM8K, env={"HOME": str(tmp_path)})
    put(tmp_path / "own" / name)
    moved = find(GSM8K, env={"HOME": "/nowhere", "MODELSCOPE_CACHE": str(tmp_path / "own")})

    assert named is not None and named.place == "ModelScope's cache"
    assert moved is not None and moved.folder == str(tmp_path / "own" / name)


def test_the_order_is_site_file_data_folder_modelscope_hugging_face(tmp_path: Path) -> None:
    """The first that has it counts."""
    env = {"HOME": str(tmp_path), "HF_HOME": str(tmp_path / "hf")}
    data, own = tmp_path / "data", tmp_path / "own"

    def place() -> str | None:
        there = find(GSM8K, data=data, env=env)
        return there.place if there else None

    assert place() is None
    put(tmp_path / "hf" / HUGGING_FACE)
    assert place() == "Hugging Face's cache"
    put(tmp_path / ".cache" / "modelscope" / MODELSCOPE[0])
    assert place() == "ModelScope's cache"
    put(data / "GSM8K")
    assert place() == "the data folder"
    put(own)
    there = find(GSM8K, own, data, env)
    assert there is not None and (there.place, there.folder) == ("the site file", str(own))


def test_a_site_files_folder_is_the_only_one_that_counts(tmp_path: Path) -> None:
    """A wrong entry isn't mended by what happens to lie in a cache."""
    put(tmp_path / "GSM8K")

    assert find(GSM8K, tmp_path / "other", tmp_path) is None


def test_questions_without_their_examples_are_not_enough(tmp_path: Path) -> None:
    """GSM8K is asked with four of its training split."""
    put(tmp_path / "GSM8K")
    for path in (tmp_path / "GSM8K").rglob("train-*"):
        path.unlink()

    assert find(GSM8K, data=tmp_path, env={"HOME": "/nowhere"}) is None


def test_beside_other_sets_only_a_name_tells(tmp_path: Path) -> None:
    """A jsonl in the data folder itself is no BBH because BBH could be jsonl."""
    for name in ("gsm8k-test.jsonl", "gsm8k-train.jsonl", "test.jsonl"):
        (tmp_path / name).write_text("{}\n")
    env = {"HOME": "/nowhere"}

    there = find(GSM8K, data=tmp_path, env=env)

    assert there is not None and there.files["test"] == "gsm8k-test.jsonl"
    assert find(BBH, data=tmp_path, env=env) is None
    assert find(IFEVAL, data=tmp_path, env=env) is None
    assert find(SETS["CMMLU"], data=tmp_path, env=env) is None


def test_a_data_set_that_is_nowhere_says_how_to_get_it(tmp_path: Path) -> None:
    """And that nothing is downloaded."""
    with pytest.raises(SiteError) as caught:
        found(IFEVAL, data=tmp_path, env={"HOME": "/nowhere"})

    assert str(caught.value) == (
        "the data set IFEval isn't on this machine, and a run downloads nothing; wanted "
        "ifeval_input_data.jsonl or default_train.jsonl or train-*.parquet or data/train-*.parquet. "
        "Where there is a network: `modelscope download --dataset opencompass/ifeval --local_dir "
        "FOLDER/IFEval` (or `hf download --repo-type dataset google/IFEval --local-dir "
        "FOLDER/IFEval`); then --data=FOLDER. Its licence: Apache-2.0"
    )


def test_what_lies_in_an_archive_is_unpacked() -> None:
    """CMMLU's repository on Hugging Face holds nothing else."""
    assert (
        "(or `hf download --repo-type dataset haonan-li/cmmlu --local-dir FOLDER/CMMLU` and "
        "`unzip -d FOLDER/CMMLU FOLDER/CMMLU/cmmlu_v1_0_1.zip`); then --data=FOLDER"
    ) in how_to_get(SETS["CMMLU"])


def test_the_rehearsals_sets_are_there_if_the_site_file_names_them(tmp_path: Path) -> None:
    """Nobody looks for them elsewhere."""
    plain = load("rehearsal").datasets[0]

    assert is_there(plain, Site(datasets={plain.name: "x.jsonl"}), None) is True
    assert is_there(plain, Site(), tmp_path) is False


def test_the_doctor_lists_every_set_and_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that are there, with the place."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("MODELSCOPE_CACHE", "HF_HOME", "HF_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    put(tmp_path / "data" / "BBH", BBH)
    lab = Lab(Registry().find_device("endpoint"), data=tmp_path / "data")
    checks = [check for check in checks_for(lab) if check.name.startswith("data set ")]
    findings = {check.name.removeprefix("data set "): check.run() for check in checks}

    assert list(findings) == list(SETS)
    assert [name for name, finding in findings.items() if finding.passes] == ["BBH"]
    assert findings["BBH"].got == f"{tmp_path / 'data' / 'BBH'} (the data folder)"
    assert "modelscope download --dataset AI-ModelScope/MMMU" in str(findings["MMMU"])


def test_a_rehearsal_is_asked_for_no_data_set() -> None:
    """It brings its own."""
    names = [check.name for check in checks_for(Lab(Registry().find_device("cpu")))]

    assert [name for name in names if name.startswith("data set ")] == []
