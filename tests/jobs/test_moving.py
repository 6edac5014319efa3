"""The frames of a run that goes on: whole ones, the newer ones, to whoever may see the job."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from jobs.models import Job, JobState
from jobs.pages.moving import newer

pytestmark = pytest.mark.django_db


def frame(number: int, time_ps: float) -> str:
    atom = "HETATM    1  O   HOH A   1       1.500  -2.250   0.000  1.00  0.00           O  \n"
    return f"REMARK time_ps {time_ps:g}\nMODEL     {number:4d}\n{atom}ENDMDL\n"


TWO = f"{frame(1, 0.5)}{frame(2, 1)}CONECT    1    2\nEND\n"


@pytest.fixture
def moving(settings: Any, tmp_path: Path, submit: Callable[..., Job]) -> Job:
    settings.JOBS_ROOT = tmp_path
    job = submit(simulation="md_simulation", params={"structure": "O"})
    Job.objects.filter(pk=job.pk).update(state=JobState.RUNNING, attempt=1)
    job.refresh_from_db()
    job.workdir(1).mkdir(parents=True)
    return job


def put(job: Job, text: str = TWO) -> Path:
    path = job.workdir(job.attempt) / "preview.pdb"
    path.write_text(text)
    return path


def test_only_newer_frames_are_sent_with_the_bonds(client: Client, alice: Any, moving: Job) -> None:
    put(moving)
    client.force_login(alice)
    address = f"/jobs/{moving.pk}/frames/"

    assert client.get(address).content.decode() == TWO
    later = client.get(address, {"after": "0.5"})
    assert later.content.decode() == f"{frame(2, 1)}CONECT    1    2\nEND\n"
    assert later["Cache-Control"] == "private, no-store"
    assert "sandbox" in later["Content-Security-Policy"]
    assert client.get(address, {"after": "1"}).status_code == 204


def test_before_the_first_frame_there_is_nothing(client: Client, alice: Any, moving: Job) -> None:
    client.force_login(alice)

    assert client.get(f"/jobs/{moving.pk}/frames/").status_code == 204


@pytest.mark.parametrize("after", ["soon", "nan"])
def test_another_moment_than_a_time_is_told(
    client: Client, alice: Any, moving: Job, after: str
) -> None:
    client.force_login(alice)

    answer = client.get(f"/jobs/{moving.pk}/frames/", {"after": after})

    assert answer.status_code == 400
    assert "after: a time in ps" in answer.content.decode()


def test_they_are_nobody_elses(client: Client, bob: Any, moving: Job) -> None:
    put(moving)
    client.force_login(bob)

    assert client.get(f"/jobs/{moving.pk}/frames/").status_code == 404


def test_of_a_run_that_has_ended_its_files_are_served(
    client: Client, alice: Any, moving: Job
) -> None:
    put(moving)
    Job.objects.filter(pk=moving.pk).update(state=JobState.SUCCEEDED)
    client.force_login(alice)

    assert client.get(f"/jobs/{moving.pk}/frames/").status_code == 404


def test_a_link_out_of_the_directory_is_not_followed(
    client: Client, alice: Any, moving: Job, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.pdb"
    secret.write_text(TWO)
    (moving.workdir(1) / "preview.pdb").symlink_to(secret)
    client.force_login(alice)

    assert client.get(f"/jobs/{moving.pk}/frames/").status_code == 204


def test_the_page_of_a_running_one_follows_them(client: Client, alice: Any, moving: Job) -> None:
    client.force_login(alice)

    html = client.get(moving.get_absolute_url()).content.decode()

    assert "Follow the newest frame" in html
    assert f'"url": "/jobs/{moving.pk}/frames/"' in html
    assert '"told_by": "shown_ps"' in html


def test_what_says_no_time_is_no_frame() -> None:
    assert newer("ATOM\nEND\n", float("-inf")) == ""
