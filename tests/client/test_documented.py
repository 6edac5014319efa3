"""What the README and docs/client.md say to type, and what another machine gets."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from backplane.cli import status
from backplane.cli.parser import parser
from tests.stack import ROOT, Stack

README, DOCS = ((ROOT / name).read_text() for name in ("README.md", "docs/client.md"))
LAUNCHER = ".venv/bin/backplane "


def commands(text: str, program: str) -> list[str]:
    lines = "".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL)).splitlines()
    return [line.removeprefix(program) for line in lines if line.startswith(program)]


@pytest.mark.parametrize("command", [*commands(README, LAUNCHER), *commands(DOCS, "backplane ")])
def test_every_command_in_the_texts_is_one(command: str) -> None:
    assert parser().parse_args(shlex.split(command)).verb


def test_the_text_has_the_exit_statuses_as_they_are() -> None:
    of_program = re.findall(r"^ *(\d+)  (.*)$", status.TEXT, re.MULTILINE)

    assert re.findall(r"^\| (\d+) \| (.*) \|$", DOCS, re.MULTILINE) == of_program
    assert {int(number) for number, _ in of_program} == {
        value for value in vars(status).values() if isinstance(value, int)
    }


@pytest.mark.stack
@pytest.mark.slow
def test_the_commands_of_the_readme_do_what_it_says(stack: Stack, tmp_path: Path) -> None:
    env = {**os.environ, "BACKPLANE_URL": stack.url}
    job_id = ""
    for command in commands(README, LAUNCHER):
        here = command.replace("{job_id}", job_id).replace("/tmp/", f"{tmp_path}/")
        argv = [sys.executable, "-m", "backplane", *shlex.split(here)]
        done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
        assert (done.returncode, bool(done.stdout)) == (0, True), (command, done.stderr)
        job_id = job_id or done.stdout.split()[0]

    assert (tmp_path / "ethanol" / "final.xyz").exists()


@pytest.mark.slow
def test_another_machine_gets_the_client_alone(tmp_path: Path) -> None:
    """With the versions that are pinned here, from where the suite's own packages came."""
    python = tmp_path / "venv" / "bin" / "python"
    uv = [sys.executable, "-m", "uv", "--quiet"]
    install = ["pip", "install", "--python", str(python), "-c", "deploy/constraints.txt"]
    subprocess.run([*uv, "venv", str(tmp_path / "venv")], cwd=ROOT, check=True)
    subprocess.run([*uv, *install, "./backplane"], cwd=ROOT, check=True)

    def told(*argv: str) -> str:
        done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout

    probe = """
import importlib.metadata, pathlib, sys, backplane, backplane.cli.main
assert pathlib.Path(backplane.__file__).with_name("py.typed").exists()
assert backplane.__version__ == importlib.metadata.version("backplane-client")
assert importlib.util.find_spec("jobs") is None
print(*sorted({"django", "pydantic", "mcp"} & sys.modules.keys()))
"""
    assert told(str(python), "-c", probe) == "\n"
    assert "exit statuses:" in told(str(python.with_name("backplane")), "--help")
