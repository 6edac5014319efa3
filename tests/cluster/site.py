"""The backplane on a Slurm of its own, and what a saboteur does to the two."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from tests.slurm import Slurm
from tests.stack import Stack, kill

SETTINGS = """\
tick_s = 0.5
visible_within_s = 5
confirm_s = 5
"""
QUICK = {
    "BACKPLANE_BACKENDS": "slurm",
    # Less than the nodes have, which only count it.
    "BACKPLANE_MEMORY_MIB": "1000",
    "BACKPLANE_UNCONFIRMED_S": "3",
    "BACKPLANE_RETRY_DELAY_S": "1",
}
LOSING = """\
#!/bin/sh
# The real one; while there is a file of that name, its answer is lost, once.
{real} "$@" || exit
if rm {flag} 2>/dev/null; then
    echo 'sbatch: error: Batch job submission failed: Socket timed out on send/recv' >&2
    exit 1
fi
"""
COUNTING = """\
#!/bin/sh
echo asked >>{calls}
exec {real} "$@"
"""


class OnSlurm(Stack):
    """`manage.py up` that sends every job to this cluster."""

    def __init__(self, slurm: Slurm) -> None:
        self.slurm = slurm
        self._programs = slurm.directory / "bin"
        self._programs.mkdir()
        self.flag = self._programs / "lose"
        self._calls = self._programs / "calls"
        self._calls.touch()
        self._put("sbatch", LOSING, flag=self.flag)
        self._put("squeue", COUNTING, calls=self._calls)
        written = slurm.directory / "backplane.toml"
        written.write_text(SETTINGS)
        path = f"{self._programs}:{os.environ['PATH']}"
        super().__init__(1, **QUICK, **slurm.env, BACKPLANE_SLURM=str(written), PATH=path)

    def _put(self, name: str, text: str, **names: Path) -> None:
        path = self._programs / name
        path.write_text(text.format(real=shutil.which(name), **names))
        path.chmod(0o755)

    @property
    def n_asked(self) -> int:
        """How often `squeue` was called."""
        return len(self._calls.read_text().splitlines())

    def long_run(self, length_ps: int = 20_000, **more: Any) -> str:
        """Molecular dynamics in its midst, with a checkpoint."""
        params = {"structure": "CCO", "length_ps": length_ps}
        body = {"simulation": "md_simulation", "params": params, "reuse": False, **more}
        answer = self.client.post("/api/v1/jobs", json=body)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def until_midst(self, job_id: str) -> dict[str, Any]:
        return self.wait(job_id, lambda job: job["metrics"].get("time_ps", 0) > 20)

    def cancel(self, job_id: str) -> None:
        answer = self.client.post(f"/api/v1/jobs/{job_id}/cancel")
        assert answer.status_code == 202, answer.text

    def native_id(self, job_id: str) -> str:
        return str(self.job(job_id)["attempts"][-1]["worker"]).partition(":")[2]

    def state_in_slurm(self, native_id: str) -> str:
        return self.slurm.ask("squeue", "-h", "-t", "all", "-j", native_id, "-o", "%T").strip()

    def processes_of(self, job_id: str) -> list[psutil.Process]:
        """Those of its step on a node."""
        native_id = self.native_id(job_id)
        found = [each for each in self.slurm.at_work() if _id_in(each) == native_id]
        assert found
        return found

    def cut_power(self, node: str) -> None:
        """The daemon of a node dies, and with it all that it ran; and the controller knows.

        It would find out by itself, after SlurmdTimeout.
        """
        self.slurm.kill(f"slurmd-{node}")
        steps = [each for each in self.slurm.at_work() if _is_step_on(each, node)]
        victims = [*_stewards_of(steps), *steps]
        kill(victims)
        psutil.wait_procs(victims, timeout=60)
        self.slurm.ask("scontrol", "update", f"nodename={node}", "state=DOWN", "reason=power")

    def until_idle(self) -> None:
        self.slurm.until_idle()


def _id_in(process: psutil.Process) -> str:
    try:
        return process.environ().get("SLURM_JOB_ID", "")
    except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
        return ""


def _is_step_on(process: psutil.Process, node: str) -> bool:
    try:
        return process.environ().get("SLURMD_NODENAME") == node
    except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
        return False


def _stewards_of(steps: Iterable[psutil.Process]) -> Iterator[psutil.Process]:
    for each in steps:
        with suppress(psutil.NoSuchProcess):  # some end with others
            parent = each.parent()
            if parent and parent.name().startswith("slurmstepd"):
                yield parent
