"""
Write the rehearsal's tokenizer: byte-pair encoding with byte fallback, as ERNIE 4.5's is.

Its vocabulary follows from the lexicon alone: every word is one token, with and without its
space; digits, Chinese characters and marks stand alone. Run it with

    python -m pytest_ernie.rehearsal.make_tokenizer --out checkpoint

Needs the package `tokenizers`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import string
from pathlib import Path
from typing import Any

from .words import HAN_TEXT, PUNCTUATION, lexicon

SPACE = "▁"
UNKNOWN, START, END, TURN_START, TURN_END = SPECIAL = (
    "<unk>",
    "<s>",
    "</s>",
    "<|begin_of_sentence|>",
    "<|end_of_sentence|>",
)
"""Their ids are their places here; unknown also pads, as in ERNIE 4.5."""

CHAT_TEMPLATE = (
    "{{- '<|begin_of_sentence|>' -}}"
    "{%- for message in messages -%}"
    "{%- if message['role'] == 'system' -%}{{- message['content'] + '\\n' -}}"
    "{%- elif message['role'] == 'user' -%}"
    "{{- 'User: ' + message['content'] + '\\nAssistant: ' -}}"
    "{%- else -%}{{- message['content'] + '<|end_of_sentence|>' -}}"
    "{%- endif -%}{%- endfor -%}"
)
"""PaddleFormers' template `ernie_nothink`; the user's turn always opens the answer."""


def vocabulary() -> tuple[list[str], list[tuple[str, str]]]:
    """All tokens in the order of their ids, and the merges in the order of their ranks."""
    letters = string.ascii_letters + string.digits
    characters = dict.fromkeys(SPACE + letters + PUNCTUATION + HAN_TEXT)
    tokens = [*SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256)), *characters]
    merges = _word_merges(lexicon())
    # A word takes its space last, so that its inner merges are the same with and without one.
    merges += [(SPACE, word) for word in lexicon()]
    tokens += dict.fromkeys(left + right for left, right in merges)
    return tokens, merges


def _word_merges(words: tuple[str, ...]) -> list[tuple[str, str]]:
    """Byte-pair merges that make every word one token, most frequent pair first."""
    spelled = [list(word) for word in words]
    merges: list[tuple[str, str]] = []
    while True:
        counts: dict[tuple[str, str], int] = {}
        for pieces in spelled:
            for pair in itertools.pairwise(pieces):
                counts[pair] = counts.get(pair, 0) + 1
        if not counts:
            return merges
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges.append(best)
        spelled = [_merged(pieces, best) for pieces in spelled]


def _merged(pieces: list[str], pair: tuple[str, str]) -> list[str]:
    result: list[str] = []
    for piece in pieces:
        if result and (result[-1], piece) == pair:
            result[-1] += piece
        else:
            result.append(piece)
    return result


def tokenizer_config() -> dict[str, Any]:
    """What transformers, vLLM and PaddleFormers read beside tokenizer.json."""
    return {
        "tokenizer_class": "LlamaTokenizer",
        # No space is put before a text: a template's parts then encode to the same ids whether
        # they are encoded one by one (PaddleFormers) or as one string (transformers, vLLM).
        "add_prefix_space": False,
        "legacy": False,
        "add_bos_token": False,
        "add_eos_token": False,
        "unk_token": UNKNOWN,
        "bos_token": START,
        "eos_token": END,
        "pad_token": UNKNOWN,
        "cls_token": TURN_START,
        "sep_token": TURN_END,
        "additional_special_tokens": [],
        "clean_up_tokenization_spaces": False,
        "model_max_length": 131072,
        "padding_side": "right",
        "chat_template": CHAT_TEMPLATE,
    }


def write(folder: Path) -> int:
    """Write tokenizer.json and tokenizer_config.json; returns the number of tokens."""
    from tokenizers import AddedToken, Tokenizer, decoders, pre_tokenizers
    from tokenizers.models import BPE

    tokens, merges = vocabulary()
    ids = {token: index for index, token in enumerate(tokens)}
    tokenizer = Tokenizer(
        BPE(vocab=ids, merges=merges, unk_token=UNKNOWN, fuse_unk=True, byte_fallback=True)
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(
        replacement=SPACE, prepend_scheme="never", split=False
    )
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in SPECIAL])
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = json.dumps(tokenizer_config(), ensure_ascii=False, indent=2)
    (folder / "tokenizer_config.json").write_text(config + "\n", encoding="utf-8")
    return len(tokens)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--out", type=Path, required=True, help="the checkpoint's folder")
    arguments = parser.parse_args()
    print(f"{write(arguments.out)} tokens")


if __name__ == "__main__":
    main()
