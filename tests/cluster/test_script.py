"""What a node executes, executed by a bare shell; and what Slurm prints, read."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jobs.dispatch import Unreachable
from jobs.dispatch.slurm import answers, commands, script
from jobs.dispatch.slurm.answers import Task
from jobs.dispatch.slurm.commands import Refused
from jobs.dispatch.slurm.site import Site

HOSTILE = """it's $(touch hacked) `touch hacked` "; touch hacked; #"""
SAYS = """#!/bin/sh
printf '%s\\n' "$@" >"$5/said"; env >"$5/environment"
"""
"""In place of an interpreter: writes down what it is asked to run."""


@dataclass
class Bundle:
    directory: Path
    members: list[Path]

    def run(self, site: Site, member: int = 0, restarts: int = 0) -> int:
        text = script.text(site, self.directory)
        env = {
            "PATH": "/usr/bin:/bin",
            "SLURM_JOB_ID": "7",
            "SLURM_ARRAY_JOB_ID": "5",
            "SLURM_ARRAY_TASK_ID": str(member),
            "SLURM_RESTART_COUNT": str(restarts),
            "SLURM_CPUS_PER_TASK": "3",
        }
        done = subprocess.run(["bash", "-s"], input=text, text=True, env=env, check=False)
        return done.returncode


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    """Two members, in a folder whose name is as bad as a name can be."""
    root = tmp_path / HOSTILE.replace("/", "")
    members = [root / str(n) for n in range(2)]
    for member in members:
        member.mkdir(parents=True)
        (member / script.SIMULATION_NAME).write_text(HOSTILE)
    (root / script.MEMBERS_NAME).write_text("".join(f"{member}\n" for member in members))
    return Bundle(root, members)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    python = tmp_path / "py thon"
    python.write_text(SAYS)
    python.chmod(0o755)
    return Site(python=str(python), environment={"NOTE": HOSTILE}, source=HOSTILE)


def test_each_member_of_an_array_runs_in_its_own_directory(bundle: Bundle, site: Site) -> None:
    assert [bundle.run(site, member) for member in (0, 1)] == [0, 0]

    for directory in bundle.members:
        said = (directory / "said").read_text().splitlines()
        assert said == ["-m", "simulations", "exec", HOSTILE, str(directory)]


def test_no_word_is_taken_for_a_command(bundle: Bundle, site: Site, tmp_path: Path) -> None:
    bundle.run(site)

    environment = (bundle.members[0] / "environment").read_text().splitlines()
    assert f"NOTE={HOSTILE}" in environment
    assert f"PYTHONPATH={HOSTILE}" in environment
    assert "OMP_NUM_THREADS=3" in environment
    assert not [*tmp_path.rglob("hacked")]


def test_what_is_started_a_second_time_runs_nothing(bundle: Bundle, site: Site) -> None:
    bundle.run(site)
    (bundle.members[0] / "said").unlink()

    assert bundle.run(site, restarts=1) == script.TAKEN

    assert not (bundle.members[0] / "said").exists()
    assert (bundle.members[0] / script.CLAIM_NAME).read_text() == "5_0.0\n"


def test_lines_of_the_site_may_go_elsewhere(bundle: Bundle, site: Site) -> None:
    asked = site.model_copy(update={"setup": ("echo a notice; cd /",)})

    assert bundle.run(asked) == 0
    assert HOSTILE in (bundle.members[0] / "said").read_text().splitlines()


def test_what_was_cancelled_before_it_started_runs_nothing(bundle: Bundle, site: Site) -> None:
    (bundle.members[0] / "cancel").touch()

    assert bundle.run(site) == script.CANCELLED


def test_a_directory_that_the_node_does_not_see_is_told_by_the_exit(
    bundle: Bundle, site: Site
) -> None:
    assert bundle.run(site, member=9) == script.NO_DIRECTORY


def test_a_module_that_cannot_be_loaded_is_told_by_the_exit(bundle: Bundle, site: Site) -> None:
    asked = site.model_copy(update={"modules": ("no/such; touch hacked",)})

    assert bundle.run(asked) == script.NO_SETUP


# --- as Slurm 22.05 prints it ---


def line(text: str) -> str:
    return "".join(word.ljust(answers.WIDTH) for word in text.split())


def test_squeue_is_read_by_token_and_member() -> None:
    text = "\n".join(
        [
            line("1_2 FAILED NonZeroExitCode 768 1795895243 1795895249 n1 0 backplane backplane-a"),
            line("4 PENDING Resources 0 N/A N/A n/a 1 backplane backplane-b"),
            line("3 RUNNING None 0 1795895244 1795898844 n2 0 backplane-x somebody's"),
            "slurm_load_jobs: a line that is none",
        ]
    )

    assert answers.squeue(text) == {
        ("backplane-a", 2): Task(
            native_id="1_2",
            state="FAILED",
            reason="NonZeroExitCode",
            status=768,
            starts_at=datetime.fromtimestamp(1795895243, UTC),
            ends_at=datetime.fromtimestamp(1795895249, UTC),
            host="n1",
        ),
        ("backplane-b", 0): Task(native_id="4", state="PENDING", reason="Resources", restarts=1),
    }


def test_what_has_another_comment_by_now_is_told_by_its_id(tmp_path: Path) -> None:
    """Slurm cuts a comment where it is too wide, be it in the midst of a letter."""
    cut = ("Rücksprache_mit_Müller_" * 9).encode()[:79] + "ü".encode()[:1]
    told = line("5_1 RUNNING None 0 1795895243 1795895249 n1 0 backplane").encode() + cut
    (tmp_path / "told").write_bytes(told)
    program = tmp_path / "squeue"
    program.write_text('#!/bin/sh\ncat "${0%/*}/told"\n')
    program.chmod(0o755)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        found = commands.squeue()

    assert {seen: task.state for seen, task in found.items()} == {("5", 1): "RUNNING"}


def test_the_accounting_is_read_by_native_id() -> None:
    found = answers.sacct(
        "7_1|CANCELLED by 1000|0:15|1795954975|1795954985|n2\n"
        "8|FAILED|3:0|1795954975|1795954976|n1\n"
        "9|OUT_OF_MEMORY|0:125|1795954975|Unknown|n1\n"
        "sacct: a line that is none\n"
    )

    assert (found["7_1"].state, found["7_1"].signal) == ("CANCELLED", 15)
    assert (found["7_1"].host, found["7_1"].ran_s) == ("n2", 10)
    assert (found["8"].exit_status, found["8"].ran_s) == (3, 1)
    assert (found["9"].state, found["9"].ran_s) == ("OUT_OF_MEMORY", None)


def test_members_that_never_began_are_accounted_for_as_one() -> None:
    found = answers.sacct(
        "7_[0-2,9%5]|CANCELLED by 0|0:0|None|1795954979|None assigned\n"
        "8_[0-6:3]|CANCELLED by 0|0:0|None|1795954979|None assigned\n"
    )

    assert {*found} == {"7_0", "7_1", "7_2", "7_9", "8_0", "8_3", "8_6"}
    assert {(task.state, task.host, task.starts_at) for task in found.values()} == {
        ("CANCELLED", "", None)
    }


@pytest.mark.parametrize("printed", ["42\n", "42;cluster\n", "a notice of the site\n42\n"])
def test_the_id_of_what_was_accepted_is_read(printed: str) -> None:
    assert answers.sbatch(printed) == "42"


@pytest.mark.parametrize(
    ("said", "raised"),
    [
        ("Batch job submission failed: Invalid account or account/partition", Refused),
        ("Batch job submission failed: Requested node configuration is not available", Refused),
        ("Invalid generic resource (gres) specification", Refused),
        ("unrecognized option --bogus", Refused),
        ("Batch job submission failed: Unable to contact slurm controller", Unreachable),
        ("Batch job submission failed: Socket timed out on send/recv operation", Unreachable),
        ("Batch job submission failed: Zero Bytes were transmitted or received", Unreachable),
        ("Batch job submission failed: Protocol authentication error", Unreachable),
        ("fatal: Could not establish a configuration source", Unreachable),
    ],
)
def test_only_what_slurm_surely_did_not_accept_is_refused(
    tmp_path: Path, said: str, raised: type[Exception]
) -> None:
    program = tmp_path / "sbatch"
    program.write_text(f"#!/bin/sh\necho 'sbatch: error: {said}' >&2\nexit 1\n")
    program.chmod(0o755)

    with pytest.raises(raised, match=said.split()[-1]):
        commands.sbatch([str(program)], "")


def test_a_host_without_slurm_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(Unreachable, match="squeue is not installed on this host"):
        commands.squeue()
