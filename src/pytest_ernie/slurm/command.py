"""
``pytest-ernie submit --slurm``: shards as an array job; said again, only those that aren't complete.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

from pytest_ernie.errors import UsageProblem
from pytest_ernie.shards import ShardPlan
from pytest_ernie.slurm.script import Request
from pytest_ernie.standard import Edition

STATED = ("device", "site", "edition", "models")


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand ``submit``."""
    parser = commands.add_parser(
        "submit",
        help="run shards under a scheduler; said again, it submits only what isn't complete",
    )
    parser.add_argument("--slurm", action="store_true", required=True, help="by Slurm (sbatch)")
    parser.add_argument("--shards", type=int, required=True, metavar="N")
    parser.add_argument("-m", dest="markers", metavar="EXPRESSION", default="training or inference")
    for name in STATED:
        parser.add_argument(f"--{name}", help=f"as pytest's --{name}")
    parser.add_argument("--evidence", metavar="FOLDER", help="earlier evidence that tells hours")
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path("ernie-shards"),
        help="shared by all hosts: plan, logs and evidence of the shards (default: ernie-shards)",
    )
    parser.add_argument(
        "--gres", metavar="NAME", help="generic resource that cards are; NAME:COUNT to say how many"
    )
    parser.add_argument("--nodes", type=int, default=1, metavar="N", help="hosts of each shard")
    parser.add_argument(
        "--share-nodes", action="store_true", help="let other jobs onto the hosts (no --exclusive)"
    )
    parser.add_argument(
        "--leases", metavar="FOLDER", help="folder of leases that all jobs of a host see"
    )
    parser.add_argument(
        "--sbatch",
        action="append",
        default=[],
        metavar="OPTION",
        help="a further option of sbatch, for example --sbatch=--partition=xpu; may be repeated",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="say where the shards stand, and submit nothing"
    )
    parser.add_argument(
        "pytest", nargs="*", metavar="-- OPTION", help="further options of pytest, after --"
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    """Return 0 when every shard is done or in Slurm's hands, 1 when some still have to be submitted."""
    from pytest_ernie.slurm.queue import ask_slurm
    from pytest_ernie.slurm.submission import Submission

    request, edition, plan = _request(options), *_plan(options)
    submission = Submission.begin(request_folder(options), request, plan, edition, ask_slurm)
    states = submission.states()
    for state in states:
        print(f"shard {state.shard.number}: {state.words}")  # noqa: T201 (a command's output)
    again = [state.shard for state in states if state.again]
    if again and options.dry_run:
        for script in submission.scripts(again):
            print(f"\n{script}")  # noqa: T201 (a command's output)
        return 1
    if again:
        jobs = submission.submit(again)
        numbers = ", ".join(str(shard.number) for shard in again)
        print(f"submitted shards {numbers} as job {', '.join(jobs)}")  # noqa: T201 (a command's output)
    if all(state.done for state in states):
        folders = " ".join(str(options.folder / f"shard-{state.shard.number}") for state in states)
        print(f"then: pytest-ernie merge {folders} -o ernie-evidence")  # noqa: T201 (a command's output)
    return 0


def request_folder(options: argparse.Namespace) -> Path:
    """Return the submission's folder, without links: the hosts of a cluster mount it at one path."""
    return Path(options.folder).absolute()


def _request(options: argparse.Namespace) -> Request:
    if options.nodes < 1:
        raise UsageProblem("a shard runs on a host at least", where="--nodes", got=options.nodes)
    for word in options.pytest:
        if word.startswith(("--shard", "--evidence", "--fresh", "-n")):
            raise UsageProblem(
                "every shard has its own, or must not have it", where="after --", got=word
            )
    folder = request_folder(options)
    stated = {name: getattr(options, name) for name in STATED}
    return Request(
        name=f"ernie-{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}",
        folder=str(folder),
        working_folder=str(Path.cwd()),
        python=sys.executable,
        pytest=(
            *("-m", options.markers),
            *(f"--{name}={value}" for name, value in stated.items() if value),
            *options.pytest,
        ),
        gres=options.gres,
        nodes=options.nodes,
        share_nodes=options.share_nodes,
        sbatch=tuple(options.sbatch),
        leases=None if options.leases is None else str(Path(options.leases).absolute()),
    )


def _plan(options: argparse.Namespace) -> tuple[Edition, ShardPlan]:
    """Return the edition, and the plan by the hours that are known now."""
    from pytest_ernie.planned import chosen_by, known_durations
    from pytest_ernie.settings import read_settings
    from pytest_ernie.shard_plans import plan_shards
    from pytest_ernie.standard import criteria

    settings = read_settings({name: getattr(options, name) for name in STATED}, Path.cwd())
    chosen = [c for c in criteria(settings.edition) if chosen_by(options.markers, c)]
    known = known_durations(settings.edition, options.evidence)
    options.output = request_folder(options) / "plan.json"
    return settings.edition, plan_shards(settings, chosen, known, options)
