"""The faults, each as it is done to a running site; each comes back once it is over."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import redis

from tests.postgres import Postgres
from tests.sabotage import empty, fill, locked, resume, set_clock
from tests.stack import ROOT, Stack, survivors, until

AWAY_S = 5
"""For how long what is taken away stays away."""
JUMP_S = 3600


class NobodyThere(Exception):
    """There is no such victim just now."""


@dataclass(kw_only=True)
class Site:
    """A stack, and the handles that a saboteur has on what it stands on."""

    stack: Stack
    clock: Path
    n_workers: int
    postgres: Postgres | None = None
    database: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """:param workers: by number of process, whose running attempts the fault must have ended.
    :param back_s: until the site was whole again, where something had to be started anew.
    """

    workers: tuple[int, ...] = ()
    back_s: float | None = None


def horse_killed(site: Site, choice: float) -> Done:
    horse, worker = _busy(site, choice)
    horse.kill()
    return Done(workers=(worker.pid,))


def worker_killed(site: Site, choice: float) -> Done:
    _, worker = _busy(site, choice)
    return _end_worker(site, worker, signal.SIGKILL)


def worker_and_horse_killed(site: Site, choice: float) -> Done:
    horse, worker = _busy(site, choice)
    horse.kill()
    return _end_worker(site, worker, signal.SIGKILL)


def worker_told_to_stop(site: Site, choice: float) -> Done:
    _, worker = _busy(site, choice)
    return _end_worker(site, worker, signal.SIGTERM)


def worker_paused(site: Site, choice: float) -> Done:
    """Past its lease, until another has its job; then it goes on and is not believed."""
    paused = _busy(site, choice)
    for each in paused:
        each.suspend()
    time.sleep(3 * AWAY_S)
    resume(paused)
    return Done(workers=(paused[1].pid,))


def web_killed(site: Site, choice: float) -> Done:
    return _end_service(site, "daphne")


def reconciler_killed(site: Site, choice: float) -> Done:
    return _end_service(site, "recover_jobs")


def scheduler_killed(site: Site, choice: float) -> Done:
    return _end_service(site, "rqschedule")


def two_more_reconcilers(site: Site, choice: float) -> Done:
    argv = [sys.executable, "manage.py", "recover_jobs", "--every", "0.5"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    others = [subprocess.Popen(argv, cwd=ROOT, env=site.stack.env, **quiet) for _ in range(2)]
    try:
        time.sleep(AWAY_S)
    finally:
        for other in others:
            other.kill()
            other.wait()
    return Done()


def supervisor_killed(site: Site, choice: float) -> Done:
    return _end_site(site, signal.SIGKILL)


def deploy(site: Site, choice: float) -> Done:
    return _end_site(site, signal.SIGTERM)


def redis_killed(site: Site, choice: float) -> Done:
    began = time.monotonic()
    old = site.stack.redis_server()
    old.kill()
    until(lambda: _redis_answers(site, old), "Redis is back")
    return Done(back_s=time.monotonic() - began)


def redis_wiped(site: Site, choice: float) -> Done:
    for path in (site.stack.var / "redis").rglob("*.aof*"):
        path.unlink()
    return redis_killed(site, choice)


def redis_hung(site: Site, choice: float) -> Done:
    server = site.stack.redis_server()
    server.suspend()
    time.sleep(AWAY_S)
    server.resume()
    return Done()


def message_twice(site: Site, choice: float) -> Done:
    running = site.stack.client.get("/api/v1/jobs", params={"state": "running"}).json()["results"]
    if not running:
        raise NobodyThere
    job = running[int(choice * len(running))]
    queue = redis.Redis(unix_socket_path=site.stack.redis_socket())
    queue.rpush("rq:queue:default", f"{job['id']}-{job['attempt']}")
    return Done()


def database_locked(site: Site, choice: float) -> Done:
    with locked(site.stack, site.database):
        time.sleep(AWAY_S)
    return Done()


def database_killed(site: Site, choice: float) -> Done:
    assert site.postgres
    site.postgres.kill()
    time.sleep(AWAY_S)
    site.postgres.start()
    return Done()


def clock_forward(site: Site, choice: float) -> Done:
    return _jump(site, JUMP_S)


def clock_backward(site: Site, choice: float) -> Done:
    return _jump(site, -JUMP_S)


def disk_full(site: Site, choice: float) -> Done:
    fill(site.stack)
    time.sleep(AWAY_S)
    empty(site.stack)
    return Done()


Kind = Callable[[Site, float], Done]
KINDS: dict[str, Kind] = {
    "work-horse killed": horse_killed,
    "worker killed": worker_killed,
    "worker and work-horse killed": worker_and_horse_killed,
    "worker told to stop": worker_told_to_stop,
    "worker paused past its lease": worker_paused,
    "web server killed": web_killed,
    "reconciler killed": reconciler_killed,
    "scheduler killed": scheduler_killed,
    "two more reconcilers": two_more_reconcilers,
    "supervisor killed": supervisor_killed,
    "deploy (SIGTERM)": deploy,
    "Redis killed": redis_killed,
    "Redis killed, data gone": redis_wiped,
    "Redis hung": redis_hung,
    "message delivered twice": message_twice,
    "database locked": database_locked,
    "clock an hour forward, and back": clock_forward,
    "clock an hour backward, and back": clock_backward,
}
WITH_POSTGRES: dict[str, Kind] = {"database killed": database_killed}
WITH_A_DISK: dict[str, Kind] = {"disk full": disk_full}


def _jump(site: Site, offset_s: int) -> Done:
    """All processes of the site read another time; not what they count seconds by."""
    set_clock(site.clock, f"{offset_s:+}")
    time.sleep(AWAY_S)
    set_clock(site.clock, "+0")
    return Done()


def _busy(site: Site, choice: float) -> tuple[psutil.Process, psutil.Process]:
    """A work-horse that works, and its worker; waits a little for one."""
    deadline = time.monotonic() + AWAY_S
    while time.monotonic() < deadline:
        with suppress(psutil.NoSuchProcess):
            if horses := site.stack.horses():
                horse = horses[int(choice * len(horses))]
                if worker := horse.parent():
                    return horse, worker
        time.sleep(0.02)
    raise NobodyThere


def _end_worker(site: Site, worker: psutil.Process, number: signal.Signals) -> Done:
    began = time.monotonic()
    worker.send_signal(number)
    until(lambda: not worker.is_running(), "the worker has ended")
    until(lambda: len(site.stack.processes("work")) == site.n_workers, "the worker is back")
    return Done(workers=(worker.pid,), back_s=time.monotonic() - began)


def _end_service(site: Site, word: str) -> Done:
    found = site.stack.processes(word)
    if not found:
        raise NobodyThere
    began = time.monotonic()
    found[0].kill()
    found[0].wait(60)
    until(lambda: site.stack.processes(word) and site.stack.is_ready(), f"{word} is back")
    return Done(back_s=time.monotonic() - began)


def _end_site(site: Site, number: signal.Signals) -> Done:
    stack = site.stack
    assert stack.process
    began = time.monotonic()
    workers = tuple(worker.pid for worker in stack.processes("work"))
    children = stack.descendants()
    stack.process.send_signal(number)
    stack.process.wait(60)
    # What reads structures for a web server that died ends with what it reads.
    assert survivors(children, within_s=30) == []
    stack.up()
    return Done(workers=workers, back_s=time.monotonic() - began)


def _redis_answers(site: Site, old: psutil.Process) -> bool:
    try:
        return site.stack.redis_server() != old and site.stack.is_ready()
    except StopIteration:
        return False
