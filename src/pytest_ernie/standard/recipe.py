"""
A training recipe: the hyper-parameters that both sides must share (R14), and where they are from.

How a machine is split among tensor and pipeline parallel ranks isn't part of it: that may differ from side to
side and is recorded (``trainers/layouts.py``).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from pytest_ernie.standard.digest import digest
from pytest_ernie.standard.fields import (
    Count,
    Data,
    Method,
    NaturalNumber,
    Positive,
    Sentence,
    fraction,
)

BESIDE = ("also_at", "source", "derived", "checkpoint_steps")
"""Fields that say where a recipe is from, or what becomes of a run that is cut short."""
WHERE_SET = ("frozen", "loss_scale", "gate_learning_rate_ratio", "lora_start")
"""Fields that count only where they are set, so that recipes without them keep their digest."""


class SupervisedData(Data, frozen=True, kw_only=True):
    """
    The place of a designated data set (指定有监督数据集), which no document names.

    Without a digest the reference's fills it: both sides then train on the same data, whatever they are.
    """

    modality: Literal["text", "multimodal"]
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")] | None = None
    """Of the prepared data set, its pictures included; None until somebody says which it is."""
    note: Sentence


class Recipe(Data, frozen=True, kw_only=True):
    """The hyper-parameters of one training run: what both sides must share (R14)."""

    model: Sentence
    method: Method
    steps: Count
    sequence_length: Count
    """Tokens to which a sample is padded or cut."""
    micro_batch: Count
    global_batch: Count
    """Samples a step over all cards; how many micro batches a card adds up follows from its layout."""
    learning_rate: Positive
    min_learning_rate: Annotated[float, Meta(ge=0)]
    schedule: Literal["constant", "linear", "cosine"]
    warmup_steps: NaturalNumber
    weight_decay: Annotated[float, Meta(ge=0)]
    adam_beta1: Positive
    adam_beta2: Positive
    adam_epsilon: Positive
    max_grad_norm: Positive
    seed: NaturalNumber
    precision: Literal["float32", "bfloat16"]
    lora_rank: Count | None = None
    """The trainers' alpha is twice the rank."""
    lora_start: Literal["given"] | None = None
    """``given``: both sides load the adapter that the suite draws; None: each trainer draws its own."""
    frozen: Literal["vision"] | None = None
    """The part of a multimodal model that isn't trained."""
    loss_scale: Positive | None = None
    """Factor of the loss before the backward pass, taken out of the gradients after it."""
    gate_learning_rate_ratio: Positive | None = None
    """Learning rate of the experts' router as a share of the others'."""
    also_at: tuple[Count, ...] = ()
    """Further sequence lengths, tokens, for which just the same holds."""
    source: str = ""
    """Where it is published, or what it is derived from."""
    checkpoint_steps: Count | None = None
    """Steps between checkpoints, from which a run that was cut short goes on; None: it begins anew."""
    derived: tuple[Sentence, ...] = ()
    """What of it isn't published, a clause each; empty where everything is."""

    def __post_init__(self) -> None:
        if (self.method == "sft_lora") != (self.lora_rank is not None):
            raise ValueError(f"{self.method} recipe: lora_rank belongs to sft_lora, and only there")
        if self.lora_start is not None and self.lora_rank is None:
            raise ValueError("sft recipe: lora_start belongs to sft_lora, and only there")
        if self.global_batch % self.micro_batch:
            raise ValueError(
                f"global_batch {self.global_batch} is no multiple of micro_batch {self.micro_batch}"
            )
        if self.derived and not self.source:
            raise ValueError("a derived recipe has no source: what is it derived from?")
        fraction(self.adam_beta1, "adam_beta1")
        fraction(self.adam_beta2, "adam_beta2")

    @property
    def lengths(self) -> tuple[int, ...]:
        """Every sequence length that it holds for."""
        return (self.sequence_length, *self.also_at)

    @property
    def identity(self) -> dict[str, Any]:
        """What both sides must share, by name."""
        return {
            name: value
            for name, value in msgspec.to_builtins(self).items()
            if name not in BESIDE and not (name in WHERE_SET and value is None)
        }

    @property
    def digest(self) -> str:
        """Digest of what both sides must share: part of every training measurement's key."""
        return digest(self.identity)

    def at(self, length: int) -> Recipe:
        """Return the recipe of one of its lengths."""
        return msgspec.structs.replace(self, sequence_length=length, also_at=())


def differences(own: dict[str, Any], other: dict[str, Any]) -> tuple[str, ...]:
    """Say how two recipes' identities differ, a clause each: ``seed 23 against 42``."""
    return tuple(
        f"{name} {_shown(own.get(name))} against {_shown(other.get(name))}"
        for name in sorted(own.keys() | other.keys())
        if own.get(name) != other.get(name)
    )


def _shown(value: Any) -> str:
    return "none" if value is None else f"{value}"
