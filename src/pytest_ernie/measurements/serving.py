"""
Serving measurements: what runs, and how long a prompt may be. Throughput and accuracy have their own files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from pytest_ernie.challenge import seed_of
from pytest_ernie.errors import EngineError, ServerNotStarted
from pytest_ernie.evidence import Record, Recording, Subject, What
from pytest_ernie.measurements.equipment import Equipment
from pytest_ernie.site import Site
from pytest_ernie.standard import Criterion, Edition, digest
from pytest_ernie.standard.model import ServingContextRule
from pytest_ernie.verdicts import ContextAnswer

if TYPE_CHECKING:
    from pytest_ernie.engines.protocol import Launch, Server
    from pytest_ernie.measurements.launching import Planned

NEEDLES = "needles"
"""What the seed of hidden codes is drawn for."""


class Configuration(Struct, frozen=True, kw_only=True):
    """
    What decides which server answers: all criteria of a model and tier share one.

    The window is the tier's longest context, so that a server starts once for each tier.
    """

    edition: str
    model: str
    datatype: str
    window: int

    @classmethod
    def of(cls, edition: Edition, criterion: Criterion) -> Configuration:
        """Return the configuration of a criterion's model and tier."""
        assert criterion.tier is not None and criterion.datatype is not None
        return cls(
            edition=edition.name,
            model=criterion.model,
            datatype=criterion.datatype,
            window=max(edition.tier(criterion.tier).contexts),
        )

    def launch(self, equipment: Equipment) -> Launch:
        """Return what the engine is asked to start."""
        return self.planned(equipment).launch

    def planned(self, equipment: Equipment) -> Planned:
        """Return the launch and where its values come from."""
        from pytest_ernie.measurements.launching import plan_launch

        # Weights and cards of an endpoint are where it runs, and there is one of it.
        attached = equipment.settings.endpoint is not None
        checkpoint = "" if attached else str(equipment.checkpoint(self.model, self.datatype))
        return plan_launch(
            equipment.engine,
            model=self.model,
            datatype=self.datatype,
            window=self.window,
            checkpoint=checkpoint,
            device=equipment.device,
            cards=() if attached else equipment.cards,
            site=Site() if attached else equipment.site,
        )

    def subject(self, equipment: Equipment, **further: Any) -> Subject:
        """Device, the engine's installed files, weights and launch arguments."""
        if equipment.settings.endpoint:
            return Subject(
                device=equipment.device_facts,
                toolchain=None,
                checkpoint=None,
                launch={"endpoint": equipment.settings.endpoint, "model": self.model, **further},
            )
        launch = msgspec.to_builtins(self.launch(equipment))
        del launch["checkpoint"]  # a path; its content's digest stands in its place
        assert equipment.engine_toolchain is not None
        return Subject(
            device=equipment.device_facts,
            toolchain=equipment.engine_toolchain.digest,
            checkpoint=equipment.weights_digest(self.model, self.datatype),
            launch={**launch, **further},
        )

    @contextmanager
    def equipped(self, equipment: Equipment) -> Iterator[None]:
        """Hold what the server needs; it stays held, and the server up, until another is wanted."""
        launch = self.launch(equipment)
        if not equipment.settings.endpoint and equipment.pool.state(launch) != "broken":
            equipment.holdings.for_server(launch)
        yield

    @contextmanager
    def serving(self, equipment: Equipment, recording: Recording, doing: str) -> Iterator[Server]:
        """
        Lend a ready server, started now if none runs, and keep its logs with what was measured.

        ServerDied if it can't answer a question at the end: whatever was measured on it meanwhile
        isn't; ``doing`` says what, as in "died while ...". EngineError if it can't be started.
        """
        launch = self.launch(equipment)
        try:
            server = equipment.pool.get(launch)
        except ServerNotStarted as problem:
            keep_logs(problem.logs, recording)
            raise
        problem_inside: EngineError | None = None
        try:
            yield server
        except EngineError as problem:  # perhaps only because the server is gone
            problem_inside = problem
        finally:
            keep_logs(server.kept_logs(), recording)
        if (why := server.trouble()) is not None:
            raise equipment.pool.bury(launch, f"the server died {doing}", why) from problem_inside
        if problem_inside is not None:
            raise problem_inside

    def what(self, kind: Any, **varying: Any) -> What:
        """Return a key of this model and data type."""
        return What(
            kind=kind, edition=self.edition, model=self.model, datatype=self.datatype, **varying
        )


class ServedPlan(Struct, frozen=True, kw_only=True):
    """What all measurements of a server share."""

    configuration: Configuration

    @property
    def timed(self) -> bool:
        """Seconds don't count, unless a kind of measurement says that they do."""
        return False

    def subject(self, equipment: Equipment) -> Subject:
        """Device, engine, weights, launch."""
        return self.configuration.subject(equipment)

    def equipped(self, equipment: Equipment) -> AbstractContextManager[None]:
        """Hold the server's cards and memory."""
        return self.configuration.equipped(equipment)

    def make_ready(self, equipment: Equipment) -> None:
        """Start the server."""
        equipment.pool.get(self.configuration.launch(equipment))


def keep_logs(logs: Mapping[str, bytes], recording: Recording) -> None:
    """Keep a server's logs beside what was measured with it."""
    for name, content in logs.items():
        recording.blob(name, content)


class FactsPlan(ServedPlan, frozen=True, kw_only=True):
    """What a running server shows of itself (R13)."""

    @classmethod
    def of(cls, edition: Edition, criterion: Criterion) -> FactsPlan:
        """Return the plan of a criterion."""
        return cls(configuration=Configuration.of(edition, criterion))

    @property
    def what(self) -> What:
        """Key by model and data type."""
        return self.configuration.what("serving.facts")

    def measure(self, equipment: Equipment, recording: Recording) -> None:
        """Start the server and keep what it says of itself, and where its configuration is from."""
        with self.configuration.serving(equipment, recording, "after it had started") as server:
            facts = msgspec.to_builtins(server.facts)
        origin = self.configuration.planned(equipment).origin
        recording.finish({**facts, "configuration": msgspec.to_builtins(origin)})


class Served(Struct, frozen=True, kw_only=True):
    """The inventory of a running server."""

    record: Record
    layer_types: dict[str, str]
    activation: str | None
    window: int | None
    to_reveal: str | None
    """What to switch on to see what the engine hides, None if nothing is known."""


def read_served(record: Record) -> Served:
    """Return a recorded inventory."""
    return Served(
        record=record,
        layer_types=record.data["layer_types"],
        activation=record.data["activation"],
        window=record.data["window"],
        to_reveal=record.data.get("to_reveal"),
    )


class ContextPlan(ServedPlan, frozen=True, kw_only=True):
    """A prompt that fills ``length`` tokens, with needles in it (R12)."""

    length: int
    rule: ServingContextRule

    @classmethod
    def of(cls, edition: Edition, criterion: Criterion) -> ContextPlan:
        """Return the plan of a criterion."""
        assert criterion.length is not None
        return cls(
            configuration=Configuration.of(edition, criterion),
            length=criterion.length,
            rule=edition.rulings.serving_context,
        )

    @property
    def what(self) -> What:
        """Key by model, data type, length and how the prompt is made."""
        made = {"needles": self.rule.needle_depths, "output_tokens": self.rule.output_tokens}
        return self.configuration.what("serving.context", length=self.length, workload=digest(made))

    def measure(self, equipment: Equipment, recording: Recording) -> None:
        """Ask for every needle; a server that died in between has measured nothing."""
        from pytest_ernie.engines.asking.context import probe

        doing = f"while it answered a prompt of {self.length} tokens"
        with self.configuration.serving(equipment, recording, doing) as server:
            result = probe(
                server.base_url,
                server.model,
                length=self.length,
                rule=self.rule,
                seed=seed_of(equipment.settings.challenge, NEEDLES),
                dialect=server.dialect,
                api_key=server.api_key,
                window=server.facts.window,
                progress=equipment.progress,
            )
        recording.finish(msgspec.to_builtins(result))


class Context(Struct, frozen=True, kw_only=True):
    """What a server did with a prompt that fills the window."""

    record: Record
    answer: ContextAnswer


def read_context(record: Record) -> Context:
    """Return what a server did with the prompt."""
    data = record.data
    answer = ContextAnswer(
        length=data["length"],
        prompt_tokens=data["prompt_tokens"],
        accepted=data["accepted"],
        answered=data["answered"],
        refusal=data["error"],
        found=tuple(needle["found"] for needle in data["needles"]),
    )
    return Context(record=record, answer=answer)
