"""Limits held from outside, on real processes; and what is made of how they ended."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import psutil
import pytest

from jobs.budget import Budget, exceeded
from jobs.states import FailureKind
from jobs.worker import gauge as gauges
from jobs.worker import tree as trees
from jobs.worker.autopsy import autopsy
from jobs.worker.gauge import STOP_WITHIN_S, Gauge
from jobs.worker.tree import Tree, cpu_seconds, disk_mib, memory_mib
from tests.stack import until

MIB = 1024**2


@pytest.fixture
def tree() -> Iterator[Tree]:
    mine = Tree()
    yield mine
    mine.end()


def python(code: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)])


def said(code: str) -> str:
    """What a process says that knows the site."""
    whole = f"import django; django.setup()\n{textwrap.dedent(code)}"
    argv = [sys.executable, "-c", whole]
    return subprocess.run(argv, stdout=subprocess.PIPE, check=True, timeout=60).stdout.decode()


def gauge_of(tree: Tree, workdir: Path, **limits: int) -> Gauge:
    budget = Budget(wall_time_s=3600, memory_mib=10_000, disk_mib=1000, threads=1)
    return Gauge(Budget(**limits).over(budget), workdir, tree=tree, kill=tree.kill)


def stopped_by(gauge: Gauge) -> tuple[FailureKind, float, int]:
    gauge.start()
    try:
        return until(lambda: gauge.excess, "the limit")  # type: ignore[no-any-return]
    finally:
        gauge.stop()


def test_memory_of_all_processes_together_is_held(tree: Tree, tmp_path: Path) -> None:
    hold = "x = bytearray(60 << 20); import time; time.sleep(60)"
    parent = python(
        f"""
        import subprocess, sys
        children = [subprocess.Popen([sys.executable, "-c", {hold!r}]) for _ in range(3)]
        for child in children: child.wait()
        """
    )

    kind, reached, limit = stopped_by(gauge_of(tree, tmp_path, memory_mib=120))

    assert (kind, limit) == (FailureKind.MEMORY, 120)
    assert 120 < reached < 400
    assert parent.wait(10) == -signal.SIGKILL


def test_memory_that_processes_share_counts_once(tree: Tree) -> None:
    """As what a worker loaded ahead is shared by its work-horse."""
    parent = python("import os, time; x = bytes([1]) * (80 << 20); os.fork(); time.sleep(60)")
    until(lambda: len(tree.processes()) == 2, "the fork")

    held_mib = memory_mib(tree.processes())

    tree.kill()
    assert parent.wait(10) == -signal.SIGKILL
    assert 80 < held_mib < 130


def test_whose_pages_are_shared_is_asked_where_more_are_held_or_now_and_then(
    tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To tell it the system walks through all pages of an engine."""
    looks = [  # when, resident, exact
        (1.0, 400.0, 300.0),
        (2.0, 350.0, 250.0),  # 50 less than there were
        (3.0, 400.0, 300.0),
        (4.0, 450.0, 340.0),  # more than ever before
        (5.0, 430.0, 330.0),
        (9.0, 430.0, 330.0),  # a while since
        (9.5, 430.0, 330.0),
    ]
    asked: list[float] = []
    gauge = gauge_of(tree, tmp_path, memory_mib=1000)

    def seen(now: float, resident: float, exact: float, there: list[psutil.Process]) -> float:
        monkeypatch.setattr(gauges.time, "monotonic", lambda: now)
        monkeypatch.setattr(gauges, "resident_mib", lambda there: resident)
        monkeypatch.setattr(gauges, "memory_mib", lambda there: asked.append(now) or exact)
        return gauge._memory(there)[1]

    assert [seen(*look, []) for look in looks] == [300, 250, 300, 340, 320, 330, 330]
    assert asked == [1.0, 4.0, 9.0]
    assert gauge.peak_memory_mib == 340
    # Who else is there shares others.
    assert seen(10.0, 100.0, 90.0, [psutil.Process()]) == 90


def test_far_from_its_limit_an_old_run_is_asked_seldom(tree: Tree, tmp_path: Path) -> None:
    gauge = gauge_of(tree, tmp_path, memory_mib=1000)

    assert [gauge._shares_every_s(499, ran_s) for ran_s in (1, 100, 300, 86_400)] == [5, 10, 30, 60]
    assert gauge._shares_every_s(501, 86_400) == 5


def test_a_directory_that_grows_is_held_and_kept(tree: Tree, tmp_path: Path) -> None:
    writer = python(
        f"""
        import time
        with open({str(tmp_path / "big")!r}, "wb") as f:
            while True:
                f.write(bytes(1 << 20)); f.flush(); time.sleep(0.01)
        """
    )

    kind, reached, limit = stopped_by(gauge_of(tree, tmp_path, disk_mib=20))

    assert (kind, limit) == (FailureKind.DISK, 20)
    assert reached > 20
    assert writer.wait(10) == -signal.SIGKILL
    assert (tmp_path / "big").stat().st_size > 20 * MIB


def test_time_is_held(tree: Tree, tmp_path: Path) -> None:
    """Of one that does not stop by itself, as it was asked to."""
    sleeper = python("import time; time.sleep(60)")
    gauge = gauge_of(tree, tmp_path, wall_time_s=1)

    gauge.start()
    status = sleeper.wait(20)
    gauge.stop()

    assert status == -signal.SIGKILL
    assert gauge.excess
    kind, reached, limit = gauge.excess
    assert (kind, limit) == (FailureKind.TIMEOUT, 1)
    assert reached > 1 + STOP_WITHIN_S


@pytest.fixture
def late(tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., bool]:
    """Whether one that has a second, 100 MiB, and one core is to die after so long, with so much.

    Of a gauge that remembers, as one does."""
    gauge = gauge_of(tree, tmp_path, wall_time_s=1, memory_mib=100, disk_mib=10)
    began = gauge._started

    def late(after_s: float, held_mib: float = 50, written_mib: float = 5) -> bool:
        monkeypatch.setattr(gauges.time, "monotonic", lambda: began + after_s)
        monkeypatch.setattr(gauge, "_held_mib", lambda there: held_mib)
        monkeypatch.setattr(gauges, "disk_mib", lambda path: written_mib)
        late.told = gauge  # type: ignore[attr-defined]
        return gauge._is_enough(gauge._look())

    return late


def test_at_its_time_limit_a_run_is_asked_first(late: Any) -> None:
    assert [late(s) for s in (0.9, 1.1, 3.9, 4.1)] == [False, False, False, True]
    assert late.told.excess == (FailureKind.TIMEOUT, pytest.approx(4.1), 1)


def test_what_is_asked_to_stop_may_not_take_more_meanwhile(late: Any) -> None:
    assert not late(1.1)
    assert late(1.6, held_mib=101)
    assert late.told.excess == (FailureKind.TIMEOUT, pytest.approx(1.6), 1)


def test_before_its_time_no_other_limit_waits(late: Any) -> None:
    assert late(0.5, written_mib=11)
    assert late.told.excess == (FailureKind.DISK, 11, 10)


def test_more_cores_than_allowed_are_held(
    tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In accounts of computing time, not in real load: how much of that a machine has varies."""
    hog = python("import time; time.sleep(60)")
    began = time.monotonic()
    monkeypatch.setattr(gauges, "BUSY_FOR_S", 1)
    monkeypatch.setattr(gauges, "cpu_seconds", lambda there: 3 * (time.monotonic() - began))

    kind, reached, limit = stopped_by(gauge_of(tree, tmp_path, threads=2))

    assert (kind, limit) == (FailureKind.THREADS, 2)
    assert reached == pytest.approx(3, abs=0.1)
    assert hog.wait(10) == -signal.SIGKILL
    error = exceeded(kind, reached, limit)
    assert error["detail"] == "It kept 3.0 cores busy; its limit is 2."


def test_who_is_measured_is_listed_as_who_is_ended(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Children of any thread, and theirs."""
    sleep = "import time; time.sleep(60)"
    start = f"subprocess.Popen([sys.executable, '-c', {sleep!r}])"
    parent = python(
        f"""
        import subprocess, sys, threading, time
        {start}
        threading.Thread(target=lambda: ({start}, time.sleep(60)), daemon=True).start()
        subprocess.Popen(["sh", "-c", "sleep 60 & wait"])
        time.sleep(60)
        """
    )
    until(lambda: len(tree.processes()) == 5, "all of them")

    assert {*tree.measured()} == {*tree.processes()}
    assert psutil.Process(parent.pid) in tree.measured()
    # A system that lists no children is looked through.
    monkeypatch.setattr(trees, "_listed", lambda parent, but: None)
    assert {*tree.measured()} == {*tree.processes()}

    tree.kill()
    assert parent.wait(10) == -signal.SIGKILL


def test_who_is_left_out_once_has_not_computed_all_of_its_time_since(
    tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list of children may lack one while an older one ends."""
    engine = python("import time; time.sleep(60)")
    gauge = gauge_of(tree, tmp_path, threads=1)
    clock = iter(range(100))
    monkeypatch.setattr(gauges.time, "monotonic", lambda: float(next(clock)))
    monkeypatch.setattr(trees.psutil.Process, "cpu_times", lambda each: Mock(
        user=1000.0, system=0.0, children_user=0.0, children_system=0.0
    ))  # fmt: skip
    found = [gauge._cores(tree.measured()) for _ in range(3)]
    with monkeypatch.context() as once:
        once.setattr(trees, "_listed", lambda parent, but: [])
        found.append(gauge._cores(tree.measured()))
    found += [gauge._cores(tree.measured()) for _ in range(15)]

    assert {(busy, limit) for _, busy, limit in found} == {(0.0, None)}
    tree.kill()
    assert engine.wait(10) == -signal.SIGKILL
    assert tree.measured() == []


def test_a_look_goes_once_through_all_processes(
    tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = Mock(return_value=[])
    monkeypatch.setattr(tree, "measured", looks)

    assert list(gauge_of(tree, tmp_path)._look()) == []
    assert looks.call_count == 1


def test_a_burst_and_a_helper_thread_are_no_excess(
    tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three cores for a second, then a little more than the one that is allowed."""
    clock = iter(range(100))
    monkeypatch.setattr(gauges.time, "monotonic", lambda: float(next(clock)))
    gauge = gauge_of(tree, tmp_path, threads=1)
    accounts = [0.0] + [3.0 + 1.2 * second for second in range(40)]
    told = iter(accounts)
    monkeypatch.setattr(gauges, "cpu_seconds", lambda there: next(told))

    found = [gauge._cores([]) for _ in accounts]

    assert [limit for _, _, limit in found] == [None] * 41
    assert 1 < found[-1][1] < 1.5


def test_computing_time_is_that_of_all_processes_dead_ones_included(
    tree: Tree, tmp_path: Path
) -> None:
    seen = tmp_path / "seen"
    burn = f"""
        import pathlib, time
        while not pathlib.Path({str(seen)!r}).exists():
            time.sleep(0.01)
        sum(i * i for i in range(4_000_000))
        """
    parent = python(
        f"""
        import subprocess, sys, time
        subprocess.run([sys.executable, "-c", {textwrap.dedent(burn)!r}])
        time.sleep(60)
        """
    )
    until(lambda: len(tree.processes()) == 2, "the child")
    seen.touch()
    until(lambda: len(tree.processes()) == 1, "the child is buried")
    (alone,) = tree.processes()
    own_s = sum(alone.cpu_times()[:2])

    assert cpu_seconds([alone]) > own_s + 0.05

    tree.kill()
    assert parent.wait(10) == -signal.SIGKILL


def test_what_is_inherited_by_links_is_not_counted(tmp_path: Path) -> None:
    (tmp_path / ".previous").mkdir()
    (tmp_path / ".previous" / "old").write_bytes(bytes(5 * MIB))
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "own").write_bytes(bytes(2 * MIB))

    assert disk_mib(tmp_path) == pytest.approx(2, abs=0.1)
    assert disk_mib(tmp_path / "absent") == 0


def test_a_grandchild_in_a_session_of_its_own_dies_too(tmp_path: Path) -> None:
    """In a process of its own: what it adopts must not be ours."""
    told = said(
        """
        import os, subprocess, sys
        from jobs.worker.host import adopt_orphans
        from jobs.worker.tree import Tree
        adopt_orphans()
        tree = Tree()
        # As an engine might: a child that starts another in a new session, and ends.
        starter = "import subprocess, sys; " \
            "quiet = dict(stdout=-3, stderr=-3, start_new_session=True); " \
            "print(subprocess.Popen(['sleep', '77'], **quiet).pid)"
        out = subprocess.run([sys.executable, "-c", starter], capture_output=True, text=True)
        print(out.stdout.strip(), len(tree.processes()), flush=True)
        tree.end()
        print(len(tree.processes()), flush=True)
        """
    )

    orphan, before, after = told.split()
    assert (before, after) == ("1", "0")
    assert not psutil.pid_exists(int(orphan))


def test_without_a_child_nobody_looks_through_all_processes() -> None:
    """And one that is dead and not yet buried is a child: what it left behind may be too."""
    told = said(
        """
        import os, psutil, subprocess
        from jobs.worker.tree import Tree
        looks = []
        children = psutil.Process.children
        psutil.Process.children = lambda *a, **k: looks.append(1) or children(*a, **k)
        tree = Tree()
        tree.end()
        print(len(looks), end=" ")
        dead = subprocess.Popen(["true"])
        os.waitid(os.P_PID, dead.pid, os.WEXITED | os.WNOWAIT)
        print(len(tree.processes()), end=" ")
        dead.wait()
        print(len(tree.processes()), len(looks))
        """
    )

    assert told.split() == ["0", "1", "0", "1"]


def test_processes_from_before_are_nobodys_to_kill(tmp_path: Path) -> None:
    bystander = python("import time; time.sleep(60)")
    tree = Tree()
    mine = python("import time; time.sleep(60)")

    tree.end()

    assert bystander.poll() is None
    assert mine.poll() is not None
    bystander.kill()
    bystander.wait()


def test_nor_are_those_whom_they_start(tmp_path: Path) -> None:
    """As a PostgreSQL does that the tests run on: it starts anew without one that was killed."""
    signs = tmp_path / "go", tmp_path / "there"
    bystander = python(
        f"""
        import pathlib, subprocess, sys, time
        go, there = map(pathlib.Path, {[str(sign) for sign in signs]!r})
        while not go.exists(): time.sleep(0.01)
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        there.touch()
        sys.exit(child.wait())
        """
    )
    tree = Tree()
    signs[0].touch()
    until(signs[1].exists, "its child")
    (child,) = psutil.Process(bystander.pid).children()

    assert (tree.processes(), tree.measured()) == ([], [])
    tree.end()

    assert child.is_running()
    bystander.kill()
    bystander.wait()
    child.kill()


CONFINED = """
import pathlib
from jobs.budget import Budget
from jobs.worker.confine import confine
budget = Budget(wall_time_s=60, memory_mib=300, disk_mib=5, threads=1)
confine(budget, pathlib.Path({workdir!r}))
"""


def confined(workdir: Path, code: str) -> str:
    return said(CONFINED.format(workdir=str(workdir)) + textwrap.dedent(code)).strip()


def test_fifty_gigabytes_at_once_are_refused_before_the_machine_suffers(tmp_path: Path) -> None:
    told = confined(
        tmp_path,
        """
        import numpy as np
        try:
            np.zeros(50 << 30, dtype="u1")
        except MemoryError as exc:
            print("refused:", exc)
        print(np.zeros(100 << 20, dtype="u1").nbytes >> 20)
        """,
    )

    assert told.startswith("refused: Unable to allocate 50.0 GiB")
    assert told.endswith("100")  # and within its limit it still gets what it asks for


def test_threads_and_scratch_are_the_jobs_own(tmp_path: Path) -> None:
    told = confined(
        tmp_path,
        """
        import tempfile
        import numpy
        from threadpoolctl import threadpool_info
        print(max([each["num_threads"] for each in threadpool_info()]), tempfile.gettempdir())
        """,
    )

    assert told == f"1 {tmp_path / '.scratch'}"


def test_what_was_loaded_since_the_pools_were_found_has_its_threads_too() -> None:
    told = said(
        """
        import sys
        from threadpoolctl import threadpool_info
        from jobs.worker.confine import find_pools, take_threads
        find_pools()
        print("numpy" in sys.modules, end=" ")
        import numpy
        for threads in 2, 1:
            take_threads(threads)
            print(max(each["num_threads"] for each in threadpool_info()), end=" ")
        """
    )

    assert told.split() == ["False", "2", "1"]


def test_pools_that_were_found_before_the_fork_are_not_looked_for_again() -> None:
    told = said(
        """
        import numpy
        from threadpoolctl import ThreadpoolController, threadpool_info
        from jobs.worker.confine import find_pools, take_threads
        find_pools()
        look = ThreadpoolController._load_libraries
        ThreadpoolController._load_libraries = lambda self: print("looked", end=" ")
        take_threads(2)
        ThreadpoolController._load_libraries = look
        print(max(each["num_threads"] for each in threadpool_info()))
        """
    )

    assert told.split() == ["2"]


def test_a_work_horse_whose_worker_told_the_pools_starts_no_thread_for_it() -> None:
    told = said(
        """
        import os
        import numpy
        from jobs.worker.confine import find_pools, set_pools, take_threads
        find_pools()
        set_pools(2)  # as for a job before
        numpy.ones((500, 500)) @ numpy.ones((500, 500))
        set_pools(1)
        if pid := os.fork():
            os.waitpid(pid, 0)
        else:
            take_threads(1)
            print(len(os.listdir("/proc/self/task")), flush=True)
            os._exit(0)
        """
    )

    assert told.split() == ["1"]


@pytest.fixture
def quiet(tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Gauge]:
    """A gauge that saw so much memory, on a machine that killed so many for want of it."""

    def quiet(peak_mib: float, oom: int = 0) -> Gauge:
        counts = iter([0, oom])
        monkeypatch.setattr(gauges, "oom_kills", lambda: next(counts))
        gauge = gauge_of(tree, tmp_path, memory_mib=1000)
        gauge.peak_memory_mib = peak_mib
        return gauge

    return quiet


BUDGET = Budget(wall_time_s=1, memory_mib=1000, disk_mib=1, threads=1)


@pytest.mark.parametrize(
    ("number", "peak_mib", "oom", "kind"),
    [
        (signal.SIGKILL, 900, 1, "memory"),
        (signal.SIGKILL, 100, 1, "lost"),  # the machine was full, through no fault of its own
        (signal.SIGKILL, 900, 0, "lost"),  # somebody killed it, nobody knows why
        (signal.SIGSEGV, 900, 0, "memory"),
        (signal.SIGABRT, 100, 0, "lost"),
    ],
)
def test_how_it_died_tells_why(
    quiet: Callable[..., Gauge], number: int, peak_mib: float, oom: int, kind: str
) -> None:
    found = autopsy(int(number), quiet(peak_mib, oom), BUDGET)

    assert found.kind == kind
    assert found.details["signal"] == number
    if kind == "memory":
        assert found.error["fix"] == {"limits": {"memory_mib": 2000}}
        assert "900 MiB" in found.evidence


def test_a_process_that_ended_without_a_result_says_how(quiet: Callable[..., Gauge]) -> None:
    found = autopsy(3 << 8, quiet(1), BUDGET)

    assert found.details == {"exit_status": 3}
    assert "exit status 3" in found.evidence
