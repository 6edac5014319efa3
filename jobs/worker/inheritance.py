"""What the earlier attempts of a job left for the next one to go on from."""

from __future__ import annotations

import os
from pathlib import Path

from jobs.models import Job

VIEW_NAME = ".previous"


def left_behind(job: Job, attempt: int) -> Path | None:
    """One directory with the newest version of every file that an earlier attempt wrote.

    An attempt that was stopped before it wrote anything must not hide the checkpoint of the one
    before it.
    """
    earlier = [job.workdir(number) for number in range(1, attempt)]
    earlier = [directory for directory in earlier if directory.is_dir()]
    if not earlier:
        return None
    view = job.workdir(attempt) / VIEW_NAME
    for directory in earlier:
        for path in _files(directory):
            target = view / path.relative_to(directory)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            # A link costs nothing, however large the checkpoint.
            os.link(path, target)
    return view


def _files(directory: Path) -> list[Path]:
    return [
        path
        for path in directory.rglob("*")
        if path.is_file()
        and not path.is_symlink()
        and VIEW_NAME not in path.relative_to(directory).parts
    ]
