"""A real Slurm, where it is installed; and one that is played, for what takes no time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from jobs.dispatch.slurm import commands
from jobs.dispatch.slurm.site import Site
from jobs.models import Job
from jobs.states import JobState
from jobs.watcher import Watcher
from tests.slurm import NEEDED, Slurm, missing

from .played import Cluster, Submit, now


def see_that_are_installed(needed: Mapping[str, str]) -> None:
    if packages := missing(needed):
        told = f"they are not installed (apt-get install {' '.join(packages)})"
        # Where the suite counts, nothing is left out.
        assert not os.environ.get("CI"), told
        pytest.skip(told)


@pytest.fixture(scope="session")
def slurm() -> Iterator[Slurm]:
    see_that_are_installed(NEEDED)
    with Slurm() as cluster:
        yield cluster


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Cluster:
    settings.BACKENDS = ("slurm",)
    settings.JOB_RETRY_DELAY_S = 0
    played = Cluster()
    for name in ("sbatch", "squeue", "scancel", "sacct", "sinfo"):
        monkeypatch.setattr(commands, name, getattr(played, name))
    return played


@pytest.fixture
def watcher(db: None) -> Watcher:
    return Watcher(Site(visible_within_s=0, confirm_s=0))


@pytest.fixture
def running(submit: Submit, cluster: Cluster, watcher: Watcher) -> Callable[..., Job]:
    def running(**wanted: Any) -> Job:
        job = submit(**wanted)
        watcher.look()
        cluster.say(job, "RUNNING")
        watcher.look()
        assert now(job).state == JobState.RUNNING
        return job

    return running
