"""The operators' view: look at everything, change nothing but through the lifecycle."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission

from jobs import lifecycle
from jobs.models import Allowance, Job
from jobs.states import FailureKind, JobState

LIST = "/admin/jobs/job/"


def act(client: Any, action: str, *jobs: Job) -> str:
    """Mark them, choose from the menu, give a reason."""
    data = {"action": action, "_selected_action": [str(job.pk) for job in jobs]}
    there = client.post(LIST, data).get("Location", "")
    if "/bulk/" not in there:
        return ""
    as_of = client.get(there).context["form"]["as_of"].value()
    response = client.post(there, {"reason": "A test.", "as_of": as_of}, follow=True)
    return re.sub(r"\s+", " ", response.content.decode())


def test_the_list_shows_every_job_with_owner_and_status(admin_client, submit, bob):
    submit(name="Of alice")
    submit(name="Of bob", owner=bob)

    html = admin_client.get(LIST).content.decode()

    assert "Of alice" in html
    assert "Of bob" in html
    assert 'data-status="queued"' in html


def test_the_list_takes_the_same_number_of_queries_for_one_job_and_for_many(
    admin_client, submit, django_assert_max_num_queries
):
    submit()
    with django_assert_max_num_queries(15) as few:
        admin_client.get(LIST)

    for _ in range(20):
        submit()
    with django_assert_max_num_queries(15) as many:
        admin_client.get(LIST)

    assert len(many) <= len(few)


@pytest.mark.parametrize("sought", ["alice", "Findable"])
def test_a_job_is_found_by_its_owner_and_by_its_name(admin_client, submit, sought):
    submit(name="Findable")

    assert "Findable" in admin_client.get(LIST, {"q": sought}).content.decode()


def test_a_job_is_found_by_the_start_of_its_id(admin_client, submit):
    job = submit(name="Findable")

    for sought in (job.short_id, str(job.pk)):
        assert "Findable" in admin_client.get(LIST, {"q": sought}).content.decode()


@pytest.mark.parametrize("name", ["state", "simulation", "failure_kind"])
def test_the_list_can_be_filtered(admin_client, submit, name):
    submit(name="Elsewhere")

    response = admin_client.get(LIST, {f"{name}__exact": "cancelled"})

    assert response.status_code == 200
    assert "Elsewhere" not in response.content.decode()


def test_a_job_can_be_looked_at_and_not_edited(admin_client, submit, start):
    job = start(submit())
    lifecycle.fail(job, 1, FailureKind.INTERNAL, {"detail": "It broke."}, traceback="Trace: here")
    address = f"{LIST}{job.pk}/change/"

    html = admin_client.get(address).content.decode()

    assert "Trace: here" in html
    assert "started" in html
    assert 'name="_save"' not in html
    assert admin_client.post(address, {"state": "succeeded"}).status_code == 403
    assert admin_client.post(f"{LIST}{job.pk}/delete/").status_code == 403
    assert admin_client.get(f"{LIST}add/").status_code == 403


def test_cancel_goes_through_the_lifecycle_and_leaves_alone_what_is_over(
    admin_client, submit, start
):
    queued, done = submit(), start(submit())
    lifecycle.succeed(done, 1, {"total": 14})

    html = act(admin_client, "cancel", queued, done)

    queued.refresh_from_db()
    assert queued.state == JobState.CANCELLED
    assert "1 job was cancelled, or asked to stop." in html


def test_run_again_keeps_the_owner(admin_client, submit, start, alice):
    old = start(submit())
    lifecycle.succeed(old, 1, {"total": 14})

    html = act(admin_client, "again", old)

    new = Job.objects.exclude(pk=old.pk).get()
    assert new.owner == alice
    assert "1 job was submitted again" in html


def test_who_may_only_look_gets_no_actions(client, submit, db):
    viewer = get_user_model().objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_job"))
    client.force_login(viewer)
    job = submit()

    act(client, "cancel", job)

    job.refresh_from_db()
    assert job.state == JobState.QUEUED


def test_an_ordinary_user_is_kept_out(client, alice):
    client.force_login(alice)

    assert client.get(LIST).status_code == 302


@pytest.mark.parametrize("address", [LIST, LIST + "{job}/change/", "/admin/"])
def test_the_admin_holds_nothing_that_the_content_policy_forbids(admin_client, submit, address):
    html = admin_client.get(address.format(job=submit().pk)).content.decode()

    assert not re.search(r"\sstyle=|<style|<script(?![^>]*\bsrc=)(?![^>]*application/json)", html)


@pytest.mark.parametrize("how", ["one", "many"])
def test_limits_are_not_deleted_while_jobs_wait_for_their_turn(admin_client, submit, bob, how):
    job = submit()
    Allowance.objects.create(user=bob)
    path = "/admin/jobs/allowance/"

    def delete(owner):
        if how == "one":
            return admin_client.post(f"{path}{owner.pk}/delete/", {"post": "yes"})
        told = {"action": "delete_selected", "_selected_action": [owner.pk], "post": "yes"}
        return admin_client.post(path, told)

    delete(job.owner)
    delete(bob)

    assert [each.user for each in Allowance.objects.all()] == [job.owner]
    assert lifecycle.take_next("rq", worker="w", host="h", pid=1) == job
