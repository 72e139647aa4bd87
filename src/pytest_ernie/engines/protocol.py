"""
What the suite asks of an engine: start a server, say what truly runs in it, stop it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import msgspec

from pytest_ernie.progress import Progress, silent
from pytest_ernie.toolchains.toolchain import Toolchain

from .ports import Ports, TakePorts, free_ports


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """One configuration of a server; two equal launches may share a server."""

    engine: str
    model: str
    """Name under which the model is served."""
    checkpoint: str
    """Folder of the weights, as published: whatever is quantized is quantized by the engine."""
    datatype: str
    """``bf16``, ``wint8``, ``wint4`` or ``w4a8``."""
    window: int
    """Tokens of prompt and answer together that one request may have."""
    max_num_seqs: int
    """Requests that the engine works on at once."""
    tensor_parallel: int = 1
    replicas: int = 1
    """Equal servers beside each other on this machine, each with cards of its own (R6)."""
    memory_share: float | None = None
    """Fraction of a card's memory that a server may take; None: the engine's own."""
    flags: tuple[tuple[str, str], ...] = ()
    """What the configuration says beyond that: the engine's flags by name, values as JSON."""
    extra: tuple[str, ...] = ()
    """Further arguments of the launch line, after ours, so that they win."""
    version: str | None = None
    """The engine's version in the site's words, where its environment doesn't tell."""
    reveal: bool = False
    """Look at the weights inside the engine's workers, where it doesn't show them itself."""


class ServedFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a running server; None or empty where nothing shows it."""

    engine_version: str
    command: tuple[str, ...]
    environment: dict[str, str]
    """The whole environment that the server was started with; secrets are replaced by ``(set)``."""
    window: int | None
    """Window that the server itself reports, tokens."""
    datatype_reported: str | None
    """Data type by the engine's own settings, in the standard's word if it has one."""
    layer_types: dict[str, str]
    """Weight matrix -> ``float32``, ``bfloat16``, ``int8``, ``int4`` .., ``unknown`` if unclear."""
    activation: str | None
    """What the quantized layers' activations become: ``int8``, ``bfloat16`` .."""
    log_evidence: tuple[str, ...]
    """The engine's own lines that prove it."""
    to_reveal: str | None = None
    """What to switch on so that the engine shows what it hides now; None if it hides nothing."""


UNKNOWN = ServedFacts(
    engine_version="",
    command=(),
    environment={},
    window=None,
    datatype_reported=None,
    layer_types={},
    activation=None,
    log_evidence=(),
)
"""Facts of a server that nothing is known about."""


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """How an engine departs from the others where the API leaves room."""

    greedy: dict[str, Any] = msgspec.field(default_factory=lambda: {"temperature": 0})
    """Request fields that make decoding deterministic."""
    min_tokens: bool = True
    """The engine takes ``min_tokens``; without it a fixed length can only be hoped for (R9)."""
    ignore_eos: bool = False
    """The engine takes ``ignore_eos``, which fixes the length whatever the model would say."""
    fixed_length: dict[str, Any] = msgspec.field(default_factory=dict)
    """Request fields that fix the length in the engine's own way."""
    tokens_without_text: bool = False
    """So fixed, an answer goes on after its end by tokens that have no text: the event that finishes
    it tells when the last one came, or the decode speed would be flattered."""
    usage: Literal["on_request", "always"] = "on_request"
    """Whether a stream's usage must be asked for."""
    thinking: bool = True
    """The engine takes ``chat_template_kwargs``, by which a model is told to think or not."""
    done_line: bool = True
    """A complete stream ends with ``data: [DONE]``; then one that doesn't was cut."""

    def sampling(
        self, *, max_tokens: int, fixed_length: bool = False, thinking: bool | None = None
    ) -> dict[str, Any]:
        """
        Return the fields of a greedy request of at most (or exactly) ``max_tokens`` tokens.

        ``thinking`` is said to a model that can; None says nothing.
        """
        fields: dict[str, Any] = {**self.greedy, "max_tokens": max_tokens}
        if thinking is not None and self.thinking:
            fields["chat_template_kwargs"] = {"enable_thinking": thinking}
        if fixed_length and self.min_tokens:
            fields["min_tokens"] = max_tokens
        if fixed_length and self.ignore_eos:
            fields["ignore_eos"] = True
        if fixed_length:
            fields.update(self.fixed_length)
        return fields

    def streaming(self) -> dict[str, Any]:
        """Return the fields that ask for a stream with usage."""
        asked = {"stream_options": {"include_usage": True}} if self.usage == "on_request" else {}
        return {"stream": True, **asked}


class Server(Protocol):
    """A server that answered; ``stop`` may be called any number of times."""

    @property
    def base_url(self) -> str: ...
    @property
    def other_urls(self) -> tuple[str, ...]:
        """Equal servers under the same key, which share the load; most often none."""

    @property
    def model(self) -> str: ...
    @property
    def api_key(self) -> str | None: ...
    @property
    def facts(self) -> ServedFacts: ...
    @property
    def log(self) -> Path | None: ...
    @property
    def dialect(self) -> Dialect: ...

    @property
    def left_behind(self) -> tuple[str, ...]:
        """What outlived the server, a line each; known once it was stopped."""

    def alive(self) -> bool:
        """Return whether the server still lists its models: a quick look between measurements."""

    def trouble(self) -> str | None:
        """
        Return in one clause why the server can't be measured any more, None if it still can.

        It answers a question to prove it: a front end may outlive what computes.
        """

    def kept_logs(self) -> dict[str, bytes]:
        """Return what evidence keeps of its logs, by name: bounded, without secrets."""

    def stop(self) -> None:
        """End what was started, and only that."""


@runtime_checkable
class CountsTokens(Protocol):
    """A server that keeps its own count, beside what it says in each answer."""

    def output_tokens(self) -> float | None:
        """Return how many tokens it has put out since it started; None where it doesn't tell."""


class Configuration(Protocol):
    """How an engine's authors run a model, or what that lets hope for."""

    @property
    def tensor_parallel(self) -> int: ...
    @property
    def max_num_seqs(self) -> int: ...
    @property
    def memory_share(self) -> float | None: ...
    @property
    def flags(self) -> dict[str, Any]: ...
    @property
    def source(self) -> str: ...
    @property
    def derived(self) -> tuple[str, ...]: ...
    @property
    def checkpoint(self) -> str | None: ...
    @property
    def needs_own_checkpoint(self) -> bool: ...


@runtime_checkable
class Configures(Protocol):
    """An engine whose authors publish configurations."""

    def configuration(self, model: str, device: str, datatype: str, window: int) -> Configuration:
        """Return the published or derived configuration; EngineError if there is none."""


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What would be run."""

    command: tuple[str, ...]
    environment: dict[str, str]
    """Without what is only passed on, such as PATH."""
    version: str
    """The engine's, or the one that is assumed."""


@runtime_checkable
class Previews(Protocol):
    """An engine that can say what it would run, without running it."""

    suffix: str
    """What the names of published checkpoints in its format end with."""

    def preview(
        self,
        launch: Launch,
        *,
        toolchain: Toolchain | None,
        workdir: Path,
        cards: tuple[str, ...],
        device_env: Mapping[str, str],
        ports: Ports,
    ) -> Preview:
        """Return the command; ``toolchain`` is None where nothing is installed on this machine."""


class Engine(Protocol):
    """Starts servers of one kind."""

    @property
    def name(self) -> str: ...
    @property
    def dialect(self) -> Dialect: ...

    def start(
        self,
        launch: Launch,
        *,
        toolchain: Toolchain | None,
        workdir: Path,
        cards: tuple[str, ...],
        device_env: Mapping[str, str],
        progress: Progress = silent,
        take_ports: TakePorts = free_ports,
    ) -> Server:
        """
        Return a server that lives, lists the model and has answered a real request.

        ``workdir`` is a folder of its own, for logs; ``cards`` is empty on a CPU; ``toolchain`` is
        None only for an engine that starts nothing; ``take_ports`` hands out the ports that the
        server may listen on. EngineError, with the cause from the log, if
        it doesn't come so far.
        """
