"""
A server that somebody else runs: attached to by its address, never started, never stopped.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from pytest_ernie.engines.asking import ready
from pytest_ernie.errors import EngineError
from pytest_ernie.progress import Progress, silent
from pytest_ernie.toolchains.toolchain import Toolchain

from .dialects import PLAIN, dialect_of
from .ports import TakePorts, free_ports
from .protocol import UNKNOWN, Dialect, Launch


class EndpointServer:
    """
    A running server of which only its answers are known.

    Nothing shows its command, its weights or its activations, so those facts are empty and what
    rests on them is INCONCLUSIVE.
    """

    def __init__(
        self, base_url: str, model: str, api_key: str | None, dialect: Dialect, window: int | None
    ) -> None:
        self.base_url = base_url
        self.other_urls: tuple[str, ...] = ()
        self.model = model
        self.api_key = api_key
        self.log: Path | None = None
        self.dialect = dialect
        self.left_behind: tuple[str, ...] = ()
        self.facts = msgspec.structs.replace(UNKNOWN, window=window)

    def alive(self) -> bool:
        """Return whether the server answers."""
        try:
            ready.listed_models(self.base_url, self.api_key)
        except EngineError:
            return False
        return True

    def trouble(self) -> str | None:
        """Return why it doesn't answer a question, None if it does."""
        return ready.no_answer(
            self.base_url, self.model, self.api_key, self.dialect, ready.STILL_ANSWERS_TIMEOUT_S
        )

    def kept_logs(self) -> dict[str, bytes]:
        """Return nothing: its logs are where it runs."""
        return {}

    def stop(self) -> None:
        """Do nothing: whoever started the server stops it."""


def attach(
    base_url: str,
    *,
    model: str | None = None,
    api_key: str | None = None,
    dialect: Dialect | None = None,
) -> EndpointServer:
    """
    Return the server at ``base_url`` (with ``/v1``) once it has answered a real question.

    ``model`` may be left out if the server lists exactly one; ``dialect`` is told from who the
    server says it is. EngineError if it doesn't answer or doesn't list the model.
    """
    address = base_url.rstrip("/")
    models = ready.listed_models(address, api_key)
    if model is None:
        names = [entry["id"] for entry in models]
        if len(names) != 1:
            raise EngineError(
                "which model is meant?",
                where=address,
                got=", ".join(names) or "an empty list",
                fix="Name one of those that the server lists",
            )
        model = names[0]
    ready.require_listed(models, model, address)
    chosen = dialect or dialect_of(models, model)
    ready.first_answer(address, model, api_key, chosen)
    window = ready.listed_window(models, model)
    return EndpointServer(address, model, api_key, chosen, window)


class Endpoint:
    """The engine of ``--endpoint``: whatever is launched, the answer is the one running server."""

    name = "endpoint"

    def __init__(
        self, base_url: str, *, api_key: str | None = None, dialect: Dialect | None = None
    ) -> None:
        self._base_url = base_url
        self._api_key = api_key
        self._dialect = dialect
        self.dialect = dialect or PLAIN

    def start(
        self,
        launch: Launch,
        *,
        toolchain: Toolchain | None = None,
        workdir: Path | None = None,
        cards: tuple[str, ...] = (),
        device_env: Mapping[str, str] | None = None,
        progress: Progress = silent,
        take_ports: TakePorts = free_ports,
    ) -> EndpointServer:
        """Attach to the server; of the launch only the model's name matters."""
        progress("attach", detail=self._base_url)
        server = attach(
            self._base_url, model=launch.model, api_key=self._api_key, dialect=self._dialect
        )
        self.dialect = server.dialect
        return server
