"""The RQ backend: a worker on this or another host draws a ticket from a Redis queue, one of those
that it serves.

A ticket bears the name of the attempt that it was made for, but entitles to no more than a turn:
the worker that draws it takes the job that is next by then (`jobs.turns`). One too many is drawn in
vain, and costs nothing.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import django_rq
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue as Tickets
from rq.exceptions import DuplicateJobError, NoSuchJobError
from rq.intermediate_queue import IntermediateQueue
from rq.job import Job as Ticket
from rq.registry import ScheduledJobRegistry

from jobs import fleet
from jobs.line import pause_of

from .base import Unreachable
from .tickets import Writer

if TYPE_CHECKING:
    from jobs.models import Job

RUN_JOB = "jobs.worker.run_job"
NO_TIMEOUT = -1
"""Our own limits are held by the worker's parent; RQ's 180 s default would kill."""
IN_ALL: dict[str, Any] = {
    "result_ttl": 60,
    "failure_ttl": 3600,
    "description": "one turn at the queue",
}
"""What all tickets have in common."""
ENOUGH = 500
"""Tickets on the queue at once: workers draw fewer than that until the reconciler looks again, and
the database knows all the jobs that they are for."""
LIMBO_S = 30
"""How long a worker may take from drawing a ticket to starting a job."""


class RQBackend:
    def __init__(self) -> None:
        self._in_limbo_since: dict[str, dict[str, float]] = {}

    def submit(self, job: Job, *, again: bool = False) -> None:
        ticket = _ticket(job)
        if again:
            ticket["job_id"] += f"-{secrets.token_hex(4)}"
        with _reachable():
            queue = _queue(job.queue)
            if until := pause_of(job):
                ticket |= {"unique": True, "job_timeout": NO_TIMEOUT}
                with suppress(DuplicateJobError):
                    queue.enqueue_at(until, RUN_JOB, **ticket)
            else:
                writer = _writer(queue.name, queue.connection)
                writer.put(ticket["job_id"], ticket["args"])

    def submit_all(self, jobs: Sequence[Job]) -> None:
        with _reachable():
            for name, some in _by_queue(jobs).items():
                queue = _queue(name)
                told = [_ticket(job) for job in some[:ENOUGH]]
                writer = _writer(queue.name, queue.connection)
                writer.put_all({ticket["job_id"]: ticket["args"] for ticket in told})

    def withdraw(self, job: Job) -> None:
        with _reachable():
            queue = _queue(job.queue)
            waits = queue.remove(job.run_id)
            waits += queue.connection.zrem(ScheduledJobRegistry(queue=queue).key, job.run_id)
            if waits:  # and is not the turn of another job that runs on it
                with suppress(NoSuchJobError):
                    Ticket.fetch(
                        job.run_id, connection=queue.connection, serializer=queue.serializer
                    ).delete()

    def withdraw_all(self, jobs: Sequence[Job]) -> None:
        with _reachable():
            for name, some in _by_queue(jobs).items():
                queue = _queue(name)
                known = {*queue.get_job_ids(), *ScheduledJobRegistry(queue=queue).get_job_ids()}
                _withdraw(queue, [job.run_id for job in some if job.run_id in known])

    def lacking(self, n_startable: int, queue: str) -> int:
        with _reachable():
            return self._lacking(n_startable, _queue(queue))

    def _lacking(self, n_startable: int, queue: Tickets) -> int:
        # Read in the order in which tickets move, so that none slips past between two reads.
        waiting = set(ScheduledJobRegistry(queue=queue).get_jobs_to_schedule())
        waiting |= set(queue.get_job_ids())
        waiting |= self._being_drawn(queue)
        return max(min(n_startable, ENOUGH) - len(waiting), 0)

    def _being_drawn(self, queue: Tickets) -> set[str]:
        """Drawn by a worker a moment ago; after a while that worker must be dead."""
        drawn = set(IntermediateQueue(queue.key, queue.connection).get_job_ids())
        now = time.monotonic()
        since = self._in_limbo_since.get(queue.name, {})
        since = {ticket: since.get(ticket, now) for ticket in sorted(drawn)}
        self._in_limbo_since[queue.name] = since
        return {ticket for ticket, at in since.items() if now - at < LIMBO_S}


def _ticket(job: Job) -> dict[str, Any]:
    return {
        "args": (str(job.pk), job.attempt),
        "job_id": job.run_id,
        **IN_ALL,
    }


def _withdraw(queue: Tickets, tickets: Sequence[str]) -> None:
    """Take them out, and delete those that were there: the others may be another job's turn."""
    scheduled = ScheduledJobRegistry(queue=queue).key
    with queue.connection.pipeline(transaction=False) as pipe:
        for ticket in tickets:
            pipe.lrem(queue.key, 1, ticket)
            pipe.zrem(scheduled, ticket)
        removed = pipe.execute()
    waited = [
        ticket
        for ticket, in_line, later in zip(tickets, removed[::2], removed[1::2], strict=True)
        if in_line or later
    ]
    if waited:
        queue.connection.delete(*(Ticket.key_for(ticket) for ticket in waited))


def _by_queue(jobs: Sequence[Job]) -> dict[str, list[Job]]:
    found: dict[str, list[Job]] = {}
    for job in jobs:
        found.setdefault(job.queue, []).append(job)
    return found


def _queue(name: str) -> Tickets:
    return _made(fleet.in_redis(name), fleet.redis())


@lru_cache(maxsize=100)
def _made(name: str, connection: Redis) -> Tickets:
    # "auto": the lifecycle already waits for the commit, and must see a refusal here and now.
    return django_rq.get_queue(name, commit_mode="auto", connection=connection)


@lru_cache(maxsize=100)
def _writer(name: str, connection: Redis) -> Writer:
    return Writer(_made(name, connection), RUN_JOB, timeout=NO_TIMEOUT, **IN_ALL)


@contextmanager
def _reachable() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError) as exc:
        raise Unreachable(f"Redis did not answer: {exc}") from exc
