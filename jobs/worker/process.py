"""The worker process: RQ's, with the mends that keep a job from hanging, doubling or vanishing.

- What it draws from a queue is a ticket; the database says whose turn it is (`jobs.turns`).
- It says what its host can do, and takes only what it can serve; a turn of others it gives back.
- It leaves a job to others that was made for a newer release than it runs.
- It takes nothing while its host's clock is too far off for others to read what it writes.
- JSON on the queue, whatever the command line says.
- The work-horse dies with its worker (RQ leaves it running as an orphan).
- One that has done a brief run may be given the next (`series`).
- A warden in the worker, not in the engine's process, extends the job's lease, obeys a cancel
  within two seconds and holds the job's limits; engines keep the GIL to themselves.
- What the work-horse started dies with it, also what left its process group or lost its parent.
- How a work-horse ended is written to the database before Redis is asked anything.
- Redis that is away for a while does not end a running job.
"""

from __future__ import annotations

import logging
import os
import random
import signal
import time
from contextlib import suppress
from dataclasses import replace
from functools import partial
from math import inf
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connections
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.exceptions import StopRequested
from rq.job import Job as Ticket
from rq.timeouts import HorseMonitorTimeoutException
from rq.utils import now
from rq.worker import WorkerStatus

from jobs import clock, editions, fleet, lifecycle, log_context, turns
from jobs.abilities import of_this_host
from jobs.build import build
from jobs.models import Job
from jobs.processes import machine, started
from jobs.references import texts

from .ahead import compose_queries, preload
from .confine import confine, give_scratch, set_pools
from .host import HOST, adopt_orphans, die_with_parent, identity
from .patience import insist
from .run import run_job
from .series import IDLE_S, Inside, Order, Series, kin_of
from .tree import Tree
from .warden import Warden

logger = logging.getLogger(__name__)

BACKEND = turns.OWN_WORKERS
THERE_FOR_S = 45
"""RQ's measure: who waits says that it is there a quarter of a minute before that is over, and
Redis forgets it a minute after. Of one that ended on another host nobody else can tell; by RQ's own
seven minutes it was counted on for as long."""
BEAT_AT_MOST_EVERY_S = 5
"""RQ would say that it is there three times between two jobs, however brief they are."""
ASIDE_S = 1
"""How long a worker leaves the tickets to others that it gave one back for."""


class JobWorker(Worker):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs |= {"serializer": "rq.serializers.JSONSerializer", "worker_ttl": THERE_FOR_S}
        super().__init__(*args, **kwargs)
        # Of an address django-rq takes nothing else, and each work-horse connects anew.
        known = {"driver_info": settings.IMPATIENCE["driver_info"]}
        self.connection.connection_pool.connection_kwargs.update(known)
        # RQ has its own version there: ours tells a worker that was not started anew.
        self.version = build()
        self.ability = of_this_host(fleet.queues_of(self.queue_names()))
        self._clock = clock.Watch(fleet.clock_off_s)
        self._warden: Warden | None = None
        self._status: int | None = None
        self._tree = Tree()
        self._series: Series | None = None
        self._inside: Inside | None = None
        self._loaded: set[str] = set()
        self._beat_at = -inf

    def work(self, *args: Any, **kwargs: Any) -> bool:
        adopt_orphans()
        self._look_at_the_clock()
        try:
            return bool(super().work(*args, **kwargs))
        finally:
            self._end_series()

    def register_birth(self) -> None:
        super().register_birth()
        self._tell()

    def _tell(self) -> None:
        fleet.tell(self, self.ability, machine=machine(), pid_started=started(os.getpid()))

    def _look_at_the_clock(self) -> bool:
        """Whether what we can do is another than before."""
        before = self.ability
        self.ability = replace(before, clock_off_s=self._clock.too_far_off_s())
        return self.ability != before

    def execute_job(self, job: Ticket, queue: Queue) -> None:
        ticket = job
        compose_queries()
        if self._look_at_the_clock():
            self._tell()
        mine = self._take_turn_once_loaded()
        if mine is None:
            self._drawn_in_vain(ticket, queue)
            return
        ticket, queue = self._of_its_own_queue(mine, ticket, queue)
        logger.debug("job %s runs on the ticket made for %s", mine.run_id, ticket.args)
        # In this process only: what the work-horse will be called with.
        ticket.args = [str(mine.pk), mine.attempt]
        if not (self._series and self._series.takes(mine)):
            self._end_series()
            self._tree = Tree()
        with log_context.about(mine):
            where = " in the process of the run before" if self._series else ""
            logger.info("%s begins%s", mine.simulation, where)
            self._run_watched(mine, ticket, queue)

    def _drawn_in_vain(self, ticket: Ticket, queue: Queue) -> None:
        """Nothing for us: a turn of nobody, or of a worker that can do what we cannot."""
        (name,) = fleet.queues_of([queue.name])
        # By a clock that is wrong it cannot be told whose time has come.
        is_known = not self.ability.clock_off_s
        if is_known and not insist(partial(turns.is_any_in_turn, BACKEND, name)):
            _discard(ticket, queue)
            return
        give_back(ticket, queue)
        # Or the next we draw would be the same one. Nobody ever writes there.
        self.connection.blpop([f"{self.key}:aside"], ASIDE_S)

    def _of_its_own_queue(self, mine: Job, ticket: Ticket, queue: Queue) -> tuple[Ticket, Queue]:
        """Whose turn it is may be in another queue of ours than the one that we drew from: each is
        to keep as many tickets as it has turns."""
        own = next(each for each in self.queues if each.name == fleet.in_redis(mine.queue))
        if (
            own == queue
            or (
                drawn := Queue.dequeue_any(
                    [own], None, connection=self.connection, serializer=self.serializer
                )
            )
            is None
        ):
            return ticket, queue
        give_back(ticket, queue)
        return drawn

    def _run_watched(self, mine: Job, ticket: Ticket, queue: Queue) -> None:
        self._warden = Warden(mine, tree=self._tree, kill=self._kill_group)
        self._mine = mine
        if self._stop_requested:
            self._warden.hand_over()
        try:
            execution = self.prepare_execution(ticket)
            self.fork_work_horse(ticket, queue)
            self.monitor_work_horse(ticket, queue, execution)
        finally:
            if not self._warden.has_settled:
                # Redis was away before there was a process.
                self._warden.give_back()
            self._warden = None

    def _take_turn_once_loaded(self) -> Job | None:
        """What is imported ahead takes its time before the job begins, not of the job's."""
        while True:
            try:
                return insist(self._take_turn)
            except lifecycle.NotLoaded as exc:
                self._state = WorkerStatus.IDLE
                preload(exc.simulation)
                # Or it cannot be: then the work-horse will tell.
                self._loaded.add(exc.simulation)
            except lifecycle.MadeForNewer as exc:
                logger.error("%s; start this worker anew from that one", exc)
                self.ability = self.ability.without(exc.simulation)
                self._tell()

    def _take_turn(self) -> Job | None:
        # Told to stop from here on, it may have a job to hand over: RQ would let go of everything,
        # also between what the database has written down and us who are to know of it.
        self._state = WorkerStatus.BUSY
        if self._stop_requested:
            raise StopRequested
        pid = os.getpid()
        return lifecycle.take_next(
            BACKEND,
            able=self.ability,
            loaded=self._loaded,
            is_of_a_newer=is_of_a_newer,
            worker=identity(pid),
            host=HOST,
            pid=pid,
            machine=machine(),
            pid_started=started(pid),
        )

    def dequeue_job_and_maintain_ttl(
        self, timeout: int | None, max_idle_time: int | None = None
    ) -> Any:
        # RQ looks for the last time before it comes here, and does not while it waits.
        self._state = WorkerStatus.IDLE
        if self._stop_requested:
            raise StopRequested
        if self._series and not self._has_tickets():
            self._end_series()
        if self._series and timeout:
            timeout = min(timeout, IDLE_S)
        return super().dequeue_job_and_maintain_ttl(timeout, max_idle_time)

    def set_state(self, state: str, pipeline: Any = None) -> None:
        if state == WorkerStatus.SUSPENDED:
            self._end_series()  # nobody knows for how long
        super().set_state(state, pipeline)

    def _has_tickets(self) -> bool:
        try:
            return any(queue.count for queue in self.queues)
        except RedisError:
            return False  # who draws next will tell

    def _end_series(self) -> None:
        if series := self._series:
            self._series = None
            series.end()
            self._tree.end()

    def fork_work_horse(self, job: Ticket, queue: Queue) -> None:
        assert self._warden
        if self._series and self._series.order(self._mine):
            self._horse_pid = self._series.pid
            return
        self._end_series()
        kin = kin_of(self._mine)
        series = Series(kin) if kin else None
        set_pools(self._warden.budget.threads or 1)
        # Parent and child must not share a database socket.
        connections.close_all()
        for connection in connections.all(initialized_only=True):
            if connection.vendor == "postgresql":
                connection.close_pool()  # type: ignore[attr-defined]
        self._coming = series
        super().fork_work_horse(job, queue)
        if series and series.begun(self.horse_pid):
            self._series = series

    def main_work_horse(self, job: Ticket, queue: Queue) -> None:
        die_with_parent(self.pid or os.getppid())
        assert self._warden
        self._inside = self._coming.inside() if self._coming else None
        confine(self._warden.budget, self._warden.workdir)
        super().main_work_horse(job, queue)

    def prepare_execution(self, job: Ticket) -> Any:
        """RQ's bookkeeping at the start of a run, all of it by us: a work-horse would open a
        connection for it, and take a copy of each page of ours that it touches."""
        execution = super().prepare_execution(job)
        try:
            self.prepare_job_execution(job, remove_from_intermediate_queue=len(self.queues) == 1)
        except RedisError as exc:
            logger.warning("Redis is away (%s); the job begins without it", exc)
        return execution

    def perform_job(self, job: Ticket, queue: Queue, execution: Any) -> bool:
        """In the work-horse: the run, and those that follow it."""
        try:
            if job.perform() and self._inside:
                self._inside.go_on(run_next)
        except Exception:
            # Its status tells us, and what there is of a result is settled by the warden.
            logger.exception("the run broke off")
            raise
        finally:
            connections.close_all()
        return True

    def monitor_work_horse(self, job: Ticket, queue: Queue, execution: Any) -> None:
        assert self._warden
        self._warden.start()
        try:
            super().monitor_work_horse(job, queue, execution)
            if self._status == os.EX_OK:
                self._book_the_end(job, execution)
        finally:
            # Already settled, unless RQ itself failed: then nobody would watch over the run.
            if not self._waits_for_more():
                self._kill_group()
                self._end_series()
                self._tree.end()
            self._warden.settle(None, None)

    def _waits_for_more(self) -> bool:
        return self._series is not None and self._series.is_free

    def wait_for_horse(self) -> tuple[int | None, int | None, Any]:
        pid, status, usage = self._wait_for_its_run()
        self._status = status
        if self._warden:
            # Here, before Redis is asked anything: it may hang. RQ's alarm was for the wait alone.
            signal.alarm(0)
            self._tree.end(but=pid if self._waits_for_more() else None)
            self._warden.settle(status, usage)
        return pid, status, usage

    def _wait_for_its_run(self) -> tuple[int | None, int | None, Any]:
        if not self._series:
            return super().wait_for_horse()
        # RQ's alarm would come at any time, also between what was read and who is told of it.
        signal.alarm(0)
        found = self._series.wait(self.job_monitoring_interval)
        if found is None:
            raise HorseMonitorTimeoutException
        return found

    def _book_the_end(self, ticket: Ticket, execution: Any) -> None:
        """Of the ticket, which nobody asks for any more: the job's end is in the database."""
        assert ticket.started_at
        try:
            with self.connection.pipeline() as pipe:
                self.increment_successful_job_count(pipe)
                self.increment_total_working_time(now() - ticket.started_at, pipe)
                self.cleanup_execution(ticket, pipe, execution)
                pipe.delete(ticket.key)
                pipe.execute()
        except RedisError as exc:
            logger.warning("Redis is away (%s); it keeps a ticket that was used up", exc)

    def _kill_group(self) -> None:
        """The work-horse and what it started; RQ's own way aims at us once the horse is gone."""
        if self._series:
            self._series.killed()
        self._tree.kill()
        if pid := self.horse_pid:
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        if pipeline is not None:
            super().heartbeat(timeout, pipeline)
            return
        if self._series and self._series.has_waited_long:
            self._end_series()
        if time.monotonic() - self._beat_at < BEAT_AT_MOST_EVERY_S:
            return
        self._beat_at = time.monotonic()
        with self.connection.pipeline(transaction=False) as pipe:
            super().heartbeat(timeout, pipe)
            pipe.sismember(self.redis_workers_keys, self.key)
            *_, is_known = pipe.execute()
        if not is_known:
            # A Redis that lost its memory forgot us too, and RQ gives its name but once.
            self.connection.delete(self.key)
            self.register_birth()

    def maintain_heartbeats(self, job: Ticket, execution: Any) -> None:
        try:
            super().maintain_heartbeats(job, execution)
        except RedisError as exc:
            logger.warning("Redis is away (%s); the job runs on, its lease is in the database", exc)

    def handle_warm_shutdown_request(self) -> None:
        super().handle_warm_shutdown_request()
        if self._warden:
            self._warden.hand_over()


def run_next(order: Order) -> bool:
    """In a work-horse that has done a run before."""
    random.seed()
    log_context.bind_afresh(job_id=order.job_id, attempt=order.attempt, request_id=order.request_id)
    give_scratch(Path(order.workdir))
    return run_job(order.job_id, order.attempt)


def is_of_a_newer(job: Job) -> bool:
    return editions.is_of_a_newer(job, lambda: texts(job.params))


def give_back(ticket: Ticket, queue: Queue) -> None:
    """Lay it where we took it from, for whoever draws next."""
    with queue.connection.pipeline() as pipe:
        pipe.lrem(queue.intermediate_queue_key, 1, ticket.id)
        pipe.lpush(queue.key, ticket.id)
        pipe.execute()


def _discard(ticket: Ticket, queue: Queue) -> None:
    """Drawn in vain: the job that it was made for had its turn by another one, or was cancelled."""
    queue.connection.lrem(queue.intermediate_queue_key, 1, ticket.id)
    ticket.delete()
