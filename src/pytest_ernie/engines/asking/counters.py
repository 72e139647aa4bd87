"""
What a server itself counts: the tokens that it has put out, as its Prometheus page says.

The page's format is Prometheus' text exposition format 0.0.4: ``name{labels} value [time]``, a line each.
"""

from __future__ import annotations

from .chat import headers, trust

TIMEOUT_S = 10.0


def read_counter(url: str, name: str, api_key: str | None) -> float | None:
    """Return a counter from the page at ``url``; None where nothing shows it."""
    import httpx

    try:
        answer = httpx.get(
            url, headers=headers(api_key), timeout=TIMEOUT_S, trust_env=False, verify=trust()
        )
    except httpx.HTTPError:
        return None
    return counter_in(answer.text, name) if answer.status_code == httpx.codes.OK else None


def counter_in(page: str, name: str) -> float | None:
    """Return the sum of a counter's series (one for each worker, say); None if the page has none."""
    found = []
    for line in page.splitlines():
        start, _, labelled = line.partition("{")
        _, brace, value = labelled.rpartition("}")
        series, *rest = start.split() or [""]
        words = value.split() if brace else rest
        if series != name or not words:
            continue
        try:
            found.append(float(words[0]))
        except ValueError:
            return None
    return sum(found) if found else None
