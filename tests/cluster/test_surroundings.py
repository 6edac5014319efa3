"""What a cluster has beside its queue: an accounting, modules, containers, nodes that sleep."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from jobs.budget import Budget
from jobs.dispatch.slurm import commands
from jobs.dispatch.slurm.answers import Task
from jobs.dispatch.slurm.site import Site
from jobs.models import Job, SlurmTask
from jobs.states import FailureKind, JobState
from jobs.watcher import Watcher
from jobs.watcher.sending import Sender
from tests import accounting, slurm
from tests.slurm import Slurm
from tests.stack import until

from .conftest import see_that_are_installed
from .played import Submit, now

pytestmark = [pytest.mark.stack, pytest.mark.slow]

NEEDED = {
    **slurm.NEEDED,
    **accounting.NEEDED,
    "modulecmd": "environment-modules",
    "bwrap": "bubblewrap",
}
GREEDY = f"exec {sys.executable} -c 'import signal; taken = b\"x\" * 10**9; signal.pause()'"

# At once, so that nobody looks while it is half there.
LAVISH = "fallocate --length 30000000 big.bin; exec sleep 600"
LMOD = Path("/usr/share/lmod/lmod/init/bash")
"""What a login shell with Lmod reads; as packages it and environment-modules refuse each other."""
MODULEFILES = {
    "environment-modules": (
        "1.0",
        "#%Module1.0\nprepend-path PATH {directory}\nsetenv OF_THE_MODULE {python}\n",
    ),
    "Lmod": (
        "1.0.lua",
        'prepend_path("PATH", "{directory}")\nsetenv("OF_THE_MODULE", "{python}")\n',
    ),
}
UNKNOWN = {
    "environment-modules": "Unable to locate a modulefile for 'physics/2'",
    "Lmod": 'module --ignore_cache load "physics/2"',
}


@pytest.fixture(scope="module")
def accounted() -> Iterator[Slurm]:
    see_that_are_installed(NEEDED)
    with Slurm(accounting=True, cloud=True) as cluster:
        yield cluster


@pytest.fixture
def cluster(accounted: Slurm, monkeypatch: pytest.MonkeyPatch, settings: Any, db: None) -> Slurm:
    settings.BACKENDS = ("slurm",)
    monkeypatch.setenv("SLURM_CONF", accounted.env["SLURM_CONF"])
    return accounted


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The native ids of each question to the accounting."""
    questions: list[list[str]] = []
    ask = commands.sacct

    def sacct(native_ids: Iterable[str]) -> dict[str, Task] | None:
        questions.append([*native_ids])
        return ask(questions[-1])

    monkeypatch.setattr(commands, "sacct", sacct)
    return questions


@pytest.fixture
def send(submit: Submit) -> Callable[..., list[Job]]:
    """Jobs of one attempt each, as one array, from a site with these settings."""

    def send(n: int = 1, *, limits: Budget = Budget(), **settings: Any) -> list[Job]:  # noqa: B008
        jobs = [submit(max_attempts=1, limits=limits) for _ in range(n)]
        Sender(Site(**settings)).look()
        return jobs

    return send


def test_what_squeue_has_forgotten_is_told_by_one_question_to_the_accounting(
    cluster: Slurm, send: Callable[..., list[Job]], asked: list[list[str]]
) -> None:
    (without,) = send(python="/nowhere/python")
    (greedy,) = send(setup=[GREEDY], limits=Budget(memory_mib=100))
    never_begun = send(3, sbatch=["--hold"])
    cluster.ask("scancel", _native_id(never_begun[0]).partition("_")[0])
    jobs = [without, greedy, *never_begun]
    until(lambda: not commands.squeue(), "squeue has forgotten all of them", 300)
    cluster.kill("slurmdbd")
    try:
        _see_that_nothing_else_is_held_up(send)
        assert not any(now(job).is_final for job in jobs)
    finally:
        cluster.accounting.start_daemon()
    until(lambda: _are_accounted_for(jobs), "the accounting has heard of their ends")
    asked.clear()

    Watcher(Site(visible_within_s=0)).look()

    assert [len(native_ids) for native_ids in asked] == [5]
    assert (now(without).state, without.failure_kind) == ("failed", FailureKind.INFRASTRUCTURE)
    assert without.attempts.get().details["exit_status"] == 127
    assert (now(greedy).state, greedy.failure_kind) == ("failed", FailureKind.MEMORY)
    told = "OUT_OF_MEMORY" if cluster.has_cgroups else "FAILED"
    assert greedy.attempts.get().details["slurm_state"] == told
    assert {now(job).state for job in never_begun} == {JobState.CANCELLED}


def test_a_run_that_fills_the_disk_is_ended(cluster: Slurm, send: Callable[..., list[Job]]) -> None:
    (lavish,) = send(setup=[LAVISH], limits=Budget(disk_mib=10))

    _follow(lavish)

    assert (lavish.state, lavish.failure_kind) == (JobState.FAILED, FailureKind.DISK)
    assert lavish.error["reached"]["disk_mib"] >= 28
    assert lavish.attempts.get().details["slurm_state"] == "CANCELLED"


def _see_that_nothing_else_is_held_up(send: Callable[..., list[Job]]) -> None:
    (other,) = send()
    watcher = Watcher(Site(visible_within_s=0, confirm_s=0))
    until(lambda: watcher.look() or now(other).is_final, "the other one")
    assert other.state == JobState.SUCCEEDED


def test_a_cluster_without_accounting_says_so(
    cluster: Slurm, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = Path(cluster.env["SLURM_CONF"]).read_text()
    without = tmp_path / "slurm.conf"
    without.write_text(text.replace("accounting_storage/slurmdbd", "accounting_storage/none"))
    monkeypatch.setenv("SLURM_CONF", str(without))

    assert commands.sacct(["1"]) is None


# --- what a run finds on its node ---


@pytest.fixture(params=MODULEFILES)
def modules_by(request: pytest.FixtureRequest) -> str:
    """Whose `module` a login shell on the node has."""
    found: str = request.param
    if found == "Lmod" and not LMOD.exists():
        told = "Lmod's files are not there (.ci/run brings them)"
        assert not os.environ.get("CI"), told
        pytest.skip(told)
    return found


@pytest.fixture
def modules(tmp_path: Path, modules_by: str) -> dict[str, Any]:
    """Settings for modulefiles of the test's own, by one of which alone an interpreter is found."""
    program = tmp_path / "bin" / "python-of-the-module"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\nexec "$OF_THE_MODULE" "$@"\n')
    program.chmod(0o755)
    name, text = MODULEFILES[modules_by]
    file = tmp_path / "modulefiles" / "chemistry" / name
    file.parent.mkdir(parents=True)
    file.write_text(text.format(directory=program.parent, python=sys.executable))
    variables = f"MODULEPATH={tmp_path}/modulefiles"
    if modules_by == "Lmod":
        (tmp_path / ".bash_profile").write_text(f". {LMOD}\n")
        variables += f",HOME={tmp_path}"
    return {"python": program.name, "sbatch": [f"--export=ALL,{variables}"]}


def test_what_a_module_sets_a_run_has(
    cluster: Slurm, send: Callable[..., list[Job]], modules: dict[str, Any]
) -> None:
    (with_it,) = send(modules=["chemistry/1.0"], **modules)
    (without,) = send(**modules)

    _follow(with_it, without)

    assert (with_it.state, with_it.result) == (JobState.SUCCEEDED, {"total": 14})
    assert (without.state, without.attempts.get().details["exit_status"]) == ("failed", 127)


def test_a_module_that_there_is_none_of_is_named(
    cluster: Slurm, send: Callable[..., list[Job]], modules: dict[str, Any], modules_by: str
) -> None:
    (job,) = send(modules=["chemistry/1.0", "physics/2"], **modules)

    _follow(job)

    assert (job.state, job.failure_kind) == (JobState.FAILED, FailureKind.INFRASTRUCTURE)
    attempt = job.attempts.get()
    assert attempt.evidence.startswith("A module could not be loaded on its node.")
    assert UNKNOWN[modules_by] in attempt.details["output"]


def test_a_run_in_a_container_sees_what_is_mounted_there(
    cluster: Slurm, send: Callable[..., list[Job]], settings: Any
) -> None:
    """The interpreter and the program lie where only the sandbox has them."""
    mounted = {
        "/image/python": str(Path(sys.prefix).resolve()),
        "/image/source": str(settings.BASE_DIR),
        **{path: path for path in ("/usr", sys.base_prefix)},
    }
    mounts = [word for to, path in mounted.items() for word in ("--ro-bind", path, to)]
    jobs = ["--bind", str(settings.VAR_DIR), str(settings.VAR_DIR)]
    own = ["--unshare-all", "--die-with-parent", "--proc", "/proc", "--dev", "/dev"]
    own += ["--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64"]
    inside = {"python": "/image/python/bin/python", "source": "/image/source"}
    (within,) = send(container=["bwrap", *own, *mounts, *jobs], **inside)
    (outside,) = send(**inside)

    _follow(within, outside)

    assert (within.state, within.result) == (JobState.SUCCEEDED, {"total": 14})
    assert (outside.state, outside.attempts.get().details["exit_status"]) == ("failed", 127)


def test_a_node_that_is_started_is_told_and_one_that_does_not_come_up_is_no_ones_fault(
    cluster: Slurm, submit: Submit
) -> None:
    job = submit(max_attempts=1)
    watcher = Watcher(Site(partition="cloud", visible_within_s=0))

    until(lambda: watcher.look() or "its node is being started" in now(job).message, "it waits")
    until(lambda: watcher.look() or now(job).is_final, "it is given up")

    assert (job.state, job.failure_kind) == (JobState.FAILED, FailureKind.LOST)
    # Of Slurm 22.05 this is no BOOT_FAIL.
    assert job.attempts.get().details["slurm_state"] == "NODE_FAIL"


def _follow(*jobs: Job) -> None:
    watcher = Watcher(Site(visible_within_s=0))
    until(lambda: watcher.look() or all(now(job).is_final for job in jobs), "they have ended", 300)


def _native_id(job: Job) -> str:
    return SlurmTask.objects.get(job=job).native_id


def _are_accounted_for(jobs: Sequence[Job]) -> bool:
    ids = [_native_id(job) for job in jobs]
    known = commands.sacct(ids) or {}
    return all(native_id in known and known[native_id].has_ended for native_id in ids)
