"""The command line as its user types it, against the real site."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from backplane.cli.main import main
from tests.stack import ROOT, Stack

pytestmark = [pytest.mark.stack, pytest.mark.slow]

Run = Callable[..., "Done"]
LONG = ("md_simulation", "--structure", "CCO", "-p", "length_ps=2000", "--no-reuse")


@dataclass(frozen=True, slots=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def run(stack: Stack, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """In this process: to start one takes longer than most verbs do."""
    monkeypatch.setenv("BACKPLANE_URL", stack.url)

    def run(*argv: str) -> Done:
        try:
            status = main(argv)
        except SystemExit as end:  # how argparse refuses
            status = int(end.code or 0)
        return Done(status, *capsys.readouterr())

    return run


def test_submit_prints_the_id_and_waits_if_asked(run: Run) -> None:
    submitted = run("submit", "demo.sum_squares", "-p", "n=3", "--no-reuse")
    job_id = submitted.stdout.strip()
    waited = run("wait", job_id)
    watched = run("submit", "demo.sum_squares", "-p", "n=4", "--no-reuse", "--wait", "--json")

    assert submitted.returncode == waited.returncode == watched.returncode == 0
    assert waited.stdout == f"{job_id} succeeded\n"
    assert json.loads(watched.stdout)["result"] == {"total": 30}
    assert json.loads(run("result", job_id).stdout) == {"total": 14}


def test_each_verb_that_looks_answers_in_json(run: Run) -> None:
    job_id = run("submit", "demo.sum_squares", "-p", "n=5", "--wait").stdout.split()[0]

    for argv in (
        ("status", job_id),
        ("watch", job_id),
        ("wait", job_id),
        ("explain", job_id),
        ("result", job_id),
        ("artifacts", job_id),
        ("list", "--limit", "1"),
        ("simulations",),
        ("simulations", "demo.sum_squares"),
        ("check", "demo.sum_squares", "-p", "n=3"),
        ("cancel", run("submit", *LONG).stdout.strip(), "--wait"),
    ):
        told = run(*argv, "--json")
        assert told.returncode == 0, (argv, told.stderr)
        assert [type(json.loads(line)) for line in told.stdout.splitlines()], argv
        assert told.stdout.splitlines(), argv
        if argv[0] not in {"watch", "cancel"}:
            assert run(*argv).stdout, argv


def test_exit_statuses_tell_what_happened(run: Run, tmp_path: Path) -> None:
    job_id = run("submit", *LONG).stdout.strip()
    statuses = {
        "time is over": run("wait", job_id, "--timeout", "1").returncode,
        "a cancelled job": (run("cancel", job_id), run("wait", job_id))[1].returncode,
        "its result": run("result", job_id).returncode,
        "a refused one": run("submit", "xtb_optimization", "--structure", "C(C").returncode,
        "the same, checked": run("check", "xtb_optimization", "--structure", "C(C").returncode,
        "no such job": run("status", "00000000-0000-0000-0000-000000000000").returncode,
        "no such verb": run("frobnicate").returncode,
        "no such file": run("submit", "x", "--file", "/nowhere.xyz").returncode,
        "no such param file": run("submit", "x", "--params", "/nowhere.json").returncode,
        "nobody there": run("--url", "http://127.0.0.1:1", "--patience", "0", "list").returncode,
    }

    assert statuses == {
        "time is over": 8,
        "a cancelled job": 9,
        "its result": 9,
        "a refused one": 3,
        "the same, checked": 3,
        "no such job": 5,
        "no such verb": 2,
        "no such file": 1,
        "no such param file": 2,
        "nobody there": 4,
    }


def test_ctrl_c_leaves_the_job_running_and_says_how_to_come_back(stack: Stack, run: Run) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "backplane", "submit", *LONG, "--wait"],
        cwd=ROOT,
        env={**os.environ, "BACKPLANE_URL": stack.url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stderr
    job_id = process.stdout.readline().strip()
    next(line for line in process.stderr if "running" in line)

    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)

    assert process.returncode == 130
    assert f"To come back: backplane watch {job_id}" in err
    assert stack.job(job_id)["state"] == "running"
    assert run("cancel", job_id, "--wait").stdout == f"{job_id} cancelled\n"


def test_logs_are_followed_and_files_fetched(run: Run, tmp_path: Path) -> None:
    submitted = run("submit", "xtb_optimization", "--structure", "CCO", "--no-reuse")
    job_id = submitted.stdout.strip()

    followed = run("logs", "-f", job_id)
    fetched = run("artifacts", job_id, "final.xyz", "--to", str(tmp_path), "--json")

    assert followed.stdout == run("logs", job_id).stdout
    assert fetched.returncode == 0
    content = Path(json.loads(fetched.stdout)["path"]).read_bytes()
    lines = run("artifacts", job_id, "--json").stdout.splitlines()
    sums = {each["name"]: each["sha256"] for each in map(json.loads, lines)}
    assert hashlib.sha256(content).hexdigest() == sums["final.xyz"]


def test_a_table_is_a_batch(run: Run, tmp_path: Path) -> None:
    table = tmp_path / "rows.csv"
    table.write_text("name,n\nthree,3303\nfour,4404\n")

    done = run("batch", "submit", str(table), "--simulation", "demo.sum_squares", "--wait")
    batch_id = done.stdout.strip()
    rows = run("batch", "results", batch_id).stdout.splitlines()

    assert done.returncode == 0
    assert [json.loads(row)["name"] for row in rows] == ["three", "four"]
    assert run("batch", "results", batch_id, "--format", "csv").stdout.count("\n") == 3
    assert run("batch", "status", batch_id).stdout.split("\t")[1] == "finished"
    assert run("batch", "watch", batch_id, "--json").returncode == 0
    newest = json.loads(run("batch", "list", "--limit", "1", "--json").stdout)
    assert (newest["id"], newest["n_items"]) == (batch_id, 2)


def test_a_job_is_run_again_with_other_params(run: Run) -> None:
    first = run("submit", "demo.sum_squares", "-p", "n=6", "--wait").stdout.split()[0]

    again = run("run-again", first, "-p", "n=7", "--wait", "--json")

    assert json.loads(again.stdout)["result"] == {"total": 140}


def test_a_key_is_never_on_the_screen(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKPLANE_KEY", "bp_live_0123456789abcdef")

    told = run("list")

    assert told.returncode == 6
    assert "0123456789abcdef" not in told.stdout + told.stderr
