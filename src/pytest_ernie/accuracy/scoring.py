"""
Exact match after a small normalisation: what differs in form only is the same answer.

    NFKC            full-width digits, letters and marks become the usual ones
    case            folded
    white space     runs become one space; none at the ends, and none beside a comma
    marks at the end of the answer (. 。 ! ！) are dropped
"""

from __future__ import annotations

import re
import unicodedata

END_MARKS = ".。!"


def normalised(text: str) -> str:
    """Return the text in the form in which answers are compared."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    spaced = re.sub(r"\s+", " ", folded).strip()
    return re.sub(r" ?, ?", ",", spaced).rstrip(END_MARKS).rstrip()


def extracted(answer: str) -> str:
    """Return the part of an answer that is scored: its first line that isn't empty, normalised."""
    lines = (line for line in answer.splitlines() if line.strip())
    return normalised(next(lines, ""))


def score(answer: str, wanted: str) -> float:
    """Return 1.0 if the answer says what is wanted, else 0.0."""
    return 1.0 if extracted(answer) == normalised(wanted) else 0.0
