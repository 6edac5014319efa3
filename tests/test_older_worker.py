"""A worker of an older release beside a site of this one, as on a host that was left behind."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.stack import ROOT, Stack, kill, until

pytestmark = [pytest.mark.stack, pytest.mark.slow]

PROGRAM = ("backplane", "backplane_site", "jobs", "simulations", "templates", "manage.py")
SUM = Path("simulations/catalog/sum_squares.py")
TITLE = 'title="Sum of squares"'
OLDER_RESULT = (TITLE, f'{TITLE}, version="0"')
OLDER_PARAMS = ("n: int =", "terms: int =")
TOO_LITTLE_MIB = "64"


@pytest.fixture(scope="module")
def site() -> Iterator[Stack]:
    """Its own worker listens, and can serve nothing."""
    with Stack(1, BACKPLANE_HOST_MEMORY_MIB=TOO_LITTLE_MIB, BACKPLANE_MEMORY_MIB="500") as running:
        yield running


def release(at: Path, was: str, then: str) -> Path:
    """This one, but for its smallest simulation."""
    for name in PROGRAM:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, at / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, at)
    text = (at / SUM).read_text()
    assert text.count(was) == 1
    (at / SUM).write_text(text.replace(was, then))
    return at


@contextmanager
def working(site: Stack, at: Path, log: Path) -> Iterator[None]:
    env = {**site.env, "BACKPLANE_HOST_MEMORY_MIB": "8000", "PYTHONPATH": ""}
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "work"], cwd=at, env=env, stdout=stream, stderr=stream
        )
    try:
        yield
    finally:
        everything = psutil.Process(process.pid).children(recursive=True)
        kill([psutil.Process(process.pid), *everything])
        process.wait(60)


@pytest.mark.parametrize("older", [OLDER_RESULT, OLDER_PARAMS])
def test_it_leaves_what_a_newer_release_took_to_a_worker_of_that_one(
    site: Stack, tmp_path: Path, older: tuple[str, str]
) -> None:
    log = tmp_path / "log"
    with working(site, release(tmp_path / "older", *older), log):
        job_id = site.submit("demo.sum_squares", n=4)
        until(lambda: "start this worker anew" in log.read_text(), "it says why it leaves it")

        waits = site.wait(job_id, lambda job: "of the release that took it" in str(job["waiting"]))
        assert (waits["state"], waits["waiting"]["reason"]) == ("queued", "no_able_worker")
        told = site.manage("doctor").stdout
        assert "They leave demo.sum_squares to others, of a newer release than theirs." in told
        other = site.submit("xtb_optimization", structure="O")
        with working(site, ROOT, tmp_path / "this"):
            ended = site.wait(job_id)
        assert site.wait(other)["state"] == "succeeded"

    assert (ended["state"], len(ended["attempts"])) == ("succeeded", 1)
    assert ended["provenance"]["simulation_version"] == "1"


def test_what_it_took_itself_a_newer_one_computes_and_answers_for_itself_alone(
    site: Stack, tmp_path: Path
) -> None:
    newer = (TITLE, f'{TITLE}, version="2"')
    body = {"simulation": "demo.sum_squares", "params": {"n": 77}}
    job_id = site.client.post("/api/v1/jobs", json=body).json()["id"]
    with working(site, release(tmp_path / "newer", *newer), tmp_path / "log"):
        ended = site.wait(job_id)
    assert (ended["state"], ended["provenance"]["simulation_version"]) == ("succeeded", "2")

    # Nobody of this release is told that it was computed by the same.
    again = site.client.post("/api/v1/jobs", json=body).json()
    assert (again["reuse"]["outcome"], again["id"] != job_id) == ("new", True)
    assert site.client.post(f"/api/v1/jobs/{again['id']}/cancel").is_success
