"""
A worker: says how it loads, then tells that it lives, ten times a second.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time

from fastdeploy import faults, log, signals

HEARTBEAT_S = 0.1
TRACEBACK = """Traceback (most recent call last):
  File "fastdeploy/worker/worker_process.py", line 1254, in <module>
    run_worker_proc()
  File "fastdeploy/worker/worker_process.py", line 1231, in run_worker_proc
    worker_proc.load_model()
"""
CAUSES = {
    "out_of_memory": "MemoryError: (ResourceExhausted) \n\nOut of memory error on GPU 0. Cannot"
    " allocate 9.500000GB memory on GPU 0, 78.320000GB memory has been allocated and available"
    " memory is only 830.562500MB.",
    "missing_libgomp": "ImportError: libgomp.so.1: cannot open shared object file: No such file or"
    " directory",
    "missing_package": "ModuleNotFoundError: No module named 'paddlenlp_ops'",
    "hostname": "socket.gaierror: [Errno -2] Name or service not known",
    "nccl": "OSError: (External) NCCL error(2), unhandled system error.",
    "no_device": "ValueError: The device should not be 'gpu', since PaddlePaddle is not compiled"
    " with CUDA or no GPU card is found",
    "driver_too_old": "OSError: (External) CUDA error(35), CUDA driver version is insufficient for"
    " CUDA runtime version.",
    "corrupt_weights": "safetensors_rust.SafetensorError: Error while deserializing header:"
    " MetadataIncompleteBuffer",
    "disk_full": "OSError: [Errno 28] No space left on device",
    "no_kernel": "NotImplementedError: This quantization isn't supported on this device: no kernel"
    " of moe_expert_ffn is registered",
    "queue_limit": "RuntimeError: msgget failed: No space left on device (the limit of System V"
    " message queues is reached)",
    "version_mismatch": "AttributeError: module 'paddle.incubate.nn.functional' has no attribute"
    " 'swiglu'",
}
"""What a worker may die of, and its last words."""
FAULTS = (*CAUSES, "killed_loading", "crashes_loading", "hang_loading", "dies_profiling")


def argument(name: str, otherwise: str) -> str:
    """Return an argument's value."""
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else otherwise


def say(words: str, source: str = "worker_process.py:1120") -> None:
    """Write to worker_process.log, as FastDeploy's workers do."""
    log.to_file("worker_process.log", log.line("INFO", source, words))


def describe(quantization: dict[str, object] | None, own: dict[str, object] | None) -> None:
    """Say how the weights are quantized; of what a flag asks FastDeploy only says that it does."""
    say("===========quantization_config==============")
    if own is None and quantization is None:
        say("No quantization config found and use original weight and act dtype.")
        return
    status = "Original (will apply online quantization)"
    if own is not None:
        status = "Offline Quantized (pre-quantized weights loaded)"
    say(f"Model Status: {status}")
    say(f"{own}")


def fail(active: dict[str, str], rank: int, port: str) -> None:
    """Die or hang, if this worker is to."""
    for name in FAULTS:
        if name not in active or int(active[name] or 0) != rank:
            continue
        if name in CAUSES:
            print(TRACEBACK + CAUSES[name], file=sys.stderr, flush=True)
            os._exit(1)
        if name in ("killed_loading", "crashes_loading"):
            os.kill(os.getpid(), signal.SIGKILL if name == "killed_loading" else signal.SIGSEGV)
        if name == "hang_loading":
            while True:
                signal.pause()
        if name == "dies_profiling":
            signals.tell("loaded_model_signal", port, rank)
            print("W0101 profiling the memory for KV cache", flush=True)
            os._exit(1)


def main() -> None:
    """Load, then live."""
    rank = int(os.environ["PADDLE_TRAINER_ID"])
    port = argument("--engine_pid", "0")
    active = faults.planted()
    if "deaf" in active:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with open(os.path.join(argument("--model", "."), "config.json"), encoding="utf-8") as config:
        own = json.load(config).get("quantization_config")
    describe(json.loads(argument("--quantization", "null")), own)
    if "says" in active:
        print(active["says"], flush=True)
    load_s = faults.seconds(active, "load_s", 0.1)
    for percent in (0, 50):
        print(f"Loading checkpoint shards: {percent}%", flush=True)
        time.sleep(load_s / 2)
        if percent == 0:
            fail(active, rank, port)
    print("Loading checkpoint shards: 100%", flush=True)
    signals.tell("loaded_model_signal", port, rank)
    signals.tell("worker_ready_signal", port, rank)
    while True:
        signals.tell("worker_healthy_live_signal", port, rank)
        time.sleep(HEARTBEAT_S)


main()
