"""What the texts and pages say to run is run, against the real thing."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from html import unescape
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from jobs.docs import topics
from tests.stack import ROOT, Stack

pytestmark = [pytest.mark.stack, pytest.mark.slow]

NASTY = 'it\'s "$(id)" `id` \\n'
IDS = {"/api/v1/jobs": "job_id", "/api/v1/batches": "batch_id", "/api/v1/files": "file_id"}
RECEPTOR = ("data", "implicitHbond", "receptor_ph7_amber.pdb")
"""PDB 1S2G as ProLIF ships it."""
LIGANDS = "Nc1ncnc2[nH]cnc12 adenine\nO=c1[nH]cnc2[nH]cnc12 hypoxanthine\n"
Copied = dict[str, str]
Run = Callable[..., str]


def blocks(slug: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", topics.text_of(slug), re.DOTALL)


def commands(slug: str) -> list[str]:
    lines = "".join(blocks(slug, "sh")).replace("\\\n", " ").splitlines()
    return [line for line in lines if line.startswith("curl")]


TEXTS = [topic.slug for topic in topics.guides() if topic.slug != "client"]
"""Those of the client are run in tests/client/test_documented.py."""
WITH_CURL = [slug for slug in TEXTS if commands(slug)]
PROGRAMS = [
    pytest.param(text, id=f"{slug}-{n}")
    for slug in TEXTS
    for n, text in enumerate(blocks(slug, "python"))
    if "from backplane import" in text and "async" not in text
]


@pytest.fixture
def run(stack: Stack, tmp_path: Path) -> Iterator[Run]:
    """Run a program of the texts, as their reader would; returns what it prints."""

    def run(argv: list[str], **options: Any) -> str:
        env = {**os.environ, "BACKPLANE_URL": stack.url, "PYTHONPATH": str(ROOT)}
        env["BACKPLANE_CONFIG"] = str(tmp_path / "none.toml")
        options = {"cwd": tmp_path, "env": env, "timeout": 300} | options
        done = subprocess.run(argv, capture_output=True, text=True, check=False, **options)
        assert done.returncode == 0, (argv, done.stdout, done.stderr)
        return done.stdout

    yield run
    # The tests that follow share the stack: nothing of ours is to run beside them.
    for job in stack.client.get("/api/v1/jobs?state=queued,running").json()["results"]:
        stack.client.post(f"/api/v1/jobs/{job['id']}/cancel")
        stack.wait(job["id"])


@pytest.mark.parametrize("slug", WITH_CURL)
def test_the_curl_lines_of_a_text_answer(slug: str, stack: Stack, run: Run) -> None:
    known = {"cursor": "oldest"}
    for command in commands(slug):
        here = command.replace("http://127.0.0.1:8000", stack.url)
        for name, value in known.items():
            here = here.replace(f"{{{name}}}", value)
        assert not re.search(r"\{\w+_id\}", here), here

        told = run([*shlex.split(here), "--silent", "--fail-with-body"], cwd=ROOT)

        path = re.sub(r".*(/api/v1/\w+)\"?(\s.*)?$", r"\1", command, flags=re.DOTALL)
        if "-X POST" in command or "-F" in command:
            known |= {IDS[path]: json.loads(told)["id"]} if path in IDS else {}


@pytest.mark.skipif(not find_spec("prolif"), reason="needs ProLIF's data")
@pytest.mark.parametrize("program", PROGRAMS)
def test_the_python_of_a_text_runs(program: str, stack: Stack, run: Run, tmp_path: Path) -> None:
    spec = find_spec("prolif")
    assert spec
    assert spec.origin
    receptor = Path(spec.origin).parent.joinpath(*RECEPTOR)
    (tmp_path / "receptor.pdb").write_text(receptor.read_text())
    (tmp_path / "ligands.smi").write_text(LIGANDS)
    here = program.replace("http://127.0.0.1:8000", stack.url)

    run([sys.executable, "-c", here])


def test_the_skills_dynamics_goes_on_after_its_limit(stack: Stack, run: Run) -> None:
    (program,) = (text for text in blocks(topics.SKILL, "python") if "restart(" in text)
    # So long that no machine is done with it in time, and in that time gets somewhere.
    short = program.replace("length_ps=2,", "length_ps=1500,").replace("3600", "10")
    assert short != program

    run([sys.executable, "-c", short])

    newest = stack.client.get("/api/v1/jobs?simulation=md_simulation&limit=1&view=full").json()
    (job,) = newest["results"]
    assert job["state"] == "succeeded"
    assert stack.job(job["restarted_from"])["failure_kind"] == "timeout"
    assert "resumed" in {note["code"] for note in job["result"]["notes"]}


@pytest.fixture
def job_page(stack: Stack) -> tuple[str, Copied]:
    """A job with a name that is hard to quote, and what its page offers to copy."""
    # Asked for by no other test of the shared stack: an equal job would be answered in its place.
    wanted = {"simulation": "demo.sum_squares", "params": {"n": 41}}
    body = wanted | {"name": NASTY, "tags": [NASTY]}
    job = stack.client.post("/api/v1/jobs", json=body).json()
    stack.wait(job["id"])
    return job["id"], copied(stack.client.get(f"/jobs/{job['id']}/").text)


def copied(html: str) -> Copied:
    found = re.findall(r'<pre id="([\w-]+)"[^>]*>(.*?)</pre>', html, re.DOTALL)
    return {name: unescape(text) for name, text in found}


def test_what_a_job_page_offers_a_terminal(job_page: tuple[str, Copied], run: Run) -> None:
    job_id, offers = job_page

    read, again = (
        json.loads(run(["bash", "-c", f"{offers[name]} --silent --fail-with-body"]))
        for name in ("read-sh", "submit-sh")
    )

    assert (read["id"], read["name"]) == (job_id, NASTY)
    assert (again["id"], again["reuse"]["outcome"]) == (job_id, "hit")


def test_what_a_job_page_offers_in_python(job_page: tuple[str, Copied], run: Run) -> None:
    job_id, offers = job_page

    assert run([sys.executable, "-c", offers["read-python"]]) == "{'total': 23821}\n"
    assert run([sys.executable, "-c", offers["submit-python"]]) == f"{job_id}\n{{'total': 23821}}\n"


@pytest.fixture
def batch_page(stack: Stack) -> tuple[str, Copied]:
    body = {"jobs": [{"simulation": "demo.sum_squares", "params": {"n": n}} for n in (3, 4)]}
    batch = stack.client.post("/api/v1/batches", json=body).json()
    return batch["id"], copied(stack.client.get(f"/batches/{batch['id']}/").text)


def test_what_a_batch_page_offers(batch_page: tuple[str, Copied], run: Run) -> None:
    batch_id, offers = batch_page

    rows = run([sys.executable, "-c", offers["batch-python"]]).splitlines()
    told = run(["bash", "-c", offers["batch-sh"].replace("curl", "curl --silent --fail-with-body")])

    assert [ast.literal_eval(row)["summary"]["total"] for row in rows] == [14, 30]
    assert json.loads(told.partition("index,")[0])["id"] == batch_id
    assert "\n0," in told


async def test_what_a_batch_page_offers_an_agent(
    batch_page: tuple[str, Copied], stack: Stack
) -> None:
    batch_id, offers = batch_page
    call = json.loads(offers["batch-json"])
    async with (
        httpx2.AsyncClient(timeout=90) as http,
        Client(streamable_http_client(f"{stack.url}/mcp", http_client=http)) as client,
    ):
        answer = await client.call_tool(call["name"], call["arguments"])

    assert answer.structured_content["batch"]["id"] == batch_id


async def test_what_a_job_page_offers_an_agent(job_page: tuple[str, Copied], stack: Stack) -> None:
    job_id, offers = job_page
    async with (
        httpx2.AsyncClient(timeout=90) as http,
        Client(streamable_http_client(f"{stack.url}/mcp", http_client=http)) as client,
    ):
        for name in ("read-json", "submit-json"):
            call = json.loads(offers[name])
            answer = await client.call_tool(call["name"], call["arguments"])
            assert answer.structured_content["job"]["id"] == job_id
