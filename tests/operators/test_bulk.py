"""What is done to a whole search: previewed with its count, for a reason, by the lifecycle."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission

from jobs import in_bulk, keys, lifecycle, maintenance
from jobs.keys import Origin
from jobs.models import AuditEntry, Job
from jobs.states import Approval, Consent, FailureKind, JobState, Priority, Reason, Scope

from .conftest import BULK

LIST = "/admin/jobs/job/"


@pytest.fixture
def ended(submit, start):
    def ended(**told: Any) -> Job:
        job = start(submit(**told))
        lifecycle.fail(job, 1, FailureKind.SCIENCE, {"detail": "It did not converge."})
        return job

    return ended


def test_all_that_the_search_finds_is_cancelled_and_nothing_else(bulk, submit, start, bob):
    many = [submit(params={"n": n}) for n in range(1, 61)]
    runs = start(submit(params={"n": 70}))
    other = submit(owner=bob)

    html = bulk("cancel", of="alice")

    assert "61 jobs were cancelled, or asked to stop." in html
    states = set(Job.objects.filter(pk__in=[job.pk for job in many]).values_list("state"))
    assert states == {("cancelled",)}
    runs.refresh_from_db()
    assert runs.is_cancelling
    other.refresh_from_db()
    assert other.state == JobState.QUEUED


def test_the_preview_counts_what_it_would_be_done_to_and_does_nothing(preview, submit, ended):
    job = submit()
    ended(params={"n": 4})

    shown = preview("cancel")

    assert (shown["n_found"], shown["n"]) == (2, 1)
    job.refresh_from_db()
    assert job.state == JobState.QUEUED
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("reason", ["", "   "])
def test_nothing_is_done_without_a_reason(bulk, submit, reason):
    job = submit()

    html = bulk("cancel", reason=reason)

    assert "This field is required" in html
    job.refresh_from_db()
    assert job.state == JobState.QUEUED
    assert not AuditEntry.objects.exists()


def test_the_job_and_its_owner_are_told_by_whom_and_why(bulk, submit, client, alice):
    job = submit()

    bulk("cancel")

    event = job.events.get(kind="cancelled")
    assert (event.data["by"], event.data["why"]) == ("operator admin", "Wrong basis set.")
    client.force_login(alice)
    told = client.get(f"/api/v1/jobs/{job.pk}/explain").json()
    assert told["text"] == "Cancelled by operator admin: Wrong basis set."


def test_the_audit_log_has_who_what_on_which_search_how_many_and_why(bulk, submit, admin_user):
    submit()

    bulk("cancel", of="alice")

    begun, done = AuditEntry.objects.order_by("id")
    assert (begun.by, begun.action, begun.n) == (admin_user, "jobs: cancel", 1)
    assert (begun.target, begun.reason) == ("of=alice", "Wrong basis set.")
    assert (done.outcome_of, done.n, done.details["is_whole"]) == (begun, 1, True)


def test_what_was_submitted_since_the_preview_is_left_alone(admin_client, preview, submit):
    submit()
    as_of = preview("cancel")["form"]["as_of"].value()
    late = submit(params={"n": 4})

    admin_client.post(f"{BULK}/cancel/", {"reason": "Old.", "as_of": as_of})

    late.refresh_from_db()
    assert late.state == JobState.QUEUED
    assert Job.objects.filter(state=JobState.CANCELLED).count() == 1


@pytest.mark.parametrize("priority", list(Priority))
def test_all_are_given_another_priority(bulk, submit, priority):
    before = Priority.LOW if priority is not Priority.LOW else Priority.HIGH
    job = submit(priority=before)

    bulk(f"priority-{priority.name.lower()}")

    job.refresh_from_db()
    assert job.priority == priority
    assert job.events.get(kind="priority").data["why"] == "Wrong basis set."


def test_those_that_failed_are_run_again_for_their_owner(bulk, ended, alice):
    old = ended()
    ended(params={"n": 4})

    bulk("again", failure="science")

    new = Job.objects.filter(state=JobState.QUEUED)
    assert {job.owner for job in new} == {alice}
    assert new.count() == 2
    made = AuditEntry.objects.get(action="jobs: run again, done").details["made"]
    assert str(old.pk) in made


def test_what_cannot_be_done_to_some_is_told_by_why(bulk, ended):
    ended()

    html = bulk("restart")

    assert "0 jobs were restarted" in html
    assert "1 left as they were: It left nothing to go on from" in html


def test_those_that_were_ticked_are_not_listed_by_their_ids(preview, submit):
    job = submit()

    assert preview("cancel", id__in=str(job.pk))["search"] == "those that were ticked"
    assert preview("cancel", id__in=str(job.pk), state="queued")["search"].startswith("id__in=")


@pytest.fixture
def asks(submit, alice):
    """A job of a key whose jobs all wait for its owner's yes."""
    key, _ = keys.issue(
        owner=alice, name="crawler", scopes=[Scope.SUBMIT], approval=Approval.ALWAYS
    )

    def asks(**told: Any) -> Job:
        return submit(origin=Origin(key=key, agent=key.name), **told)

    return asks


def test_all_that_wait_for_approval_are_approved_and_join_the_line(
    bulk, asks, submit, redis, django_capture_on_commit_callbacks
):
    import django_rq

    jobs = [asks(params={"n": n}) for n in range(3, 6)]
    submit()

    with django_capture_on_commit_callbacks(execute=True):
        html = bulk("approve")

    assert "3 jobs were approved." in html
    assert {*django_rq.get_queue("default").get_job_ids()} == {job.run_id for job in jobs}
    for job in jobs:
        job.refresh_from_db()
        assert (job.consent, job.reason) == (Consent.GIVEN, Reason.NO_FREE_WORKER)
        told = job.events.get(kind="approved").data
        assert (told["by"], told["why"]) == ("operator admin", "Wrong basis set.")
    begun, done = AuditEntry.objects.order_by("id")
    assert (begun.action, begun.n, done.action, done.n) == (
        "jobs: approve", 3, "jobs: approve, done", 3,
    )  # fmt: skip


def test_all_that_wait_for_approval_are_rejected_and_say_why(bulk, asks, submit, client, alice):
    job, free = asks(), submit(params={"n": 4})

    html = bulk("reject", reason="Too wide.")

    assert "1 job was rejected." in html
    job.refresh_from_db()
    free.refresh_from_db()
    assert (job.state, job.consent, free.state) == ("cancelled", Consent.REFUSED, "queued")
    kinds = [event.kind for event in job.events.order_by("seq")]
    assert kinds[-2:] == ["rejected", "cancelled"]
    client.force_login(alice)
    told = client.get(f"/api/v1/jobs/{job.pk}/explain").json()
    assert (told["cause"], told["text"]) == ("rejected", "Rejected by operator admin: Too wide.")


@pytest.mark.parametrize("verb", ["approve", "reject"])
def test_what_got_its_answer_since_the_preview_keeps_it(asks, alice, verb):
    job = asks()
    done = in_bulk.VERBS[verb]
    other = lifecycle.reject if verb == "approve" else lifecycle.approve

    other(job, by=alice)
    outcome = in_bulk.Outcome()
    done.does([job.pk], in_bulk.Operator(user="admin", why="Late."), outcome)

    assert outcome.done == 0
    job.refresh_from_db()
    assert job.consent == (Consent.REFUSED if verb == "approve" else Consent.GIVEN)


def test_files_are_removed_and_the_row_says_so(bulk, ended):
    job = ended()
    job.workdir(1).mkdir(parents=True)
    (job.workdir(1) / "orbital.cube").write_text("large")

    bulk("purge", id__in=str(job.pk))

    job.refresh_from_db()
    assert not job.directory.exists()
    assert job.files_removed_at
    assert job.events.get(kind="files_removed").data["by"] == "operator admin"


def test_files_that_another_job_goes_on_from_are_kept(bulk, ended, submit):
    job = ended()
    submit(restarted_from=job)
    job.workdir(1).mkdir(parents=True)

    html = bulk("purge", id__in=str(job.pk))

    assert "A job that has not ended goes on from its files." in html
    assert job.directory.exists()


def test_while_the_site_is_closed_nothing_is_run_again_and_it_says_why(bulk, ended, admin_user):
    ended()
    lifecycle.begin_maintenance(by=admin_user, reason="disks", accepts=False)

    html = bulk("again")

    assert maintenance.ACCEPTS_NOTHING in html
    assert Job.objects.count() == 1


def test_what_does_not_fit_into_the_time_is_gone_on_with(admin_client, submit, monkeypatch):
    for n in range(1, 6):
        submit(params={"n": n})
    jobs, operator = Job.objects.all(), in_bulk.Operator(user="admin", why="Too many.")
    two = in_bulk.Verb(**{**_as_dict(in_bulk.CANCEL), "at_once": 2})

    first = in_bulk.do(two, jobs, operator, within_s=-1)
    assert first.done == 2
    rest = in_bulk.do(two, jobs, operator, after=first.left_from)

    assert rest.left_from is None
    assert rest.done == 3
    assert set(Job.objects.values_list("state", flat=True)) == {"cancelled"}


def test_the_page_offers_to_go_on_where_time_ran_out(bulk, submit, monkeypatch):
    for n in range(1, 4):
        submit(params={"n": n})
    monkeypatch.setitem(
        in_bulk.VERBS, "cancel", in_bulk.Verb(**{**_as_dict(in_bulk.CANCEL), "at_once": 2})
    )
    monkeypatch.setattr(in_bulk.time, "monotonic", iter(range(0, 10_000, 100)).__next__)

    html = bulk("cancel")

    assert "2 jobs were cancelled" in html
    assert "Cancel: 1 job<" in html
    assert 'name="after"' in html


def _as_dict(verb: in_bulk.Verb) -> dict[str, Any]:
    return {name: getattr(verb, name) for name in verb.__slots__}


@pytest.mark.parametrize(
    "search",
    [{"nosuch": "1"}, {"is": "frozen"}, {"older": "bogus"}, {"failure": "x"}, {"simulation": "x"}],
)
def test_a_search_that_cannot_be_understood_finds_nothing(admin_client, submit, search):
    job = submit()

    data = {"reason": "Slip.", "as_of": "2100-01-01T00:00:00Z"}
    admin_client.post(f"{BULK}/cancel/", data, query_params=search)

    job.refresh_from_db()
    assert job.state == JobState.QUEUED


@pytest.mark.parametrize(
    "verb", ["cancel", "approve", "reject", "again", "purge", "priority-urgent", "nosuch"]
)
def test_it_takes_the_right_to_do_so(client, submit, verb):
    viewer = get_user_model().objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_job"))
    client.force_login(viewer)
    job = submit()

    answer = client.post(f"{BULK}/{verb}/", {"reason": "x", "as_of": "2100-01-01T00:00:00Z"})

    assert answer.status_code in {403, 404}
    job.refresh_from_db()
    assert (job.state, job.priority) == (JobState.QUEUED, Priority.NORMAL)
    html = client.get(LIST).content.decode()
    assert "/bulk/" not in html


def test_the_list_offers_all_that_the_search_finds(admin_client, submit):
    submit()

    html = admin_client.get(LIST, {"is": "queued", "p": "1"}).content.decode()

    assert f"{BULK}/cancel/?is=queued" in html


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ({"is": "queued"}, ["Waits"]),
        ({"is": "failed"}, ["Broke"]),
        ({"failure": "science"}, ["Broke"]),
        ({"simulation": "demo.sum_squares"}, ["Broke", "Waits"]),
        ({"of": "alice"}, ["Broke", "Waits"]),
        ({"of": "nobody"}, []),
        ({"via": "crawler"}, []),
        ({"older": "1h"}, []),
        ({"q": "Bro"}, ["Broke"]),
        ({"q": "alice"}, ["Broke", "Waits"]),
    ],
)
def test_the_filters_and_the_search(admin_client, submit, ended, search, found):
    submit(name="Waits")
    ended(name="Broke")

    shown = admin_client.get(LIST, search).context["cl"].result_list

    assert sorted(job.name for job in shown) == found


def test_nobody_counts_a_million_rows(admin_client, submit, django_assert_max_num_queries):
    submit()

    with django_assert_max_num_queries(8) as asked:
        admin_client.get(LIST, {"is": "queued"})

    counts = [each["sql"] for each in asked if "COUNT(" in each["sql"]]
    assert counts
    assert all("LIMIT 10001" in sql for sql in counts)
