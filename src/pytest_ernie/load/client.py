"""
The load client: requests out of prompts, shared among client processes, records put together.
"""

from __future__ import annotations

import contextlib
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from pytest_ernie.engines.protocol import Dialect
from pytest_ernie.errors import EngineError
from pytest_ernie.progress import Progress, silent

from .arrivals import Arrivals
from .hot import messages, own_process
from .hot.messages import Finished, FromClient, Go, Ready, Refused, Stop, Tally, Work
from .protocol import LoadResult, Prompt, RequestRecord

SILENCE_TIMEOUT_S = 600.0
"""A stream that sends nothing for so long has failed."""
CONNECT_TIMEOUT_S = 30.0
GO_AFTER_S = 0.05
"""All processes have heard the word by then."""


class Target(Struct, frozen=True, kw_only=True):
    """A server and how to speak to it."""

    base_url: str
    """With ``/v1``."""
    model: str
    dialect: Dialect
    api_key: str | None = None
    other_urls: tuple[str, ...] = ()
    """Equal servers that share the load: each connection stays with one, as many with each."""
    chat: bool = True
    """False asks ``/completions``, the older API."""


def run_load(
    target: Target,
    prompts: Sequence[Prompt],
    arrivals: Arrivals,
    *,
    run: str,
    processes: int = 1,
    silence_timeout_s: float = SILENCE_TIMEOUT_S,
    text_times: bool = False,
    decided: Callable[[Sequence[RequestRecord]], bool] | None = None,
    progress: Progress = silent,
) -> LoadResult:
    """
    Ask every prompt once and return a record of each; a failed request is a record, not an error.

    ``run`` begins every prompt, so that no prefix cache has seen it before. ``text_times`` keeps the
    arrival of every event with text. ``decided`` is shown the records so far, in the order in which
    they ended, a few times a second, and stops the run by returning True: what is in flight then is
    given up and has no record. Once more requests in a row than are in flight got no answer at all,
    the rest isn't sent. EngineError if a client process dies.
    """
    shares = _shares(
        target,
        prompts,
        arrivals,
        run,
        processes,
        silence_timeout_s=silence_timeout_s,
        text_times=text_times,
        live=decided is not None,
    )
    with contextlib.ExitStack() as stack:
        heard: Heard = SimpleQueue()
        clients = [
            stack.enter_context(_Client(number, share, heard))
            for number, share in enumerate(shares)
        ]
        for _ in clients:
            _expect(heard, Ready)
        start_ns = time.monotonic_ns() + int(GO_AFTER_S * 1e9)
        started_unix_s = time.time() + GO_AFTER_S
        for client in clients:
            client.tell(Go(start_ns=start_ns))
        watch = _Watch(clients, heard, len(prompts), arrivals, decided, progress, start_ns)
        finished = watch.until_all_have_finished()
    records = tuple(sorted((r for f in finished for r in f.records), key=lambda r: r.index))
    if len(records) < len(prompts) and not watch.stopped:
        raise EngineError(
            "the load client lost requests", got=f"{len(records)} records", wanted=len(prompts)
        )
    return LoadResult(
        arrivals=arrivals,
        records=records,
        requests_sent=sum(f.sent for f in finished),
        started_unix_s=started_unix_s,
        wall_s=(max(f.ended_ns for f in finished) - start_ns) / 1e9,
        clients=tuple(f.facts for f in finished),
        decided=watch.stopped,
    )


def body_of(target: Target, run: str, index: int, prompt: Prompt) -> bytes:
    """Return a request's body: streamed, greedy, of a fixed length, unlike any asked before."""
    own = f"{run} {index}: "
    fields: dict[str, Any] = {
        **target.dialect.sampling(max_tokens=prompt.output_tokens, fixed_length=True),
        **target.dialect.streaming(),
    }
    if not target.chat:
        return msgspec.json.encode({"model": target.model, "prompt": own + prompt.text, **fields})
    content: Any = own + prompt.text
    if prompt.images:
        # What is its own comes first: a cache would know the image from the run before.
        images = [{"type": "image_url", "image_url": {"url": url}} for url in prompt.images]
        texts = [{"type": "text", "text": text} for text in (own, prompt.text)]
        content = [texts[0], *images, texts[1]]
    messages = [{"role": "user", "content": content}]
    return msgspec.json.encode({"model": target.model, "messages": messages, **fields})


def _shares(
    target: Target,
    prompts: Sequence[Prompt],
    arrivals: Arrivals,
    run: str,
    processes: int,
    *,
    silence_timeout_s: float,
    text_times: bool,
    live: bool,
) -> list[Work]:
    """Deal requests and due times round, so that every process has the same mixture."""
    due_ns = [int(due_s * 1e9) for due_s in arrivals.due_s(len(prompts))]
    processes = max(1, min(processes, len(due_ns)))
    servers = [_server(url) for url in (target.base_url, *target.other_urls)]
    numbered = list(enumerate(prompts))
    works = []
    for first in range(processes):
        share, due = numbered[first::processes], due_ns[first::processes]
        works.append(
            Work(
                # Shares begin at different servers: those that don't divide evenly add up evenly.
                servers=[*servers[first % len(servers) :], *servers[: first % len(servers)]],
                head=_head(target),
                bodies=[body_of(target, run, index, prompt) for index, prompt in share],
                indices=[index for index, _ in share],
                wanted_tokens=[prompt.output_tokens for _, prompt in share],
                due_ns=due,
                refill=arrivals.refill,
                connections=len(due) if arrivals.refill else min(len(due), 64),
                silence_timeout_s=silence_timeout_s,
                connect_timeout_s=CONNECT_TIMEOUT_S,
                patience=max(3, len(due) if arrivals.refill else 64),
                dialect=target.dialect,
                text_times=text_times,
                live=live,
            )
        )
    return works


def _server(base_url: str) -> messages.ServerAddress:
    url = urlsplit(base_url)
    tls = url.scheme == "https"
    port = url.port or (443 if tls else 80)
    return messages.ServerAddress(host=url.hostname or "", port=port, tls=tls)


def _head(target: Target) -> bytes:
    """Requests to equal servers name the first: they differ in nothing, and none looks at it."""
    url = urlsplit(target.base_url)
    path = url.path.rstrip("/") + ("/chat/completions" if target.chat else "/completions")
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: {url.netloc.rpartition('@')[2]}",
        "Accept: text/event-stream",
        "Accept-Encoding: identity",
        "Content-Type: application/json",
        "User-Agent: pytest-ernie",
    ]
    if target.api_key:
        lines.append(f"Authorization: Bearer {target.api_key}")
    if any("\r" in line or "\n" in line for line in lines):
        raise EngineError("the address or the key holds a line end", where=url.hostname or "")
    return "".join(f"{line}\r\n" for line in lines).encode()


Heard: TypeAlias = "SimpleQueue[tuple[int, Any]]"
"""What clients say, each with its number; None in place of a message is its end."""


def _expect(heard: Heard, *kinds: type) -> tuple[int, Any]:
    """Return the next message; EngineError if it isn't of these kinds."""
    number, said = heard.get()
    if isinstance(said, Refused):
        raise EngineError("the load client can't go on", got=said.message)
    if not isinstance(said, kinds):
        raise EngineError("a load client died, and the run with it")
    return number, said


class _Client:
    """A client process and the thread that listens to it."""

    def __init__(self, number: int, work: Work, heard: Heard) -> None:
        self._number = number
        self._work = work
        self._heard = heard

    def __enter__(self) -> _Client:
        self._process = subprocess.Popen(
            own_process.command("hot.worker"),
            env=own_process.environment(),
            cwd=own_process.folder(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # No setsid: a kernel with autogroups lets a newcomer starve beside a busy server. The
            # client ignores Ctrl-C anyway, and ends when its pipe does.
        )
        threading.Thread(target=self._listen, daemon=True).start()
        self.tell(self._work)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def tell(self, message: Any) -> None:
        """Send a message; one that is dead doesn't mind, and has said so."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            messages.write(self._process.stdin, message)

    def _listen(self) -> None:
        assert self._process.stdout is not None
        message = None
        try:
            with self._process.stdout as said:
                while (message := messages.read(said, FromClient)) is not None:
                    self._heard.put((self._number, message))
                    if isinstance(message, Finished):
                        return
        finally:
            if not isinstance(message, Finished):  # whatever happened: nobody waits for ever
                self._heard.put((self._number, None))


class _Watch:
    """Follows the clients until all have finished."""

    def __init__(
        self,
        clients: Sequence[_Client],
        heard: Heard,
        total: int,
        arrivals: Arrivals,
        decided: Callable[[Sequence[RequestRecord]], bool] | None,
        progress: Progress,
        start_ns: int,
    ) -> None:
        self._clients = clients
        self._heard = heard
        self._total = total
        self._decided = decided
        self._progress = progress
        self._start_ns = start_ns
        self._stage = f"load {arrivals.concurrency or f'{arrivals.rate_per_s:g}/s'}"
        self._tallies: dict[int, Tally] = {}
        self._records: list[RequestRecord] = []
        self.stopped = False

    def until_all_have_finished(self) -> list[Finished]:
        """Return what every client says at its end."""
        finished: list[Finished] = []
        while len(finished) < len(self._clients):
            number, said = _expect(self._heard, Tally, Finished)
            if isinstance(said, Finished):
                finished.append(said)
            else:
                self._tallies[number] = said
                self._look(said)
        return finished

    def _look(self, tally: Tally) -> None:
        self._records += tally.records
        tallies = self._tallies.values()
        passed_s = (time.monotonic_ns() - self._start_ns) / 1e9
        reads = sum(tally.reads for tally in tallies)
        self._progress(
            self._stage,
            done=sum(tally.done for tally in tallies),
            total=self._total,
            detail=f"{sum(tally.in_flight for tally in tallies)} in flight, "
            f"{reads / max(passed_s, 1e-9):.0f} events/s, "
            f"{sum(tally.failed for tally in tallies)} failed",
        )
        if self._decided is not None and not self.stopped and self._decided(self._records):
            self.stopped = True
            for client in self._clients:
                client.tell(Stop())
