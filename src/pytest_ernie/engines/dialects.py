"""
The dialects of the engines that people run, and how to tell which one answers at an address.

    FastDeploy    temperature 0 becomes 1, so greedy is asked by top_k and top_p; no ignore_eos
    vLLM          as documented by OpenAI, plus min_tokens, which forbids the end token; ignore_eos,
                  which it also has, would let the model emit it, again and again, without text
    transformers  neither min_tokens nor ignore_eos (it refuses both), but a generation_config of the
                  request's own, in which no token ends the answer; usage unasked, no [DONE]
    PLAIN         an engine that nobody named: only what every one of them takes
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .protocol import Dialect

VLLM = Dialect(greedy={"temperature": 0}, min_tokens=True)
FASTDEPLOY = Dialect(greedy={"top_p": 0, "top_k": 1}, min_tokens=True)
TRANSFORMERS = Dialect(
    greedy={"temperature": 0},
    min_tokens=False,
    fixed_length={"generation_config": '{"eos_token_id": -1, "do_sample": false}'},
    tokens_without_text=True,
    usage="always",
    thinking=False,
    done_line=False,
)
PLAIN = Dialect(greedy={"temperature": 0}, min_tokens=False, thinking=False, done_line=False)

BY_OWNER: Mapping[str, Dialect] = {"vllm": VLLM, "fastdeploy": FASTDEPLOY}
"""``owned_by`` of the models that a server lists -> its dialect."""


def dialect_of(models: list[dict[str, Any]], model: str) -> Dialect:
    """Return the dialect of the server that lists these models; PLAIN if its owner is unknown."""
    owners = [str(entry.get("owned_by", "")).lower() for entry in models if entry["id"] == model]
    return BY_OWNER.get(owners[0], PLAIN) if owners else PLAIN
