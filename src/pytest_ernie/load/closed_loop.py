"""
The closed loop: as many requests in flight as the load says, the next one when one has ended.

Every prompt begins with the run's own number, so that no prefix cache has seen it before. The
client is one asyncio loop: it is meant for some hundreds of streams, and says how much processor
time it took, so that a run of which it was the bottleneck can be voided.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from pytest_ernie.engines.chat import headers
from pytest_ernie.engines.protocol import Dialect
from pytest_ernie.progress import Progress, silent

from .protocol import LoadResult, Prompt, RequestRecord
from .stream import Stream, refusal

if TYPE_CHECKING:
    import httpx

SILENCE_TIMEOUT_S = 600.0
"""A stream that sends nothing for so long has failed."""
GIVEN_UP = "not sent: the server had stopped answering"


def run_closed_loop(
    base_url: str,
    model: str,
    prompts: Sequence[Prompt],
    *,
    concurrency: int,
    dialect: Dialect,
    api_key: str | None = None,
    run: str | None = None,
    silence_timeout_s: float = SILENCE_TIMEOUT_S,
    progress: Progress = silent,
) -> LoadResult:
    """
    Ask every prompt once and return a record of each; a failed request is a record, not an error.

    ``run`` is what makes the prompts this run's own, eight random digits by default. Once more
    requests in a row than are in flight got no HTTP answer, the rest isn't sent.
    """
    if concurrency < 1:
        raise ValueError(f"concurrency is {concurrency}; at least one request must be in flight")
    loop = _Loop(
        base_url=base_url,
        model=model,
        dialect=dialect,
        run=run or f"{secrets.randbelow(10**8):08d}",
        patience=max(3, concurrency + 1),
    )
    started_unix_s = time.time()
    cpu_before_s = time.process_time()
    work = loop.ask_all(prompts, concurrency, api_key, silence_timeout_s, progress)
    records = asyncio.run(work)
    return LoadResult(
        concurrency=concurrency,
        records=tuple(sorted(records, key=lambda record: record.index)),
        started_unix_s=started_unix_s,
        wall_s=loop.now_s(),
        client_cpu_s=time.process_time() - cpu_before_s,
    )


class _Loop:
    def __init__(
        self, *, base_url: str, model: str, dialect: Dialect, run: str, patience: int
    ) -> None:
        self._url = f"{base_url}/chat/completions"
        self._model = model
        self._dialect = dialect
        self._run = run
        self._patience = patience
        self._unanswered = 0
        self._start_s = time.monotonic()

    def now_s(self) -> float:
        return time.monotonic() - self._start_s

    async def ask_all(
        self,
        prompts: Sequence[Prompt],
        concurrency: int,
        api_key: str | None,
        silence_timeout_s: float,
        progress: Progress,
    ) -> list[RequestRecord]:
        queue = iter(enumerate(prompts))
        records: list[RequestRecord] = []
        async with _client(api_key, concurrency, silence_timeout_s) as client:
            self._start_s = time.monotonic()

            async def slot() -> None:
                due_s = 0.0
                for index, prompt in queue:
                    record = await self._ask(client, index, prompt, due_s)
                    records.append(record)
                    due_s = record.done_s
                    self._tell(progress, records, len(prompts), concurrency)

            await asyncio.gather(*(slot() for _ in range(min(concurrency, len(prompts)))))
        return records

    async def _ask(
        self, client: httpx.AsyncClient, index: int, prompt: Prompt, due_s: float
    ) -> RequestRecord:
        stream = Stream(self._dialect)
        body = self._body(index, prompt)
        sent_s = self.now_s()
        status: int | None = None
        error: str | None = GIVEN_UP
        if self._unanswered < self._patience:
            status, error = await self._exchange(client, body, stream)
        return RequestRecord(
            index=index,
            due_s=due_s,
            sent_s=sent_s,
            first_token_s=stream.first_token_s,
            last_token_s=stream.last_token_s,
            done_s=self.now_s(),
            wanted_tokens=prompt.output_tokens,
            prompt_tokens=stream.prompt_tokens,
            output_tokens=stream.output_tokens,
            chunks=stream.chunks,
            status=status,
            finish_reason=stream.finish_reason,
            error=error,
        )

    async def _exchange(
        self, client: httpx.AsyncClient, body: dict[str, Any], stream: Stream
    ) -> tuple[int | None, str | None]:
        """Send one request and read its answer into ``stream``; return HTTP status and error."""
        import httpx

        status: int | None = None
        try:
            async with client.stream("POST", self._url, json=body) as response:
                self._unanswered = 0
                status = response.status_code
                if status != 200:
                    return status, refusal(status, await response.aread())
                async for received in response.aiter_raw():
                    stream.feed(received, self.now_s())
        except httpx.HTTPError as problem:
            told = f"{type(problem).__name__} {problem}".strip()
            if status is None:
                self._unanswered += 1
            if isinstance(problem, httpx.TimeoutException):
                return status, f"timeout: {told}"
            return status, f"no connection: {told}" if status is None else stream.problem(told)
        return status, stream.problem()

    def _body(self, index: int, prompt: Prompt) -> dict[str, Any]:
        text = f"{self._run} {index}: {prompt.text}"
        content: Any = text
        if prompt.images:
            images = [{"type": "image_url", "image_url": {"url": url}} for url in prompt.images]
            content = [*images, {"type": "text", "text": text}]
        return {
            "model": self._model,
            "messages": [{"role": "user", "content": content}],
            **self._dialect.sampling(max_tokens=prompt.output_tokens, fixed_length=True),
            **self._dialect.streaming(),
        }

    def _tell(
        self, progress: Progress, records: list[RequestRecord], total: int, concurrency: int
    ) -> None:
        tokens = sum(record.output_tokens or 0 for record in records)
        failed = sum(record.error is not None for record in records)
        progress(
            f"load {concurrency}",
            done=len(records),
            total=total,
            detail=f"{tokens / max(self.now_s(), 1e-9):.0f} tok/s, {failed} failed",
        )


@asynccontextmanager
async def _client(
    api_key: str | None, concurrency: int, silence_timeout_s: float
) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a cap of its own below the load, without proxies, without compression."""
    import httpx

    async with httpx.AsyncClient(
        headers={**headers(api_key), "Accept-Encoding": "identity"},
        timeout=httpx.Timeout(silence_timeout_s, connect=30.0),
        limits=httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency),
        trust_env=False,
    ) as client:
        yield client
