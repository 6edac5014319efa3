"""Where this process runs, and who dies with whom.

As a program, `host.py PARENT PROGRAM ARGUMENT...`: becomes this program, which dies with its
parent. Code of ours between fork and exec would not be safe where threads run: a lock that one of
them holds at that moment is never released in the child, and the parent waits for the child.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

HOST = socket.gethostname()
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def identity(pid: int) -> str:
    """How a worker is called in the attempts that it starts."""
    return f"{HOST}:{pid}"


def adopt_orphans() -> None:
    """Have what our children leave behind become ours, so that it can be found, and ended."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1, "PR_SET_CHILD_SUBREAPER")


def dying_with(parent: int, argv: Sequence[str]) -> list[str]:
    """The command line that starts `argv` as one that dies with its parent."""
    if not sys.platform.startswith("linux"):
        return list(argv)
    # What is installed has no say in it.
    return [sys.executable, "-I", "-S", str(Path(__file__).resolve()), str(parent), *argv]


def die_with_parent(parent: int) -> None:
    """Ask Linux to kill this process when `parent` dies; elsewhere the fence has to do."""
    if not sys.platform.startswith("linux"):
        return
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, "PR_SET_PDEATHSIG")
    if os.getppid() != parent:
        # It died between the fork and the call above.
        os._exit(1)


def _prctl(option: int, value: int, name: str) -> None:
    """Linux only; elsewhere there is no such thing, and the fence has to do."""
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), f"prctl({name}) failed")


if __name__ == "__main__":
    die_with_parent(int(sys.argv[1]))
    try:
        os.execvp(sys.argv[2], sys.argv[2:])
    except OSError as exc:
        sys.exit(f"{sys.argv[2]} could not be started: {exc.strerror}")
