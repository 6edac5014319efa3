"""The RQ backend: a worker on this or another host takes the job's id from a Redis queue."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import django_rq
from django.utils import timezone
from redis.exceptions import RedisError
from rq import Queue
from rq.exceptions import DuplicateJobError, NoSuchJobError
from rq.intermediate_queue import IntermediateQueue
from rq.job import Job as Message
from rq.registry import ScheduledJobRegistry, StartedJobRegistry

from .base import Unreachable

if TYPE_CHECKING:
    from jobs.models import Job

QUEUE = "default"
RUN_JOB = "jobs.worker.run_job"
LIMBO_S = 30
"""How long a worker may take from fetching a message to starting its job."""


class RQBackend:
    def __init__(self) -> None:
        self._in_limbo_since: dict[str, float] = {}

    def submit(self, job: Job) -> None:
        message: dict[str, Any] = {
            "args": (str(job.pk), job.attempt),
            "job_id": job.run_id,
            "unique": True,
            # Our own limits are held by the worker's parent; RQ's 180 s default would kill.
            "job_timeout": -1,
            "result_ttl": 60,
            "failure_ttl": 3600,
            "description": f"{job.simulation} {job.run_id}",
        }
        with _reachable(), suppress(DuplicateJobError):
            if job.not_before and job.not_before > timezone.now():
                _queue().enqueue_at(job.not_before, RUN_JOB, **message)
            else:
                _queue().enqueue(RUN_JOB, **message)

    def withdraw(self, job: Job) -> None:
        with _reachable(), suppress(NoSuchJobError):
            Message.fetch(job.run_id, connection=_queue().connection).delete()

    def missing(self, jobs: Sequence[Job]) -> list[Job]:
        with _reachable():
            queue = _queue()
            # Read in the order in which messages move, so that none slips past between two reads.
            waiting = set(ScheduledJobRegistry(queue=queue).get_job_ids())
            waiting |= set(queue.get_job_ids())
            fetched = set(IntermediateQueue(queue.key, queue.connection).get_job_ids())
            fetched |= set(StartedJobRegistry(queue=queue).get_job_ids(cleanup=False))
            lost = [
                job
                for job in jobs
                if job.run_id not in waiting and not self._is_starting(job.run_id, fetched)
            ]
            for job in lost:
                # Its message is nowhere that a worker looks; the rest would block a new one.
                with suppress(NoSuchJobError):
                    Message.fetch(job.run_id, connection=queue.connection).delete()
        return lost

    def _is_starting(self, run_id: str, fetched: set[str]) -> bool:
        """Fetched by a worker a moment ago; after a while that worker must be dead."""
        if run_id not in fetched:
            self._in_limbo_since.pop(run_id, None)
            return False
        since = self._in_limbo_since.setdefault(run_id, time.monotonic())
        return time.monotonic() - since < LIMBO_S


def _queue() -> Queue:
    # "auto": the lifecycle already waits for the commit, and must see a refusal here and now.
    return django_rq.get_queue(QUEUE, commit_mode="auto")


@contextmanager
def _reachable() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError) as exc:
        raise Unreachable(f"Redis did not answer: {exc}") from exc
