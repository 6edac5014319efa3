"""A hundred running jobs in one process: it reports for them what their workers would.

Only the computing is small: each is a real sum of squares, row and events are the lifecycle's own,
and each report is a transaction of its own that rings, as in a worker.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .child import Child

N = 10_000
LEASE_EVERY_S = 4
QUIET = {"BACKPLANE_LOG_LEVEL": "ERROR"}


class Reporting:
    """That process, on the data of a site.

    :param env: of that site.
    """

    def __init__(self, env: Mapping[str, str], jobs: int) -> None:
        self._child = Child("bench.reporting", {**env, **QUIET})
        self._child.say({"jobs": jobs})
        self.jobs: list[str] = self._child.hear()

    def begin(self, per_s: float, seconds: float) -> None:
        """Report so many events a second, of all jobs together and by turns."""
        self._child.say({"per_s": per_s, "seconds": seconds})

    def told(self) -> dict[str, float]:
        """What was kept of that, once it is over."""
        found: dict[str, float] = self._child.hear()
        return found

    def close(self) -> None:
        self._child.close()


@dataclass(slots=True)
class _Run:
    job: Any
    points: Iterator[dict[str, Any]]

    def report(self) -> None:
        from jobs import lifecycle

        lifecycle.progress(self.job, 1, [next(self.points)])


def points() -> Iterator[dict[str, Any]]:
    """What the sum of squares reports on its way."""
    total = 0
    for i in range(1, N + 1):
        total += i * i
        yield {"fraction": i / N, "message": f"term {i} of {N}", "stage": "", "total": total}


def _running(n: int) -> list[_Run]:
    from django.db import transaction

    from backplane_site.local_user import local_user
    from jobs import lifecycle, processes

    by = {"worker": "bench", "host": "bench", "pid": os.getpid()}
    by |= {"machine": processes.machine(), "pid_started": processes.started(os.getpid())}
    found = []
    for _ in range(n):
        with transaction.atomic():  # no worker sees it wait
            job = lifecycle.submit(
                owner=local_user(), simulation="demo.sum_squares", params={"n": N}
            )
            lifecycle.start(job, 1, **by)
        found.append(_Run(job, points()))
    return found


def _report(runs: list[_Run], per_s: float, seconds: float) -> dict[str, float]:
    began, cpu_before = time.perf_counter(), time.process_time()
    n = 0
    while (now := time.perf_counter() - began) < seconds:
        if now < n / per_s:
            time.sleep(n / per_s - now)
        runs[n % len(runs)].report()
        n += 1
    took = time.perf_counter() - began
    return {"n": n, "per_s": n / took, "cpu_s": time.process_time() - cpu_before}


def _keep_leases(runs: list[_Run]) -> None:
    from jobs import lifecycle

    while True:
        lifecycle.extend_leases([run.job for run in runs])
        time.sleep(LEASE_EVERY_S)


def _main() -> None:
    import django

    django.setup()
    runs = _running(json.loads(sys.stdin.readline())["jobs"])
    threading.Thread(target=_keep_leases, args=[runs], daemon=True).start()
    print(json.dumps([str(run.job.pk) for run in runs]), flush=True)
    for line in sys.stdin:
        print(json.dumps(_report(runs, **json.loads(line))), flush=True)


if __name__ == "__main__":
    _main()
