"""Brief runs that follow each other in one work-horse: who may, and what each has used."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import psutil
import pytest

from jobs import log_context
from jobs.models import Job
from jobs.worker import process
from jobs.worker import series as module
from jobs.worker.series import Order, Series, kin_of

Run = Callable[[Order], bool]


def job(**other: Any) -> Job:
    words = {"simulation": "demo.sum_squares", "owner_id": 1, "attempt": 1} | other
    return Job(pk=uuid4(), **words)


@pytest.fixture
def begun() -> Iterator[Callable[[Run], Series]]:
    """A work-horse that has done its first run."""
    with ExitStack() as opened:

        def begin(run: Run) -> Series:
            kin = kin_of(job())
            assert kin
            series = Series(kin)
            pid = os.fork()
            if not pid:
                series.inside().go_on(run)
                os._exit(0)
            series.begun(pid)
            opened.callback(series.end)
            assert ended(series)[:2] == (pid, 0)
            return series

        yield begin


def ended(series: Series) -> tuple[int, int | None, Any]:
    found = series.wait(60)
    assert found
    return found


def run_of(series: Series, job: Job) -> tuple[int | None, Any]:
    assert series.takes(job)
    assert series.order(job)
    assert not series.is_free
    pid, status, usage = ended(series)
    assert pid == series.pid
    return status, usage


def test_runs_follow_each_other_until_one_does_not_succeed(
    begun: Callable[[Run], Series], tmp_path: Any
) -> None:
    last = job()

    def run(order: Order) -> bool:
        (tmp_path / order.job_id).write_text(str(os.getpid()))
        return order.job_id != str(last.pk)

    series = begun(run)
    for each in (job(), job()):
        assert run_of(series, each)[0] == 0
        assert series.is_free
    assert run_of(series, last)[0] == 0

    assert not series.is_free
    assert not series.takes(job())
    assert not psutil.pid_exists(series.pid)
    files = [*tmp_path.iterdir()]
    assert (len(files), {path.read_text() for path in files}) == (3, {str(series.pid)})


def test_what_is_killed_is_told_as_the_system_tells_it(begun: Callable[[Run], Series]) -> None:
    def run(order: Order) -> bool:
        os.kill(os.getpid(), signal.SIGKILL)
        return True

    series = begun(run)
    status, _ = run_of(series, job())

    assert status is not None
    assert os.WTERMSIG(status) == signal.SIGKILL
    assert not series.takes(job())


def test_one_that_is_gone_takes_no_order(begun: Callable[[Run], Series]) -> None:
    series = begun(lambda order: True)
    os.kill(series.pid, signal.SIGKILL)
    os.waitid(os.P_PID, series.pid, os.WEXITED | os.WNOWAIT)

    assert not series.order(job())
    assert not series.is_free


def test_nor_does_one_that_was_killed_a_moment_ago(begun: Callable[[Run], Series]) -> None:
    series = begun(lambda order: True)

    series.killed()

    assert not series.takes(job())


def test_where_none_can_be_watched_it_does_its_one_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel from before Linux 5.3, a container that forbids it, too many files open."""

    def refuse(pid: int) -> int:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(os, "pidfd_open", refuse)
    kin = kin_of(job())
    assert kin
    series = Series(kin)
    pid = os.fork()
    if not pid:
        series.inside().go_on(lambda order: True)
        os._exit(0)

    assert not series.begun(pid)
    assert os.waitpid(pid, 0) == (pid, 0)


def test_each_is_told_what_it_used_itself(begun: Callable[[Run], Series]) -> None:
    large = job()

    def run(order: Order) -> bool:
        if order.job_id == str(large.pk):
            held = bytearray(200 * 2**20)
            until = time.process_time() + 0.3
            while time.process_time() < until:
                held[0] = 1
        return True

    series = begun(run)
    first, second = run_of(series, large)[1], run_of(series, job())[1]

    assert first.ru_utime + first.ru_stime >= 0.3
    assert second.ru_utime + second.ru_stime < 0.2
    assert first.ru_maxrss - second.ru_maxrss > 150 * 1024


def test_while_it_runs_its_worker_looks_after_itself(
    begun: Callable[[Run], Series], tmp_path: Any
) -> None:
    def run(order: Order) -> bool:
        while not (tmp_path / "go").exists():
            time.sleep(0.01)
        return True

    series = begun(run)
    assert series.order(job())

    assert series.wait(0.05) is None
    assert not series.is_free
    (tmp_path / "go").touch()
    assert ended(series)[1] == 0
    assert series.is_free


def test_a_run_that_closes_what_is_not_its_own_is_waited_for(
    begun: Callable[[Run], Series], tmp_path: Any
) -> None:
    def run(order: Order) -> bool:
        os.closerange(3, 100)
        while not (tmp_path / "go").exists():
            time.sleep(0.01)
        return True

    series = begun(run)
    assert series.order(job())

    assert [series.wait(0.2), series.wait(0.05)] == [None, None]
    (tmp_path / "go").touch()
    status = ended(series)[1]
    assert (status, series.is_free) == (0, False)


@pytest.mark.parametrize(
    "leave",
    [
        pytest.param(lambda: subprocess.Popen(["sleep", "2"]), id="a process"),
        pytest.param(
            lambda: threading.Thread(target=time.sleep, args=(60,), daemon=True).start(),
            id="a thread",
        ),
        pytest.param(lambda: setattr(sys, "left", bytearray(100 * 2**20)), id="memory"),
    ],
)
def test_who_leaves_something_behind_is_followed_by_nobody(
    begun: Callable[[Run], Series], leave: Callable[[], Any]
) -> None:
    def run(order: Order) -> bool:
        leave()
        return True

    series = begun(run)
    status, _ = run_of(series, job())

    assert (status, series.is_free) == (0, False)


def test_nor_is_who_took_long(begun: Callable[[Run], Series]) -> None:
    def run(order: Order) -> bool:
        module.BRIEF_S = 0  # in its own process
        return True

    slow = begun(run)
    assert run_of(slow, job())[0] == 0

    assert not slow.is_free


@pytest.mark.parametrize(
    "other",
    [
        {"owner_id": 2},
        {"simulation": "xtb_optimization"},
        {"memory_limit_mib": 2000},
        {"attempt": 2},
    ],
)
def test_only_what_is_alike_follows(begun: Callable[[Run], Series], other: Any) -> None:
    series = begun(lambda order: True)

    assert series.takes(job())
    assert not series.takes(job(**other))


def test_after_so_many_runs_there_is_another_process(
    begun: Callable[[Run], Series], settings: Any
) -> None:
    settings.JOB_RUNS_PER_PROCESS = 3
    series = begun(lambda order: True)

    run_of(series, job())
    run_of(series, job())

    assert not series.takes(job())


def test_a_site_may_want_a_process_for_each(settings: Any) -> None:
    settings.JOB_RUNS_PER_PROCESS = 1

    assert kin_of(job()) is None


@pytest.mark.parametrize("name", ["dft_single_point", "md_simulation", "docking", "no_such"])
def test_what_may_leave_something_has_its_own(name: str) -> None:
    assert kin_of(job(simulation=name)) is None


def test_a_run_that_follows_is_told_of_by_its_own_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(process, "run_job", lambda *_: seen.append(log_context.current()) or True)
    monkeypatch.setattr(process, "give_scratch", seen.append)
    order = Order(job_id="b", attempt=1, workdir=str(tmp_path), request_id="")

    with log_context.about(SimpleNamespace(pk="a", attempt=1, request_id="asked")):
        assert process.run_next(order)

    assert seen == [tmp_path, {"job_id": "b", "attempt": 1}]
