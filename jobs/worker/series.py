"""Brief runs, one after the other in one work-horse, each of them watched as if it were alone.

To fork, and to copy each page that either side then writes to, takes a brief run longer than all
that it computes. So a work-horse whose run succeeded may be given the next: of the same user and
simulation, within the same limits, if that simulation leaves nothing behind. It runs one at a time,
so what is killed takes nobody with it; and whatever goes wrong ends it, as it ends any other.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from multiprocessing import Pipe
from multiprocessing.connection import wait
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from django.conf import settings

import simulations
from jobs.models import Job

from .tree import MIB, has_any

logger = logging.getLogger(__name__)

BRIEF_S = 5
"""Of the processor. To a run that took longer a fork is nothing: its work-horse ends with it."""
GROWN_MIB = 64
"""What all runs of a work-horse may leave behind in it beyond what the first one did."""
IDLE_S = 10
"""How long a worker without work keeps a work-horse that has none."""
END_WITHIN_S = 2
GONE = (OSError, EOFError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kin:
    """What runs have in common that may follow each other in one process."""

    simulation: str
    owner_id: int
    memory_mib: int | None
    threads: int | None


def kin_of(job: Job) -> Kin | None:
    """None: it has a process of its own. So has an attempt that follows one that went wrong."""
    is_first = job.attempt == 1
    if not is_first or settings.JOB_RUNS_PER_PROCESS <= 1 or not hasattr(os, "pidfd_open"):
        return None
    try:
        if not simulations.get(job.simulation).leaves_nothing:
            return None
    except KeyError:
        return None  # the run itself will tell
    budget = job.budget
    return Kin(
        simulation=job.simulation,
        owner_id=job.owner_id,
        memory_mib=budget.memory_mib,
        threads=budget.threads,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The next run, as its work-horse is told of it."""

    job_id: str
    attempt: int
    workdir: str
    request_id: str

    @classmethod
    def to_run(cls, job: Job) -> Order:
        return cls(
            job_id=str(job.pk),
            attempt=job.attempt,
            workdir=str(job.workdir(job.attempt)),
            request_id=job.request_id,
        )

    def as_bytes(self) -> bytes:
        return json.dumps(asdict(self)).encode()


class Series:
    """A work-horse that may be given one run after the other: the worker's end of it.

    Made before the fork; afterwards the worker says `begun`, and the work-horse takes `inside`.
    """

    def __init__(self, kin: Kin) -> None:
        self._kin = kin
        self._ours, self._theirs = Pipe()
        self._pid = 0
        self._gone = -1
        self._n = 1
        self._answer: dict[str, float] | None = None
        self._is_deaf = False
        self._used_before = (0.0, 0.0)
        self._answered_at = 0.0
        self._is_killed = False

    def begun(self, pid: int) -> bool:
        """False: it cannot be watched, by a kernel of before or for want of a descriptor. It does
        its one run, and finds nobody who has another."""
        self._pid = pid
        self._theirs.close()
        try:
            self._gone = os.pidfd_open(pid)
        except OSError as exc:
            logger.warning("what follows has a process of its own: %s", exc)
            self._ours.close()
            return False
        return True

    def inside(self) -> Inside:
        self._ours.close()
        return Inside(self._theirs)

    @property
    def pid(self) -> int:
        return self._pid

    @property
    def is_free(self) -> bool:
        """Whether it has done what it was told, and waits for more."""
        return self._answer is not None and not self._is_killed

    @property
    def has_waited_long(self) -> bool:
        return self.is_free and time.monotonic() - self._answered_at > IDLE_S

    def killed(self) -> None:
        """Somebody has: it may take a moment until that shows."""
        self._is_killed = True

    def takes(self, job: Job) -> bool:
        within = self._n < settings.JOB_RUNS_PER_PROCESS
        return self.is_free and within and kin_of(job) == self._kin

    def order(self, job: Job) -> bool:
        """Have it run this one. False: it is gone."""
        try:
            self._ours.send_bytes(Order.to_run(job).as_bytes())
        except OSError:
            self._is_killed = True
            return False
        assert self._answer is not None
        self._used_before = (self._answer["ru_utime"], self._answer["ru_stime"])
        self._answer = None
        self._n += 1
        return True

    def wait(self, at_most_s: float) -> tuple[int, int | None, Any] | None:
        """For the end of the run, be it that of the process too: as `os.wait4` tells it. None: it
        still runs.

        Not to be left by an exception out of a signal's handler: what was read then is lost.
        """
        ends: list[Any] = [self._gone] if self._is_deaf else [self._ours, self._gone]
        ready = wait(ends, at_most_s)
        if self._ours not in ready:
            return self._buried() if ready else None
        try:
            self._answer = answer = json.loads(self._ours.recv_bytes())
        except GONE:
            # Its process ends, of which the system tells; or the run closed what is not its own.
            self._is_deaf = True
            return self.wait(at_most_s)
        self._answered_at = time.monotonic()
        return self._pid, os.EX_OK, self._usage(SimpleNamespace(**answer))

    def _buried(self) -> tuple[int, int | None, Any]:
        self._is_killed = True
        try:
            pid, status, usage = os.wait4(self._pid, 0)
        except ChildProcessError:
            return self._pid, None, None
        return pid, status, self._usage(usage)

    def _usage(self, usage: Any) -> Any:
        """Of this run alone; of memory it is the most that was ever held since it began."""
        user_s, system_s = self._used_before
        return SimpleNamespace(
            ru_utime=usage.ru_utime - user_s,
            ru_stime=usage.ru_stime - system_s,
            ru_maxrss=usage.ru_maxrss,
        )

    def end(self) -> None:
        """Let it go; it has nothing to lose."""
        self._ours.close()
        if not wait([self._gone], END_WITHIN_S):
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(self._pid, 0)
        os.close(self._gone)


class Inside:
    """The work-horse's end."""

    def __init__(self, line: Any) -> None:
        self._line = line
        self._began = time.process_time()
        self._held_mib = 0.0

    def go_on(self, run: Callable[[Order], bool]) -> None:
        """After a run that succeeded, until there is no other, or one did not.

        :param run: says whether the run succeeded.
        """
        while self._may_stay():
            try:
                self._line.send_bytes(json.dumps(_used()).encode())
                order = Order(**json.loads(self._line.recv_bytes()))
            except GONE:
                return
            self._began = time.process_time()
            _forget_the_peak()
            if not run(order):
                return

    def _may_stay(self) -> bool:
        """It left nothing behind but what its libraries keep, as far as can be seen."""
        held_mib = _held_mib()
        self._held_mib = self._held_mib or held_mib
        return (
            time.process_time() - self._began < BRIEF_S
            and held_mib < self._held_mib + GROWN_MIB
            and threading.active_count() == 1
            and not has_any()
        )


def _used() -> dict[str, float]:
    own = resource.getrusage(resource.RUSAGE_SELF)
    theirs = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "ru_utime": own.ru_utime + theirs.ru_utime,
        "ru_stime": own.ru_stime + theirs.ru_stime,
        "ru_maxrss": own.ru_maxrss,
    }


def _forget_the_peak() -> None:
    """Of memory: the next run's is to be its own. See proc(5), `clear_refs`."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _held_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / MIB
