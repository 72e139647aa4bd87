"""
The doctor's look at the transformers trainer, with small packages in the place of torch and its company.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_ernie.preflight.torch_trainer import torch_sees

TORCH = """
__version__ = "2.13.0"
class cuda:
    is_available = staticmethod(lambda: CARDS > 0)
    device_count = staticmethod(lambda: CARDS)
    get_device_name = staticmethod(lambda _: "Chip 9")
"""


@pytest.fixture
def packages(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """Make an environment with these packages, whose torch sees so many cards."""

    def make(*names: str, cards: int = 0) -> dict[str, str]:
        for name in names:
            text = TORCH.replace("CARDS", str(cards)) if name == "torch" else "__version__ = '1'\n"
            (tmp_path / f"{name}.py").write_text(text)
        return {"PYTHONPATH": str(tmp_path)}

    return make


@pytest.mark.parametrize(("cards", "holds"), [(1, False), (2, True), (3, True)])
def test_torch_must_see_the_cards(packages, cards: int, holds: bool) -> None:
    """Under, at and over what the site names; the chip's name is told."""
    env = packages("torch", "transformers", "peft", cards=cards)

    finding = torch_sees(Path(sys.executable), env, "gpu", 2)

    assert finding.holds is holds
    assert finding.got == (f"torch 2.13.0, transformers 1, peft 1, {cards} cards as cuda Chip 9")
    assert finding.wanted == "torch, transformers, peft and 2 cards as cuda"


def test_a_missing_package_is_named(packages) -> None:
    """So is the plugin that teaches PyTorch the device."""
    env = packages("torch", "transformers")

    finding = torch_sees(Path(sys.executable), env, "npu", 1)

    assert not finding.passes
    assert finding.got == (
        "it lacks peft (No module named 'peft'); torch_npu (No module named 'torch_npu')"
    )


def test_a_device_of_unknown_name_is_a_note(packages) -> None:
    """The site's settings may tell what PyTorch calls it."""
    finding = torch_sees(
        Path(sys.executable), packages("torch", "transformers", "peft"), "unheard_of", 1
    )

    assert (finding.holds, finding.passes) == (False, True)
    assert "nobody knows what it calls unheard_of" in finding.got


def test_a_cpu_needs_no_cards(packages) -> None:
    """Only the packages."""
    env = packages("torch", "transformers", "peft")

    assert torch_sees(Path(sys.executable), env, "cpu", 1).holds


def test_an_interpreter_that_isn_t_one(tmp_path: Path) -> None:
    """Its failure is a finding, not an error."""
    finding = torch_sees(tmp_path / "python", None, "gpu", 1)

    assert not finding.passes
    assert "doesn't answer" in finding.got
