"""
Token arrays for training the base model: short task samples and long texts with needles.

Needs `tokenizers` and `numpy`. Everything follows from a seed and a step's number, so that the
workers that prepare batches may run in any order.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .needles import PAD, Needle, draw_needles, filler_sentence
from .tasks import TASKS, Sample, held_out, training_sample
from .words import NAMES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Tokens = NDArray[np.int64]

IGNORED = -100
"""The label of a position that is not trained on."""

QUESTIONS_PER_TEXT = 8
"""At most so many needles of one text are asked back, one turn each."""


@dataclass(frozen=True)
class Batch:
    """Token ids and labels, one row a sequence; label i belongs to token i + 1."""

    tokens: Tokens
    labels: Tokens


class Codec:
    """The tokenizer, with the chat template applied the way the trainers apply it."""

    def __init__(self, checkpoint: Path) -> None:
        from tokenizers import Tokenizer

        self._tokenizer: Any = Tokenizer.from_file(str(checkpoint / "tokenizer.json"))
        self.begin, self.end, self.separator = (
            self._special(token)
            for token in ("<|begin_of_sentence|>", "</s>", "<|end_of_sentence|>")
        )

    def ids(self, text: str) -> list[int]:
        """The text's tokens, nothing added."""
        encoded: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return encoded

    def _special(self, token: str) -> int:
        number: int = self._tokenizer.token_to_id(token)
        return number

    def count(self, text: str) -> int:
        """The number of the text's tokens."""
        return len(self.ids(text))

    def turn(self, question: str) -> list[int]:
        """A user's turn up to where the answer begins, without the leading special token."""
        return self.ids(f"User: {question}\nAssistant: ")

    def pair(self, sample: Sample) -> tuple[list[int], list[int]]:
        """Prompt and answer of one sample; the answer ends with the end token."""
        answer = [*self.ids(sample.answer), self.end]
        return [self.begin, *self.turn(sample.question)], answer


def rows(pairs: list[tuple[list[int], list[int]]], width: int = 0) -> Batch:
    """Pad prompt-and-answer pairs to one width; only answers are labelled."""
    import numpy as np

    longest = max(len(prompt) + len(answer) for prompt, answer in pairs)
    shape = (len(pairs), max(width, longest))
    tokens = np.zeros(shape, dtype=np.int64)
    labels = np.full(shape, IGNORED, dtype=np.int64)
    for row, (prompt, answer) in enumerate(pairs):
        end = len(prompt) + len(answer)
        tokens[row, :end] = prompt + answer
        labels[row, len(prompt) - 1 : end - 1] = answer
    return Batch(tokens, labels)


def task_pool(codec: Codec, seed: int, per_task: int) -> Batch:
    """
    `per_task` training samples of each task, in one array.

    One sample in eight comes without the leading special token: a plain completion request
    does not send it.
    """
    rng = random.Random(f"pool {seed}")
    pairs = []
    for task in TASKS:
        for _ in range(per_task):
            prompt, answer = codec.pair(training_sample(task, rng))
            pairs.append((prompt[1:] if rng.random() < 0.125 else prompt, answer))
    return rows(pairs)


def held_out_batch(codec: Codec, task: str) -> Batch:
    """The task's held-out questions with their answers."""
    return rows([codec.pair(sample) for sample in held_out(task)])


class Texts:
    """Makes long texts out of sentences that are tokenized once."""

    SENTENCES = 20_000
    """Different filler sentences, beside which any longer text repeats itself."""

    def __init__(self, codec: Codec, seed: int) -> None:
        import numpy as np

        rng = random.Random(f"texts {seed}")
        self._codec = codec
        self._filler = np.array(
            [codec.ids(" " + filler_sentence(rng)) for _ in range(self.SENTENCES)], dtype=np.int64
        )
        self._head = [codec.begin, *codec.ids("User:")]
        self._pad = codec.ids(" " + PAD)
        questions = {name: Needle(name, "").question for name in NAMES}
        self._first = {n: codec.ids(f"{q}\nAssistant: ") for n, q in questions.items()}
        self._later = {n: codec.turn(q) for n, q in questions.items()}
        (self._newline,) = codec.ids("\n")

    def batch(self, rng: random.Random, length: int, count: int) -> Batch:
        """`count` texts of at most `length` tokens with their questions and answers."""
        import numpy as np

        tokens = np.zeros((count, length), dtype=np.int64)
        labels = np.full((count, length), IGNORED, dtype=np.int64)
        for row in range(count):
            text, marks = self._text(rng, length)
            tokens[row, : len(text)] = text
            labels[row, : len(text)] = marks
        return Batch(tokens, labels)

    def _text(self, rng: random.Random, length: int) -> tuple[Tokens, Tokens]:
        import numpy as np

        needles = draw_needles(rng, rng.randint(1, min(24, length // 24)))
        asked = rng.sample(needles, min(len(needles), QUESTIONS_PER_TEXT))
        ids = {needle.name: self._codec.ids(" " + needle.sentence) for needle in needles}
        tail, marks = self._dialogue([(needle.name, needle.code) for needle in asked])
        head = self._head + self._pad * rng.randrange(12)
        room = length - len(head) - len(tail) - sum(map(len, ids.values()))
        sentences = self._filler[self._draw(rng, max(room // self._filler.shape[1], 0))]
        cuts = sorted(rng.randint(0, len(sentences)) for _ in needles)
        pieces: list[Any] = [head]
        start = 0
        for cut, needle in zip(cuts, needles, strict=True):
            pieces += [sentences[start:cut].reshape(-1), ids[needle.name]]
            start = cut
        pieces += [sentences[start:].reshape(-1), tail]
        text = np.concatenate([np.asarray(piece, dtype=np.int64) for piece in pieces])
        labels = np.full(len(text), IGNORED, dtype=np.int64)
        labels[len(text) - len(tail) :] = marks
        return text[:length], labels[:length]

    def _draw(self, rng: random.Random, count: int) -> Tokens:
        import numpy as np

        return np.random.default_rng(rng.getrandbits(64)).integers(0, self.SENTENCES, count)

    def _dialogue(self, asked: list[tuple[str, str]]) -> tuple[list[int], list[int]]:
        """The questions after a text, each answered; every code is followed by the end token."""
        tokens, labels = [self._newline], [IGNORED]
        for index, (name, code) in enumerate(asked):
            # The first question ends the turn that the text began.
            turn = self._first[name] if index == 0 else self._later[name]
            answer = self._codec.ids(code)
            tokens += [*turn, *answer, self._codec.separator]
            labels += [IGNORED] * (len(turn) - 1) + [*answer, self._codec.end, IGNORED]
        return tokens, labels
