"""Child processes that search: started, watched, and gone when their block is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

from simulations.errors import ScienceError
from simulations.workdir import write_json

from . import vina_child

KILLED = {-signal.SIGKILL, -signal.SIGTERM}
NO_MEMORY = ("MemoryError", "bad_alloc")


class Children:
    """One process for each job; what they print is in `log`."""

    def __init__(self, jobs: list[dict[str, Any]], folder: Path) -> None:
        self.log = folder / "vina.log"
        self._processes = [
            self._start(job, folder / f"job-{i}.txt") for i, job in enumerate(jobs, start=1)
        ]

    def __enter__(self) -> Children:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for process in self._processes:
            process.kill()
            process.wait()

    def _start(self, job: dict[str, Any], path: Path) -> subprocess.Popen[bytes]:
        write_json(path, {**job, "parent": os.getpid()})
        # -P: else the modules beside the script would hide those of the standard library.
        argv = [sys.executable, "-P", vina_child.__file__, str(path)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        with self.log.open("ab") as log:
            return subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment
            )

    @property
    def are_done(self) -> bool:
        """:raises ScienceError: one of them failed, with its last words.
        :raises MemoryError: for want of memory.
        :raises OSError: somebody killed it, which says nothing of the docking.
        """
        statuses = [process.poll() for process in self._processes]
        failed = [status for status in statuses if status]
        if failed:
            raise self._failure(failed[0])
        return all(status == 0 for status in statuses)

    def _failure(self, status: int) -> Exception:
        if status in KILLED:
            return OSError(f"a search of Vina's was killed by signal {-status}")
        lines = self.log.read_text(errors="replace").splitlines()
        last_words = lines[-1] if lines else "it said nothing"
        if any(word in last_words for word in NO_MEMORY):
            return MemoryError(f"Vina: {last_words}")
        return ScienceError(
            f"Vina ended with status {status}: {last_words}",
            hints=["Its last words are in the log.", "A smaller box needs less memory."],
        )
