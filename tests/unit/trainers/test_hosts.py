"""
Which hosts a run starts on, and who starts the trainer there.
"""

from __future__ import annotations

from typing import Any

import pytest

from pytest_ernie.errors import SiteError
from pytest_ernie.trainers.hosts import ONE, Hosts, first_host, hosts_of

SLURM = {
    "SLURM_JOB_ID": "4711",
    "SLURM_JOB_NUM_NODES": "2",
    "SLURM_NODEID": "0",
    "SLURM_JOB_NODELIST": "gpu[03-04]",
}


def test_one_host_is_what_nobody_asked_otherwise() -> None:
    """
    Not even a scheduler's environment makes it several, unless the site file says "scheduler".
    """
    assert ONE == hosts_of(1, None, None, SLURM)
    assert (1, None, "one") == (ONE.count, ONE.master, ONE.started_by)


def test_slurm_tells_everything() -> None:
    """
    Number of hosts, first host, and a port that follows from the job's number; srun starts the trainer.
    """
    assert Hosts(count=2, rank=0, master="gpu03:24711", started_by="slurm") == hosts_of(
        "scheduler", None, None, SLURM
    )


def test_a_scheduler_of_another_kind_says_it_in_paddles_words() -> None:
    """
    NNODES, MASTER_ADDR, MASTER_PORT, NODE_RANK; it starts the trainer on each host.
    """
    environment = {
        "NNODES": "3",
        "NODE_RANK": "2",
        "MASTER_ADDR": "10.0.0.7",
        "MASTER_PORT": "9000",
    }

    assert Hosts(count=3, rank=2, master="10.0.0.7:9000", started_by="each") == hosts_of(
        "scheduler", None, None, environment
    )


def test_the_site_files_words_stand_before_the_schedulers() -> None:
    """
    A number, an address and a rank that somebody wrote are meant.
    """
    assert Hosts(count=4, rank=1, master="a:1", started_by="each") == hosts_of(4, "a:1", 1, SLURM)


def test_a_model_may_need_fewer_hosts_than_the_job_has() -> None:
    """
    The 0.3B on one host of an allocation that the 300B needs whole.
    """
    assert ONE == hosts_of("scheduler", None, None, SLURM, needed=1)
    assert (
        2
        == hosts_of("scheduler", None, None, {**SLURM, "SLURM_JOB_NUM_NODES": "9"}, needed=2).count
    )


@pytest.mark.parametrize(
    ("asked", "master", "rank", "environment", "words"),
    [
        ("scheduler", None, None, {}, "no scheduler says how many there are"),
        ("scheduler", None, None, {"NNODES": "two"}, "this is no number of hosts; got two"),
        (2, None, None, {}, r"need the address of the first one.*\[trainer\] master"),
        (2, "127.0.0.1:8090", None, {}, "other hosts can't reach this address; got 127"),
        (2, "localhost:8090", None, {}, "other hosts can't reach this address"),
        (2, "host", None, {}, "no address of a master; got host; wanted address:port"),
        (2, "host:0", None, {}, "no address of a master"),
        (2, "host:70000", None, {}, "no address of a master"),
        (2, "host:1", 2, {}, "isn't among those of the run; got 2; wanted 0 to 1"),
    ],
)
def test_what_is_missing_or_wrong_is_named(
    asked: Any, master: str | None, rank: int | None, environment: dict[str, str], words: str
) -> None:
    """
    Before a launcher waits for ever for hosts that can't come.
    """
    with pytest.raises(SiteError, match=words):
        hosts_of(asked, master, rank, environment)


@pytest.mark.parametrize(
    ("nodes", "first"),
    [
        ("gpu03", "gpu03"),
        ("gpu[03-05,9],b1", "gpu03"),
        ("gpu[7]", "gpu7"),
        ("a,b", "a"),
        ("rack1-[02-03]-ib", "rack1-02-ib"),
    ],
)
def test_the_first_host_of_slurms_short_form(nodes: str, first: str) -> None:
    """
    Leading zeros are part of the name.
    """
    assert first == first_host(nodes)


def test_srun_gives_each_host_its_rank_and_a_folder_for_its_logs() -> None:
    """
    Worker 0 of one host would write over worker 0 of another.
    """
    hosts = Hosts(count=2, master="gpu03:1", started_by="slurm")

    command = hosts.command(("python", "cli", "train"), "/run/launcher", "LOGS")

    assert ("srun", "--nodes=2", "--ntasks=2") == command[:3]
    assert (
        'export RANK="$SLURM_NODEID" LOGS="$1/host-$SLURM_NODEID"; shift; exec "$@"'
        == command[command.index("-c") + 1]
    )
    assert ("each", "/run/launcher", "python", "cli", "train") == command[-5:]


def test_the_shell_line_does_what_it_says(tmp_path: Any) -> None:
    """
    Run by a shell, as srun's tasks would.
    """
    import subprocess

    command = Hosts(count=2, master="a:1", started_by="slurm").command(
        ("env",), str(tmp_path), "PADDLEFORMERS_DIST_LOG"
    )
    bash = command[command.index("bash") :]

    told = subprocess.run(
        bash, env={"SLURM_NODEID": "1", "PATH": "/usr/bin:/bin"}, capture_output=True, text=True
    ).stdout.splitlines()

    assert "RANK=1" in told
    assert f"PADDLEFORMERS_DIST_LOG={tmp_path}/host-1" in told


def test_one_host_is_started_as_it_is() -> None:
    """
    And so is one of several that somebody starts.
    """
    assert ("a", "b") == ONE.command(("a", "b"), "logs", "LOGS")
    assert ("a",) == Hosts(count=2, master="a:1", started_by="each").command(("a",), "l", "L")
