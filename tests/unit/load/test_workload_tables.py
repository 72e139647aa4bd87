"""
Tables of images: parquet files and saved folders, read by the real ``datasets``.
"""

from __future__ import annotations

import io
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_ernie.errors import SiteError
from pytest_ernie.load.workloads import candidates_of, read_workload
from pytest_ernie.load.workloads.pictures import data_address

Table = Callable[..., Any]


def png(index: int) -> bytes:
    """A small image, each of another colour."""
    from PIL import Image

    encoded = io.BytesIO()
    Image.new("RGB", (4, 4), (index, 0, 0)).save(encoded, "PNG")
    return encoded.getvalue()


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Table:
    """Make tables like OCRBench_v2's; the package has a cache of its own and no way out."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()

    def connect(*arguments: object, **options: object) -> None:
        raise AssertionError("reading a table connects to nothing")

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket, "create_connection", connect)

    def make(*indices: int, **columns: list[Any]) -> Any:
        rows = {
            "id": list(indices),
            "dataset_name": ["receipts"] * len(indices),
            "question": [f"how much is {index}" for index in indices],
            "answers": [["a", "b"]] * len(indices),
            "image": [{"bytes": png(index), "path": None} for index in indices],
        }
        made = datasets.Dataset.from_dict({**rows, **columns})
        return made if "image" in columns else made.cast_column("image", datasets.Image())

    return make


def expected(*indices: int) -> list[tuple[str, tuple[str, ...]]]:
    """Texts and images of these rows."""
    return [(f"how much is {index}", (data_address(png(index), ""),)) for index in indices]


def found(path: Path) -> list[tuple[str, tuple[str, ...]]]:
    """Texts and images that are read."""
    return [(prompt.text, prompt.images) for prompt in read_workload(path)]


def test_parquet_is_read_with_the_bytes_that_were_published(table: Table, tmp_path: Path) -> None:
    """From one file, whatever its name, and from its folder, which may look like a pattern."""
    folder = tmp_path / "OCRBench [v2] *"
    folder.mkdir()
    table(0, 1, 2).to_parquet(folder / "test")
    (folder / "test").rename(folder / "test.parquet")

    assert found(folder / "test.parquet") == expected(0, 1, 2)
    assert found(folder) == expected(0, 1, 2)
    assert {prompt.output_tokens for prompt in read_workload(folder)} == {128}


def test_a_file_that_was_replaced_is_read_anew(table: Table, tmp_path: Path) -> None:
    """The package's cache doesn't stand in for it."""
    table(0, 1).to_parquet(tmp_path / "test.parquet")
    assert found(tmp_path / "test.parquet") == expected(0, 1)

    table(2, 3, 4).to_parquet(tmp_path / "test.parquet")

    assert found(tmp_path / "test.parquet") == expected(2, 3, 4)


def test_a_download_keeps_its_files_in_a_folder_of_its_own(table: Table, tmp_path: Path) -> None:
    """In ``data``, in several files, whose numbers are their order."""
    (tmp_path / "data").mkdir()
    table(2, 3).to_parquet(tmp_path / "data" / "test-00001-of-00002.parquet")
    table(0, 1).to_parquet(tmp_path / "data" / "test-00000-of-00002.parquet")

    assert found(tmp_path) == expected(0, 1, 2, 3)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["test-00000-of-00003", "test-00002-of-00003"], "files are missing; got 2; wanted 3"),
        (
            ["test-00000-of-00001", "train-00000-of-00001"],
            "more than one split; got test, train. Leave the files of one in the folder",
        ),
        (
            ["other", "test-00000-of-00001"],
            "more than one split; got test. Leave the files of one in the folder",
        ),
    ],
)
def test_a_download_must_be_whole_and_one(tmp_path: Path, names: list[str], message: str) -> None:
    """Found out by the names, before anything is read."""
    for name in names:
        (tmp_path / f"{name}.parquet").write_bytes(b"PAR1")

    with pytest.raises(SiteError) as caught:
        read_workload(tmp_path)

    assert str(caught.value) == f"{tmp_path}: {message}"


def test_a_saved_folder_is_read(table: Table, tmp_path: Path) -> None:
    """Of one split, or of several if one of them is named."""
    import datasets

    table(0, 1).save_to_disk(tmp_path / "one")
    datasets.DatasetDict({"test": table(2)}).save_to_disk(tmp_path / "only")
    datasets.DatasetDict({"test": table(2), "dev": table(3)}).save_to_disk(tmp_path / "two")

    assert found(tmp_path / "one") == expected(0, 1)
    assert found(tmp_path / "only") == expected(2)
    assert found(tmp_path / "two" / "dev") == expected(3)
    with pytest.raises(SiteError) as caught:
        read_workload(tmp_path / "two")
    assert str(caught.value) == (
        f"{tmp_path / 'two'}: more than one split; got dev, test. Name the folder of one"
    )


def test_images_may_be_bytes_alone(table: Table, tmp_path: Path) -> None:
    """A table that another program wrote."""
    table(0, 1, image=[png(0), png(1)]).to_parquet(tmp_path / "test.parquet")

    assert found(tmp_path / "test.parquet") == expected(0, 1)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"image": [b"", b"x"]}, ", row 1: no image that is known; got 0 bytes"),
        ({"image": [None, b"x"]}, ", row 1: no image with a question"),
        ({"image": ["a.png", "b.png"]}, ", row 1: no image with a question"),
        ({"question": [None, "a"]}, ", row 1: no image with a question"),
    ],
)
def test_a_row_without_an_image_or_a_question_is_named(
    table: Table, tmp_path: Path, columns: dict[str, list[Any]], message: str
) -> None:
    """When it is drawn."""
    path = tmp_path / "test.parquet"
    table(0, 1, **columns).to_parquet(path)

    candidates = candidates_of(path)

    assert len(candidates) == 2
    with pytest.raises(SiteError) as caught:
        candidates[0]
    assert str(caught.value).startswith(f"{path}{message}")


def test_a_table_without_the_columns_is_named(table: Table, tmp_path: Path) -> None:
    """With those that it has."""
    path = tmp_path / "test.parquet"
    table(0).remove_columns(["image", "id"]).to_parquet(path)

    with pytest.raises(SiteError) as caught:
        read_workload(path)

    assert str(caught.value) == f"{path}: no column image; got answers, dataset_name, question"


def test_an_empty_table_is_refused(table: Table, tmp_path: Path) -> None:
    """The package reads none."""
    path = tmp_path / "test.parquet"
    table(0).select([]).to_parquet(path)

    with pytest.raises(SiteError, match=r"test\.parquet: the table can't be read; got "):
        read_workload(path)


@pytest.mark.parametrize("part", [slice(0, 100), slice(0, -50)])
def test_a_cut_file_is_named(table: Table, tmp_path: Path, part: slice) -> None:
    """A download that ended early."""
    path = tmp_path / "test.parquet"
    table(0, 1).to_parquet(path)
    path.write_bytes(path.read_bytes()[part])

    with pytest.raises(SiteError, match=r"test\.parquet: the table can't be read; got "):
        read_workload(path)


def test_a_cut_saved_folder_is_named(table: Table, tmp_path: Path) -> None:
    """One of its files is gone."""
    table(0, 1).save_to_disk(tmp_path / "saved")
    next((tmp_path / "saved").glob("*.arrow")).unlink()

    with pytest.raises(SiteError, match=r"saved: the table can't be read; got "):
        read_workload(tmp_path / "saved")


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an extra, for tables alone."""
    path = tmp_path / "test.parquet"
    path.write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "datasets", None)

    with pytest.raises(SiteError) as caught:
        read_workload(path)

    assert str(caught.value).startswith(f"{path}: reading a table needs the package datasets; got ")
    assert str(caught.value).endswith(". pip install 'pytest-ernie[datasets]'")
