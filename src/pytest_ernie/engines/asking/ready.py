"""
Whether a server is ready: it lists the model and gives one real answer.
"""

from __future__ import annotations

from typing import Any

from pytest_ernie.engines.protocol import Dialect
from pytest_ernie.errors import EngineError

from .chat import error_text, headers, read_answer, trust

LIST_TIMEOUT_S = 10.0
FIRST_ANSWER_TIMEOUT_S = 300.0
"""The first answer may have to compile kernels."""

STILL_ANSWERS_TIMEOUT_S = 120.0
"""What a server that was just under load gets for one short answer."""


def listed_models(
    base_url: str, api_key: str | None, timeout_s: float = LIST_TIMEOUT_S
) -> list[dict[str, Any]]:
    """
    Return the entries of ``/models``.

    EngineError if there is no answer, or it isn't a list of models.
    """
    import httpx

    try:
        answer = httpx.get(
            f"{base_url}/models",
            headers=headers(api_key),
            timeout=timeout_s,
            trust_env=False,
            verify=trust(),
        )
    except httpx.HTTPError as problem:
        raise EngineError(
            "no answer", where=base_url, got=f"{type(problem).__name__}: {problem}"
        ) from problem
    try:
        entries = answer.raise_for_status().json()["data"]
        return [entry for entry in entries if isinstance(entry["id"], str)]
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as problem:
        raise EngineError(
            "/models is no list of models",
            where=base_url,
            got=f"HTTP {answer.status_code} {answer.text[:200]!r}",
        ) from problem


def listed_window(models: list[dict[str, Any]], model: str) -> int | None:
    """Return the window that the server reports for the model, None if it reports none."""
    for entry in models:
        if entry["id"] == model and isinstance(entry.get("max_model_len"), int):
            return int(entry["max_model_len"])
    return None


def require_listed(models: list[dict[str, Any]], model: str, where: str) -> None:
    """EngineError unless the model is among those listed."""
    names = [entry["id"] for entry in models]
    if model not in names:
        raise EngineError(
            "the server doesn't list the model",
            where=where,
            got=", ".join(names) or "an empty list",
            wanted=model,
            fix="Give the name under which it is served",
        )


def first_answer(
    base_url: str,
    model: str,
    api_key: str | None,
    dialect: Dialect,
    timeout_s: float = FIRST_ANSWER_TIMEOUT_S,
) -> None:
    """
    Ask one short question through OpenAI's own client.

    EngineError unless at least one token comes back and that client reads the same text out of the
    response as the suite does: what everybody's applications use decides what is compatible.
    """
    import openai

    with openai.DefaultHttpxClient(timeout=timeout_s, trust_env=False, verify=trust()) as http:
        client = openai.OpenAI(
            base_url=base_url, api_key=api_key or "none", max_retries=0, http_client=http
        )
        try:
            response = client.chat.completions.with_raw_response.create(
                model=model,
                messages=[{"role": "user", "content": "What is 1 + 1?"}],
                extra_body=dialect.sampling(max_tokens=4),
            )
        except openai.APIStatusError as problem:
            raise _unanswered(
                base_url, error_text(problem.status_code, problem.response.content)
            ) from problem
        except openai.OpenAIError as problem:
            raise _unanswered(base_url, f"{type(problem).__name__}: {problem}") from problem
        answer = read_answer(response.status_code, response.content, latency_s=0.0)
        if not answer.answered:
            raise _unanswered(base_url, answer.error or "no token")
        read = response.parse().choices[0].message.content
    if read and read != answer.text:
        raise EngineError(
            "OpenAI's client reads another answer out of the same response",
            where=base_url,
            got=repr(read[:200]),
            wanted=repr(answer.text[:200]),
        )


def no_answer(
    base_url: str, model: str, api_key: str | None, dialect: Dialect, timeout_s: float
) -> str | None:
    """Return why a server that was ready doesn't answer a question now; None if it does."""
    try:
        listed_models(base_url, api_key, timeout_s)
        first_answer(base_url, model, api_key, dialect, timeout_s)
    except EngineError as problem:
        return f"{problem.what} ({problem.got})" if problem.got else problem.what
    return None


def _unanswered(base_url: str, got: str) -> EngineError:
    return EngineError(
        "the first question was not answered",
        where=base_url,
        got=got,
        wanted="at least one token",
    )
