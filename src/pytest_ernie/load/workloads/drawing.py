"""
The prompts of an edition's workload: drawn once from its seed, the same on both sides (R9).
"""

from __future__ import annotations

import random
from pathlib import Path

import msgspec

from pytest_ernie.errors import SiteError
from pytest_ernie.load.protocol import Prompt
from pytest_ernie.standard.model import Workload

from .candidates import Drawn, digest_of, sample
from .counters import Counter
from .recognise import candidates_of
from .synthetic import synthetic

MADE_HERE = "rehearsal"


def draw(workload: Workload, source: Path | None = None, count: Counter | None = None) -> Drawn:
    """
    Return the workload's prompts; ``source`` is the file or folder of one that isn't made here.

    ``count`` counts the tokens of a ShareGPT file that wasn't prepared. SiteError if the source is
    missing, can't be read, holds too few prompts, or prompts of the other modality.
    """
    draw_from = random.Random(f"workload {workload.name} {workload.seed}")
    if workload.source == MADE_HERE:
        prompts = synthetic(
            workload.prompts,
            output_tokens_min=workload.output_tokens_min,
            output_tokens_max=workload.output_tokens_max,
            draw_from=draw_from,
        )
    elif source is None:
        raise SiteError(
            f"its prompts come from {workload.source}, which is not shipped",
            where=f"workload {workload.name}",
            fix="Name the prepared file in the site file",
        )
    else:
        candidates = candidates_of(source, count)
        if len(candidates) < workload.prompts:
            raise SiteError(
                "too few prompts", where=source, got=len(candidates), wanted=workload.prompts
            )
        prompts = tuple(
            _clipped(prompt, workload) for prompt in sample(candidates, workload.prompts, draw_from)
        )
        _check_modality(workload, prompts, source)
    return Drawn(prompts=prompts, digest=digest_of(prompts))


def _clipped(prompt: Prompt, workload: Workload) -> Prompt:
    """R9's bounds hold for whatever a site prepares."""
    low, high = workload.output_tokens_min, workload.output_tokens_max
    return msgspec.structs.replace(prompt, output_tokens=min(max(prompt.output_tokens, low), high))


def _check_modality(workload: Workload, prompts: tuple[Prompt, ...], source: Path) -> None:
    """Prompts without images would pass for fast ones with images (R7b)."""
    with_images = sum(1 for prompt in prompts if prompt.images)
    wanted = len(prompts) if workload.modality == "multimodal" else 0
    if with_images != wanted:
        raise SiteError(
            f"no workload of modality {workload.modality}",
            where=source,
            got=f"{with_images} of {len(prompts)} prompts with images",
            wanted=wanted,
        )
