"""Slurm's four commands, played; and what a run would leave in its directory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from jobs.dispatch import Unreachable
from jobs.dispatch.slurm.answers import Seen, Task
from jobs.dispatch.slurm.commands import Refused
from jobs.models import Job, SlurmTask

Submit = Callable[..., Job]
POINT = {"fraction": 0.5, "message": "half", "stage": "scf", "energy_hartree": -1.0}


@dataclass
class Cluster:
    """What Slurm would know and say."""

    tasks: dict[Seen, Task] = field(default_factory=dict)
    sent: list[Sequence[str]] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    accounting: dict[str, Task] | None = None
    asked: int = 0
    refusal: str = ""
    loses: str = ""
    """`reply` after it was accepted, or `request` before."""
    is_away: bool = False
    accounting_is_away: bool = False
    node_reason: str = "none"

    def sbatch(self, argv: Sequence[str], script: str) -> str:
        self.sent.append(argv)
        if self.refusal:
            raise Refused(self.refusal)
        if self.loses == "request":
            raise Unreachable("Socket timed out")
        number = str(len(self.sent))
        token = next(word for word in argv if word.startswith("--comment=")).partition("=")[2]
        array = next((word for word in argv if word.startswith("--array=")), "")
        n = int(array.rpartition("-")[2]) + 1 if array else 1
        for member in range(n):
            native_id = f"{number}_{member}" if array else number
            self.tasks[token, member] = Task(native_id=native_id, state="PENDING")
        if self.loses == "reply":
            raise Unreachable("Socket timed out")
        return number

    def squeue(self) -> dict[Seen, Task]:
        self.asked += 1
        if self.is_away:
            raise Unreachable("Unable to contact slurm controller")
        return dict(self.tasks)

    def scancel(self, native_ids: Iterable[str]) -> None:
        self.ended += native_ids

    def sacct(self, native_ids: Iterable[str]) -> dict[str, Task] | None:
        if self.accounting_is_away:
            raise Unreachable("Problem talking to the database: Connection refused")
        return self.accounting

    def sinfo(self, host: str) -> str:
        return self.node_reason

    def say(self, job: Job, state: str, **more: Any) -> None:
        """Of its current attempt."""
        task = SlurmTask.objects.get(job=job, attempt=job.attempt)
        key = task.token, task.member
        self.tasks[key] = replace(self.tasks[key], state=state, host="n1", **more)

    def forget(self) -> None:
        self.tasks.clear()


def now(job: Job) -> Job:
    job.refresh_from_db()
    return job


def workdir(job: Job) -> Path:
    return job.workdir(job.attempt)


def report(job: Job, *points: dict[str, Any]) -> None:
    with (workdir(job) / "progress.jsonl").open("a") as stream:
        stream.writelines(f"{json.dumps(point)}\n" for point in points)


def leave(job: Job, **files: Any) -> None:
    for name, content in files.items():
        (workdir(job) / f"{name}.json").write_text(json.dumps(content))
