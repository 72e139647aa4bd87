"""
The rehearsal's lexicon: every English word that its texts use, and the Chinese digits.

The tokenizer holds each word as one token, so a sentence's length in tokens is known beforehand.
"""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


NAMES = _words(
    "apple lemon peach mango grape melon olive onion carrot pepper tiger eagle horse sheep "
    "camel zebra panda otter raven snake spoon knife plate table chair clock piano radio "
    "phone watch coat shirt boot glove scarf belt ring crown sword shield hammer nail rope "
    "wheel train boat plane truck kite drum flute bell coin card dice ball lamp torch candle "
    "mirror pencil paper book letter"
)
"""Things a needle may be about, and that instructions speak of. Never in filler text."""

ADJECTIVES = _words(
    "old new big small red blue green dark quiet warm cold long short soft young deep"
)
NOUNS = _words(
    "river road house garden forest hill field lake street bridge tower village wind rain "
    "snow cloud"
)
VERBS = _words("runs stands waits turns falls rests grows moves")
PREPOSITIONS = _words("past behind near under above beside")
"""The four word classes of filler sentences."""

ORDINALS = ("first", "second", "third", "fourth")

GLUE = _words(
    "User Assistant What is the code of The Which largest smallest middle or Sort from to up down "
    "Compute Repeat word words times Write order Reverse reverse without Swap and last twice "
    "each so"
)
"""Words of the questions' own phrases."""

HAN_DIGITS = "零一二三四五六七八九"
HAN_TEXT = HAN_DIGITS + "十百千万用汉字数写出加减乘等于多少比大小哪个是和，。？"
"""Every Chinese character that a question or an answer may hold."""

PUNCTUATION = ".,:;?!+-*/=()'\n"
"""Every mark that a question or an answer may hold; a newline ends the user's turn."""


def lexicon() -> tuple[str, ...]:
    """All words, each once, in a fixed order."""
    groups = (GLUE, NAMES, ADJECTIVES, NOUNS, VERBS, PREPOSITIONS, ORDINALS)
    return tuple(dict.fromkeys(word for group in groups for word in group))
