"""Why jobs wait and when they start: looked at once a request, however many are told, never under
the lock that others wait for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from jobs import keys, lifecycle, outlook, turns
from jobs.api import idempotency
from jobs.key_models import ApiKey
from jobs.models import Allowance, Job
from jobs.states import FailureKind, JobState, Priority, Reason, Scope

JOBS = "/api/v1/jobs"
SUM: dict[str, Any] = {"simulation": "demo.sum_squares", "params": {"n": 3}}
ESTIMATE = {"seconds": {"p10": 5.0, "p50": 10.0, "p90": 20.0}}


@pytest.fixture
def as_alice(client: Client, alice: Any) -> Client:
    client.force_login(alice)
    return client


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Of each look at the line, whether it was within a transaction."""
    found: list[bool] = []
    count = turns.standings

    def counted(jobs: Any) -> Any:
        found.append(connection.in_atomic_block)
        return count(jobs)

    monkeypatch.setattr(turns, "standings", counted)
    return found


@pytest.fixture
def gather(submit: Callable[..., Job], start: Callable[[Job], Job], bob: Any) -> Callable[[], None]:
    """Jobs of two people that wait for all sorts of reasons, and one that runs."""

    def gather() -> None:
        start(submit(params={"n": 1000}))
        for n in range(6):
            submit(owner=bob, params={"n": n + 1}, priority=Priority(n % 3 - 1))
        for n in range(6):
            submit(params={"n": n + 1}, priority=Priority(n % 3 - 1))
        for limit in ({"core_hours": 0.0}, {"max_running": 0}, {"deadline": timezone.now()}, {}):
            scopes = [Scope.READ, Scope.SUBMIT]
            key, _ = keys.issue(owner=bob, name=str(limit)[:50], scopes=scopes)
            job = submit(owner=bob, params={"n": 100 + len(limit)})
            Job.objects.filter(pk=job.pk).update(key=key)
            ApiKey.objects.filter(pk=key.pk).update(**limit)
        later = timezone.now() + timedelta(seconds=60)
        for change in ({"not_before": later}, {"reason": Reason.QUEUE_UNREACHABLE}):
            Job.objects.filter(pk=submit(params={"n": 50}).pk).update(**change)
        # As if it had not begun to move: what is left of it stays the same.
        Job.objects.update(estimate=ESTIMATE, started_at=None)

    return gather


@pytest.fixture
def crowd(gather: Callable[[], None]) -> None:
    gather()


@pytest.mark.django_db
def test_many_are_told_what_each_would_be(crowd: None) -> None:
    waiting = list(Job.objects.filter(state=JobState.QUEUED))

    together = outlook.Outlook(waiting)

    told = [(together.why(job), together.starts_in_s(job)) for job in waiting]
    alone = [(outlook.Outlook().why(job), outlook.Outlook().starts_in_s(job)) for job in waiting]
    assert told == alone
    whys = [why for why, _ in told if why]
    assert len(whys) == len(waiting)
    assert {why.reason for why in whys} == {
        "no_free_worker", "budget", "backing_off", "queue_unreachable"
    }  # fmt: skip
    # Whoever is in no line has no place in it, and no time to start at.
    assert {why.place is None for why, starts in told if why and starts is None} == {True}
    assert {why.place is None for why, starts in told if why and starts} == {False}


@pytest.mark.django_db
def test_an_owner_at_their_limit_is_told_so_in_a_list_too(crowd: None, alice: Any) -> None:
    Allowance.objects.update_or_create(user=alice, defaults={"max_running": 1})
    jobs = list(Job.objects.filter(state=JobState.QUEUED, owner=alice, reason="no_free_worker"))

    told = turns.explain_each(jobs)

    in_line = [told[job.pk] for job in jobs if job.not_before is None]
    assert {why.reason for why in in_line} == {"quota"}


@pytest.mark.django_db
def test_the_line_is_looked_at_once_a_request(
    as_alice: Client, submit: Callable[..., Job], looks: list[bool]
) -> None:
    submit()
    job = submit(params={"n": 4})

    for path in ("", "/explain"):
        looks.clear()
        assert as_alice.get(f"{JOBS}/{job.pk}{path}").status_code == 200
        assert len(looks) == 1
    looks.clear()
    assert as_alice.get(job.get_absolute_url()).status_code == 200
    assert len(looks) == 1
    looks.clear()
    tag = f'W/"{job.last_seq}-no_free_worker-7"'  # of another place
    assert as_alice.get(f"{JOBS}/{job.pk}", headers={"If-None-Match": tag}).status_code == 200
    assert len(looks) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "once"}])
def test_nobody_looks_at_the_line_while_others_wait_for_the_lock(
    as_alice: Client,
    looks: list[bool],
    monkeypatch: pytest.MonkeyPatch,
    headers: dict[str, str],
) -> None:
    monkeypatch.setattr("jobs.lifecycle.submission.hand_to_backend", lambda job: None)

    def submit() -> Any:
        return as_alice.post(JOBS, SUM, content_type="application/json", headers=headers)

    answer = submit()

    assert (answer.status_code, looks) == (202, [False])
    assert answer.json()["waiting"]["place"] == 1
    if headers:
        again = submit()
        assert again.headers["Idempotency-Replayed"] == "true"
        assert again.json() == answer.json()


@pytest.mark.django_db(transaction=True)
def test_an_answer_that_was_lost_with_its_server_is_told_without_the_line(
    as_alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept with the job itself, should nobody come to keep what was answered."""
    monkeypatch.setattr("jobs.lifecycle.submission.hand_to_backend", lambda job: None)
    headers = {"Idempotency-Key": "lost"}
    with monkeypatch.context() as broken:
        broken.setattr("jobs.api.views.Outlook", Dying)
        broken.setattr("jobs.api.telling.Outlook", Dying)
        with pytest.raises(Dying.Died):
            as_alice.post(JOBS, SUM, content_type="application/json", headers=headers)

    again = as_alice.post(JOBS, SUM, content_type="application/json", headers=headers)

    assert again.status_code == 202
    assert again.json()["id"] == str(Job.objects.get().pk)
    assert again.json()["waiting"]["reason"] == "no_free_worker"
    assert again.json()["waiting"]["place"] is None


@pytest.mark.django_db(transaction=True)
def test_a_database_that_fails_once_it_is_done_is_no_refusal(
    as_alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.lifecycle.submission.hand_to_backend", lambda job: None)
    keep, n_kept = idempotency._keep_as_told, []

    def fails_the_second_time(*args: Any) -> int:
        n_kept.append(1)
        if len(n_kept) == 2:
            raise OperationalError("locked")
        return keep(*args)

    monkeypatch.setattr(idempotency, "_keep_as_told", fails_the_second_time)
    headers = {"Idempotency-Key": "once"}
    answer = as_alice.post(JOBS, SUM, content_type="application/json", headers=headers)
    again = as_alice.post(JOBS, SUM, content_type="application/json", headers=headers)

    assert (answer.status_code, again.status_code) == (202, 202)
    assert answer.json()["id"] == again.json()["id"]


class Dying(outlook.Outlook):
    class Died(Exception): ...

    def why(self, job: Job) -> Any:
        raise self.Died


# --- however many rows -----------------------------------------------------------------------


@pytest.fixture
def stop_twice(submit: Callable[..., Job], start: Callable[[Job], Job]) -> Callable[[], None]:
    """Jobs that were stopped, and those that went on from their files and were stopped too."""

    def stop_twice() -> None:
        for n in (1, 2):
            job = start(submit(params={"n": n}))
            job.workdir(1).mkdir(parents=True)
            (job.workdir(1) / "checkpoint").write_text("half")
            lifecycle.fail(job, 1, FailureKind.TIMEOUT, {"detail": "too long"})
            again = start(lifecycle.restart(job, owner=job.owner))
            lifecycle.fail(again, 1, FailureKind.TIMEOUT, {"detail": "too long"})

    return stop_twice


def n_queries(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(path)
    assert answer.status_code == 200
    assert answer.json()["results"]
    return len(captured)


@pytest.mark.django_db
@pytest.mark.parametrize("view", ["view=full", "fields=waiting,links,attempts"])
def test_a_list_of_many_takes_as_many_queries_as_one_of_few(
    as_alice: Client,
    alice: Any,
    gather: Callable[[], None],
    stop_twice: Callable[[], None],
    view: str,
) -> None:
    alice.is_superuser = True  # sees those of bob, and of his keys
    alice.save()

    def both() -> tuple[int, int]:
        gather()
        stop_twice()
        ids = ",".join(str(pk) for pk in Job.objects.values_list("pk", flat=True))
        page = n_queries(as_alice, f"{JOBS}?{view}&limit=100")
        return page, n_queries(as_alice, f"{JOBS}?{view}&ids={ids}")

    few = both()
    many = both()

    assert Job.objects.count() == 46
    assert few == many
    assert max(many) <= 17


@pytest.mark.django_db
def test_the_items_of_a_batch_take_as_many_queries_however_many(as_alice: Client) -> None:
    def page(n: int) -> int:
        grid = {"params.n": list(range(1, n + 1))}
        body = {"template": SUM, "grid": grid, "reuse": False}
        batch = as_alice.post("/api/v1/batches", body, content_type="application/json").json()
        return n_queries(as_alice, f"/api/v1/batches/{batch['id']}/items")

    assert page(2) == page(40) <= 4
