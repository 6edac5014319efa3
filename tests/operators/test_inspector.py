"""All of one job, for operators alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.utils import timezone

from jobs import inspection, lifecycle
from jobs.models import Job
from jobs.states import FailureKind
from simulations import Note

LIST = "/admin/jobs/job/"


def facts(job: Job) -> dict[str, str]:
    return dict(inspection.of(Job.objects.get(pk=job.pk))["facts"])


def test_the_history_says_what_happened_by_whom_and_after_how_long(submit, start):
    job = start(submit())
    lifecycle.progress(job, 1, [{"fraction": 0.5, "message": "", "stage": "add"}])
    lifecycle.request_cancel(job, by="alice")

    found = inspection.changes(job)

    assert [(each.seq, each.kind) for each in found] == [
        (1, "submitted"), (2, "started"), (4, "cancel requested"),
    ]  # fmt: skip
    assert found[1].cause == "host:1"
    assert found[2].cause == "alice"
    assert found[2].after


def test_why_a_job_waits_is_told_in_facts(submit, start, alice, admin_user, settings):
    start(submit(params={"n": 4}))
    job = submit()
    lifecycle.begin_maintenance(by=admin_user, reason="disks", message="New disks")

    told = facts(job)

    assert told["Its owner's"] == "1 run (no limit), 1 wait"
    assert "New disks" in told["Maintenance"]
    assert told["Workers"]


def test_a_job_that_is_stuck_shows_its_silent_worker(submit, start):
    job = start(submit())
    hour_ago = timezone.now() - timedelta(hours=1)
    Job.objects.filter(pk=job.pk).update(lease_expires_at=hour_ago)
    job.attempts.update(heartbeat_at=hour_ago)

    told = facts(job)

    assert told["Heartbeat"] == "1 h 00 min ago"
    assert told["Lease"] == "over since 1 h 00 min"
    assert told["Worker"] == "host:1, process 1 on host"


def test_the_page_has_it_all(admin_client, submit, start):
    note = Note(code="alias", message="Read as sum of squares.")
    job = start(submit(name="Aspirin", notes=[note]))
    job.workdir(1).mkdir(parents=True)
    (job.workdir(1) / "job.log").write_text("SCF not converged\n")
    error = {"detail": "It broke.", "hints": ["Start from xTB."]}
    lifecycle.fail(job, 1, FailureKind.INTERNAL, error, traceback="Traceback: line 7")

    html = admin_client.get(f"{LIST}{job.pk}/change/").content.decode()

    for told in (
        str(job.pk), "Aspirin", "Traceback: line 7", "SCF not converged", "It broke.",
        "Start from xTB.", "Read as sum of squares.",
        "&quot;simulation&quot;: &quot;demo.sum_squares&quot;",
        f"/bulk/again/?id__in={job.pk}",
    ):  # fmt: skip
        assert told in html, told


def test_how_an_attempt_ended_is_told_as_json_and_not_as_python(admin_client, submit, start):
    job = start(submit())
    details = {"signal": 9, "exit_code": None, "tail": ["it said 'x'", "<b>"], "near": {"cpu": 0.5}}
    lifecycle.lose(job, 1, "It was killed.", details=details)

    html = admin_client.get(f"{LIST}{job.pk}/change/").content.decode()

    assert "<dt>Signal</dt><dd>9</dd>" in html
    assert "<dt>Exit code</dt><dd>–</dd>" in html
    assert "[&quot;it said &#x27;x&#x27;&quot;, &quot;&lt;b&gt;&quot;]" in html
    assert "<dd>{&quot;cpu&quot;: 0.5}</dd>" in html
    assert "{&#x27;" not in html


def test_its_owner_never_sees_the_traceback(client, alice, submit, start):
    job = start(submit())
    lifecycle.fail(job, 1, FailureKind.INTERNAL, {"detail": "It broke."}, traceback="Secret: line")
    client.force_login(alice)

    for address in (f"/jobs/{job.pk}/", f"/api/v1/jobs/{job.pk}", f"/api/v1/jobs/{job.pk}/explain"):
        assert "Secret: line" not in client.get(address).content.decode()


def test_the_events_are_told_a_page_at_a_time(admin_client, submit, start, monkeypatch):
    job = start(submit())
    for n in range(5):
        lifecycle.progress(job, 1, [], log=f"line {n}\n")
    monkeypatch.setattr(inspection, "EVENTS_A_PAGE", 3)

    newest = inspection.events_before(job, None, 3)
    older = inspection.events_before(job, newest.older, 3)

    assert [each.seq for each in newest.events] == [7, 6, 5]
    assert [each.seq for each in older.events] == [4, 3, 2]
    html = admin_client.get(f"{LIST}{job.pk}/events/?before=5").content.decode()
    assert "submitted" in html


@pytest.mark.parametrize("job_id", ["0a1b2c3d", "00000000-0000-4000-8000-000000000000"])
def test_an_address_that_is_cut_is_that_of_no_job(admin_client, job_id):
    assert admin_client.get(f"{LIST}{job_id}/change/").status_code == 404


def test_who_may_only_look_is_offered_nothing_to_do(client, submit):
    viewer = get_user_model().objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_job"))
    client.force_login(viewer)

    page = client.get(f"{LIST}{submit().pk}/change/")

    assert page.status_code == 200
    assert page.context["verbs"] == []


@pytest.mark.parametrize("state", ["queued", "running", "cancelled", "succeeded"])
def test_it_takes_few_queries_in_any_state(
    admin_client, submit, start, state, django_assert_max_num_queries
):
    job = submit()
    if state != "queued":
        start(job)
    if state == "cancelled":
        lifecycle.cancel(job, 1)
    if state == "succeeded":
        lifecycle.succeed(job, 1, {"total": 14})

    with django_assert_max_num_queries(30):
        assert admin_client.get(f"{LIST}{job.pk}/change/").status_code == 200
