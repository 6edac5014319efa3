"""A job that waits for its owner's yes: nothing starts it, and the key that sent it has no say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from jobs import keys, lifecycle, turns
from jobs.keys import Origin
from jobs.models import Job
from jobs.states import Approval, Consent, JobState, Priority, Reason, Scope

from .test_turns import drain, take

pytestmark = pytest.mark.django_db

ALL = [Scope.READ, Scope.SUBMIT, Scope.APPROVE]


@pytest.fixture
def key(alice: Any) -> Any:
    return keys.issue(owner=alice, name="crawler", scopes=ALL, approval=Approval.ALWAYS)[0]


@pytest.fixture
def asks(submit: Callable[..., Job], key: Any) -> Callable[..., Job]:
    """A job that waits for approval."""
    return lambda **options: submit(origin=Origin(key=key, agent=key.name), **options)


def test_a_job_that_waits_for_approval_is_stored_and_started_by_nobody(
    asks: Any, submit: Any
) -> None:
    job = asks(name="asks")
    submit(name="own")

    assert drain() == ["own"]
    assert (job.state, job.reason) == (JobState.QUEUED, Reason.AWAITING_APPROVAL)
    waits = turns.explain(job)
    assert waits
    assert (waits.reason, waits.place) == (Reason.AWAITING_APPROVAL, None)
    assert [event.kind for event in job.events.order_by("seq")] == [
        "submitted",
        "awaiting_approval",
    ]
    with pytest.raises(lifecycle.IllegalTransition):
        lifecycle.start(job, 1, worker="w:1", host="w", pid=1)


def test_nothing_of_it_reaches_the_queue_nor_the_reconciler(
    redis: Any, asks: Any, django_capture_on_commit_callbacks: Any
) -> None:
    import django_rq

    from jobs import reconciler

    with django_capture_on_commit_callbacks(execute=True):
        job = asks()
    Job.objects.filter(pk=job.pk).update(queued_at=timezone.now() - timedelta(hours=1))

    with django_capture_on_commit_callbacks(execute=True):
        reconciler.dispatch_forgotten_jobs()

    assert django_rq.get_queue("default").get_job_ids() == []


def test_a_yes_puts_it_in_line(
    redis: Any, asks: Any, alice: Any, django_capture_on_commit_callbacks: Any
) -> None:
    import django_rq

    job = asks()

    with django_capture_on_commit_callbacks(execute=True):
        lifecycle.approve(job, by=alice)

    assert django_rq.get_queue("default").get_job_ids() == [job.run_id]
    assert job.events.get(kind="approved").data["by"] == "alice"
    assert take() == job


def test_a_no_cancels_it_and_says_why(asks: Any, alice: Any) -> None:
    job = asks()

    lifecycle.reject(job, by=alice, why="Too large.")

    assert (job.state, job.consent) == (JobState.CANCELLED, Consent.REFUSED)
    assert job.error["detail"] == "Rejected by alice: Too large."
    assert [event.kind for event in job.events.order_by("seq")][-2:] == ["rejected", "cancelled"]


@pytest.mark.parametrize("verb", [lifecycle.approve, lifecycle.reject])
def test_the_key_that_sent_it_has_no_say(asks: Any, alice: Any, key: Any, verb: Any) -> None:
    job = asks()

    with pytest.raises(lifecycle.NotAllowed, match="own jobs"):
        verb(job, by=alice, origin=Origin(key=key))

    job.refresh_from_db()
    assert job.awaits_approval


@pytest.mark.parametrize("verb", [lifecycle.approve, lifecycle.reject])
def test_what_waits_for_nobody_can_be_neither(submit: Any, alice: Any, verb: Any) -> None:
    with pytest.raises(lifecycle.IllegalTransition, match="does not wait for approval"):
        verb(submit(), by=alice)


def test_only_one_of_a_yes_and_a_no_counts(asks: Any, alice: Any) -> None:
    job = asks()
    lifecycle.approve(job, by=alice)

    with pytest.raises(lifecycle.IllegalTransition):
        lifecycle.reject(job, by=alice)

    assert job.state == JobState.QUEUED


def test_it_can_be_cancelled_while_it_waits(asks: Any, alice: Any) -> None:
    job = asks()

    lifecycle.request_cancel(job, by=alice)

    assert (job.state, job.awaits_approval) == (JobState.CANCELLED, False)


@pytest.mark.parametrize(
    ("hours", "asks_for_it"), [(0.9, False), (1.0, False), (1.1, True), (None, True)]
)
def test_above_a_number_of_core_hours_it_asks(
    submit: Any,
    alice: Any,
    monkeypatch: pytest.MonkeyPatch,
    hours: float | None,
    asks_for_it: bool,
) -> None:
    """By the upper end of the estimate; what nobody can estimate is above."""
    estimate = hours and {"threads": 1, "seconds": {"p10": 1, "p50": 2, "p90": hours * 3600}}
    monkeypatch.setattr("jobs.estimates.of", lambda *args, **kwargs: estimate)
    above = {"approval": Approval.ABOVE, "approval_above_core_hours": 1.0}
    key, _ = keys.issue(owner=alice, name="a", scopes=ALL, **above)

    assert submit(origin=Origin(key=key)).awaits_approval is asks_for_it


def test_what_waits_for_approval_answers_nobody_else_s_submission(
    asks: Any, submit: Any, alice: Any, key: Any
) -> None:
    """Its owner, who asks for the same, does not wait for their own yes; the agent does."""
    job = asks()

    own = submit(reuse=True)
    again = asks(reuse=True)

    assert own != job
    assert again in {job, own}
    lifecycle.request_cancel(own, by=alice)
    assert asks(reuse=True) == job


@pytest.fixture
def answer(client: Client) -> Callable[..., Any]:
    def answer(path: str, user: Any = None, text: str = "", body: Any = None) -> Any:
        if user:
            client.force_login(user)
        headers = {"Authorization": f"Bearer {text}"} if text else {}
        return client.post(path, body or {}, "application/json", headers=headers)

    return answer


def test_its_owner_says_yes_in_rest(asks: Any, alice: Any, answer: Any) -> None:
    job = asks()

    told = answer(f"/api/v1/jobs/{job.pk}/approve", alice)

    assert (told.status_code, told.json()["approval"], told.json()["reason"]) == (
        200, "given", "no_free_worker",
    )  # fmt: skip
    assert answer(f"/api/v1/jobs/{job.pk}/approve").status_code == 409


def test_its_owner_says_no_in_rest(asks: Any, alice: Any, answer: Any) -> None:
    job = asks()

    told = answer(f"/api/v1/jobs/{job.pk}/reject", alice, body={"why": "Not now."})

    assert (told.json()["state"], told.json()["approval"]) == ("cancelled", "refused")
    assert "Not now." in told.json()["error"]["detail"]


@pytest.mark.parametrize("verb", ["approve", "reject"])
def test_what_has_changed_since_it_was_read_is_decided_anew(
    asks: Any, alice: Any, client: Client, verb: str
) -> None:
    job = asks()
    client.force_login(alice)
    tag = client.get(f"/api/v1/jobs/{job.pk}")["ETag"]
    lifecycle.set_priority(job, Priority.LOW, by=alice)

    def say(tag: str) -> Any:
        path = f"/api/v1/jobs/{job.pk}/{verb}"
        return client.post(path, {}, "application/json", headers={"If-Match": tag})

    assert (say(tag).status_code, say(tag).json()["code"]) == (412, "changed_meanwhile")
    job.refresh_from_db()
    assert job.awaits_approval
    told = say(client.get(f"/api/v1/jobs/{job.pk}")["ETag"])
    assert (told.status_code, told["ETag"] != tag) == (200, True)


def test_another_key_of_the_owner_may_say_yes(asks: Any, alice: Any, answer: Any) -> None:
    job = asks()
    _, text = keys.issue(owner=alice, name="supervisor", scopes=[Scope.APPROVE])

    assert answer(f"/api/v1/jobs/{job.pk}/approve", text=text).status_code == 200
    assert "by key supervisor" in job.events.get(kind="approved").data["by"]


def test_the_key_that_sent_it_is_told_that_it_has_no_say(alice: Any, answer: Any) -> None:
    _, text = keys.issue(owner=alice, name="a", scopes=ALL, approval=Approval.ALWAYS)
    body = {"simulation": "demo.sum_squares", "params": {"n": 3}}
    job_id = answer("/api/v1/jobs", text=text, body=body).json()["id"]

    told = answer(f"/api/v1/jobs/{job_id}/approve", text=text)

    assert (told.status_code, told.json()["code"]) == (403, "permission_denied")


def test_a_stranger_finds_nothing_to_say_yes_to(asks: Any, bob: Any, answer: Any) -> None:
    assert answer(f"/api/v1/jobs/{asks().pk}/approve", bob).status_code == 404


def test_of_one_that_was_cancelled_before_nobody_awaits_a_yes(
    asks: Any, alice: Any, client: Client
) -> None:
    job = asks()
    client.force_login(alice)

    lifecycle.request_cancel(job, by=alice)

    told = client.get(f"/api/v1/jobs/{job.pk}").json()
    assert (told["state"], told["approval"]) == ("cancelled", None)


def test_a_batch_says_how_many_of_its_jobs_wait_for_a_yes(
    alice: Any, answer: Any, client: Client
) -> None:
    """Or else it is queued for ever, and nobody is told why."""
    _, text = keys.issue(owner=alice, name="a", scopes=ALL, approval=Approval.ALWAYS)
    jobs = [{"simulation": "demo.sum_squares", "params": {"n": n}} for n in (3, 4)]
    made = answer("/api/v1/batches", text=text, body={"jobs": jobs}).json()
    first, _ = Job.objects.filter(batch=made["id"])

    answer(f"/api/v1/jobs/{first.pk}/approve", alice)

    now = client.get(f"/api/v1/batches/{made['id']}").json()
    assert (made["n_awaiting_approval"], now["n_awaiting_approval"]) == (2, 1)
    assert now["counts"]["queued"] == 2
    assert "1 waits for approval" in client.get(f"/batches/{made['id']}/").content.decode()


@pytest.mark.parametrize(
    ("verb", "kind", "state"),
    [("approve", "approved", "queued"), ("reject", "rejected", "cancelled")],
)
def test_all_of_a_batch_that_wait_are_answered_at_once_by_its_owner_alone(
    alice: Any, bob: Any, answer: Any, client: Client, verb: str, kind: str, state: str
) -> None:
    _, text = keys.issue(owner=alice, name="a", scopes=ALL, approval=Approval.ALWAYS)
    jobs = [{"simulation": "demo.sum_squares", "params": {"n": n}} for n in (3, 4)]
    made = answer("/api/v1/batches", text=text, body={"jobs": jobs}).json()
    client.force_login(bob)
    assert client.post(f"/batches/{made['id']}/{verb}/").status_code == 404
    client.force_login(alice)
    assert (
        f"/batches/{made['id']}/{verb}/" in client.get(f"/batches/{made['id']}/").content.decode()
    )

    told = client.post(f"/batches/{made['id']}/{verb}/", follow=True)

    assert f"2 jobs {kind}." in [str(message) for message in told.context["messages"]]
    assert f"/batches/{made['id']}/{verb}/" not in told.content.decode()
    for job in Job.objects.filter(batch=made["id"]):
        assert (job.state, job.awaits_approval) == (state, False)
        assert job.events.get(kind=kind).data["by"] == "alice"


@pytest.mark.parametrize(
    ("act", "words", "state"),
    [("approve", "Approved", "queued"), ("reject", "Rejected", "cancelled")],
)
def test_marked_jobs_of_the_list_are_answered_at_once(
    asks: Any, submit: Any, alice: Any, client: Client, act: str, words: str, state: str
) -> None:
    one, two, free = asks(name="one"), asks(params={"n": 4}, name="two"), submit(name="free")
    client.force_login(alice)
    assert f'value="{act}"' in client.get("/jobs/").content.decode()

    sent = {"act": act, "jobs": [one.pk, two.pk, free.pk]}
    told = client.post("/jobs/bulk/", sent, follow=True)

    assert [str(message) for message in told.context["messages"]] == [
        f"{words}: two, one.",
        "free: It does not wait for approval.",
    ]
    assert f'value="{act}"' not in told.content.decode()
    one.refresh_from_db()
    assert (one.state, one.awaits_approval) == (state, False)
