"""
Whether a server is ready: it lists the model and gives one real answer.
"""

from __future__ import annotations

from typing import Any

from pytest_ernie.errors import EngineError

from .chat import ask_chat, headers, new_client
from .protocol import Dialect

LIST_TIMEOUT_S = 10.0
FIRST_ANSWER_TIMEOUT_S = 300.0
"""The first answer may have to compile kernels."""


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
            f"{base_url}/models", headers=headers(api_key), timeout=timeout_s, trust_env=False
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


def first_answer(base_url: str, model: str, api_key: str | None, dialect: Dialect) -> None:
    """Ask one short question; EngineError unless at least one token comes back."""
    fields = dialect.sampling(max_tokens=4)
    with new_client(api_key, timeout_s=FIRST_ANSWER_TIMEOUT_S) as client:
        answer = ask_chat(client, base_url, model, "What is 1 + 1?", fields)
    if not answer.answered:
        raise EngineError(
            "the first question was not answered",
            where=base_url,
            got=answer.error or "no token",
            wanted="at least one token",
        )
