"""The Slurm that the tests bring with them."""

from __future__ import annotations

import pytest

from tests.slurm import NODES, Slurm
from tests.stack import until

pytestmark = [pytest.mark.stack, pytest.mark.slow]


def test_a_job_runs_on_each_of_its_nodes(slurm: Slurm) -> None:
    for node in NODES:
        asked = ["--job-name=each", "--output=/dev/null", f"--nodelist={node}", "--wrap=exit 0"]
        slurm.ask("sbatch", *asked)

    def ended() -> set[str]:
        asked = ["--name=each", "--states=all", "--noheader", "--format=%B %T"]
        return {*slurm.ask("squeue", *asked).splitlines()}

    until(lambda: ended() == {f"{node} COMPLETED" for node in NODES}, "both have ended")


def test_what_was_killed_is_started_again(slurm: Slurm) -> None:
    # A job that it has written down as completing keeps a node for minutes, once it starts again.
    slurm.until_idle()
    asked = ["--parsable", "--hold", "--output=/dev/null", "--wrap=exit 0"]
    waiting = slurm.ask("sbatch", *asked).strip()
    slurm.save(waiting)
    slurm.ask("scancel", waiting)
    slurm.kill("slurmctld")
    assert not slurm.answers()

    slurm.start_controller()

    slurm.until_idle()
