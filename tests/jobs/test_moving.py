"""The frames of a run that goes on: whole ones, the newer ones, to whoever may see the job."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from jobs.models import Job, JobState
from jobs.pages.frames import KINDS, MAX_BYTES, REACHES
from jobs.pages.strips import catalogued
from jobs.pages.structure import structure_of
from simulations.quantum.geometry import Geometry, append_frame

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

    answer = client.get(f"/jobs/{moving.pk}/frames/")

    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize(
    ("state", "is_told"), [(JobState.RUNNING, True), (JobState.CANCELLED, False)]
)
def test_how_much_is_left_is_told_of_a_run_that_goes_on(
    client: Client, alice: Any, moving: Job, state: str, is_told: bool
) -> None:
    put(moving)
    metrics = {"time_ps": 0.5, "remaining_s": 116, "speed_ns_per_day": 40}
    Job.objects.filter(pk=moving.pk).update(state=state, metrics=metrics)
    client.force_login(alice)

    page = client.get(f"/jobs/{moving.pk}/").content.decode()

    assert (page.count("about 2 min"), page.count("<dt>Left</dt>")) == (is_told, is_told)
    assert page.count("at the speed of this run") == is_told
    assert "<dt>Expected</dt>" not in page
    assert 'data-readout="speed_ns_per_day"' in page


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
    assert KINDS["pdb"].newer(io.BytesIO(b"ATOM\nEND\n")) == ""


def step(number: int) -> str:
    return f"2\nstep {number} energy_hartree -1.{number:010d}\nH 0 0 0.{number}\nH 0 0 0.75\n"


def cell(number: int) -> str:
    return f"data_step_{number}\n# step {number} energy_hartree -5.0\n_cell_length_a 3.6\n#END\n"


GROWING = {
    "xtb_optimization": ("trajectory.xyz", step, "chemical/x-xyz"),
    "dft_crystal": ("cells.cif", cell, "chemical/x-cif"),
}


@pytest.fixture
def growing(moving: Job) -> Callable[..., Job]:
    """The same job as one that appends what this says to its file."""

    def growing(simulation: str, text: str, **params: Any) -> Job:
        moving.simulation = simulation
        moving.params = params
        moving.save(update_fields=["simulation", "params"])
        (moving.workdir(1) / GROWING.get(simulation, GROWING["xtb_optimization"])[0]).write_text(
            text
        )
        return moving

    return growing


@pytest.mark.parametrize(("kind", "frame"), [("xyz", step), ("cif", cell)])
def test_each_step_is_sent_once_all_of_it_is_there(kind: str, frame: Callable[[int], str]) -> None:
    whole = "".join(map(frame, range(1, 4)))
    second = len(frame(1) + frame(2))

    for end in range(second, len(whole)):
        assert KINDS[kind].newer(io.BytesIO(whole[:end].encode()), after=1) == frame(2), end
    assert KINDS[kind].newer(io.BytesIO(whole.encode()), after=1) == frame(2) + frame(3)


@pytest.mark.parametrize("simulation", GROWING)
def test_those_that_are_appended_are_sent_as_what_they_are(
    client: Client, alice: Any, growing: Callable[..., Job], simulation: str
) -> None:
    _, frame, media_type = GROWING[simulation]
    job = growing(simulation, frame(1) + frame(2) + frame(3)[:-1])
    client.force_login(alice)

    answer = client.get(f"/jobs/{job.pk}/frames/", {"after": "1"})

    assert answer.content.decode() == frame(2)
    assert answer["Content-Type"] == media_type


def test_what_the_engine_appends_is_what_is_read(
    client: Client, alice: Any, growing: Callable[..., Job]
) -> None:
    """Steps beyond the first nine, coordinates of more than one width."""
    job = growing("xtb_optimization", "")
    client.force_login(alice)
    path = job.workdir(1) / "trajectory.xyz"
    for number in range(1, 13):
        water = Geometry(("O", "H"), ((0.0, 0.0, -123.25 * number), (0.0, 1e-9, 0.5)))
        append_frame(path, water, f"step {number} energy_hartree {-5 - number:.10f}")

    assert client.get(f"/jobs/{job.pk}/frames/").content == path.read_bytes()
    newest = client.get(f"/jobs/{job.pk}/frames/", {"after": "11"}).content.decode()
    assert newest.splitlines()[1] == "step 12 energy_hartree -17.0000000000"
    assert newest.count("step") == 1


def test_of_a_long_walk_the_newest_steps_are_sent() -> None:
    walk = io.BytesIO(f"{step(1)}{'x' * MAX_BYTES}\n{step(2)}{step(3)}".encode())

    assert KINDS["xyz"].newer(walk) == step(2) + step(3)


class Counting(io.BytesIO):
    """Knows how much of it was read."""

    n_read = 0

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(size)
        self.n_read += len(found)
        return found


def test_for_the_newest_steps_the_end_alone_is_read() -> None:
    steps = [step(n) for n in range(1, 5_001)]
    walk = Counting("".join(steps).encode())

    assert KINDS["xyz"].newer(walk, after=4_998) == "".join(steps[-2:])
    assert KINDS["xyz"].newest(walk) == steps[-1]
    assert walk.n_read == 2 * REACHES[0]
    assert KINDS["xyz"].newer(walk, after=1) == "".join(steps[1:])


TWELVE = "H 0 0 0.1\n" * 12


def test_half_a_line_where_reading_begins_is_no_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else of `12` atoms there would be 2."""
    walk = f"12\nstep 1 energy_hartree -1.0\n{TWELVE}{step(2)}".encode()
    monkeypatch.setattr("jobs.pages.frames.REACHES", (len(walk) - 1,))

    assert KINDS["xyz"].newer(io.BytesIO(walk)) == step(2)


def test_another_place_than_a_step_is_told(
    client: Client, alice: Any, growing: Callable[..., Job]
) -> None:
    job = growing("xtb_optimization", step(1))
    client.force_login(alice)

    answer = client.get(f"/jobs/{job.pk}/frames/", {"after": "soon"})

    assert answer.status_code == 400
    assert "after: the number of a step" in answer.content.decode()


@pytest.mark.parametrize(
    ("simulation", "kind", "word"),
    [
        ("xtb_optimization", "molecule", "Step"),
        ("dft_optimization", "molecule", "Step"),
        ("xtb_frequencies", "molecule", "Step"),
        ("dft_frequencies", "molecule", "Step"),
        ("dft_crystal", "crystal", "Cell"),
    ],
)
def test_the_page_follows_a_run_that_takes_steps(
    client: Client, alice: Any, growing: Callable[..., Job], simulation: str, kind: str, word: str
) -> None:
    job = growing(simulation, "", structure="O", optimize_first=True)
    client.force_login(alice)

    html = client.get(job.get_absolute_url()).content.decode()

    assert f"Follow the newest {word.lower()}" in html
    assert f'"kind": "{kind}"' in html
    assert '"told_by": "step"' in html


def test_without_a_walk_there_is_nothing_to_follow(growing: Callable[..., Job]) -> None:
    job = growing("xtb_frequencies", "", structure="O", optimize_first=False)

    figure = structure_of(job, catalogued(job.simulation), [])

    assert figure
    assert figure.why_empty.startswith("Shown when the run has ended")


def test_who_has_no_script_reads_the_newest_whole_geometry(
    client: Client, alice: Any, growing: Callable[..., Job]
) -> None:
    job = growing("xtb_optimization", step(1) + step(2) + step(3)[:-9])
    client.force_login(alice)

    html = client.get(job.get_absolute_url()).content.decode()

    assert "<td>1</td><td>H</td><td>0.000</td><td>0.000</td><td>0.200</td>" in html
    assert "2 atoms. The geometry at each step of the optimisation so far." in html
