"""A run in a directory: its context, and the signals that end it."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

from simulations.errors import Cancelled
from simulations.workdir import PREVIOUS_NAME, Manifest

LOG_NAME = "job.log"
PROGRESS_NAME = "progress.jsonl"
CANCEL_NAME = "cancel"
THREADS = "OMP_NUM_THREADS"
GPUS = "CUDA_VISIBLE_DEVICES"
"""What a scheduler says that this run may use, or a person."""
NO_GPUS = {"", "-1", "NoDevFiles"}

MEMORY = "SLURM_MEM_PER_NODE"
"""What Slurm gives a job on a node, in MiB; it ends one that takes more."""

Tell = Callable[[dict[str, Any]], None]


class DirectoryContext:
    """A `Context` whose every word is a line in a file of its directory."""

    def __init__(self, workdir: Path, log: TextIO, tell: Tell = lambda point: None) -> None:
        """:param tell: also called with each reported point."""
        self.workdir = workdir
        previous = workdir / PREVIOUS_NAME
        self.previous = previous if previous.is_dir() else None
        self.threads = int(os.environ.get(THREADS, "1"))
        self.memory_mib = _memory_mib()
        self.gpu = os.environ.get(GPUS, "") not in NO_GPUS
        self.log = log
        self._tell = tell
        self._manifest = Manifest(workdir)

    def report(
        self, fraction: float, message: str = "", *, stage: str = "", **metrics: float
    ) -> None:
        point = {"fraction": fraction, "message": message, "stage": stage, **metrics}
        with (self.workdir / PROGRESS_NAME).open("a") as stream:
            stream.write(json.dumps(point, default=float) + "\n")
        self._tell(point)
        if (self.workdir / CANCEL_NAME).exists():
            raise Cancelled

    def artifact(self, name: str, title: str, media_type: str = "text/plain") -> None:
        self._manifest.add(name, title, media_type)


@contextmanager
def context_in(workdir: Path, tell: Tell = lambda point: None) -> Iterator[DirectoryContext]:
    """The context of a run in `workdir`, which Ctrl-C and SIGTERM end as a cancel does."""

    def cancel(number: int, frame: FrameType | None) -> None:
        raise Cancelled

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, cancel) for number in numbers]
    try:
        with (workdir / LOG_NAME).open("a", buffering=1) as log:
            yield DirectoryContext(workdir, log, tell)
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _memory_mib() -> int | None:
    given = os.environ.get(MEMORY, "")
    return int(given) if given.isdecimal() and int(given) else None
