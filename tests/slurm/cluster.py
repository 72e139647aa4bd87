"""
A real Slurm of three nodes on one host: munged, slurmctld and a slurmd for each node, all on 127.0.0.1.

Debian's packages slurmctld, slurmd, slurm-client and munge are enough (their slurmd knows ``-N``, several on
one host). Everything lives in a folder of its own and belongs to whoever runs the tests.
"""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import psutil

COMMANDS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol")
SBIN = "/usr/sbin"
PATIENCE_S = 90.0
SILENT_S = 10
"""A node that is silent for so long is down."""

CONF = """\
ClusterName=rehearsal
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
CredType=cred/munge
SlurmctldPort={port}
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
ReturnToService=2
SlurmdTimeout={silent_s}
KillWait=5
GresTypes=accelerator
SlurmdParameters=config_overrides
{nodes}
PartitionName=all Nodes=n[1-3] Default=YES MaxTime=INFINITE State=UP
"""
NODE = (
    "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=2 Gres=accelerator:1"
)


class Cluster:
    """Three nodes with an accelerator each that isn't there."""

    NODES = ("n1", "n2", "n3")

    def __init__(self, folder: Path) -> None:
        os.environ["PATH"] += f"{os.pathsep}{SBIN}"
        missing = [name for name in COMMANDS if shutil.which(name) is None]
        assert not missing, (
            f"{missing} are missing: apt-get install slurmctld slurmd slurm-client munge"
        )
        self.folder = folder
        self.environment = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf")}
        self._configure()
        self._run("munged", "--force", *self._munge_files())
        self._run("slurmctld", "-i")
        for name in self.NODES:
            self.start(name)
        self.wait_for(lambda: self._say("sinfo", "-h", "-t", "idle", "-o", "%D").strip() == "3")

    def start(self, node: str) -> None:
        """Switch a node on."""
        (self.folder / f"spool-{node}").mkdir(exist_ok=True)
        self._run("slurmd", "-N", node)

    def stop(self, node: str) -> None:
        """Switch a node off as a power cut does: its daemon and everything that runs on it."""
        daemon = psutil.Process(int((self.folder / f"slurmd-{node}.pid").read_text()))
        jobs = [process for process in psutil.process_iter() if self._is_of(process, node)]
        above = {p for job in jobs for p in job.parents() if p.name().startswith("slurmstepd")}
        below = {process for job in jobs for process in job.children(recursive=True)}
        # Whoever would tell Slurm how the job ended goes first: a node without power says nothing.
        doomed = [daemon, *above, *jobs, *below]
        for process in doomed:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(doomed, timeout=PATIENCE_S)

    def queue(self) -> list[str]:
        """Shard and state of every task."""
        return self._say("squeue", "-h", "-r", "-o", "%K %T %N").splitlines()

    def wait_for(self, holds: object, patience_s: float = PATIENCE_S) -> None:
        """Wait until a call returns something true."""
        assert callable(holds)
        deadline = time.monotonic() + patience_s
        while not holds():
            assert time.monotonic() < deadline, self._said()
            time.sleep(0.2)

    def close(self) -> None:
        """End every daemon and job."""
        subprocess.run(["scancel", "--user", getpass.getuser()], env=self.environment, check=False)
        for node in self.NODES:
            if (self.folder / f"slurmd-{node}.pid").exists():
                self.stop(node)
        for name in ("slurmctld", "munged"):
            path = self.folder / f"{name}.pid"
            if path.exists():
                process = psutil.Process(int(path.read_text()))
                process.terminate()
                process.wait(timeout=PATIENCE_S)

    def _is_of(self, process: psutil.Process, node: str) -> bool:
        """Tell what a job of this cluster runs on a node from everything else on the host."""
        try:
            environment = process.environ()
        except psutil.Error:
            return False
        ours = environment.get("SLURM_CONF") == str(self.folder / "slurm.conf")
        return ours and environment.get("SLURMD_NODENAME") == node

    def _configure(self) -> None:
        host, user = socket.gethostname().partition(".")[0], getpass.getuser()
        ports = _free_ports(len(self.NODES) + 1)
        nodes = [
            NODE.format(name=name, host=host, port=port)
            for name, port in zip(self.NODES, ports[1:], strict=True)
        ]
        (self.folder / "state").mkdir()
        (self.folder / "slurm.conf").write_text(
            CONF.format(
                host=host,
                user=user,
                folder=self.folder,
                port=ports[0],
                silent_s=SILENT_S,
                nodes="\n".join(nodes),
            )
        )
        (self.folder / "gres.conf").write_text("NodeName=n[1-3] Name=accelerator Count=1\n")
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)

    def _munge_files(self) -> list[str]:
        names = {
            "socket": "munge.sock",
            "key-file": "munge.key",
            "pid-file": "munged.pid",
            "log-file": "munged.log",
            "seed-file": "munge.seed",
        }
        return [f"--{option}={self.folder}/{name}" for option, name in names.items()]

    def _run(self, *command: str) -> None:
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}: {done.stderr}\n{self._said()}"

    def _say(self, *command: str) -> str:
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=True
        ).stdout

    def _said(self) -> str:
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(f"{path.name}: {path.read_text()[-2000:]}" for path in logs)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports
