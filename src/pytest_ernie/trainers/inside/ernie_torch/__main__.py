"""
``python -m ernie_torch JOB``: train by the job in that file, in as many processes as it asks for.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from .job import Job, JobError, read_job


def main(arguments: list[str]) -> int:
    """Return the exit code: 0 if every step was taken, 2 if the job can't be run."""
    try:
        job = read_job(Path(arguments[0]).read_text(encoding="utf-8"))
        _run(job)
    except (JobError, ValueError) as problem:
        sys.stdout.write(f"ernie_torch: {problem}\n")
        return 2
    return 0


def _run(job: Job) -> None:
    from .run import train

    if job.processes == 1:
        train(0, job, "")
        return
    from torch import multiprocessing

    with tempfile.TemporaryDirectory() as folder:
        # If one ends badly the others are ended, too, and its traceback is raised.
        multiprocessing.spawn(
            train, args=(job, f"{folder}/rendezvous"), nprocs=job.processes, join=True
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
