"""Where this process runs, and how it ties its children to its own life."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys

HOST = socket.gethostname()
_PR_SET_PDEATHSIG = 1


def identity(pid: int) -> str:
    """How a worker is called in the attempts that it starts."""
    return f"{HOST}:{pid}"


def die_with_parent(parent: int) -> None:
    """Ask Linux to kill this process when `parent` dies; elsewhere the fence has to do."""
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:
        # It died between the fork and the call above.
        os._exit(1)
