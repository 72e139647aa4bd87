"""
Both languages of a report: what is said in English and in Chinese, side by side in one page.

The page's style sheet shows one of them; a switch changes which. Chinese terms are the standard's own.
"""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape
from itertools import pairwise

from pytest_ernie.report.chinese import PATTERNS, PHRASES
from pytest_ernie.report.text import html, visible

_COMPILED = tuple((re.compile(pattern), template) for pattern, template in PATTERNS)


LANGUAGE_BUTTON = (
    '<button type="button" id="ernie-language" lang="zh" aria-label="中文 / English">'
    '<span class="t-en">中文</span><span class="t-zh" lang="en">English</span></button>'
)
"""The switch; a page that has it holds script.js, too."""


def chinese(text: str) -> str | None:
    """
    Return a text of ours in Chinese, None where there is no translation (a model's name, a figure).
    """
    return _translated(text) if len(text) <= LONGEST else None


LONGEST = 1200
"""Characters; what is longer quotes somebody, and is shown as it is."""


@lru_cache(maxsize=4096)
def _translated(text: str) -> str | None:
    known = PHRASES.get(text) or PHRASES.get(text[:1].lower() + text[1:])
    if known is not None:
        return known
    for pattern, template in _COMPILED:
        if match := pattern.fullmatch(text):
            return _filled(template, match)
    return _in_parts(text)


def _in_parts(text: str) -> str | None:
    """Translate what is known of several sentences, of an error's parts (errors.py), or of a list."""
    ends = [match.end() for match in re.finditer(r"\. (?=[A-Z])", text)]
    if ends:
        sentences = [text[a:b].strip() for a, b in pairwise([0, *ends, len(text)])]
        told = [_translated(each) or _translated(each.rstrip(".")) for each in sentences]
        if any(told):
            return "".join(
                other.rstrip("。") + "。" if other else f"{each} "
                for other, each in zip(told, sentences, strict=True)
            ).rstrip("。 ") + ("。" if text.endswith(".") else "")
    if listed := _listed(text, "; ", "；"):
        return listed
    where, colon, what = text.partition(": ")
    if colon and (other := _translated(what)):
        return f"{_translated(where) or where}：{other}"
    return _listed(text, ", ", "，")


def _listed(text: str, separator: str, joined: str) -> str | None:
    parts = text.split(separator)
    told = [_translated(part) for part in parts] if len(parts) > 1 else []
    if not any(told):
        return None
    return joined.join(other or part for other, part in zip(told, parts, strict=True))


def _filled(template: str, match: re.Match[str]) -> str:
    """Fill in the groups; what a group holds is translated, too, where that is known."""

    def group(found: re.Match[str]) -> str:
        value = match.group(int(found.group(1))) or ""
        if (
            value == match.string
        ):  # only what is shorter is translated again, so this comes to an end
            return value
        return _translated(value) or value

    return re.sub(r"\\(\d+)", group, template)


def both(text: str) -> str:
    """Return a text of ours as HTML in both languages."""
    other = chinese(text)
    if other is None:
        return escape(text)
    return (
        f'<span class="t-en" lang="en">{escape(text)}</span>'
        f'<span class="t-zh" lang="zh">{escape(other)}</span>'
    )


def told(text: str, longest: int = 2000) -> str:
    """Return a text that may quote others: harmless, and in both languages where it is ours."""
    other = chinese(text)
    if other is None:
        return html(text, longest)
    return (
        f'<span class="t-en" lang="en">{html(text, longest)}</span>'
        f'<span class="t-zh" lang="zh">{html(visible(other), longest)}</span>'
    )


def either(text: str) -> str:
    """Return a text for an attribute, which no style sheet can switch: English, then Chinese."""
    other = chinese(text)
    return escape(text if other is None else f"{text} / {other}")


def pair(english: str, chinese: str) -> str:
    """Return a sentence that was put together in each language, as HTML."""
    return (
        f'<span class="t-en" lang="en">{escape(english)}</span>'
        f'<span class="t-zh" lang="zh">{escape(chinese)}</span>'
    )
