"""
``pytest-ernie show launch``: the command and environment with which a server or a training would be started.
"""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_ernie.errors import UsageProblem

if TYPE_CHECKING:
    from pytest_ernie.engines.protocol import Preview
    from pytest_ernie.measurements.launching import Planned
    from pytest_ernie.site import Site

CARDS = 8
"""Of a machine that no site file describes."""
FIRST_PORT = 8180
"""Stands for the block that is free when a server starts."""
WORKDIR = Path("SERVER-FOLDER")
"""Stands for the folder of its own that a server gets in the evidence's scratch."""


def add_parser(things: Any) -> None:
    """Add ``launch`` to what ``show`` can show."""
    parser = things.add_parser(
        "launch", help="what would start a server (--datatype) or a training (--method)"
    )
    parser.add_argument("--model", required=True, help="in the standard's words: ERNIE-4.5-21B-A3B")
    parser.add_argument("--device", required=True, help="kind of device: gpu, xpu, ...")
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--datatype", help="of a server: wint8, wint4, w4a8 or bf16")
    kind.add_argument("--method", choices=("sft", "sft_lora"), help="of a training")
    parser.add_argument("--context", required=True, help="length: 8K, 32K, 128K or a number")
    parser.add_argument(
        "--filled", action="store_true", help="the training whose samples fill the length (R12)"
    )
    parser.add_argument("--engine", help="its name, if not the site's or the device's own")
    parser.add_argument("--trainer", help="its name, if not the site's or PaddleFormers")
    parser.add_argument("--version", help="the engine's or trainer's, if it isn't installed here")
    parser.add_argument("--cards", type=int, help=f"how many; {CARDS} without a site file")
    parser.add_argument("--site", type=Path, help="the site file")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    if options.method is not None:
        return _run_training(options)
    print(  # noqa: T201 (a command's output)
        "\n".join(
            lines(
                model=options.model,
                device=options.device,
                datatype=options.datatype,
                window=tokens(options.context),
                engine=options.engine,
                version=options.version,
                cards=options.cards,
                site_file=options.site,
            )
        )
    )
    return 0


def _run_training(options: argparse.Namespace) -> int:
    from pytest_ernie import launch_training

    script = launch_training.lines(
        model=options.model,
        device=options.device,
        method=options.method,
        length=tokens(options.context),
        filled=options.filled,
        trainer=options.trainer,
        version=options.version,
        cards=options.cards,
        site_file=options.site,
    )
    print("\n".join(script))  # noqa: T201 (a command's output)
    return 0


def tokens(text: str) -> int:
    """Return a length as people write it: 32K is 32768. UsageProblem for anything else."""
    match = re.fullmatch(r"(\d+)([kK]?)", text.strip())
    if not match or not int(match[1]):
        raise UsageProblem("this is no length", where="--context", got=text, wanted="8K or 8192")
    return int(match[1]) * (1024 if match[2] else 1)


def lines(
    *,
    model: str,
    device: str,
    datatype: str,
    window: int,
    engine: str | None = None,
    version: str | None = None,
    cards: int | None = None,
    site_file: Path | None = None,
) -> Iterator[str]:
    """Yield the lines of a shell script that would start the (first) server, with remarks."""
    import msgspec

    from pytest_ernie.devices.topology import disjoint_sets
    from pytest_ernie.engines.ports import Ports
    from pytest_ernie.engines.protocol import Previews
    from pytest_ernie.measurements.launching import plan_launch, server_variables
    from pytest_ernie.registry import Registry
    from pytest_ernie.site import Site, read_site
    from pytest_ernie.toolchains import adopt

    site = read_site(site_file) if site_file else Site()
    registry = Registry()
    chip = registry.find_device(device)
    kind = engine or (site.engine.kind if site.engine else None) or "fastdeploy"
    starter = registry.find_engine(kind)
    if not isinstance(starter, Previews):
        raise UsageProblem("this engine can't show what it would run", where="--engine", got=kind)
    ids = cards_shown(chip.visible_variable, cards, site, site_file)
    planned = plan_launch(
        starter,
        model=model,
        datatype=datatype,
        window=window,
        checkpoint="",
        device=chip,
        cards=ids,
        site=site,
    )
    launch = msgspec.structs.replace(
        planned.launch,
        checkpoint=_checkpoint(model, datatype, site, planned, starter.suffix),
        version=version or planned.launch.version,
    )
    sets = disjoint_sets(chip, ids, launch.tensor_parallel, launch.replicas) if ids else [()]
    python = Path(site.engine.python) if site.engine else None
    here = python is not None and python.exists() and version is None
    preview = starter.preview(
        launch,
        toolchain=adopt(kind, python, env=site.engine.env)
        if here and python and site.engine
        else None,
        workdir=WORKDIR,
        cards=sets[0],
        device_env=server_variables(chip, site, sets[0]),
        ports=Ports(numbers=tuple(range(FIRST_PORT, FIRST_PORT + 32))),
    )
    yield f"# {model} in {datatype}, window {window}, on {device}"
    yield from _origin(planned, preview, kind, here=here)
    yield from _replicas(sets, chip.visible_variable)
    yield from script(preview)


def script(preview: Preview) -> Iterator[str]:
    """Yield the environment and the command as a shell takes them, a flag a line."""
    from pytest_ernie.measurements.local import SECRET

    for name, value in sorted(preview.environment.items()):
        yield f"export {name}={shlex.quote('(set)' if SECRET.search(name) else value)}"
    rows: list[str] = []
    for word in preview.command:
        if word.startswith("--") or not rows:
            rows.append(shlex.quote(word))
        else:
            rows[-1] += f" {shlex.quote(word)}"
    yield " \\\n    ".join(rows)


def cards_shown(
    variable: str | None, asked: int | None, site: Site, site_file: Path | None
) -> tuple[str, ...]:
    """Return the ids of the asked cards, else of the site's, else of a machine; none without a variable."""
    if variable is None:
        return ()
    if asked is not None:
        return tuple(map(str, range(asked)))
    return site.cards if site_file else tuple(map(str, range(CARDS)))


def _checkpoint(model: str, datatype: str, site: Site, planned: Planned, suffix: str) -> str:
    """Return the site's folder, else the name under which such weights are published."""
    from pytest_ernie.standard import load

    if model in site.models:
        table = site.models[model]
        serving = table.served_as(datatype)
        return (serving.checkpoint if serving else None) or table.checkpoint
    if planned.origin.checkpoint is not None:
        return planned.origin.checkpoint
    if planned.origin.needs_own_checkpoint:
        return f"YOUR-{datatype.upper()}-WEIGHTS-OF-{model}"
    try:
        return load("ernie-4.5").model(model).checkpoint + suffix
    except KeyError:
        return f"WEIGHTS-OF-{model}"


def _origin(planned: Planned, preview: Preview, kind: str, *, here: bool) -> Iterator[str]:
    origin = planned.origin
    yield f"# {kind} {preview.version}{'' if here else ', assumed: it is not looked at here'}"
    if origin.source is None:
        yield "# no published configuration"
    else:
        yield f"# {'derived from' if origin.derived else 'published:'} {origin.source}"
    for step in origin.derived:
        yield f"#   derived: {step}"
    if origin.site:
        yield f"#   from the site file: {', '.join(origin.site)}"


def _replicas(sets: Sequence[tuple[str, ...]], variable: str | None) -> Iterator[str]:
    if len(sets) == 1:
        return
    yield (
        f"# the first of {len(sets)} equal servers behind one client; the others have {variable}="
        f"{' and '.join(','.join(cards) for cards in sets[1:])}, ports and a folder of their own"
    )
