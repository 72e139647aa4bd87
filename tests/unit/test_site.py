"""
The site file: strict, with paths from its own folder, and asked for by name.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from pytest_ernie.errors import SiteError
from pytest_ernie.site import (
    EngineSite,
    ModelSite,
    Site,
    TrainerSite,
    missing_from,
    read_site,
    tensor_parallel_sizes,
)
from pytest_ernie.standard import Criterion, criteria, load

WHOLE = """
cards = ["0", "1"]
threads = 8

[device]
name = "P800"
count = 8
driver = "5.1.2"

[trainer]
kind = "erniekit"
python = "venv/bin/python"
env = { A = "1" }

[engine]
kind = "vllm"
python = "/opt/vllm/bin/python"
tensor_parallel = 2
arguments = ["--enforce-eager"]

[models."ERNIE-4.5-0.3B"]
checkpoint = "weights/0.3B"
training_data = "/data/sft.jsonl"

[models."ERNIE-4.5-21B-A3B"]
checkpoint = "/weights/21B"

[datasets]
GSM8K = "sets/gsm8k.jsonl"

[workloads]
text = "sets/sharegpt.json"
"""

OFFICIAL = load("ernie-4.5")
SMALL = "ERNIE-4.5-0.3B"


def written(folder: Path, text: str) -> Path:
    """Write a site file."""
    path = folder / "site.toml"
    path.write_text(text, encoding="utf-8")
    return path


def chosen(*clauses: str, model: str = SMALL, tier: int = 1) -> tuple[Criterion, ...]:
    """The criteria of some clauses for one model and tier."""
    return tuple(
        c
        for c in criteria(OFFICIAL)
        if c.clause in clauses and c.model == model and tier in c.tiers
    )


def test_a_whole_site_file_is_read(tmp_path: Path) -> None:
    """
    Paths are taken from the file's own folder; absolute ones stay as they are.
    """
    expected = Site(
        device={"name": "P800", "count": 8, "driver": "5.1.2"},
        cards=("0", "1"),
        threads=8,
        trainer=TrainerSite(
            kind="erniekit", python=str(tmp_path / "venv/bin/python"), env={"A": "1"}
        ),
        engine=EngineSite(
            kind="vllm",
            python="/opt/vllm/bin/python",
            tensor_parallel=2,
            arguments=("--enforce-eager",),
        ),
        models={
            SMALL: ModelSite(
                checkpoint=str(tmp_path / "weights/0.3B"), training_data="/data/sft.jsonl"
            ),
            "ERNIE-4.5-21B-A3B": ModelSite(checkpoint="/weights/21B"),
        },
        datasets={"GSM8K": str(tmp_path / "sets/gsm8k.jsonl")},
        workloads={"text": str(tmp_path / "sets/sharegpt.json")},
    )

    assert expected == read_site(written(tmp_path, WHOLE))


def test_an_empty_site_file_is_a_site(tmp_path: Path) -> None:
    """
    Every table is optional; one card, named 0, unless others are named.
    """
    assert (Site(), ("0",)) == (read_site(written(tmp_path, "")), Site().cards)


@pytest.mark.parametrize(
    ("python", "expected"),
    [
        ("python3", "python3"),
        ("venv/bin/python", "{folder}/venv/bin/python"),
        ("./python", "{folder}/python"),
        ("/usr/bin/python3", "/usr/bin/python3"),
        ("~/venv/bin/python", "{home}/venv/bin/python"),
    ],
)
@pytest.mark.parametrize("table", ["trainer", "engine"])
def test_an_interpreter_is_a_path_or_a_name_on_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: str, python: str, expected: str
) -> None:
    """
    A bare name is looked up where commands are; anything with a slash lies somewhere.
    """
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    site = read_site(written(tmp_path, f'[{table}]\nkind = "x"\npython = "{python}"\n'))

    found = getattr(site, table).python
    assert expected.format(folder=tmp_path, home=tmp_path / "home") == found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            '[trainer]\nkind = "erniekit"\npyhton = "x"',
            "site.toml: Object contains unknown field 'pyhton' - at 'trainer'",
        ),
        (
            '[trainer]\nkind = "erniekit"',
            "site.toml: Object missing required field 'python' - at 'trainer'",
        ),
        ("carts = 1", "site.toml: Object contains unknown field 'carts'"),
        ("cards = []", "site.toml: Expected 'array' of length >= 1 - at 'cards'"),
        ('cards = ["0", "1", "0"]', "site.toml: cards names a card twice: 0, 1, 0"),
        ("cards = [0]", "site.toml: Expected 'str', got 'int' - at 'cards[0]'"),
        ("threads = 0", "site.toml: Expected 'int' >= 1 - at 'threads'"),
        ('threads = "8"', "site.toml: Expected 'int | null', got 'str' - at 'threads'"),
        (
            '[engine]\nkind = "vllm"\npython = "p"\ntensor_parallel = 0',
            "site.toml: Expected 'int' >= 1 - at 'engine.tensor_parallel'",
        ),
        (
            '[models."M"]\ntraining_data = "x"',
            "site.toml: Object missing required field 'checkpoint' - at 'models[...]'",
        ),
        (
            '[models."M"]\ncheckpoint = "w"\n[models."M".serving.int4]\nreplicas = 1',
            "site.toml: Invalid enum value 'int4' - at 'key' in 'models[...].serving'",
        ),
        (
            '[models."M"]\ncheckpoint = "w"\n[models."M".serving.wint4]\nmemory_share = 85.0',
            "site.toml: Expected 'float' <= 1.0 - at 'models[...].serving[...].memory_share'",
        ),
    ],
)
def test_a_key_that_is_wrong_is_named(tmp_path: Path, text: str, expected: str) -> None:
    """
    Strict, because a key that is silently dropped costs a night.
    """
    with pytest.raises(SiteError) as caught:
        read_site(written(tmp_path, text))

    assert expected == str(caught.value)


def test_a_site_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """
    With the path that was looked at.
    """
    with pytest.raises(SiteError) as caught:
        read_site(tmp_path / "site.toml")

    assert f"{tmp_path / 'site.toml'}: there is no such site file" == str(caught.value)


def test_a_folder_is_no_site_file(tmp_path: Path) -> None:
    """
    What can't be opened is said without a stack.
    """
    with pytest.raises(SiteError) as caught:
        read_site(tmp_path)

    assert f"{tmp_path}: the site file can't be read (Is a directory)" == str(caught.value)


@pytest.mark.parametrize("content", [b"cards = [", b'name = "\xff"'])
def test_what_is_no_toml_is_said_so(tmp_path: Path, content: bytes) -> None:
    """
    Broken syntax, or no UTF-8.
    """
    path = tmp_path / "site.toml"
    path.write_bytes(content)

    with pytest.raises(SiteError, match=r"^site\.toml: this is no TOML \("):
        read_site(path)


ALL = Site(
    trainer=TrainerSite(kind="erniekit", python="p"),
    engine=EngineSite(kind="vllm", python="p"),
    models={SMALL: ModelSite(checkpoint="c", training_data="d")},
    datasets={"GSM8K": "g", "BBH": "b", "CMMLU": "c", "IFEval": "i"},
    workloads={"text": "sharegpt.json"},
)
FOLDER = "its folder, or --data (`pytest-ernie doctor` says how to get it)"
EVERYTHING = tuple(c for c in criteria(OFFICIAL) if c.model == SMALL)


def test_a_site_that_has_everything_lacks_nothing() -> None:
    """
    All criteria of one model.
    """
    assert missing_from(ALL, OFFICIAL, EVERYTHING, endpoint=False) == ()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"trainer": None}, ("[trainer] kind and python, for 12 criteria",)),
        ({"engine": None}, ("[engine] kind and python, for 25 criteria",)),
        ({"models": {}}, (f'[models."{SMALL}"] checkpoint, for 37 criteria',)),
        (
            {"models": {SMALL: ModelSite(checkpoint="c")}},
            (f'[models."{SMALL}"] training_data, the designated supervised data set',),
        ),
        (
            {"workloads": {}},
            ("[workloads] text, ShareGPT as a file or folder",),
        ),
        (
            {"datasets": {"GSM8K": "g", "CMMLU": "c"}},
            tuple(f"[datasets] {name}, {FOLDER}" for name in ("BBH", "IFEval")),
        ),
    ],
)
def test_what_is_missing_is_asked_for_by_name(
    change: dict[str, object], expected: tuple[str, ...]
) -> None:
    """
    A line for each entry, with how many criteria need it.
    """
    site = msgspec.structs.replace(ALL, **change)

    assert expected == missing_from(site, OFFICIAL, EVERYTHING, endpoint=False)


def test_without_a_site_file_everything_is_missing_in_the_order_of_the_file() -> None:
    """
    One screen tells all.
    """
    assert (
        "[trainer] kind and python, for 12 criteria",
        "[engine] kind and python, for 25 criteria",
        f'[models."{SMALL}"] checkpoint, for 37 criteria',
        "[workloads] text, ShareGPT as a file or folder",
        *(f"[datasets] {name}, {FOLDER}" for name in ("GSM8K", "BBH", "CMMLU", "IFEval")),
    ) == missing_from(None, OFFICIAL, EVERYTHING, endpoint=False)


def test_a_data_set_that_is_found_elsewhere_needs_no_entry() -> None:
    """
    In the data folder or a cache; the others are still asked for.
    """
    lines = missing_from(
        msgspec.structs.replace(ALL, datasets={}),
        OFFICIAL,
        EVERYTHING,
        endpoint=False,
        found=lambda dataset: dataset.name != "BBH",
    )

    assert lines == (f"[datasets] BBH, {FOLDER}",)


@pytest.mark.parametrize(
    ("clauses", "expected"),
    [
        (
            ("training.loss",),
            ("[trainer] kind and python, for 2 criteria", "checkpoint, for 2 criteria"),
        ),
        (
            ("inference.datatype",),
            ("[engine] kind and python, for 1 criterion", "checkpoint, for 1 criterion"),
        ),
    ],
)
def test_only_what_the_chosen_criteria_need_is_asked_for(
    clauses: tuple[str, ...], expected: tuple[str, str]
) -> None:
    """
    Who certifies inference alone needs no trainer, and the other way round.
    """
    found = missing_from(None, OFFICIAL, chosen(*clauses), endpoint=False)

    assert (expected[0], f'[models."{SMALL}"] {expected[1]}') == found


def test_serving_needs_no_training_data() -> None:
    """
    Weights are enough.
    """
    site = msgspec.structs.replace(ALL, models={SMALL: ModelSite(checkpoint="c")})

    assert missing_from(site, OFFICIAL, chosen("inference.context"), endpoint=False) == ()


def test_an_endpoint_needs_no_engine_and_no_weights() -> None:
    """
    An appliance serves already; only questions and prompts are asked for.
    """
    serving = tuple(c for c in EVERYTHING if c.clause.startswith("inference."))
    site = Site(datasets=ALL.datasets, workloads=ALL.workloads)

    assert missing_from(site, OFFICIAL, serving, endpoint=True) == ()
    assert len(missing_from(None, OFFICIAL, serving, endpoint=True)) == 5


def test_nothing_chosen_needs_nothing() -> None:
    """
    No criteria, no questions.
    """
    assert missing_from(None, OFFICIAL, (), endpoint=False) == ()


def test_sizes_of_groups_are_gathered_from_every_table(tmp_path: Path) -> None:
    """
    Each once, whether for all models or for one model in one data type.
    """
    path = tmp_path / "site.toml"
    path.write_text(
        '[engine]\npython = "python"\ntensor_parallel = 4\n'
        '[models.a]\ncheckpoint = "a"\n[models.a.serving.wint8]\ntensor_parallel = 8\n'
        '[models.b]\ncheckpoint = "b"\n[models.b.serving.w4a8]\ntensor_parallel = 4\n'
        "[models.b.serving.wint4]\nmax_num_seqs = 3\n"
    )

    assert tensor_parallel_sizes(read_site(path)) == (4, 8)
    assert tensor_parallel_sizes(Site()) == ()
