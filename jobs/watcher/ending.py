"""Tells the lifecycle how an attempt on a cluster ended, with the files that it left."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from django.utils import timezone

from jobs import artifacts, lifecycle, rows
from jobs.artifacts import FileOnDisk
from jobs.dispatch.slurm import commands, script
from jobs.dispatch.slurm.answers import Task
from jobs.dispatch.slurm.site import Site
from jobs.slurm_models import SlurmTask
from jobs.states import FailureKind
from simulations.workdir import CLAIM_NAME, OUTPUT_NAME

from . import files
from .disk import Disk
from .judging import Finding, judge
from .sending import bundle_of


class Ending:
    """
    :param read: tells what is new in the files of a run, and whether anything was.
    """

    def __init__(self, site: Site, disk: Disk, read: Callable[[SlurmTask], bool]) -> None:
        self._site = site
        self._disk = disk
        self._read = read
        self._left: dict[int, list[FileOnDisk]] = {}
        # One node may have failed many: it is asked for once a look.
        self._reason_of = cache(commands.sinfo)

    def look_at_files(self, tasks: Sequence[SlurmTask]) -> None:
        """Of runs that are over: their checksums are not taken while the database waits."""
        self._left = {}
        for task in tasks:
            # What cannot be read is told when that one is taken.
            with suppress(OSError):
                self._left[task.pk] = artifacts.collect(_workdir(task))

    def _files(self, task: SlurmTask) -> list[FileOnDisk]:
        known = self._left.get(task.pk)
        return artifacts.collect(_workdir(task)) if known is None else known

    def by_its_word(self, task: SlurmTask, *, patient: bool = True) -> bool:
        """Whether it has left its result, or why it failed."""
        workdir = _workdir(task)
        outcome = files.outcome(workdir, patient=patient)
        failed = None if outcome else files.failure(workdir)
        if outcome or failed:
            self._read_rest(task)
        if outcome:
            lifecycle.succeed(
                task.job,
                task.attempt,
                outcome.result,
                self._files(task),
                summary=outcome.summary,
                methods=outcome.methods,
            )
            return True
        if failed:
            self._failed(task, *failed)
            return True
        return False

    def _read_rest(self, task: SlurmTask) -> None:
        """What it reported between our last look and its word, which comes last."""
        while self._read(task):
            pass

    def by_slurm(self, task: SlurmTask, known: Task, *, wait: bool) -> None:
        """:param wait: for a word of its own, where that may still come."""
        found = judge(
            known,
            task.job.budget,
            ran_s=self._ran_s(task) if known.ran_s is None else known.ran_s,
            cut_short=self._site.resources(task.job.simulation).cuts_short(task.job.budget),
            words=files.output(bundle_of(task.token) / script.WORDS.format(task.member)),
            node=self._trouble_of_node(task, known),
            written_mib=self._disk.written_mib(task) if known.state == "CANCELLED" else 0,
        )
        if found.may_come and wait:
            return
        if self.by_its_word(task, patient=False):
            return
        if found.kind is None:
            self.cancelled(task, found.evidence, found.details)
        else:
            self._lost(task, found, found.kind)

    def _trouble_of_node(self, task: SlurmTask, known: Task) -> str:
        """:raises Unreachable: Slurm does not answer just now, and nothing is to be judged."""
        never_ran = known.state == "CANCELLED" and not (_workdir(task) / CLAIM_NAME).exists()
        return self._reason_of(known.host) if never_ran and known.host else ""

    def cancelled(
        self, task: SlurmTask, evidence: str = "", details: Mapping[str, Any] | None = None
    ) -> None:
        left = self._files(task)
        lifecycle.cancel(task.job, task.attempt, left, evidence, details or {})

    def requeued(self, task: SlurmTask, known: Task) -> None:
        """Whatever Slurm starts of it again runs nothing: the next attempt goes on."""
        details = {"slurm_job": known.native_id, "slurm_restarts": known.restarts}
        evidence = "Slurm took it from its node, and put it back into its own queue."
        found = Finding(kind=FailureKind.INFRASTRUCTURE, evidence=evidence, details=details)
        self._lost(task, found, FailureKind.INFRASTRUCTURE)

    def unaccounted(self, task: SlurmTask) -> None:
        """It is not in Slurm any more; whatever file of it has not come by now does not come."""
        if not self.by_its_word(task, patient=False):
            self.lost(task)

    def lost(self, task: SlurmTask) -> None:
        evidence = "Slurm knows it no more, and it has left no result."
        details = {"slurm_job": task.native_id}
        found = Finding(kind=FailureKind.LOST, evidence=evidence, details=details)
        self._lost(task, found, FailureKind.LOST)

    def _failed(self, task: SlurmTask, told: dict[str, Any], trace: str) -> None:
        kind = FailureKind(told["kind"])
        error = {name: value for name, value in told.items() if name != "kind"}
        left = self._files(task)
        if kind is FailureKind.MEMORY:
            # May go better with more of it, if its owner said so.
            detail = str(error.get("detail", ""))
            lifecycle.lose(task.job, task.attempt, detail, kind=kind, files=left, error=error)
        else:
            lifecycle.fail(task.job, task.attempt, kind, error, left, traceback=trace)

    def _lost(self, task: SlurmTask, found: Finding, kind: FailureKind) -> None:
        details = dict(found.details)
        if printed := files.output(_workdir(task) / OUTPUT_NAME):
            details["output"] = printed
        lifecycle.lose(
            task.job,
            task.attempt,
            found.evidence,
            kind=kind,
            files=self._files(task),
            error=found.error,
            details=details,
        )

    def _ran_s(self, task: SlurmTask) -> float:
        begun = rows.of_attempt(task.job, task.attempt)
        return (timezone.now() - begun.started_at).total_seconds() if begun else 0.0


def _workdir(task: SlurmTask) -> Path:
    return task.job.workdir(task.attempt)
