"""Runs a command and writes down what it used; a script of its own, started from little memory.

Linux counts to a new process what the process that started it held in memory at that moment.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path


def main(usage: str, *argv: str) -> int:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    # Linux counts memory in KiB, macOS in bytes.
    per_mib = 1024**2 if sys.platform == "darwin" else 1024
    told = {"seconds": used.ru_utime + used.ru_stime, "memory_mib": used.ru_maxrss / per_mib}
    Path(usage).write_text(json.dumps(told))
    return process.returncode


def _end_with_parent() -> None:
    """Whoever started us holds the other end of this pipe for as long as it lives."""
    sys.stdin.read()
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
