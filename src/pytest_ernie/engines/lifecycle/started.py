"""
How an engine's server is started, watched until it is ready, and stopped; the same for every engine.

    off ──> starting ──> ready      its process lives and owns its port, the model is listed, and one
                │                   real answer came back
                └──> EngineError    it died (with whatever exit code), a worker of it died, nothing
                                    moves any more, or its time is over; with the cause that its
                                    logs show, the workers' logs included

A port that somebody else took first is no failure of the engine: it is started again elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import msgspec

from pytest_ernie.engines.asking import ready
from pytest_ernie.engines.asking.counters import read_counter
from pytest_ernie.engines.ports import PortBlock, Ports, TakePorts, free_ports
from pytest_ernie.engines.protocol import UNKNOWN, Dialect, ServedFacts
from pytest_ernie.errors import EngineError, ServerNotStarted
from pytest_ernie.progress import Progress, silent
from pytest_ernie.toolchains.process import Running, start

from . import failure
from .belongings import Belongings
from .logs import Logs
from .watch import Watch

POLL_S = 0.25
POLL_TIMEOUT_S = 2.0
GRACE_S = 20.0
ENDING_S = 15.0
"""What a server that doesn't answer gets to end, its workers included, so that its end is known."""
LEFT_BEHIND = "left-behind.txt"
"""File beside the logs, for a worker of xdist has no end of the run to tell it at."""
LAST_WORDS_S = 1.0
"""What a process whose answer failed gets to be gone, so that its end is seen as the reason."""


def no_further_logs(_: Path) -> Iterable[Path]:
    """Everything is in the server's own output."""
    return ()


class HowToStart(msgspec.Struct, frozen=True, kw_only=True):
    """What is particular to an engine when it starts."""

    title: str
    """Its name as people write it: vLLM."""
    milestones: tuple[tuple[str, str], ...] = ()
    """Sign in a log line, and what it means to whoever waits; the latest first."""
    port_count: int = 1
    timeout_s: float = 1800.0
    """Loading hundreds of gigabytes takes its time; a dead process is seen at once."""
    quiet_s: float = 900.0
    """How long nothing may move: no byte in a log, none read from or written to a disk."""
    worker: str | None = None
    """What the command lines of worker processes match (regular expression): one that ends while
    the server starts is a failure, whatever its parent makes of it."""
    worker_gone_s: float = 15.0
    """What the server gets to tell why its worker ended."""
    port_conflict_s: float = 10.0
    """How long a server may stay silent after a log said that a port is taken (some only hang)."""
    attempts: int = 3
    """Starts, when somebody else takes a port first."""
    counter: str | None = None
    """Name of its own count of tokens that it has put out, on its Prometheus page."""
    logs: Callable[[Path], Iterable[Path]] = no_further_logs
    """Working folder -> logs beside the server's own output, say those of its workers."""

    @property
    def stage(self) -> str:
        """Name of the start in the progress line."""
        return f"start {self.title.lower()}"


class StartedServer:
    """A ready server of ours; its adapter puts the facts in."""

    def __init__(
        self,
        *,
        process: Running,
        command: tuple[str, ...],
        block: PortBlock,
        model: str,
        api_key: str | None,
        dialect: Dialect,
        logs: Logs,
        belongings: Belongings,
        counter: str | None = None,
    ) -> None:
        self.process = process
        self.command = command
        self.ports = block.ports
        self.base_url = f"http://127.0.0.1:{block.ports.api}/v1"
        self.other_urls: tuple[str, ...] = ()
        self.model = model
        self.api_key = api_key
        self.dialect = dialect
        self.logs = logs
        self.log: Path | None = logs.main
        self.facts: ServedFacts = UNKNOWN
        self.left_behind: tuple[str, ...] = ()
        self.metrics_port = block.ports.api
        """Where its Prometheus page is."""
        self._counter = counter
        self._block = block
        self.belongings = belongings
        self._stopped = False

    def alive(self) -> bool:
        """Return whether the process lives and answers."""
        if self.process.poll() is not None:
            return False
        try:
            ready.listed_models(self.base_url, self.api_key)
        except EngineError:
            return False
        return True

    def trouble(self) -> str | None:
        """Return why it can't be measured any more, None if it answers a question."""
        if self.process.poll() is None:
            why = ready.no_answer(
                self.base_url,
                self.model,
                self.api_key,
                self.dialect,
                ready.STILL_ANSWERS_TIMEOUT_S,
            )
            if why is None:
                return None
            if self.process.wait(ENDING_S) is None:
                return f"its process lives, but {why}"
        code = self.process.poll()
        return failure.cause_in(self.logs.texts(), code).words

    def output_tokens(self) -> float | None:
        """Return how many tokens it counts itself since it started; None where it doesn't tell."""
        if self._counter is None:
            return None
        url = f"http://127.0.0.1:{self.metrics_port}/metrics"
        return read_counter(url, self._counter, self.api_key)

    def kept_logs(self) -> dict[str, bytes]:
        """Return what evidence keeps of its logs."""
        return self.logs.kept()

    def stop(self, grace_s: float = GRACE_S) -> None:
        """End the server and all its workers, see what stays, and give its ports back."""
        if self._stopped:
            return
        self._stopped = True
        try:
            self.belongings.look(self.process.descendants())
            self.process.stop(grace_s)
        finally:
            self._block.release()
        self.left_behind = (*_outlived(self.process.leftovers), *self.belongings.left_behind())
        if self.left_behind:
            text = "".join(f"{told}\n" for told in self.left_behind)
            self.logs.main.with_name(LEFT_BEHIND).write_text(text, encoding="utf-8")


def start_until_ready(
    how: HowToStart,
    *,
    command: Callable[[Ports], tuple[str, ...]],
    env: Mapping[str, str],
    api_key: str | None,
    model: str,
    dialect: Dialect,
    workdir: Path,
    progress: Progress = silent,
    take_ports: TakePorts = free_ports,
) -> StartedServer:
    """
    Start ``command`` and return its server once it has given a real answer.

    ``env`` is the whole environment, the server's key included; ``workdir`` is a folder of its
    own. Whatever goes wrong, nothing is left running. EngineError with the cause.
    """
    workdir.mkdir(parents=True, exist_ok=True)
    for attempt in range(1, how.attempts + 1):
        log = workdir / f"server-{attempt}.log"
        logs = Logs(log, lambda: how.logs(workdir), [api_key] if api_key else [])
        belongings = Belongings()
        block = take_ports(how.port_count)
        belongings.ports = block.ports.numbers
        try:
            line = command(block.ports)
            process = start(line, env=env, cwd=workdir, log=log)
        except BaseException:
            block.release()
            raise
        server = StartedServer(
            process=process,
            command=line,
            block=block,
            model=model,
            api_key=api_key,
            dialect=dialect,
            logs=logs,
            belongings=belongings,
            counter=how.counter,
        )
        try:
            _wait_until_ready(how, server, progress)
            return server
        except PortTaken:
            server.stop(0)
        except ServerNotStarted as problem:
            server.stop()
            problem.logs = server.kept_logs()
            raise
        except BaseException:
            server.stop()
            raise
    raise ServerNotStarted(
        f"{how.title} found its port taken each time it started",
        where=workdir,
        got=f"{how.attempts} attempts",
        fix="Look for what opens ports on this machine",
    )


def _outlived(processes: int) -> tuple[str, ...]:
    if not processes:
        return ()
    told = "1 process" if processes == 1 else f"{processes} processes"
    return (f"{told} outlived the server's own end: ended",)


class PortTaken(Exception):
    """Somebody else got a port between our choice and the server's bind."""


def _wait_until_ready(how: HowToStart, server: StartedServer, progress: Progress) -> None:
    watch = Watch(server.process, server.logs, worker=how.worker)
    while True:
        if (code := server.process.poll()) is not None:
            raise _died(how, server, code)
        server.belongings.look(watch.look())
        _require_hope(how, server, watch)
        progress(how.stage, done=watch.waited_s, detail=_milestone(how, server.logs))
        try:
            models = ready.listed_models(server.base_url, server.api_key, POLL_TIMEOUT_S)
            break
        except EngineError:
            time.sleep(POLL_S)
    server.belongings.look(server.process.descendants())
    if server.process.poll() is None and not watch.owns_port(server.ports.api):
        raise PortTaken
    progress(how.stage, done=watch.waited_s, detail="first answer")
    try:
        ready.require_listed(models, server.model, server.base_url)
        ready.first_answer(server.base_url, server.model, server.api_key, server.dialect)
    except EngineError as problem:
        if (code := server.process.wait(LAST_WORDS_S)) is not None:
            raise _died(how, server, code) from None
        raise ServerNotStarted(
            problem.what,
            where=problem.where,
            got=problem.got,
            wanted=problem.wanted,
            fix=problem.fix,
        ) from None
    progress(how.stage, done=watch.waited_s, total=watch.waited_s, detail="ready")


def _require_hope(how: HowToStart, server: StartedServer, watch: Watch) -> None:
    if watch.gone is not None and watch.gone_s > how.worker_gone_s:
        raise _given_up(server, f"a worker of {how.title} died while it started", watch.gone)
    if watch.quiet_s > how.port_conflict_s and any(
        failure.port_taken(text) for text in server.logs.texts().values()
    ):
        raise PortTaken
    if watch.quiet_s > how.quiet_s:
        moved = f"nothing for {watch.quiet_s:.0f} s, after {watch.waited_s:.0f} s"
        raise _given_up(server, f"{how.title} stopped moving while it started", moved)
    if watch.waited_s > how.timeout_s:
        raise _given_up(server, f"{how.title} didn't get ready in time", f"{watch.waited_s:.0f} s")


def _given_up(server: StartedServer, what: str, got: str) -> ServerNotStarted:
    found = failure.cause_in(server.logs.texts(), None)
    return ServerNotStarted(
        what,
        where=found.log or server.logs.main,
        got=f"{got}; {found.words}",
        fix=found.mend or "The log's end tells how far it came",
    )


def _died(how: HowToStart, server: StartedServer, code: int) -> Exception:
    texts = server.logs.texts()
    if any(failure.port_taken(text) for text in texts.values()):
        return PortTaken()
    found = failure.cause_in(texts, code)
    return ServerNotStarted(
        f"{how.title} died while starting: {found.words}",
        where=found.log or server.logs.main,
        fix=found.mend or "The log has the traceback",
    )


def _milestone(how: HowToStart, logs: Logs) -> str:
    texts = list(logs.texts().values())
    for sign, meaning in how.milestones:
        if any(sign in text for text in texts):
            return meaning
    return how.milestones[-1][1] if how.milestones else "starting"
