"""
What the double says: a word is a token.

"The code of apple is 4821." in the prompt answers "What is the code of apple?"; a sum of two numbers
is known; everything else gets "yes yes yes". What isn't asked greedily begins with a random word.
"""

from __future__ import annotations

import random
import re
from typing import Any, NamedTuple


class Reply(NamedTuple):
    """An answer, and what the server counts."""

    words: list[str]
    prompt_tokens: int
    finish_reason: str

    def usage(self, more: int = 0) -> dict[str, Any]:
        """Return the usage, ``more`` tokens wrong."""
        tokens = max(0, len(self.words) + more)
        return {
            "prompt_tokens": self.prompt_tokens,
            "total_tokens": self.prompt_tokens + tokens,
            "completion_tokens": tokens,
            "prompt_tokens_details": {"cached_tokens": 0},
        }


class TooLong(Exception):
    """A prompt that doesn't fit the window, in FastDeploy's words."""


def text_of(body: dict[str, Any]) -> str:
    """Return the last message's text."""
    content = body["messages"][-1]["content"]
    if isinstance(content, str):
        return content
    return " ".join(part.get("text", "") for part in content)


def is_greedy(body: dict[str, Any]) -> bool:
    """Temperature 0 is not greedy: FastDeploy makes it 1."""
    return body.get("top_p") == 0 or body.get("top_k") == 1


def reply(body: dict[str, Any], window: int, *, short: bool = False) -> Reply:
    """
    Return the answer; TooLong if prompt and fewest tokens fill the window.

    A prompt that is too long is first cut, without a word, to one token less than the window.
    """
    prompt = text_of(body)
    prompt_tokens = min(len(prompt.split()), window - 1)
    fewest = max(1, body.get("min_tokens") or 1)
    if prompt_tokens + fewest >= window:
        raise TooLong(
            f"Input text is too long, length of prompt token({prompt_tokens}) "
            f"+ min_dec_len ({fewest}) >= max_model_len "
        )
    most = min(body.get("max_completion_tokens") or body.get("max_tokens") or window, window)
    most = min(most, window - prompt_tokens)
    words = known(prompt).split()
    if not is_greedy(body):
        words.insert(0, random.choice(["well", "so", "now", "hm"]))
    words += ["so"] * ((1 if short else fewest) - len(words))
    if short:
        words = words[: max(1, fewest // 2)]
    kept = words[:most]
    length = len(kept) < len(words) or (len(kept) == most and not short)
    return Reply(kept, prompt_tokens, "length" if length else "stop")


def known(prompt: str) -> str:
    """Return the answer to a prompt."""
    if question := re.search(r"What is the code of (\w+)\?\s*$", prompt):
        fact = re.search(rf"The code of {question[1]} is (\d+)\.", prompt)
        return fact[1] if fact else "unknown"
    if question := re.search(r"What is (\d+) \+ (\d+)\?\s*$", prompt):
        return str(int(question[1]) + int(question[2]))
    return "yes yes yes"
