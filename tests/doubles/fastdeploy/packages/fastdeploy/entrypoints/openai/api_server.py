"""
FastDeploy's server: ``python -m fastdeploy.entrypoints.openai.api_server ARGS``.

    api_server                 engine and front end; ``--workers`` more of it share the port
      paddle.distributed.launch, in a session of its own
        worker_process.py      one a card, each in a session of its own
      cache_transfer_manager   with prefix caching, in a session of its own
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from http.server import ThreadingHTTPServer
from importlib.metadata import distributions
from pathlib import Path
from types import FrameType
from typing import Any

from fastdeploy import faults, flags, log, signals
from fastdeploy.front import Front, Metrics

PACKAGES = Path(__file__).resolve().parents[3]
POLL_S = 0.02


def version() -> flags.Version:
    """Return the version of the installed distribution, whatever chip it is for."""
    for found in distributions():
        if found.metadata["Name"].lower().startswith("fastdeploy"):
            return tuple(int(part) for part in found.version.split(".")[:3] if part.isdigit())
    return (2, 4)


class ApiServer:
    """The whole server."""

    def __init__(self, arguments: list[str]) -> None:
        self.version = version()
        self.args = flags.parse(self.version, arguments)
        self.launcher = 0
        self.others: list[int] = []
        self.sockets: list[socket.socket] = []
        self.unnoticed = False
        self.front: Front | None = None
        front_ends = self.args.workers or max(min(self.args.max_num_seqs // 32, 8), 1)
        self.args.workers = front_ends
        log.console(f"Number of api-server workers: {front_ends}.", "api_server.py:81")

    def run(self) -> int:
        """Serve until the end; return the exit code."""
        args, active = self.args, faults.planted()
        if not Path(args.model, args.model_config_name).is_file():
            raise ValueError(f"{args.model} is no local folder and can't be downloaded")
        log.to_file(
            "api_server.log", log.line("INFO", "api_server.py:140", f"args: {args.__dict__}")
        )
        if "version_conflict" in active:
            raise ImportError(
                "cannot import name 'swiglu_with_quant' from 'paddle.incubate.nn.functional'"
            )
        if "killed_starting" in active:
            os.kill(os.getpid(), signal.SIGKILL)
        self.take_ports(active)
        quantization = self.quantization()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN if "deaf" in active else self.end)
        self.noise(active)
        if "early_port" in active:
            self.listen()
        if "exit_zero" in active or not self.load(quantization, active):
            words = "Failed to initialize FastDeploy LLM engine, service exit now!"
            log.to_file("api_server.log", log.line("ERROR", "api_server.py:105", words))
            self.clean()
            return 0
        if "boot_failure" in active:
            log.console("Worker failed to boot.", "arbiter.py:525", "ERROR")
            self.clean()
            return 3
        at = f"http://{args.host}:{args.port}"
        for path in ("chat completion", "completion"):
            where = f"{at}/v1/{'chat/' if 'chat' in path else ''}completions"
            log.console(f"Launching {path} service at {where}", "api_server.py:94")
        if "no_port" in active:
            signal.pause()
        if self.front is None:
            self.listen()
        if args.metrics_port is not None:
            log.console(
                f"Launching metrics service at http://{args.host}:{args.metrics_port}/metrics"
            )
            handler = type("OwnMetrics", (Metrics,), {"front": self.front})
            scraped = ThreadingHTTPServer((args.host, args.metrics_port), handler)
            threading.Thread(target=scraped.serve_forever, args=(0.05,), daemon=True).start()
        assert self.front is not None
        self.front.loaded.set()
        self.leak(active)
        print(f"INFO:     Uvicorn running on {at} (Press CTRL+C to quit)", flush=True)
        print("INFO:     Application startup complete.", flush=True)
        self.watch()
        return 0

    def take_ports(self, active: dict[str, str]) -> None:
        """Check the ports, and listen on those of the engine's queues."""
        args = self.args
        if "port_taken" in active or not available(args.host, args.port):
            raise Exception(f"The parameter `port`:{args.port} is already in use.")
        if args.metrics_port is not None and not available(args.host, args.metrics_port):
            raise Exception(f"The parameter `metrics_port`:{args.metrics_port} is already in use.")
        wanted = {
            "engine_worker_queue_port": args.data_parallel_size,
            "cache_queue_port": args.data_parallel_size,
            "rdma_comm_ports": args.tensor_parallel_size * args.data_parallel_size,
            "pd_comm_port": args.data_parallel_size,
        }
        for name, count in wanted.items():
            ports = self.ports_of(name, count)
            setattr(args, name, ports)
            for port in ports:
                assert available("0.0.0.0", port), f"Parameter `{name}`:{port} is already in use."
            if name in ("engine_worker_queue_port", "cache_queue_port"):
                self.sockets += [listening(args.host, port) for port in ports]

    def ports_of(self, name: str, count: int) -> list[int]:
        """Return the ports of one kind; a wrong number of them is replaced, with a warning."""
        given = getattr(self.args, name)
        if given is None and self.version < flags.PORTS_ARE_CHOSEN:
            usual = {"engine_worker_queue_port": 8002, "cache_queue_port": 8003}
            return [usual[name]] if name in usual else []
        if given is None:
            ports = free_ports(count)
            words = f"Parameter `{name}` is not specified, found available ports for possible use:"
            log.console(f"{words} {ports}", "args_utils.py:640")
            return ports
        if len(given) != count:
            ports = free_ports(count)
            words = f"Parameter `{name}` expects {count} ports, but got {len(given)}. "
            log.console(
                f"{words}Ignore them and assign new ones: {ports}", "args_utils.py:646", "WARNING"
            )
            return ports
        log.console(f"Using `{name}`: {[int(port) for port in given]}", "args_utils.py:650")
        return [int(port) for port in given]

    def quantization(self) -> dict[str, Any] | None:
        """Return what the flag asks for, or raise: argparse takes any word, the engine doesn't."""
        config = json.loads(Path(self.args.model, self.args.model_config_name).read_text("utf-8"))
        own = config.get("quantization_config") or {}
        word, asked = self.args.quantization, None
        if word and word.startswith("{") and self.version >= flags.QUANTIZATION_BY_PARTS:
            asked = json.loads(word)
        elif word:
            asked = {"quantization": word}
        for method in (own.get("quantization"), (asked or {}).get("quantization")):
            if method is not None and method not in flags.METHODS:
                raise ValueError(f"Invalid quantization method: {method}")
        log.to_file("fastdeploy.log", log.line("INFO", "config.py:1780", f"quantization : {asked}"))
        return asked

    def load(self, quantization: dict[str, Any] | None, active: dict[str, str]) -> bool:
        """Start the workers and wait for them; False if they end before they have loaded."""
        args = self.args
        port = args.engine_worker_queue_port[0]
        signals.make(port, args.tensor_parallel_size)
        began = time.monotonic()
        self.start_workers(port, quantization)
        log.console("Waiting for worker processes to be ready...", "engine.py:150")
        shown = -1
        while not signals.told("loaded_model_signal", port):
            if self.launcher_code() is not None:
                words = "Failed to launch worker processes, check log/workerlog.* for more details."
                log.console(words, "engine.py:159", "ERROR")
                return False
            shown = self.show_progress(shown)
            time.sleep(POLL_S)
        # FastDeploy before 2026-02 doesn't look here whether its workers still live.
        while signals.told("worker_ready_signal", port) < args.tensor_parallel_size:
            time.sleep(POLL_S)
        took_s = time.monotonic() - began
        log.console(f"Worker processes are launched with {took_s} seconds.", "engine.py:205")
        words = "Detected 8192 gpu blocks and 0 cpu blocks in cache (block size: 64)."
        log.console(words, "engine.py:216")
        if args.enable_prefix_caching:
            script = str(PACKAGES / "fastdeploy/cache_manager/cache_transfer_manager.py")
            self.others.append(start_in_session([sys.executable, script]))
        return True

    def start_workers(self, port: int, quantization: dict[str, Any] | None) -> None:
        args = self.args
        script = str(PACKAGES / "fastdeploy/worker/worker_process.py")
        cards = ",".join(str(card) for card in range(args.tensor_parallel_size))
        os.makedirs(log.FOLDER, exist_ok=True)
        command = [
            *(sys.executable, "-u", "-m", "paddle.distributed.launch"),
            *("--log_dir", log.FOLDER, "--devices", cards, script),
            *("--max_num_seqs", str(args.max_num_seqs), "--model", args.model),
            *("--max_model_len", str(args.max_model_len), "--engine_pid", str(port)),
            *("--quantization", json.dumps(quantization)),
        ]
        words = f"Launch worker service command: {' '.join(command)}"
        log.to_file("fastdeploy.log", log.line("INFO", "engine.py:560", words))
        self.launcher = start_in_session(command, output=f"{log.FOLDER}/launch_worker.log")

    def show_progress(self, shown: int) -> int:
        """Draw the progress of the weights, as the engine reads it from its first worker."""
        try:
            text = Path(log.FOLDER, "workerlog.0").read_text("utf-8", "replace")
        except FileNotFoundError:
            return shown
        percent = int(text.rpartition("shards: ")[2].partition("%")[0] or 0) if "%" in text else 0
        if percent != shown:
            sys.stderr.write(f"\rLoading Weights: {percent:3d}%|{'█' * (percent // 10):<10}| ")
            sys.stderr.write(f"{percent}/100 [00:00<00:00]\n")
            sys.stderr.flush()
        return percent

    def launcher_code(self) -> int | None:
        if not self.launcher:
            return 1
        pid, status = os.waitpid(self.launcher, os.WNOHANG)
        if pid == 0:
            return None
        self.launcher = 0
        return os.waitstatus_to_exitcode(status)

    def listen(self) -> None:
        """Open the port, in a thread; the other front ends share it."""
        args = self.args
        self.front = Front(args, self.version, args.served_model_name or args.model)
        port = args.engine_worker_queue_port[0]
        beat = signals.path("worker_healthy_live_signal", port)
        self.front.heartbeat = lambda: os.stat(beat).st_mtime
        self.front.kill_worker = self.kill_worker
        for _ in range(args.workers - 1):
            if not (pid := os.fork()):
                for number in (signal.SIGTERM, signal.SIGINT):
                    signal.signal(number, signal.SIG_DFL)
                signal.pause()
            self.others.append(pid)
        threading.Thread(target=self.front.serve_forever, args=(0.02,), daemon=True).start()

    def kill_worker(self, noticed: bool) -> None:
        """Kill the first worker; unless it is noticed the server goes on as if it lived."""
        self.unnoticed = self.unnoticed or not noticed
        for pid in children(self.launcher)[:1]:
            os.kill(pid, signal.SIGKILL)

    def watch(self) -> None:
        """Wait for the workers' end, which ends the server, too."""
        while True:
            time.sleep(POLL_S * 5)
            if not self.unnoticed and self.launcher_code() is not None:
                log.console("Worker process has exited, service exit now", "engine.py:301", "ERROR")
                os.kill(os.getpid(), signal.SIGINT)

    def noise(self, active: dict[str, str]) -> None:
        if "noisy_log" in active:
            row = "W" + "0" * 1022 + "\n"
            for _ in range(int(active["noisy_log"])):
                sys.stderr.write(row * 1024)

    def leak(self, active: dict[str, str]) -> None:
        """Leave behind what is to be left behind."""
        if "leak_queue" in active:
            print(f"INFO:     message queue {signals.leak_queue()}", flush=True)
        if "leak_child" in active and not os.fork():
            os.setsid()
            if os.fork():
                os._exit(0)
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_IGN)
            signal.pause()
            time.sleep(3600)

    def end(self, number: int, frame: FrameType | None) -> None:
        """End in order: on SIGTERM, and when a worker has died."""
        print("INFO:     Shutting down", flush=True)
        self.clean()
        os._exit(0)

    def clean(self) -> None:
        """End what was started and remove the shared memory."""
        for pid in (self.launcher, *self.others):
            if pid:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
        if "leak_shm" not in faults.planted():
            signals.clear(self.args.engine_worker_queue_port[0])


def start_in_session(command: list[str], output: str | None = None) -> int:
    """Start a command in a session of its own; return its pid."""
    pid = os.fork()
    if not pid:
        os.setsid()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        if output:
            os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644), 2)
        os.execv(command[0], command)
    return pid


def children(pid: int) -> list[int]:
    """Return the pids of a process's children, in order."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def available(host: str, port: int) -> bool:
    """Return whether a port can be had."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens."""
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((host, port))
    server.listen()
    return server


def free_ports(count: int) -> list[int]:
    """Return ports that are free now."""
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


if __name__ == "__main__":
    sys.exit(ApiServer(sys.argv[1:]).run())
