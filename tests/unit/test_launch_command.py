"""
pytest-ernie show launch: what it prints.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from doubles.fastdeploy import install
from pytest_ernie import cli

ASKED = ["show", "launch", "--datatype=wint4", "--model=ERNIE-4.5-300B-A47B"]


def test_the_command_of_a_published_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    """
    A script that a shell would take, with where it comes from.
    """
    assert cli.main([*ASKED, "--device=xpu", "--context=128K", "--version=2.3"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        "# ERNIE-4.5-300B-A47B in wint4, window 131072, on xpu",
        "# fastdeploy 2.3, assumed: it is not looked at here",
        "# published: PaddlePaddle/FastDeploy, benchmarks/yaml/eb45-128k-wint4-p800-tp8.yaml",
    ]
    assert "export XPU_VISIBLE_DEVICES=0,1,2,3,4,5,6,7" in lines
    assert "export FD_API_KEY='(set)'" in lines
    assert "    --max-model-len 131072 \\" in lines
    assert "    --quantization wint4" == lines[-1]


def test_a_derivation_is_told_step_by_step(capsys: pytest.CaptureFixture[str]) -> None:
    """
    With the sum behind a changed figure.
    """
    call = ["show", "launch", "--datatype=w4a8", "--model=ERNIE-4.5-300B-A47B", "--device=gpu"]
    assert cli.main([*call, "--context=131072"]) == 0

    assert (
        "#   derived: window 131072 from the configuration for 32768, with max-num-seqs "
        "96 * 32768 / 131072 = 24"
    ) in capsys.readouterr().out.splitlines()


def test_the_others_of_several_servers_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    """
    Two of four cards each.
    """
    assert cli.main([*ASKED, "--device=xpu", "--context=32K"]) == 0

    assert (
        "# the first of 2 equal servers behind one client; the others have "
        "XPU_VISIBLE_DEVICES=4,5,6,7, ports and a folder of their own"
    ) in capsys.readouterr().out.splitlines()


def test_a_site_file_s_words_are_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """
    Its interpreter is asked for the version, its folders and figures are in the line.
    """
    python = install(tmp_path / "fd", version="2.2.1")
    site = tmp_path / "site.toml"
    site.write_text(
        f'cards = ["4", "5", "6", "7"]\n[engine]\npython = "{python}"\n'
        'env = { FD_SAMPLING_CLASS = "rejection", HUB_TOKEN = "t0ken" }\n'
        '[models."ERNIE-4.5-300B-A47B"]\ncheckpoint = "/w/300B"\n'
        '[models."ERNIE-4.5-300B-A47B".serving.wint4]\nmax_num_seqs = 33\n'
    )

    assert cli.main([*ASKED, "--device=xpu", "--context=32K", f"--site={site}"]) == 0

    out = capsys.readouterr().out
    assert "# fastdeploy 2.2.1\n" in out
    assert "#   from the site file: max_num_seqs\n" in out
    assert "export XPU_VISIBLE_DEVICES=4,5,6,7\n" in out
    assert f"{python} -m fastdeploy.entrypoints.openai.api_server" in out
    assert "--model /w/300B" in out
    assert "--max-num-seqs 33" in out
    assert "--load_choices default" in out
    assert "export FD_SAMPLING_CLASS=rejection\n" in out
    assert "export HUB_TOKEN='(set)'\n" in out
    assert "t0ken" not in out


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (
            ["--device=xpu", "--context=big"],
            "--context: this is no length; got big; wanted 8K or 8192",
        ),
        (["--device=npu", "--context=8K"], "FastDeploy documents nothing for this kind of device"),
        (["--device=xyz", "--context=8K"], "there is no such device; got xyz"),
        (
            ["--device=gpu", "--context=8K", "--engine=transformers"],
            "--engine: this engine can't show what it would run; got transformers",
        ),
        (
            ["--device=gpu", "--context=8K", "--cards=2"],
            "cards: ERNIE-4.5-300B-A47B in wint4 needs 4 cards; got 2: 0, 1",
        ),
    ],
)
def test_what_can_not_be_shown_is_said(
    more: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    In one line, with exit code 2.
    """
    assert cli.main([*ASKED, *more]) == 2

    assert capsys.readouterr().err.startswith(f"pytest-ernie: {words}")


def test_vllm_s_command_is_shown_too(capsys: pytest.CaptureFixture[str]) -> None:
    """
    Where it serves in FastDeploy's place.
    """
    call = ["show", "launch", "--model=ERNIE-4.5-0.3B", "--device=npu", "--datatype=wint8"]
    assert cli.main([*call, "--context=8K", "--engine=vllm", "--cards=1"]) == 0

    out = capsys.readouterr().out
    assert "# no published configuration\n" in out
    assert "-m vllm.entrypoints.openai.api_server" in out
    assert "--model baidu/ERNIE-4.5-0.3B-PT" in out


def test_the_launch_of_a_training(capsys: pytest.CaptureFixture[str]) -> None:
    """
    Recipe and layout with their sources, the YAML, the variables, and the command.
    """
    call = ["show", "launch", "--method=sft", "--model=ERNIE-4.5-21B-A3B", "--device=xpu"]
    assert cli.main([*call, "--context=8K", "--version=1.2.0"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert "# ERNIE-4.5-21B-A3B sft at 8192 tokens, on xpu" == lines[0]
    assert "# paddleformers 1.2.0" == lines[1]
    assert (
        "# 4 cards on 1 host: 1 replica of 4 x 1 (tensor x pipeline), 8 micro batches of 1 each, "
        "8 samples a step" in lines
    )
    assert "gradient_accumulation_steps: 8" in lines
    assert not [line for line in lines if "--filled" in line]
    assert "export XPU_VISIBLE_DEVICES=0,1,2,3" in lines
    assert (
        "TRAINER/bin/python TRAINER/bin/paddleformers-cli train RUN-FOLDER/train.yaml" == lines[-1]
    )


def test_the_run_at_a_length_is_another_one(capsys: pytest.CaptureFixture[str]) -> None:
    """
    20 steps of 8 samples without warm-up (R12); the plain call says how to see it.
    """
    call = ["show", "launch", "--method=sft", "--model=ERNIE-4.5-28B-A3B", "--device=gpu"]
    cli.main([*call, "--context=128K"])
    plain = capsys.readouterr().out.splitlines()
    cli.main([*call, "--context=128K", "--filled"])
    filled = capsys.readouterr().out.splitlines()

    assert (
        "# the suite trains at this length with samples filled to it (R12): add --filled" in plain
    )
    assert {"max_steps: 500", "warmup_steps: 100"} <= set(plain)
    assert {"max_steps: 20", "warmup_steps: 0", "max_seq_len: 131072"} <= set(filled)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--method=sft", "--model=ERNIE-5"], "has no recipe for this; got ERNIE-5 sft"),
        (
            ["--method=sft", "--model=ERNIE-4.5-0.3B", "--cards=3"],
            "no multiple of micro_batch 1 x 3 replicas",
        ),
    ],
)
def test_a_training_that_can_not_be_is_told(
    more: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    In one line, as a run would.
    """
    assert cli.main(["show", "launch", "--device=gpu", "--context=8K", *more]) != 0

    assert words in " ".join(capsys.readouterr().err.split())
