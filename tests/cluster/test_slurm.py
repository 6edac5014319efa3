"""The Slurm that the tests bring with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.dispatch.slurm import script
from jobs.dispatch.slurm.site import Site
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


def test_a_node_writes_into_its_directory_whatever_that_is_called(
    slurm: Slurm, tmp_path: Path
) -> None:
    bundle = tmp_path / "100%j of it" / "%a"
    bundle.mkdir(parents=True)
    argv = script.argv(Site(), options=(), token="none", bundle=bundle, n_members=2)

    slurm.ask(*argv, "--wrap=echo $SLURM_ARRAY_TASK_ID; pwd")

    said = {bundle / f"{n}.out": f"{n}\n{bundle}\n" for n in (0, 1)}
    until(
        lambda: {path: path.read_text() for path in bundle.iterdir()} == said, "both have said it"
    )
