"""Every command of the README does what the README says."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from tests.sabotage import stopped
from tests.stack import ROOT, Stack, free_port, survivors, until

pytestmark = [pytest.mark.stack, pytest.mark.slow]

README = (ROOT / "README.md").read_text()
COMMANDS = [
    command.replace("\\\n", " ")
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    for command in re.split(r"(?<!\\)\n+", block.strip())
]
BY_CI = {
    *("make demo", "make test", "make lint", "make audit"),
    *("make chaos", "make bench", "make assets"),
}
"""What `.ci/run` runs; `make audit` as part of `make lint`, `make chaos` with fewer jobs,
`make bench` with fewer rounds, and `make assets` in tests/assets/ too."""


SIMULATIONS = r"python -m simulations (list|run|schema|self-test)\b"
CLIENT = r"^\.venv/bin/backplane "
"""Run in tests/client/test_documented.py."""
OPERATORS = r"manage\.py (doctor|backup|restore|prune)\b"


def test_every_command_is_run_by_somebody() -> None:
    plain = [re.sub(r"\s+#.*", "", command) for command in COMMANDS]
    run_here = {"make up", ".venv/bin/python manage.py createsuperuser", "make fast"}
    run_here |= {command for command in plain if re.search(SIMULATIONS, command)}
    run_here |= {command for command in plain if re.search(OPERATORS, command)}
    run_here |= {command for command in plain if re.search(CLIENT, command)}
    left = [c for c in plain if not c.startswith("curl") and c not in BY_CI | run_here]

    assert left == []
    assert [c for c in plain if c.startswith("curl")]


def test_the_curl_lines_answer(stack: Stack) -> None:
    job_id = file_id = batch_id = ""
    with ExitStack() as asleep:
        # Or a job of seconds is over before it is cancelled.
        asleep.enter_context(stopped(stack, "", stack.processes("work")))
        for command in (command for command in COMMANDS if command.startswith("curl")):
            here = command.replace("127.0.0.1:8000", f"127.0.0.1:{stack.port}")
            argv = shlex.split(
                here.replace("{job_id}", job_id)
                .replace("{file_id}", file_id)
                .replace("{batch_id}", batch_id)
            )
            done = subprocess.run(
                [*argv, "--silent", "--fail-with-body"], cwd=ROOT, capture_output=True, check=False
            )
            assert done.returncode == 0, (command, done.stdout)
            body = json.loads(done.stdout)
            if "api/v1/batches -H" in command:
                batch_id = body["id"]
            elif isinstance(body, dict) and command.startswith("curl -X POST"):
                job_id = body.get("job_id") or body.get("id") or job_id
            elif command.startswith("curl -F"):
                file_id = body["id"]
            if command.endswith("/cancel"):
                asleep.close()
    # The tests that follow share the stack: nothing of ours is to run beside them.
    for job in stack.client.get("/api/v1/jobs").json()["results"]:
        if job["state"] in {"queued", "running"}:
            stack.client.post(f"/api/v1/jobs/{job['id']}/cancel")
            stack.wait(job["id"])


def test_make_up_says_what_to_open_and_ctrl_c_ends_it(tmp_path: Path) -> None:
    port = free_port()
    log = tmp_path / "log"
    with Stack() as idle:
        env = {**idle.env, "BACKPLANE_VAR": str(tmp_path / "var"), "PORT": str(port)}
    with log.open("wb") as stream:
        make = subprocess.Popen(["make", "up"], cwd=ROOT, env=env, stdout=stream, stderr=stream)

    def told() -> str:
        assert make.poll() is None, log.read_text()
        return log.read_text()

    until(lambda: f"open   http://127.0.0.1:{port}/" in told(), "it says what to open")
    until(lambda: "curl -X POST" in told(), "it says what to ask")
    children = psutil.Process(make.pid).children(recursive=True)

    # What the terminal does on Ctrl-C: a signal to everything in the foreground.
    for process in [psutil.Process(make.pid), *children[:1]]:
        process.send_signal(signal.SIGINT)
    make.wait(60)

    assert survivors(children, within_s=10) == []


def test_the_operators_commands_do_what_they_say(stack: Stack, tmp_path: Path) -> None:
    stack.wait(stack.submit("demo.sum_squares", n=3))
    commands = [command for command in COMMANDS if re.search(OPERATORS, command)]
    assert len(commands) == 4

    for command in commands:
        here = command.replace("/tmp/", f"{tmp_path}/").replace(".venv/bin/python", sys.executable)
        done = subprocess.run(
            here, shell=True, cwd=ROOT, env=stack.env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)

    assert (tmp_path / "elsewhere" / "db.sqlite3").exists()


def test_a_simulation_runs_without_the_rest(tmp_path: Path) -> None:
    commands = [command for command in COMMANDS if re.search(SIMULATIONS, command)]
    for command in commands:
        argv = shlex.split(command.replace("/tmp/", f"{tmp_path}/"))
        done = subprocess.run([sys.executable, *argv[1:]], cwd=ROOT, check=False, timeout=300)
        assert done.returncode == 0, command

    assert len(commands) == 5
    assert json.loads((tmp_path / "squares" / "result.json").read_text()) == {"total": 14}
    assert (tmp_path / "ethanol" / "final.xyz").exists()


def test_without_a_python_make_says_so_in_one_line(tmp_path: Path) -> None:
    copy = tmp_path / "Makefile"
    copy.write_text((ROOT / "Makefile").read_text())

    done = subprocess.run(
        ["make", "-s", "-C", str(tmp_path), ".venv/python-ready", "PYTHON="],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    assert done.stderr.startswith("make: no Python 3.11 or newer was found.")
