"""One look at everything that was sent: what Slurm says and what the files say, told on."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from jobs import lifecycle, log_context
from jobs.dispatch.slurm.answers import Seen, Task, array_of
from jobs.dispatch.slurm.site import Site
from jobs.models import Job
from jobs.slurm_models import SlurmTask
from jobs.states import JobState
from simulations.command.context import CANCEL_NAME
from simulations.execution import FAILURE_NAME, RESULT_NAME
from simulations.workdir import CLAIM_NAME, SCRATCH_NAME

from . import files, pending
from .disk import Disk
from .ending import Ending
from .sending import forget

logger = logging.getLogger(__name__)

WORDS = (RESULT_NAME, FAILURE_NAME)
MOST_TOGETHER = 25
"""Jobs whose ends are one transaction: so long nobody else writes to SQLite."""
GRACE_S = 3
"""How long a run that was asked to stop may take to do so by itself."""


class Clock:
    """Since when something is so, for as long as it is asked about."""

    def __init__(self) -> None:
        self._since: dict[tuple[str, int], float] = {}
        self._before = self._since

    def turn(self) -> None:
        """What was not asked about since the last turn is so no longer."""
        self._before, self._since = self._since, {}

    def seconds(self, what: str, task: SlurmTask) -> float:
        now = time.monotonic()
        key = what, task.pk
        self._since[key] = self._since.get(key, self._before.get(key, now))
        return now - self._since[key]


class Look:
    """What is found in one look, and is done at its end for all together.

    :param known: None: Slurm did not answer.
    """

    def __init__(
        self, site: Site, clock: Clock, disk: Disk, known: Mapping[Seen, Task] | None
    ) -> None:
        self._site = site
        self._clock = clock
        self._disk = disk
        self._known = known
        self._ending = Ending(site, disk, self._read)
        self.alive: list[Job] = []
        self.to_end: list[Task] = []
        self.missing: list[SlurmTask] = []
        self.pending: list[tuple[SlurmTask, Task]] = []

    def at(self, tasks: Sequence[SlurmTask]) -> None:
        over = [task for task in tasks if _has_left_word(task)]
        for at in range(0, len(over), MOST_TOGETHER):
            self._take_together(over[at : at + MOST_TOGETHER])
        taken = {task.pk for task in over}
        for task in tasks:
            if task.pk not in taken:
                self.take(task, self._known_of(task))

    def _take_together(self, tasks: Sequence[SlurmTask]) -> None:
        """When hundreds end at once, a commit for each would keep all the others waiting."""
        self._ending.look_at_files(tasks)
        with lifecycle.together():
            for task in tasks:
                # One that fails takes none of the others along.
                self.take(task, self._known_of(task), around=transaction.atomic)

    def _known_of(self, task: SlurmTask) -> Task | None:
        known = self._known or {}
        found = known.get((task.token, task.member))
        return found or known.get((array_of(task.native_id), task.member))

    def take(
        self,
        task: SlurmTask,
        known: Task | None,
        around: Callable[[], AbstractContextManager[Any]] = nullcontext,
    ) -> None:
        """One that cannot be followed keeps none of the others back."""
        with log_context.about(task.job), suppress(lifecycle.IllegalTransition):
            try:
                with around():
                    self._take(task, known)
            except (lifecycle.IllegalTransition, OperationalError, InterfaceError):
                raise
            except Exception:
                logger.exception("job %s cannot be followed; it is looked at again", task.job_id)

    def give_up(self, task: SlurmTask) -> None:
        """Neither Slurm nor its accounting knows it, nor has it left word."""
        with suppress(lifecycle.IllegalTransition):
            missed_s = self._clock.seconds("missing", task)
            if not _is_current(task):
                self._forget_missing(task, missed_s)
            elif task.job.state == JobState.QUEUED:
                self._send_again(task, missed_s)
            elif missed_s > self._site.confirm_s + settings.JOB_UNCONFIRMED_S:
                self._ending.unaccounted(task)
            elif missed_s > self._site.visible_within_s and not task.job.is_unconfirmed:
                evidence = "Slurm knows it no more, and it has left no result yet."
                lifecycle.doubt(task.job, task.attempt, evidence)

    # --- one of them ---

    def _take(self, task: SlurmTask, known: Task | None) -> None:
        if known and known.native_id != task.native_id:
            task.native_id = known.native_id
            task.save(update_fields=["native_id"])
        if not _is_current(task):
            self._dismiss(task, known)
            return
        if task.job.state == JobState.QUEUED and not self._begin(task, known):
            return
        self._follow(task, known)

    def _begin(self, task: SlurmTask, known: Task | None) -> bool:
        """Whether it has begun to run, which is then written down."""
        workdir = task.job.workdir(task.attempt)
        never_ran = known is not None and known.is_pending and not known.restarts
        if never_ran or not ((known and not known.is_pending) or _is_claimed(workdir)):
            if known:
                self.pending.append((task, known))
            elif self._known is not None:
                self.missing.append(task)
            return False
        lifecycle.start(
            task.job,
            task.attempt,
            worker=f"slurm:{task.native_id}",
            host=known.host if known else "",
            pid=None,
            native_id=task.native_id,
        )
        return True

    def _follow(self, task: SlurmTask, known: Task | None) -> None:
        is_news = self._read(task)
        if self._ending.by_its_word(task):
            return
        if task.job.cancel_requested_at:
            self._stop(task, known)
        if known is None:
            if is_news:
                self.alive.append(task.job)
            elif self._known is not None:
                self.missing.append(task)
        elif known.has_ended:
            self._settle(task, known)
        elif known.is_pending or known.restarts:
            self._ending.requeued(task, known)
        else:
            self._hold(task, known)

    def _hold(self, task: SlurmTask, known: Task) -> None:
        self.alive.append(task.job)
        # Who is asked to stop is ended for that, and once: ends of an array are counted.
        if not task.job.cancel_requested_at and self._disk.is_exceeded(task):
            self.to_end.append(known)

    def _read(self, task: SlurmTask) -> bool:
        """Tell what is new in its files; once, whatever happens between."""
        workdir = task.job.workdir(task.attempt)
        points, progress_read = files.points(workdir, task.progress_read)
        text, log_read = files.log(workdir, task.log_read)
        if progress_read == task.progress_read and log_read == task.log_read:
            return False
        with transaction.atomic():
            if points or text:
                lifecycle.progress(task.job, task.attempt, points, text)
            task.progress_read, task.log_read = progress_read, log_read
            task.save(update_fields=["progress_read", "log_read"])
        return True

    def _stop(self, task: SlurmTask, known: Task | None) -> None:
        """By a word first, that it may stop in its own; then by Slurm."""
        try:
            (task.job.workdir(task.attempt) / CANCEL_NAME).touch()
        except OSError as exc:
            # The directory is gone, or the disk is full: Slurm ends it all the same.
            logger.warning("job %s cannot be asked to stop: %s", task.job_id, exc)
        asked_s = self._clock.seconds("cancel", task)
        if known and not known.has_ended and asked_s >= GRACE_S:
            self.to_end.append(known)

    def _settle(self, task: SlurmTask, known: Task) -> None:
        """It is gone. A word of its own may still be on its way to us."""
        ended_s = self._clock.seconds("ended", task)
        if task.job.cancel_requested_at:
            self._ending.cancelled(task)
            return
        self._ending.by_slurm(task, known, wait=ended_s < self._site.visible_within_s)

    def _dismiss(self, task: SlurmTask, known: Task | None) -> None:
        """The job has nothing to do with it any more; it is not forgotten before it is gone."""
        if known and not known.has_ended:
            self.to_end.append(known)
        elif known:
            self._forget(task)
        elif self._known is not None:
            self.missing.append(task)

    def _forget_missing(self, task: SlurmTask, missed_s: float) -> None:
        if task.native_id or missed_s > self._site.confirm_s:
            self._forget(task)

    def _send_again(self, task: SlurmTask, missed_s: float) -> None:
        """Should the first come after all, one of the two finds the claim of the other."""
        sent_s = (timezone.now() - task.sent_at).total_seconds()
        if min(sent_s, missed_s) > self._site.confirm_s:
            logger.warning("Slurm knows nothing of %s; it is sent again", task)
            self._forget(task)

    def _forget(self, task: SlurmTask) -> None:
        scratch = task.job.workdir(task.attempt) / SCRATCH_NAME
        shutil.rmtree(scratch, ignore_errors=True)
        task.delete()
        forget(task.token)


class Told:
    """What each was last said to wait for."""

    def __init__(self) -> None:
        self._before: dict[int, Task] = {}

    def tell(self, found: Sequence[tuple[SlurmTask, Task]]) -> None:
        texts: dict[str, list[Job]] = {}
        told = {}
        for task, known in found:
            before = self._before.get(task.pk)
            told[task.pk] = before or known
            if pending.is_news(known, before):
                told[task.pk] = known
                texts.setdefault(pending.text(known), []).append(task.job)
        self._before = told
        for text, jobs in texts.items():
            lifecycle.tell_pending([job.pk for job in jobs], text)


def _is_current(task: SlurmTask) -> bool:
    return not task.job.is_final and task.job.attempt == task.attempt


def _has_left_word(task: SlurmTask) -> bool:
    """Not of one whose directory cannot be looked into; that is told when it is taken by itself."""
    workdir = task.job.workdir(task.attempt)
    try:
        return _is_current(task) and any((workdir / name).exists() for name in WORDS)
    except OSError:
        return False


def _is_claimed(workdir: Path) -> bool:
    return (workdir / CLAIM_NAME).exists()
