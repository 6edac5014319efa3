"""What the earlier attempts of a job left, laid out for the next one to go on from."""

from __future__ import annotations

import os
from pathlib import Path

from jobs import heritage, keeping
from jobs.models import Job
from simulations.workdir import PREVIOUS_NAME


def left_behind(job: Job, attempt: int) -> Path | None:
    """One directory with the newest version of every file that an earlier attempt wrote.

    An attempt that was stopped before it wrote anything must not hide the checkpoint of the one
    before it.
    """
    keeping.fetch(job, attempt)
    earlier = heritage.directories(job, attempt)
    if not earlier:
        return None
    view = job.workdir(attempt) / PREVIOUS_NAME
    for directory in earlier:
        for path in heritage.files(directory):
            target = view / path.relative_to(directory)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            # A link costs nothing, however large the checkpoint.
            os.link(path, target)
    return view
