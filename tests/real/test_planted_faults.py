"""
Faults in a real trainer and a real server, found by the criteria that they concern.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ernie.toolchains import provision

HERE = Path(__file__).resolve().parent


@pytest.fixture
def run(pytester: pytest.Pytester, conformance_folder: Path, monkeypatch: pytest.MonkeyPatch):
    """Run conformance tests of the rehearsal with the faulty trainer and engine."""
    monkeypatch.setenv("PYTHONPATH", str(HERE))
    (pytester.path / "site.toml").write_text(
        f'[trainer]\nkind = "too-fast"\npython = "{provision("trainer-cpu").python}"\n'
        f'[engine]\nkind = "unquantized"\npython = "{provision("server-cpu").python}"\n'
    )

    def with_choice(*choice: str) -> pytest.RunResult:
        return pytester.runpytest_subprocess(
            *(str(conformance_folder), "--rootdir", str(pytester.path), "-p", "detuned"),
            *("--device=cpu", "--site=site.toml", "-p", "no:cacheprovider", *choice),
        )

    return with_choice


@pytest.mark.parametrize("method", ["sft", "sft_lora"])
def test_a_learning_rate_a_tenth_too_high_fails(run, method):
    """
    The recipe's digest can't refuse what happens below it; the loss curve shows it.
    """
    result = run("-m", f"loss and {method}")

    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [f"FAIL*training.loss*{method}]*", "*steps differ from the reference*"]
    )


def test_a_server_that_doesn_t_quantize_fails(run):
    """
    Asked for WINT8, served in bf16: what runs decides, not what was asked.
    """
    result = run("-m", "datatype and tier1")

    assert result.ret == 1
    text = " ".join(result.stdout.str().split())
    assert "is bfloat16, it must be int8" in text
