"""What a person sees: the list, a job's page, its buttons and its files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from jobs import lifecycle
from jobs.artifacts import collect
from jobs.models import Job
from jobs.pages.snapshot import NEWEST_KEPT, thinned
from jobs.states import FailureKind, JobState

INLINE = re.compile(
    r"""\sstyle=|\son[a-z]+=|<style|<script(?![^>]*\bsrc=)(?![^>]*application/json)"""
)


@pytest.fixture
def page(client: Any, alice: Any) -> Callable[..., Any]:
    """Alice opens an address; on the way she is signed in."""
    client.force_login(alice)

    def open_page(address: str, **data: Any) -> Any:
        return client.get(address, data)

    return open_page


@pytest.fixture
def post(client: Any, alice: Any) -> Callable[..., Any]:
    client.force_login(alice)

    def send(address: str, **data: Any) -> Any:
        return client.post(address, data)

    return send


def snapshot_in(html: str) -> dict[str, Any]:
    found = re.search(r'<script id="snapshot" type="application/json">(.*?)</script>', html)
    assert found
    return json.loads(found[1])


def log_in(html: str) -> str:
    found = re.search(r'<pre class="log"[^>]*>(.*?)</pre>', html, re.DOTALL)
    assert found
    return found[1]


def finish(job: Job) -> Job:
    """Let it write a file and succeed."""
    workdir = job.workdir(job.attempt)
    workdir.mkdir(parents=True)
    (workdir / "job.log").write_text("all is well\n")
    lifecycle.succeed(job, job.attempt, {"total": 14}, collect(workdir))
    return job


# --- the list -------------------------------------------------------------------------------


def test_the_list_shows_only_ones_own_jobs(page, submit, bob):
    submit(name="Mine")
    submit(owner=bob, name="Not mine")

    html = page("/jobs/").content.decode()

    assert "Mine" in html
    assert "Not mine" not in html


def test_an_empty_list_shows_the_way_forward(page):
    assert "/jobs/new/" in page("/jobs/").content.decode()


def test_the_list_takes_the_same_number_of_queries_for_one_job_and_for_many(
    page, submit, django_assert_max_num_queries
):
    submit()
    with django_assert_max_num_queries(10) as few:
        page("/jobs/")

    for _ in range(20):
        submit()
    with django_assert_max_num_queries(10) as many:
        page("/jobs/")

    assert len(many) <= len(few)


def test_the_list_is_filtered_by_state(page, submit):
    submit(name="Waits")
    lifecycle.request_cancel(submit(name="Gone"), by="alice")

    html = page("/jobs/", state="cancelled").content.decode()

    assert "Gone" in html
    assert "Waits" not in html


def test_the_pages_of_the_list_neither_repeat_nor_skip_a_job(page, submit, monkeypatch):
    monkeypatch.setattr("jobs.pages.listing.PAGE_SIZE", 2)
    moment = timezone.now()
    jobs = [submit() for _ in range(5)]
    Job.objects.update(created_at=moment)  # all at once, so that only the id orders them

    seen: list[Any] = []
    listing = page("/jobs/").context["listing"]
    seen += [row.job.pk for row in listing.rows]
    while listing.older:
        listing = page(f"/jobs/{listing.older}").context["listing"]
        seen += [row.job.pk for row in listing.rows]

    assert sorted(seen) == sorted(job.pk for job in jobs)


def test_whoever_is_not_signed_in_is_asked_to(client, db):
    response = client.get("/jobs/", REMOTE_ADDR="203.0.113.7")

    assert response.status_code == 302
    assert response.url.startswith("/login/")


# --- one job --------------------------------------------------------------------------------


def test_a_job_is_unknown_to_a_stranger(page, submit, bob):
    job = submit(owner=bob)

    assert page(f"/jobs/{job.pk}/").status_code == 404


def test_the_page_holds_everything_up_to_its_seq(page, submit, start):
    job = start(submit(simulation="xtb_optimization", params={"structure": "O"}))
    numbers = {"step": 1, "energy_hartree": -5.07054432357}
    point = {"fraction": 0.5, "message": "half", "stage": "optimise", **numbers}
    lifecycle.progress(job, 1, [point], log="said\n")

    html = page(f"/jobs/{job.pk}/").content.decode()

    found = snapshot_in(html)
    assert found["seq"] == job.last_seq
    assert found["columns"] == {
        "step": [1],
        "energy_hartree": [-5.07054432357],
    }  # and nothing that no figure draws
    assert log_in(html) == "said\n"
    assert found["job"]["progress"] == 0.5


def test_the_page_takes_the_same_number_of_queries_however_much_was_reported(
    page, submit, start, django_assert_max_num_queries
):
    job = start(submit())
    for number in range(50):
        point = {"fraction": number / 50, "message": "", "stage": "add", "total": number}
        lifecycle.progress(job, 1, [point], log=f"line {number}\n")

    with django_assert_max_num_queries(11):
        page(f"/jobs/{job.pk}/")


def test_colour_codes_of_an_engine_are_not_shown(page, submit, start):
    job = start(submit())
    lifecycle.progress(job, 1, [], log="\x1b[92mConverged\x1b[0m\n")

    assert log_in(page(f"/jobs/{job.pk}/").content.decode()) == "Converged\n"


def test_a_new_attempt_starts_with_an_empty_log(page, submit, start):
    job = start(submit())
    lifecycle.progress(job, 1, [], log="of the first\n")
    lifecycle.lose(job, 1, "The worker is gone.")
    job = start(job)

    html = page(f"/jobs/{job.pk}/").content.decode()

    assert (log_in(html), snapshot_in(html)["columns"]) == ("", {})


def test_a_finished_job_shows_its_result_and_its_files(page, submit, start):
    job = finish(start(submit()))

    html = page(f"/jobs/{job.pk}/").content.decode()

    assert "Sum of the squares" in html
    assert job.artifacts.get().sha256 in html
    assert "Cancel job" not in html


def test_a_failed_job_says_why_and_what_to_try(page, submit, start):
    job = start(submit())
    error = {"detail": "The SCF did not converge.", "hints": ["Use a level shift."]}
    lifecycle.fail(job, 1, FailureKind.SCIENCE, error, traceback="Traceback: secret")

    html = page(f"/jobs/{job.pk}/").content.decode()

    assert "The SCF did not converge." in html
    assert "Use a level shift." in html
    assert "secret" not in html


def test_a_queued_job_says_everywhere_in_the_same_words_what_it_waits_for(page, submit):
    submit()
    job = submit(params={"n": 4})
    told = "Waiting for a worker, about 2nd in line"

    for path in (f"/jobs/{job.pk}/", "/jobs/", "/", "/queue/"):
        assert told in page(path).content.decode(), path
    assert page(f"/api/v1/jobs/{job.pk}").json()["reason_text"] == told


def test_a_silent_worker_looks_different_from_a_running_one(page, submit, start):
    job = start(submit())
    lifecycle.doubt(job, 1, "No word from its worker.")

    assert "Unconfirmed" in page(f"/jobs/{job.pk}/").content.decode()


def test_a_job_whose_simulation_is_gone_is_still_shown(page, submit):
    job = submit()
    Job.objects.update(simulation="once.was")

    assert page(f"/jobs/{job.pk}/").status_code == 200


def test_what_an_engine_writes_stays_text(page, submit, start):
    job = start(submit(name="<b>bold</b>"))
    lifecycle.progress(job, 1, [], log="</script><script>alert(1)</script>")

    html = page(f"/jobs/{job.pk}/").content.decode()

    assert "<b>bold" not in html
    assert "<script>alert" not in html


# --- its buttons ----------------------------------------------------------------------------


def test_cancel_stops_a_queued_job(post, submit):
    job = submit()

    post(f"/jobs/{job.pk}/cancel/")

    job.refresh_from_db()
    assert job.state == JobState.CANCELLED


def test_a_running_job_is_stopping_until_it_has_stopped(post, page, submit, start):
    job = start(submit())

    post(f"/jobs/{job.pk}/cancel/")

    assert "Stopping" in page(f"/jobs/{job.pk}/").content.decode()


def test_to_cancel_a_finished_job_is_answered_by_a_message(post, client, submit, start):
    job = finish(start(submit()))

    response = client.post(f"/jobs/{job.pk}/cancel/", follow=True)

    assert response.status_code == 200
    assert "nothing left to cancel" in response.content.decode()


def test_run_again_makes_a_new_job_with_the_same_input(post, submit):
    old = submit(params={"n": 7})

    response = post(f"/jobs/{old.pk}/again/")

    new = Job.objects.exclude(pk=old.pk).get()
    assert response.url == new.get_absolute_url()
    assert new.params == old.params


@pytest.mark.parametrize("button", ["cancel", "again"])
def test_a_stranger_cannot_press_the_buttons(post, submit, bob, button):
    job = submit(owner=bob)

    response = post(f"/jobs/{job.pk}/{button}/")

    assert response.status_code == 404
    assert Job.objects.get().state == JobState.QUEUED


@pytest.mark.parametrize("button", ["cancel", "again"])
def test_a_link_cannot_press_the_buttons(page, submit, button):
    assert page(f"/jobs/{submit().pk}/{button}/").status_code == 405


# --- its files ------------------------------------------------------------------------------


def test_a_file_comes_as_a_download_that_cannot_run(page, submit, start):
    job = finish(start(submit()))

    response = page(f"/jobs/{job.pk}/files/{job.artifacts.get().pk}/")

    assert b"".join(response.streaming_content) == b"all is well\n"
    assert response["Content-Disposition"] == 'attachment; filename="job.log"'
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response["Content-Security-Policy"]


def test_a_file_is_refused_to_a_stranger(page, submit, start, bob):
    job = finish(start(submit(owner=bob)))

    assert page(f"/jobs/{job.pk}/files/{job.artifacts.get().pk}/").status_code == 404


def test_a_file_of_another_job_is_not_found_under_ones_own(page, submit, start, bob):
    theirs = finish(start(submit(owner=bob))).artifacts.get()

    assert page(f"/jobs/{submit().pk}/files/{theirs.pk}/").status_code == 404


# --- all of them ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "/jobs/",
        "/jobs/new/",
        "/jobs/new/demo.sum_squares/",
        "/jobs/{job}/",
        "/login/",
        "/jobs/{no}/",
    ],
)
def test_no_page_holds_anything_that_the_content_policy_forbids(page, submit, start, address):
    job = finish(start(submit()))
    address = address.format(job=job.pk, no="00000000-0000-0000-0000-000000000000")

    html = page(address).content.decode()

    assert not INLINE.search(html)


def test_thinning_keeps_every_peak_and_the_newest_points():
    points = [{"x": i, "y": 0.0} for i in range(50_000)]
    points[12_345]["y"] = 9.0
    points[23_456]["y"] = -9.0

    kept = thinned(points, ["y"], limit=2000)

    assert len(kept) <= 2000 + 1
    assert {9.0, -9.0} <= {point["y"] for point in kept}
    assert kept[-NEWEST_KEPT:] == points[-NEWEST_KEPT:]
    assert [point["x"] for point in kept] == sorted(point["x"] for point in kept)


def test_what_is_wider_than_its_page_is_moved_by_the_keyboard_too() -> None:
    pages = (settings.BASE_DIR / "templates").rglob("*.html")
    wide = [
        tag for page in pages for tag in re.findall(r'<div class="scroll".*?>', page.read_text())
    ]

    assert wide
    reached = re.compile(r'tabindex="0" role="(region|group)" aria-label="\S')
    assert [tag for tag in wide if not reached.search(tag)] == []
