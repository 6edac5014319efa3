"""What deploy/ says, against what there is: commands, variables, pins.

No container engine is needed here: docs/deploy-cloud.md has how all of it was run in one.
"""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands, load_command_class

from backplane_site import services
from tests.stack import ROOT

DEPLOY = ROOT / "deploy"
CLIENT_OF_DEBIAN = {"bookworm": 15, "trixie": 17}
"""PostgreSQL's major version there: its pg_dump refuses a newer server."""
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
KNOWN_SECTIONS = {"Unit", "Service", "Install"}
INSTALLED_AT = "/srv/backplane"


def known_variables() -> set[str]:
    """What the settings and the services read."""
    text = "".join(
        path.read_text()
        for folder in ("backplane_site", "jobs")
        for path in ROOT.glob(f"{folder}/**/*.py")
    )
    return set(re.findall(r'"([A-Z][A-Z0-9_]{3,})"', text))


def check_manage(words: list[str]) -> None:
    """A command that there is, with options that it has."""
    name, *given = words
    assert name in get_commands(), name
    command: Any = load_command_class(get_commands()[name], name)
    parser = command.create_parser("manage.py", name)
    parser.parse_args(given)


def check_program(argv: list[str]) -> None:
    python, *rest = argv
    assert python in {"python", f"{INSTALLED_AT}/.venv/bin/python"}, python
    if rest[0] == "manage.py":
        check_manage(rest[1:])
        return
    assert rest[:2] == ["-m", "daphne"]
    assert rest[-1] == "backplane_site.asgi:application"
    done = subprocess.run(
        [sys.executable, "-m", "daphne", *rest[2:-1], "--help"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert f"backlog={services.BACKLOG}" in " ".join(rest)


# --- systemd ------------------------------------------------------------------------------------


def unit(path: Path) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(path.read_text())
    return parser


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_starts_what_there_is(path: Path) -> None:
    told = unit(path)
    assert set(told.sections()) == KNOWN_SECTIONS
    service = told["Service"]

    check_program(shlex.split(service["ExecStart"].replace("%i", "1")))

    assert service["WorkingDirectory"] == INSTALLED_AT
    for name in re.findall(r"(BACKPLANE_\w+)=", path.read_text()):
        assert name in known_variables(), name
    assert told["Install"]["WantedBy"] == "multi-user.target"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_systemd_finds_nothing_wrong_with_a_unit(path: Path, tmp_path: Path) -> None:
    here = tmp_path / path.name
    python = f"{INSTALLED_AT}/.venv/bin/python"
    here.write_text(path.read_text().replace(python, sys.executable))

    done = subprocess.run(
        ["systemd-analyze", "verify", str(here)], capture_output=True, text=True, check=False
    )

    about = [line for line in done.stderr.splitlines() if "backplane" in line]
    assert (done.returncode, about) == (0, [])


# --- compose ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def compose() -> Any:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def ours(compose: Any) -> dict[str, Any]:
    return {name: each for name, each in compose["services"].items() if "build" in each}


def test_compose_starts_all_that_make_up_starts(compose: Any) -> None:
    background = {each.name for each in services.background_services()}

    assert set(ours(compose)) == {"web", "worker", "migrate"} | background
    assert {"redis", "postgres"} <= set(compose["services"])
    started = {
        name: each["command"][2] for name, each in ours(compose).items() if "command" in each
    }
    for each in services.background_services():
        assert started[each.name] == each.argv[2]


def test_each_command_and_variable_of_compose_is_known(compose: Any) -> None:
    known = known_variables()
    for name, each in ours(compose).items():
        if command := each.get("command"):
            check_program(command)
        assert name == "web" or command
        assert set(each["environment"]) <= known, set(each["environment"]) - known
        for other in each["depends_on"]:
            assert other in compose["services"]


def test_a_job_gets_its_share_of_a_host_that_as_many_share(compose: Any) -> None:
    replicas = compose["services"]["worker"]["deploy"]["replicas"]

    assert {each["environment"]["BACKPLANE_WORKERS"] for each in ours(compose).values()} == {
        replicas
    }


def test_a_setting_in_the_file_of_secrets_reaches_each_part(compose: Any) -> None:
    assert {each["env_file"] for each in ours(compose).values()} == {".env"}


def test_what_is_slow_to_begin_is_not_taken_for_ill(compose: Any) -> None:
    asked = [each["healthcheck"] for each in compose["services"].values() if "healthcheck" in each]

    assert len(asked) == 3
    assert all(int(each["start_period"].removesuffix("s")) >= 60 for each in asked)


@pytest.mark.parametrize(
    ("hosts", "name"),
    [("a.example.org,b.example.org", "a.example.org"), (".lab.org", "lab.org"), ("*", "localhost")],
)
def test_the_web_is_asked_how_it_is_by_a_name_that_it_has(
    compose: Any, tmp_path: Path, hosts: str, name: str
) -> None:
    curl = tmp_path / "curl"
    curl.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    curl.chmod(0o755)
    kind, command = compose["services"]["web"]["healthcheck"]["test"]
    env = {"ALLOWED_HOSTS": hosts, "PATH": f"{tmp_path}:{os.environ['PATH']}"}

    # As compose hands it on.
    argv = ["sh", "-c", command.replace("$$", "$")]
    asked = subprocess.run(argv, env=env, capture_output=True, text=True, check=True).stdout

    assert kind == "CMD-SHELL"
    assert f"Host: {name}" in asked.splitlines()


def test_postgresql_is_there_once_it_answers_by_its_port(compose: Any) -> None:
    assert "--host" in compose["services"]["postgres"]["healthcheck"]["test"]


def test_the_image_can_copy_the_database_that_compose_starts(compose: Any) -> None:
    (release,) = re.findall(r"-(\w+)$", dict(steps())["FROM"])
    server = compose["services"]["postgres"]["image"].partition(":")[2]

    assert int(server) <= CLIENT_OF_DEBIAN[release]


def test_what_compose_mounts_and_reads_is_there(compose: Any) -> None:
    for each in compose["services"].values():
        for mount in each.get("volumes", ()):
            assert mount.split(":")[0] in compose["volumes"]
    build = ours(compose)["web"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).resolve() == DEPLOY / "Containerfile"
    secrets = set(re.findall(r"\$\{(\w+):\?", (DEPLOY / "compose.yaml").read_text()))
    assert secrets == {"SECRET_KEY", "ALLOWED_HOSTS", "POSTGRES_PASSWORD"}


# --- the image ----------------------------------------------------------------------------------


def steps() -> list[tuple[str, str]]:
    text = re.sub(r"\\\n\s*", " ", (DEPLOY / "Containerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines]


def test_the_image_installs_by_the_makefiles_own_rule() -> None:
    (made,) = re.findall(r"RUN .*?make (\S+)", (DEPLOY / "Containerfile").read_text())
    makefile = (ROOT / "Makefile").read_text().replace("$(VENV)", ".venv")
    rule = re.search(rf"^{re.escape(made)}: (.*)$", makefile, re.M)
    assert rule
    copied = " ".join(rest for word, rest in steps() if word == "COPY").split()
    for needed in [*rule[1].split(), *re.findall(r"(deploy/\w+\.txt)", makefile)]:
        assert needed in copied or needed == ".venv/python-ready", needed
    assert "Makefile" in copied


def test_the_image_runs_what_there_is_as_nobody_special() -> None:
    told = steps()
    check_program(json.loads(dict(told)["CMD"]))
    words = [word for word, _ in told]
    assert words.index("USER") < words.index("CMD")
    assert dict(told)["USER"] == "backplane"
    wanted = re.findall(r"python:(\d+\.\d+)", dict(told)["FROM"])
    assert wanted == re.findall(
        r'requires-python = ">=(\S+)"', (ROOT / "pyproject.toml").read_text()
    )
    # What it runs has tini as its parent: most of it does nothing of its own about a signal.
    assert json.loads(dict(told)["ENTRYPOINT"]) == ["tini", "--"]


def test_what_a_site_has_of_its_own_does_not_get_into_the_image() -> None:
    left_out = (ROOT / ".dockerignore").read_text().split()

    # Of these `deploy/.env` is where the compose file has its secrets from.
    assert {".git", ".venv", "var", "**/.env"} <= set(left_out)


# --- the pages ----------------------------------------------------------------------------------

OF_OTHERS = {"systemctl", "docker", "ssh"}
OF_UV = "UV_COMPILE_BYTECODE"


def commands() -> list[tuple[str, str]]:
    """Every line of a shell that the pages have, with the page that it is of."""
    found = []
    for page in sorted(ROOT.glob("docs/deploy-*.md")):
        for block in re.findall(r"```sh\n(.*?)```", page.read_text(), re.S):
            found += [(page.name, line) for line in block.splitlines()]
    return found


@pytest.mark.parametrize(("page", "line"), commands())
def test_what_a_page_says_to_type_is_known(page: str, line: str) -> None:
    words = shlex.split(line)
    while words and (given := re.match(r"([A-Z_0-9]+)=", words[0])):
        assert given[1] in known_variables() | {"BACKPLANE_VAR", OF_UV}, given[1]
        words = words[1:]
    if not words or words[0] in OF_OTHERS:
        return
    if words[0] == "make":
        makefile = (ROOT / "Makefile").read_text().replace("$(VENV)", ".venv")
        for word in words[1:]:
            name = word.partition("=")[0]
            assert re.search(rf"^{re.escape(name)}(:| \?=)", makefile, re.M), word
        return
    assert words[0] == ".venv/bin/python", line
    if words[1:4] == ["-m", "compileall", "-q"]:
        assert all((ROOT / name).is_dir() for name in words[4:]), line
        return
    assert words[1] == "manage.py", line
    check_manage(words[2:])


def test_the_units_and_files_that_pages_speak_of_are_there() -> None:
    for page in ROOT.glob("docs/deploy-*.md"):
        for name in re.findall(r"`(deploy/[\w@./-]+)`", page.read_text()):
            assert (ROOT / name).exists() or name == "deploy/.env", (page.name, name)
