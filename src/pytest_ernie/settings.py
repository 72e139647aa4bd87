"""
The command line, read once into one frozen object that everything else shares.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from msgspec import Struct

from pytest_ernie.challenge import checked_challenge
from pytest_ernie.engines.address import checked_address
from pytest_ernie.errors import ErnieError, UsageProblem
from pytest_ernie.shards import Asked, asked_shard
from pytest_ernie.site import Site, read_site
from pytest_ernie.standard import Edition, edition_digest, editions, load

CANDIDATE_FOLDER = "ernie-evidence"
REFERENCE_FOLDER = "ernie-reference"


class Settings(Struct, frozen=True, kw_only=True):
    """
    What was asked for. ``device_kind`` is None when only the standard is looked at.
    """

    device_kind: str | None
    edition: Edition
    edition_digest: str
    site: Site | None
    reference: Path | None
    more_references: tuple[Path, ...] = ()
    """Further references: they only show how far references agree with each other."""
    evidence: Path
    offline: bool
    record_reference: bool
    applicant: Literal["chip", "appliance"]
    endpoint: str | None
    fresh: str | None
    stop_early: bool = False
    """End a training run that can no longer pass; bring-up only."""
    lang: Literal["en", "zh"]
    data: Path | None = None
    """Folder of the accuracy data sets: the option's, else the site file's."""
    shard: Asked | None = None
    challenge: str | None = None
    """What the certifying body issued, so that evidence can't have been made before (R16)."""

    @property
    def rehearses(self) -> bool:
        """True for the embedded default, which needs no site file."""
        return self.edition.name == "rehearsal"


def read_settings(options: dict[str, object], folder: Path) -> Settings:
    """
    Return the settings of the ``ernie_…`` options; ``folder`` is where relative defaults lie.

    Raises UsageProblem where options contradict each other or name what doesn't exist.
    """
    device = _text(options, "device")
    endpoint = _text(options, "endpoint")
    if endpoint is not None:
        endpoint = checked_address(endpoint, where="--endpoint")
    if device is None and endpoint is not None:
        device = "endpoint"
    recording = bool(options.get("record_reference"))
    offline = bool(options.get("offline"))
    evidence = folder / (
        _text(options, "evidence") or (REFERENCE_FOLDER if recording else CANDIDATE_FOLDER)
    )
    name = (
        _text(options, "edition")
        or (edition_recorded(evidence) if offline else None)
        or ("rehearsal" if device == "cpu" else "ernie-4.5")
    )
    edition = _with_models(load(name), _text(options, "models"))
    reference, *more = _references(_texts(options, "reference"), edition, folder)
    for one in (reference, *more):
        _refuse_self_comparison(evidence, one, recording)
    stop_early = bool(options.get("stop_early"))
    _refuse_stopping_early(stop_early, reference, recording, offline)
    if not offline and evidence.is_file():
        raise UsageProblem(
            "a bundle is only read, so nothing can be measured into it",
            where="--evidence",
            got=evidence,
            fix="Add --offline to judge it, or name a folder",
        )
    named = _text(options, "site")
    site = read_site(folder / named) if named else None
    shard, challenge = _text(options, "shard"), _text(options, "challenge")
    return Settings(
        device_kind=device,
        edition=edition,
        edition_digest=edition_digest(load(name)),
        site=site,
        reference=reference,
        more_references=tuple(one for one in more if one is not None),
        evidence=evidence,
        offline=offline,
        record_reference=recording,
        applicant="appliance" if options.get("applicant") == "appliance" else "chip",
        endpoint=endpoint,
        fresh=_text(options, "fresh"),
        stop_early=stop_early,
        lang="zh" if options.get("lang") == "zh" else "en",
        data=_data(_text(options, "data"), site, folder),
        shard=asked_shard(shard, folder) if shard else None,
        challenge=checked_challenge(challenge) if challenge else None,
    )


def edition_recorded(evidence: Path) -> str | None:
    """Return the shipped edition by which all of the evidence was measured, None if that isn't one."""
    from pytest_ernie.evidence import Store

    try:
        names = {what.edition for what in Store.existing(evidence).measured()}
    except ErnieError:  # whoever judges it says what is wrong
        return None
    return names.pop() if len(names) == 1 and names <= set(editions()) else None


def _data(name: str | None, site: Site | None, folder: Path) -> Path | None:
    if name is None:
        return Path(site.data) if site and site.data else None
    path = folder / Path(name).expanduser()
    if not path.is_dir():
        raise UsageProblem("there is no such folder of data sets", where="--data", got=path)
    return path


def _text(options: dict[str, object], name: str) -> str | None:
    value = options.get(name)
    if value is None:
        return None
    text = str(value).strip()
    if not text:
        raise UsageProblem(f"--{name.replace('_', '-')} is empty")
    return text


def _texts(options: dict[str, object], name: str) -> list[str]:
    """Return every value of an option that may be given more than once."""
    value = options.get(name)
    values = value if isinstance(value, list) else [value]
    return [text for one in values if (text := _text({name: one}, name)) is not None]


def _with_models(edition: Edition, names: str | None) -> Edition:
    if names is None:
        return edition
    import msgspec

    chosen = [name.strip() for name in names.split(",") if name.strip()]
    known = [model.name for model in edition.models]
    if not chosen:
        raise UsageProblem(
            "no model is named", where="--models", wanted=f"some of {', '.join(known)}"
        )
    for name in chosen:
        if name not in known:
            raise UsageProblem(
                f"the edition {edition.name} has no such model",
                where="--models",
                got=name,
                wanted=f"one of {', '.join(known)}",
            )
    models = tuple(model for model in edition.models if model.name in chosen)
    return msgspec.structs.replace(edition, models=models)


def _references(names: list[str], edition: Edition, folder: Path) -> list[Path | None]:
    """Return the references' folders, the one that counts first; it is None if there is none."""
    found: list[Path | None] = []
    for name in names:
        path = folder / name
        if not path.exists():
            raise UsageProblem("there is no such reference", where="--reference", got=path)
        if path.resolve() in [other.resolve() for other in found if other]:
            raise UsageProblem("a reference is named twice", where="--reference", got=path)
        found.append(path)
    if not found and edition.name == "rehearsal":
        found = [Path(__file__).parent / "rehearsal" / "reference"]
    return found or [None]


def _refuse_stopping_early(
    asked: bool, reference: Path | None, recording: bool, offline: bool
) -> None:
    if not asked:
        return
    if recording:
        raise UsageProblem(
            "--stop-early ends training runs before their time, and a reference needs whole ones",
            fix="Leave --stop-early out",
        )
    if offline:
        raise UsageProblem("--stop-early ends training runs, and --offline starts none")
    if reference is None:
        raise UsageProblem(
            "--stop-early ends a training run that can no longer follow the reference, and there is none",
            fix="Name one with --reference",
        )


def _refuse_self_comparison(evidence: Path, reference: Path | None, recording: bool) -> None:
    if reference is None or recording:
        return
    if evidence.resolve() == reference.resolve():
        raise UsageProblem(
            "the evidence can't be its own reference",
            where="--reference",
            got=reference,
            fix="Record the reference into a folder of its own: --record-reference --evidence FOLDER",
        )
