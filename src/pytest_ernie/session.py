"""
What one pytest run shares: settings, registry, outcomes. The only state of the plugin.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import pytest

from pytest_ernie.accuracy.data import is_there
from pytest_ernie.devices.topology import refuse_impossible
from pytest_ernie.errors import ErnieError, UsageProblem
from pytest_ernie.options import OPTIONS, destination
from pytest_ernie.outcomes import Outcomes
from pytest_ernie.progress import Progress, silent
from pytest_ernie.registry import Registry
from pytest_ernie.settings import Settings, read_settings
from pytest_ernie.shards import names_in
from pytest_ernie.site import Site, missing_from, tensor_parallel_sizes
from pytest_ernie.standard import Criterion

if TYPE_CHECKING:
    from pytest_ernie.measurements import Reference
    from pytest_ernie.measurements.candidate import Candidate, OfflineCandidate

PLUGIN_NAME = "ernie-session"


class ErnieSession:
    """
    Made once for each pytest run, and costs nothing until a criterion is collected.
    """

    def __init__(self, config: pytest.Config, taken_options: tuple[str, ...]) -> None:
        self.config = config
        self.taken_options = taken_options
        self.outcomes = Outcomes(lambda: self.settings.record_reference)
        self.progress: Progress = silent
        self._candidate: Candidate | OfflineCandidate | None = None

    @cached_property
    def settings(self) -> Settings:
        """The command line, read once; pytest.UsageError where it is wrong."""
        options = {
            name.replace("-", "_"): self.config.getoption(destination(name)) for name, _ in OPTIONS
        }
        try:
            settings = read_settings(options, self.config.invocation_params.dir)
            if settings.fresh and getattr(self.config.option, "numprocesses", None):
                raise UsageProblem(
                    "--fresh measures again once, and -n has several workers that would each do so",
                    fix="Leave one of them out",
                )
            if settings.device_kind is not None:
                self.registry.find_device(settings.device_kind)
        except ErnieError as error:
            raise pytest.UsageError(str(error)) from None
        return settings

    @cached_property
    def registry(self) -> Registry:
        """Devices, engines and trainers, a chip maker's own included."""
        registry = Registry()
        try:
            self.config.hook.pytest_ernie_register(registry=registry)
        except ErnieError as error:
            raise pytest.UsageError(str(error)) from None
        return registry

    @property
    def candidate(self) -> Candidate | OfflineCandidate:
        """The candidate of this run, made when the first criterion asks for it."""
        if self._candidate is None:
            from pytest_ernie.measurements import candidate_of

            self._candidate = candidate_of(self.settings, self.registry, self.progress)
        return self._candidate

    @property
    def candidate_if_used(self) -> Candidate | OfflineCandidate | None:
        """The candidate if this run asked for it; reports must not make one."""
        return self._candidate

    @cached_property
    def reference(self) -> Reference:
        """The reference of this run; it may turn out to be missing."""
        from pytest_ernie.measurements import reference_of

        return reference_of(self.settings)

    def watch(self) -> None:
        """Show what runs from now on; called before the first test, while nothing is captured."""
        from pytest_ernie.report.progress import progress_for

        self.progress = progress_for(self.config, lambda: self.device_words)
        if self.progress is not silent:
            self.config.pluginmanager.register(self.progress, "ernie-progress")

    @cached_property
    def device_words(self) -> str:
        """The device by its kind and name, for people who watch; its name only where that can be read."""
        kind = self.settings.device_kind
        if kind is None:
            return "offline"
        try:
            site = self.settings.site or Site()
            return f"{kind}: {self.registry.find_device(kind).facts(site.device)['name']}"
        except (ErnieError, KeyError):
            return kind

    def names_in_shard(self, chosen: tuple[Criterion, ...]) -> set[str] | None:
        """Return which of the chosen criteria this run's shard has, None if it is no shard."""
        settings = self.settings
        if settings.shard is None:
            return None
        try:
            return names_in(settings.shard, settings.edition, settings.edition_digest, chosen)
        except ErnieError as error:
            raise pytest.UsageError(str(error)) from None

    def check_chosen(self, chosen: tuple[Criterion, ...]) -> None:
        """Check what was collected, unless nothing was chosen or it is only to be looked at."""
        if chosen and not self.config.option.collectonly:
            self.check_ready(chosen)

    def check_ready(self, chosen: tuple[Criterion, ...]) -> None:
        """
        Raise pytest.UsageError, on one screen, if the chosen criteria can't even be tried.
        """
        settings = self.settings
        if settings.applicant == "appliance":
            self._refuse_higher_tiers(chosen)
        if settings.stop_early:
            try:
                self.reference.refuse_certifying()
            except ErnieError as error:
                raise pytest.UsageError(str(error)) from None
        if settings.offline:
            return
        if settings.device_kind is None:
            raise pytest.UsageError(self._no_device())
        from pytest_ernie.evidence.writing import check_writable

        try:
            check_writable(settings.evidence)
        except ErnieError as error:
            raise pytest.UsageError(str(error)) from None
        if settings.rehearses:
            return
        missing = missing_from(
            settings.site,
            settings.edition,
            chosen,
            endpoint=settings.endpoint is not None,
            found=lambda dataset: is_there(dataset, settings.site or Site(), settings.data),
        )
        if missing:
            raise pytest.UsageError(self._lacking(chosen, missing))
        self._check_device(settings.site or Site())

    def _check_device(self, site: Site) -> None:
        """Raise pytest.UsageError if the site file and the machine differ on what is certified."""
        assert self.settings.device_kind is not None
        device = self.registry.find_device(self.settings.device_kind)
        try:
            device.facts(site.device)
            if device.visible_variable and not self.settings.endpoint:
                for size in tensor_parallel_sizes(site):
                    refuse_impossible(device, site.cards, size)
        except ErnieError as error:
            raise pytest.UsageError(f"nothing was measured: {error}") from None

    @property
    def asked(self) -> bool:
        """Whether this run certifies anything, or is somebody else's that merely has the plugin."""
        names = ("device", "endpoint", "offline")
        return any(self.config.getoption(destination(name)) for name in names)

    def header(self) -> list[str]:
        """Return what a reader must know before the first result."""
        if not self.asked:
            return []
        settings = self.settings
        edition = settings.edition
        lines = [
            f"ernie: {edition.title} (edition {edition.name}, {self.settings.edition_digest[:12]}), "
            f"device {settings.device_kind or 'none, offline'}, evidence {settings.evidence}"
        ]
        if not edition.certifies:
            lines.append("ernie: REHEARSAL - nothing recorded under this edition can certify")
        if settings.stop_early:
            lines.append(
                "ernie: --stop-early: a training run that can no longer pass is ended, and is no result"
            )
        if settings.shard is not None:
            lines.append(
                f"ernie: shard {settings.shard.title}; pytest-ernie merge joins the evidence of all"
            )
        if settings.challenge is not None:
            lines.append(f"ernie: under the challenge {settings.challenge}")
        if settings.record_reference:
            lines.append("ernie: recording a reference; nothing is compared")
        elif settings.reference is None:
            lines.append(
                "ernie: no --reference given: everything is measured, and what needs a reference "
                "ends INCONCLUSIVE"
            )
        return lines + self.signatures()

    def signatures(self) -> list[str]:
        """Say of each bundle who signed it, and of a reference if nobody did who could certify by it."""
        settings, lines = self.settings, []
        for name, path in (("evidence", settings.evidence), ("reference", settings.reference)):
            if path is not None and path.is_file():
                from pytest_ernie.bundles.signing import in_words

                lines.append(f"ernie: {name} {path.name}: {in_words(path, settings.edition)}")
            elif name == "reference" and path is not None and settings.edition.certifies:
                lines.append(
                    "ernie: the reference is a folder, which nobody signed: good for comparing, and "
                    "nothing that certifies (R14)"
                )
        return lines

    def close(self) -> None:
        """Stop every server that this run started."""
        if self._candidate is not None:
            self._candidate.close()

    def _no_device(self) -> str:
        text = "no device to certify. --device=cpu rehearses the certification on this machine; "
        text += f"otherwise one of {', '.join(self.registry.device_kinds[1:])}, with --site=FILE"
        if "device" in self.taken_options:
            text += ". Another plugin owns --device here: write --ernie-device=cpu"
        return text

    def _lacking(self, chosen: tuple[Criterion, ...], missing: tuple[str, ...]) -> str:
        settings = self.settings
        start = (
            "the site file lacks"
            if settings.site
            else f"--device={settings.device_kind} needs --site=FILE, a TOML file that says what this "
            "lab has. It must hold"
        )
        lines = [f"nothing was measured: {start}"]
        lines += [f"  {line}" for line in missing]
        lines.append(
            f"for the {len(chosen)} chosen criteria. docs/certify-a-chip.md shows a whole site file; "
            "-k, -m and --models choose fewer."
        )
        return "\n".join(lines)

    @staticmethod
    def _refuse_higher_tiers(chosen: tuple[Criterion, ...]) -> None:
        higher = [criterion.name for criterion in chosen if 1 not in criterion.tiers]
        if higher:
            raise pytest.UsageError(
                "an appliance is certified for tier I only (note [2] of the standard); "
                f"{len(higher)} of the chosen criteria belong to higher tiers, the first is "
                f"{higher[0]}. Choose with -m tier1"
            )


def get_session(config: pytest.Config) -> ErnieSession:
    """Return the run's session: the one typed way to it."""
    session = config.pluginmanager.get_plugin(PLUGIN_NAME)
    assert isinstance(session, ErnieSession)
    return session
