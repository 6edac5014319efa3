"""Whether a process that somebody wrote down still runs, as far as this host can tell."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import psutil


@cache
def machine() -> str:
    """What tells this host, as booted now and as our processes are numbered, from every other.

    Two containers may bear one name, and a machine that was started anew counts from 1 again.
    Empty where it cannot be told: then nobody is judged by the number of a process.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def started(pid: int) -> int | None:
    """When that process began, in ticks since the boot, which no clock change moves.

    None: there is none, or it is dead and only waits to be buried.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # Its own name, in brackets, may hold anything.
    state, *numbers = text.rpartition(")")[2].split()
    return None if state in "ZX" else int(numbers[18])


def is_gone(on_machine: str, pid: int | None, began: int | None) -> bool:
    """Whether that process is known to have ended: it ran here, and does no more.

    False says nothing: it may be on another machine, or from before such things were written down.
    """
    if not on_machine or on_machine != machine() or pid is None or began is None:
        return False
    return started(pid) != began


def is_stopped(on_machine: str, pid: int | None) -> bool:
    """Whether it runs here and was paused, by SIGSTOP say."""
    try:
        return on_machine == machine() != "" and psutil.Process(pid).status() == "stopped"
    except psutil.NoSuchProcess:
        return False
