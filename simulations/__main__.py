"""Run one simulation in a directory, with no Django: what a cluster node or a debugger executes.

    python -m simulations demo.sum_squares /scratch/job-42

Reads params.json there; appends progress.jsonl and job.log; writes artifacts.json and then
result.json or error.json. A file named `cancel` there asks it to stop at its next report.
Exit status: 0 succeeded, 1 failed, 130 cancelled.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, TextIO

from .errors import Cancelled, InvalidParams, ScienceError
from .registry import get
from .workdir import Manifest, write_json


class DirectoryContext:
    """A `Context` whose every word is a line in a file of its directory."""

    def __init__(self, workdir: Path, log: TextIO, previous: Path | None = None) -> None:
        self.workdir = workdir
        self.previous = previous
        self.threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
        self.log = log
        self._manifest = Manifest(workdir)

    def report(
        self, fraction: float, message: str = "", *, stage: str = "", **metrics: float
    ) -> None:
        point = {"fraction": fraction, "message": message, "stage": stage, **metrics}
        with (self.workdir / "progress.jsonl").open("a") as stream:
            stream.write(json.dumps(point) + "\n")
        if (self.workdir / "cancel").exists():
            raise Cancelled

    def artifact(self, name: str, title: str, media_type: str = "text/plain") -> None:
        self._manifest.add(name, title, media_type)


def main(name: str, directory: str) -> int:
    workdir = Path(directory)
    params = json.loads((workdir / "params.json").read_text())
    with (workdir / "job.log").open("a") as log:
        try:
            result = get(name).run(params, DirectoryContext(workdir, log))
        except Cancelled:
            return 130
        except Exception as exc:
            write_json(workdir / "error.json", describe(exc))
            return 1
    write_json(workdir / "result.json", result)
    return 0


def describe(exc: Exception) -> dict[str, Any]:
    """What went wrong, as JSON, with the kind of failure that it is."""
    if isinstance(exc, InvalidParams):
        return {"kind": "input", "errors": [error.as_dict() for error in exc.errors]}
    kind = "science" if isinstance(exc, ScienceError) else "internal"
    told: dict[str, Any] = {"kind": kind, "detail": str(exc) or repr(exc)}
    if isinstance(exc, ScienceError):
        told |= {"hints": [*exc.hints], "fix": exc.fix}
    return told


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python -m simulations NAME DIR")
    sys.exit(main(*sys.argv[1:]))
