"""
On which hosts a training run starts: this one, those of a scheduler's job, or those that the site file names.

Several hosts are never assumed: ``hosts`` in the site file is a number, or ``"scheduler"``, which takes what
the scheduler's environment says (NNODES, MASTER_ADDR, MASTER_PORT, NODE_RANK, else Slurm's).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from pytest_ernie.errors import SiteError

LOOPBACK = "127.0.0.1"
FIRST_PORT, PORTS = 20000, 20000
"""Where the port of a Slurm job's master lies: as many as there are, by the job's number."""
EACH_BY_SLURM = 'export RANK="$SLURM_NODEID" {log}="$1/host-$SLURM_NODEID"; shift; exec "$@"'
"""What each host's shell does before it starts the trainer: say who it is, and where its own logs go."""


class Hosts(Struct, frozen=True, kw_only=True):
    """The hosts of one run, seen from one of them."""

    count: int = 1
    rank: int = 0
    """Of this host."""
    master: str | None = None
    """``address:port`` of host 0; None on one host, where a free port of 127.0.0.1 is taken."""
    started_by: Literal["one", "slurm", "each"] = "one"
    """``slurm``: one command starts all hosts; ``each``: the trainer is started on each by somebody."""

    def command(self, command: tuple[str, ...], logs: str, log_variable: str) -> tuple[str, ...]:
        """Return what starts the command on every host, or on this one if somebody starts the others."""
        if self.started_by != "slurm":
            return command
        each = EACH_BY_SLURM.format(log=log_variable)
        return (
            *(
                "srun",
                f"--nodes={self.count}",
                f"--ntasks={self.count}",
                "--ntasks-per-node=1",
                "--overlap",
            ),
            *("--kill-on-bad-exit=1", "bash", "-c", each, "each", logs, *command),
        )


ONE = Hosts()


def hosts_of(
    asked: int | Literal["scheduler"],
    master: str | None,
    rank: int | None,
    environment: Mapping[str, str],
    *,
    needed: int | None = None,
) -> Hosts:
    """
    Return the hosts of a run; SiteError where something that they need is nowhere said.

    ``asked``, ``master`` and ``rank`` are the site file's words, ``needed`` is what it says of the model.
    """
    count = needed if needed is not None else asked
    if count == "scheduler":
        count = _from_scheduler(environment)
    if count == 1:
        return ONE
    by_slurm = "SLURM_JOB_ID" in environment and asked == "scheduler" and rank is None
    address = master or _master(environment)
    if address is None:
        raise SiteError(
            "several hosts need the address of the first one",
            wanted="[trainer] master, as address:port; or MASTER_ADDR and MASTER_PORT",
        )
    _checked(address)
    own = rank if rank is not None else _own_rank(environment)
    if not 0 <= own < count:
        raise SiteError(
            "this host's number isn't among those of the run",
            where="[trainer] rank, NODE_RANK or SLURM_NODEID",
            got=own,
            wanted=f"0 to {count - 1}",
        )
    return Hosts(count=count, rank=own, master=address, started_by="slurm" if by_slurm else "each")


def _from_scheduler(environment: Mapping[str, str]) -> int:
    for name in ("NNODES", "SLURM_JOB_NUM_NODES", "SLURM_NNODES"):
        if name in environment:
            return _number(name, environment[name])
    raise SiteError(
        'hosts = "scheduler", and no scheduler says how many there are',
        where="[trainer] hosts",
        wanted="NNODES or SLURM_JOB_NUM_NODES in the environment, or a number",
    )


def _own_rank(environment: Mapping[str, str]) -> int:
    for name in ("NODE_RANK", "SLURM_NODEID"):
        if name in environment:
            return _number(name, environment[name], least=0)
    return 0


def _master(environment: Mapping[str, str]) -> str | None:
    address, port = environment.get("MASTER_ADDR"), environment.get("MASTER_PORT")
    if address is None and "SLURM_JOB_NODELIST" in environment:
        address = first_host(environment["SLURM_JOB_NODELIST"])
        job = environment.get("SLURM_JOB_ID", "0")
        port = port or str(FIRST_PORT + int(re.sub(r"\D", "", job) or 0) % PORTS)
    return f"{address}:{port}" if address and port else None


def first_host(nodes: str) -> str:
    """Return the first host of Slurm's short form: ``gpu[03-05,9],b1`` begins with gpu03."""
    found = re.match(r"([^,\[]+)(?:\[([^,\-\]]+)[^\]]*\])?([^,\[]*)", nodes)
    return f"{found[1]}{found[2] or ''}{found[3]}" if found else nodes


def _checked(master: str) -> None:
    address, _, port = master.rpartition(":")
    if not address or not port.isdecimal() or not 0 < int(port) < 65536:
        raise SiteError("this is no address of a master", got=master, wanted="address:port")
    if address in (LOOPBACK, "localhost", "::1"):
        raise SiteError(
            "other hosts can't reach this address", where="[trainer] master", got=master
        )


def _number(name: str, text: str, least: int = 1) -> int:
    if not text.isdecimal() or int(text) < least:
        raise SiteError("this is no number of hosts", where=name, got=text)
    return int(text)
