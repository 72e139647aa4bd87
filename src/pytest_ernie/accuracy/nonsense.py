"""
Broken answers: what a wrong kernel says, told from what a wrong model says.

    repeated     one token, or a few, over and over to the end
    unprintable  replacement characters, controls, unassigned code points
    empty        nothing at all, though the server says that it finished
    identical    the very same long answer to different questions

One of them proves nothing: models loop now and then. Almost nothing else for a while is a broken
server, and no model that was ever trained answers so. Pure functions over answers as they come.
"""

from __future__ import annotations

import unicodedata
from collections import Counter, deque
from collections.abc import Iterable
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from pytest_ernie.accuracy.ask import AnswerRecord

WINDOW = 24
"""Answers that are looked at, the latest."""
BROKEN = 20
"""So many of them broken, and the server is. A model that loops on every fifth question gets there
once in 10^10 windows, one that is as broken as not once in 1300: it is a wreck, too."""
LOOPING_CHARACTERS = 48
"""A loop shorter than this may be an answer: ``ha ha ha``, ``1000000``."""
LOOPING_TIMES = 12
PATTERN_CHARACTERS = 24
"""The longest piece whose repetition is a loop; a list of similar lines isn't one."""
LOOPING_SHARE = 0.7
"""Of the answer, at its end: it may have begun well."""
UNPRINTABLE_SHARE = 0.2
UNPRINTABLE_CHARACTERS = 4
IDENTICAL_CHARACTERS = 24
"""Shorter answers (A, yes, 42, 没有) agree by chance, and honestly."""
_UNPRINTABLE = frozenset({"Cc", "Cn", "Co", "Cs"})
_REPLACEMENT = "\ufffd"


class Seen(Struct, frozen=True, kw_only=True):
    """What of an answer is looked at."""

    question: str
    """The question's id; several prompts of it may be answered alike."""
    text: str
    """Reasoning and answer."""
    finished: bool = True
    """The model ended it itself: empty and cut by max_tokens is no answer of its own."""


def seen_of(record: AnswerRecord) -> Seen:
    """Return what is looked at of an answer on record."""
    return Seen(
        question=record.question,
        text=f"{record.reasoning}\n{record.answer}",
        finished=not record.truncated,
    )


def why_broken(seen: Seen) -> str | None:
    """Return what is wrong with a single answer, or None: ``repeated``, ``unprintable``, ``empty``."""
    text = seen.text.strip(" \t\r\n")
    if not text:
        return "empty" if seen.finished else None
    if _unprintable(text):
        return "unprintable"
    return "repeated" if _repeated(text) else None


def _unprintable(text: str) -> bool:
    odd = sum(
        count
        for letter, count in Counter(text).items()
        if letter == _REPLACEMENT
        or (letter not in "\t\r\n" and unicodedata.category(letter) in _UNPRINTABLE)
    )
    return odd >= UNPRINTABLE_CHARACTERS and odd >= UNPRINTABLE_SHARE * len(text)


def _repeated(text: str) -> bool:
    """Tell whether the end of a text is one short piece again and again."""
    if len(text) < LOOPING_CHARACTERS:
        return False
    for size in range(1, PATTERN_CHARACTERS + 1):
        piece = text[-size:]
        times, start = 0, len(text)
        while start >= size and text[start - size : start] == piece:
            times, start = times + 1, start - size
        covered = len(text) - start
        if times >= LOOPING_TIMES and covered >= max(LOOPING_CHARACTERS, LOOPING_SHARE * len(text)):
            return True
    return False


class Watch:
    """The latest answers of a run; each is looked at once, as it comes."""

    def __init__(self) -> None:
        self._seen: deque[tuple[Seen, str | None]] = deque(maxlen=WINDOW)

    def see(self, seen: Seen) -> str | None:
        """Take an answer; return in a sentence why the latest are a broken server's, or None."""
        self._seen.append((seen, why_broken(seen)))
        same = _identical(one for one, _ in self._seen)
        kinds = Counter(kind for _, kind in self._seen if kind)
        alike = sum(kind is None and one.text.strip() in same for one, kind in self._seen)
        broken = kinds.total() + alike
        if broken < BROKEN:
            return None
        told = [f"{count} {_WORDS[kind]}" for kind, count in kinds.most_common()]
        if alike:
            told.append(f"{alike} the same answer to different questions")
        return f"{broken} of the last {len(self._seen)} answers are broken: {', '.join(told)}"


_WORDS = {
    "repeated": "a token or a few again and again",
    "unprintable": "unprintable characters",
    "empty": "nothing at all",
}


def _identical(window: Iterable[Seen]) -> frozenset[str]:
    """Return the long texts that came as answers to half of the window's questions or more."""
    questions: dict[str, set[str]] = {}
    for seen in window:
        text = seen.text.strip()
        if len(text) >= IDENTICAL_CHARACTERS:
            questions.setdefault(text, set()).add(seen.question)
    return frozenset(text for text, of in questions.items() if len(of) >= WINDOW // 2)
