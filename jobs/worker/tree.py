"""The processes of an attempt: all that descend from the worker, whatever group they moved to."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from simulations.workdir import PREVIOUS_NAME

logger = logging.getLogger(__name__)

MIB = 1024**2
END_WITHIN_S = 10
BLOCK_BYTES = 512
"""What `st_blocks` counts in, whatever the file system's own blocks."""
GONE = (psutil.NoSuchProcess, psutil.ZombieProcess)
ALL_KINDS = 0x40000000
"""Linux's `__WALL`: also a child that was cloned to end without a word to its parent."""


class Tree:
    """What descends from this worker from now on. It runs one job at a time.

    Whoever was there before is not of it, nor is whom they start.
    """

    def __init__(self) -> None:
        self._others = set(_children())
        self._measured: set[psutil.Process] = set()

    def processes(self) -> list[psutil.Process]:
        found = _children()
        # After those were listed: who is born in between is not among them.
        theirs = self._others.union(*map(_below, self._others)) if found else ()
        return [each for each in found if each not in theirs]

    def measured(self) -> list[psutil.Process]:
        """As `processes`, in a fifth of the time where Linux lists children. A new one may be left
        out while another ends: good enough to measure by, and not to end them by."""
        listed = _listed(os.getpid(), self._others)
        found = self.processes() if listed is None else listed
        # Who was measured before is so until it ends: left out once, all that it ever computed
        # would count as computed since, and end a run that did nothing wrong.
        missed = [each for each in self._measured.difference(found) if each.is_running()]
        found += missed
        self._measured = {*found}
        return found

    def _left(self, but: int | None) -> list[psutil.Process]:
        return [each for each in self.processes() if each.pid != but]

    def kill(self) -> None:
        """Kill all of them, once; who is born meanwhile is met the next time."""
        _kill(self.processes())

    def end(self, but: int | None = None) -> None:
        """Kill until there are none, and bury those whose parent died before them.

        Only once the work-horse is buried: its exit status is for whoever waits for it.

        :param but: the process that stays, and waits. While nothing else ends the system's own
            list of who is there leaves out nobody.
        """
        if but is not None and [each.pid for each in self.measured()] == [but]:
            return
        deadline = time.monotonic() + END_WITHIN_S
        while left := [each for each in self._left(but) if not _bury(each.pid)]:
            _kill(left)
            if time.monotonic() > deadline:
                # In the midst of a system call that a dead disk or network holds up.
                logger.error("no signal ends the processes %s", [each.pid for each in left])
                return
            time.sleep(0.01)


def _kill(processes: Iterable[psutil.Process]) -> None:
    for process in processes:
        with suppress(*GONE):
            process.kill()


def memory_mib(processes: Iterable[psutil.Process]) -> float:
    """What they hold, pages that they share with the worker or each other counted in part."""
    return _added_up(processes, share_mib)


def resident_mib(processes: Iterable[psutil.Process]) -> float:
    """As `memory_mib`, but pages that they share in full: the system has counted those already."""
    return _added_up(processes, lambda process: float(process.memory_info().rss / MIB))


def cpu_seconds(processes: Iterable[psutil.Process]) -> float:
    """What those of them who live have computed, and those whom they have buried."""
    return _added_up(processes, _computed_s)


def _computed_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)


def _added_up(
    processes: Iterable[psutil.Process], of_one: Callable[[psutil.Process], float]
) -> float:
    """Of those that are still there."""
    total = 0.0
    for process in processes:
        with suppress(*GONE):
            total += of_one(process)
    return total


def share_mib(process: psutil.Process) -> float:
    """Its proportional share (PSS): a page that two processes share counts half for each.

    What limits are about. What the system keeps as a peak counts such pages in full, and a
    work-horse shares all that its worker had loaded ahead.
    """
    full = process.memory_full_info()
    share: int = getattr(full, "pss", full.uss)
    return share / MIB


def _children() -> list[psutil.Process]:
    if not has_any():
        return []
    found: list[psutil.Process] = psutil.Process().children(recursive=True)
    return found


def _below(process: psutil.Process) -> list[psutil.Process]:
    with suppress(*GONE):
        return list(process.children(recursive=True))
    return []


def _listed(parent: int, but: Container[psutil.Process]) -> list[psutil.Process] | None:
    """All that descend from it, but not through those; None: this system does not tell."""
    found: list[psutil.Process] = []
    with suppress(FileNotFoundError, ProcessLookupError):  # it has ended
        for thread in os.listdir(f"/proc/{parent}/task"):  # noqa: PTH208
            try:
                # Twice a second: unbuffered bytes take a fifth of the time of a path's own text.
                with open(f"/proc/{parent}/task/{thread}/children", "rb", 0) as listed:  # noqa: PTH123
                    children = [int(number) for number in listed.read().split()]
            except FileNotFoundError:
                if os.path.exists(f"/proc/{parent}/task/{thread}"):  # noqa: PTH110
                    return None
                continue  # the thread has ended
            for child in children:
                with suppress(*GONE):
                    if (process := psutil.Process(child)) not in but:
                        found += [process, *(_listed(child, but) or ())]
    return found


def has_any() -> bool:
    """Whether there is any child at all, dead or alive; none is none of theirs either.

    For whoever loses its parent below a worker becomes a child of the worker in the same moment. To
    ask the system is one call, to look through /proc some hundred.
    """
    if not sys.platform.startswith("linux"):
        return True
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT | ALL_KINDS)
    except ChildProcessError:
        return False
    return True


def disk_mib(directory: Path) -> float:
    """What an attempt wrote; what it inherited by hard links is not its own."""
    return sum(_blocks(directory)) * BLOCK_BYTES / MIB


def _blocks(directory: Path) -> Iterator[int]:
    try:
        entries = list(os.scandir(directory))
    except FileNotFoundError:
        return
    for entry in entries:
        with suppress(FileNotFoundError):
            if entry.is_dir(follow_symlinks=False):
                if entry.name != PREVIOUS_NAME:
                    yield from _blocks(Path(entry.path))
            else:
                yield entry.stat(follow_symlinks=False).st_blocks


def _bury(pid: int) -> bool:
    """Whether it is dead: ours to wait for, or no longer there."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return False  # a grandchild: its own parent buries it, or dies and makes it ours


def oom_kills() -> int:
    """How often the system has killed a process for want of memory; 0 where it does not tell."""
    vmstat = Path("/proc/vmstat")
    lines = vmstat.read_text().splitlines() if vmstat.exists() else []
    counts = dict(line.split() for line in lines)
    return int(counts.get("oom_kill", 0))
