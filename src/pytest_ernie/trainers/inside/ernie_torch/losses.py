"""
The loss of a micro batch: the mean over its learned tokens, as PaddleFormers takes it.

Only positions that are learned reach the vocabulary, and only so many at once: at 128K tokens and
103424 words all logits would be 54 GB in fp32.
"""

from __future__ import annotations

import torch
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from .samples import IGNORED, Sample


def padded(samples: list[Sample], device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """
    Return ids and labels, filled up on the right to the longest.

    No mask is needed: what is learned never looks to the right.
    """
    longest = max(len(sample.ids) for sample in samples)
    ids = [sample.ids + [0] * (longest - len(sample.ids)) for sample in samples]
    labels = [sample.labels + [IGNORED] * (longest - len(sample.labels)) for sample in samples]
    return torch.tensor(ids, device=device), torch.tensor(labels, device=device)


def mean_loss(
    hidden: torch.Tensor, head: torch.nn.Module, labels: torch.Tensor, chunk_tokens: int
) -> torch.Tensor:
    """Return the mean cross entropy (fp32) of the positions with a label."""
    learned = (labels != IGNORED).reshape(-1).nonzero().squeeze(1)
    states = hidden.reshape(-1, hidden.shape[-1]).index_select(0, learned)
    wanted = labels.reshape(-1).index_select(0, learned)
    if len(wanted) <= chunk_tokens:
        return _total(head, states, wanted) / len(wanted)
    total = torch.zeros((), device=hidden.device)
    for part, right in zip(states.split(chunk_tokens), wanted.split(chunk_tokens), strict=True):
        # Computed once more on the way back, so that only one part's logits exist at a time.
        total = total + checkpoint(_total, head, part, right, use_reentrant=False)
    return total / len(wanted)


def _total(head: torch.nn.Module, states: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    return functional.cross_entropy(head(states).float(), wanted, reduction="sum")
