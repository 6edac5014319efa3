"""The worker process: RQ's, with the mends that keep a job from hanging, doubling or vanishing.

- JSON on the queue, whatever the command line says.
- The work-horse dies with its worker (RQ leaves it running as an orphan).
- A warden in the worker, not in the engine's process, extends the job's lease, obeys a cancel
  within two seconds and holds the wall-time limit; engines keep the GIL to themselves.
- How a work-horse ended is written to the database before Redis is asked anything.
- Redis that is away for a while does not end a running job.
"""

from __future__ import annotations

import logging
import os
import signal
from contextlib import suppress
from typing import Any

from django.db import DatabaseError, connections
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.job import Job as Message

import simulations
from jobs.models import Job

from .host import die_with_parent
from .warden import Warden

logger = logging.getLogger(__name__)


class JobWorker(Worker):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["serializer"] = "rq.serializers.JSONSerializer"
        super().__init__(*args, **kwargs)
        self._warden: Warden | None = None

    def execute_job(self, job: Message, queue: Queue) -> None:
        job_id, attempt = job.args
        preload(job_id)
        self._warden = Warden(job_id, attempt, kill=self._kill_group)
        try:
            super().execute_job(job, queue)
        finally:
            self._warden = None

    def fork_work_horse(self, job: Message, queue: Queue) -> None:
        # Parent and child must not share a database socket.
        connections.close_all()
        super().fork_work_horse(job, queue)

    def main_work_horse(self, job: Message, queue: Queue) -> None:
        die_with_parent(self.pid or os.getppid())
        super().main_work_horse(job, queue)

    def monitor_work_horse(self, job: Message, queue: Queue, execution: Any) -> None:
        assert self._warden
        self._warden.start()
        try:
            super().monitor_work_horse(job, queue, execution)
        finally:
            # Already settled, unless RQ itself failed: then nobody would watch over the run.
            self._kill_group()
            self._warden.settle(None, None)

    def wait_for_horse(self) -> tuple[int | None, int | None, Any]:
        pid, status, usage = super().wait_for_horse()
        if self._warden:
            # Here, before Redis is asked anything: it may hang. RQ's alarm was for the wait alone.
            signal.alarm(0)
            self._warden.settle(status, usage)
        return pid, status, usage

    def _kill_group(self) -> None:
        """The work-horse and what it started; RQ's own way aims at us once the horse is gone."""
        if not (pid := self.horse_pid):
            return
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)

    def maintain_heartbeats(self, job: Message, execution: Any) -> None:
        try:
            super().maintain_heartbeats(job, execution)
        except RedisError as exc:
            logger.warning("Redis is away (%s); the job runs on, its lease is in the database", exc)

    def handle_warm_shutdown_request(self) -> None:
        super().handle_warm_shutdown_request()
        if self._warden:
            self._warden.hand_over()


def preload(job_id: str) -> None:
    """Import the job's engines in the parent: once, instead of once a job.

    Importing is safe to fork, computing is not. What fails here will fail in the work-horse too,
    where it can be told.
    """
    try:
        simulations.preload(Job.objects.values_list("simulation", flat=True).get(pk=job_id))
    except (DatabaseError, Job.DoesNotExist, KeyError, ImportError) as exc:
        logger.warning("the engines of job %s are not loaded ahead: %r", job_id, exc)
