"""What may start is sent to Slurm: jobs that ask for the same as one array."""

from __future__ import annotations

import logging
import shutil
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef

from jobs import lifecycle, maintenance, spending, turns
from jobs.dispatch.slurm import commands, script
from jobs.dispatch.slurm.answers import OURS
from jobs.dispatch.slurm.commands import Refused
from jobs.dispatch.slurm.site import Site
from jobs.key_models import ApiKey
from jobs.line import NEXT_FIRST
from jobs.models import Job
from jobs.references import texts
from jobs.slurm_models import SlurmTask
from jobs.states import JobState
from jobs.worker.inheritance import left_behind
from simulations.command.node import PARAMS_NAME
from simulations.workdir import SIMULATION_NAME, write_json

logger = logging.getLogger(__name__)

BACKEND = "slurm"
AGAIN_AFTER_S = 60
"""What Slurm does not take is offered again after that."""


class Sender:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._refused_at: dict[tuple[str, ...], float] = {}

    def look(self) -> None:
        """:raises Unreachable: Slurm did not answer, or not in time."""
        if maintenance.is_on():
            return
        alike: dict[tuple[str, ...], list[Job]] = {}
        for job in _unsent(self._site.longest_array):
            options = self._site.resources(job.simulation).options(job.budget)
            alike.setdefault(options, []).append(job)
        for options, jobs in alike.items():
            if time.monotonic() - self._refused_at.get(options, float("-inf")) > AGAIN_AFTER_S:
                self._send(options, jobs)

    def _send(self, options: tuple[str, ...], jobs: Sequence[Job]) -> None:
        ready = [job for job in jobs if _has_its_files(job)]
        if not ready:
            return
        token = f"{OURS}{uuid.uuid4().hex}"
        bundle = bundle_of(token)
        if not _is_laid_out(bundle, ready):
            return
        tasks = _written_down(token, ready)
        argv = script.argv(
            self._site, options=options, token=token, bundle=bundle, n_members=len(ready)
        )
        try:
            native_id = commands.sbatch(argv, script.text(self._site, bundle))
        except Refused as exc:
            self._refused_at[options] = time.monotonic()
            _take_back(token, ready, str(exc))
            return
        logger.info("%d jobs are sent to Slurm as %s", len(ready), native_id)
        for task in tasks:
            task.native_id = f"{native_id}_{task.member}" if len(tasks) > 1 else native_id
        SlurmTask.objects.bulk_update(tasks, ["native_id"], batch_size=200)


def bundle_of(token: str) -> Path:
    """The directory of what was sent together."""
    return Path(settings.VAR_DIR) / "slurm" / token


def forget(token: str) -> None:
    """Slurm has nothing more to do with what was sent under it."""
    if not SlurmTask.objects.filter(token=token).exists():
        shutil.rmtree(bundle_of(token), ignore_errors=True)


def _written_down(token: str, jobs: Sequence[Job]) -> list[SlurmTask]:
    """Before Slurm is told: so that nothing that it accepted is unknown."""
    with transaction.atomic():
        return SlurmTask.objects.bulk_create(
            [
                SlurmTask(job=job, attempt=job.attempt, token=token, member=member)
                for member, job in enumerate(jobs)
            ],
            batch_size=200,
        )


def _take_back(token: str, jobs: Sequence[Job], why: str) -> None:
    logger.warning("Slurm does not take %d jobs: %s", len(jobs), why)
    SlurmTask.objects.filter(token=token).delete()
    forget(token)
    text = f"Slurm does not take it, and is asked again every minute: {why}"
    lifecycle.tell_pending([job.pk for job in jobs], text)


def _has_its_files(job: Job) -> bool:
    """All that a node needs is in its directory."""
    workdir = job.workdir(job.attempt)
    try:
        workdir.mkdir(mode=0o700, parents=True, exist_ok=True)
        left_behind(job, job.attempt)
        (workdir / SIMULATION_NAME).write_text(job.simulation)
        write_json(workdir / PARAMS_NAME, texts(job.params))
    except OSError:
        logger.exception("job %s waits: its directory cannot be written", job.pk)
        return False
    return True


def _is_laid_out(bundle: Path, jobs: Sequence[Job]) -> bool:
    """Where each member finds its directory."""
    members = "".join(f"{job.workdir(job.attempt)}\n" for job in jobs)
    try:
        bundle.mkdir(mode=0o700, parents=True)
        (bundle / script.MEMBERS_NAME).write_text(members)
    except OSError:
        logger.exception("%d jobs wait: %s cannot be written", len(jobs), bundle)
        shutil.rmtree(bundle, ignore_errors=True)
        return False
    return True


def _unsent(limit: int) -> list[Job]:
    """Those that may start, as many as their owner and their key allow, the most urgent first."""
    sent = SlurmTask.objects.filter(job=OuterRef("pk"), attempt=OuterRef("attempt"))
    line = turns.waiting(BACKEND).filter(~Exists(sent)).order_by(*NEXT_FIRST)
    return turns.with_room(line, limit, of_owner=_room_of, of_key=_room_of_key)


def _room_of(owner_id: int) -> int:
    of_owner = turns.n_running(owner_id) + _n_sent_and_waiting(owner=owner_id)
    return turns.max_running_of(owner_id) - of_owner


def _room_of_key(key_id: Any) -> int:
    key = ApiKey.objects.filter(pk=key_id).first() if key_id else None
    room = spending.room(key) if key else None
    return turns.UNLIMITED if room is None else room - _n_sent_and_waiting(key=key)


def _n_sent_and_waiting(**whose: Any) -> int:
    """What Slurm has of theirs, and may start at any time."""
    sent = SlurmTask.objects.filter(job=OuterRef("pk"), attempt=OuterRef("attempt"))
    queued = Job.objects.unfinished(JobState.QUEUED).filter(Exists(sent), backend=BACKEND, **whose)
    return queued.count()
