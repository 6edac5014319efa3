"""Asked twice, computed once: equal requests, and requests sent again under a key."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest import mock

import django_rq
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from jobs import equality, fleet, keys, lifecycle, processes
from jobs.api import idempotency
from jobs.key_models import KeyUsage
from jobs.lifecycle import Wanted
from jobs.models import IdempotencyKey, Job
from jobs.placement import Asked
from jobs.states import Approval, Scope
from jobs.worker.process import JobWorker
from tests.jobs.test_turns import in_threads

ETHANOL = {"simulation": "xtb_optimization", "params": {"structure": "CCO"}}
SQUARES = {"simulation": "demo.sum_squares", "params": {"n": 3}}


@pytest.fixture
def as_alice(client: Client, alice: Any) -> Client:
    client.force_login(alice)
    return client


def post(client: Client, body: dict[str, Any], **headers: str) -> Any:
    return client.post("/api/v1/jobs", body, content_type="application/json", headers=headers)


def finish(job_id: str) -> None:
    job = Job.objects.get(pk=job_id)
    lifecycle.start(job, 1, worker="w", host="h", pid=1)
    lifecycle.succeed(job, 1, {"total": 14})


# --- equal requests --------------------------------------------------------------------------


def test_a_finished_job_answers_an_equal_request(as_alice: Client) -> None:
    first = post(as_alice, SQUARES).json()
    finish(first["id"])

    again = post(as_alice, {**SQUARES, "name": "again"})

    assert (again.status_code, again.json()["id"]) == (200, first["id"])
    assert again.json()["reuse"]["outcome"] == "hit"
    assert "has succeeded" in again.json()["reuse"]["reason"]
    assert again.json()["result"] == {"total": 14}


def test_a_job_on_its_way_is_joined(as_alice: Client) -> None:
    first = post(as_alice, SQUARES).json()

    again = post(as_alice, SQUARES)

    assert (again.status_code, again.json()["id"]) == (202, first["id"])
    assert (first["reuse"]["outcome"], again.json()["reuse"]["outcome"]) == ("new", "coalesced")
    assert Job.objects.count() == 1


def test_a_molecule_is_the_same_however_it_is_written(as_alice: Client) -> None:
    first = post(as_alice, ETHANOL).json()

    for text in ("OCC", "ethanol", "C(O)C", "InChI=1S/C2H6O/c1-2-3/h3H,2H2,1H3"):
        again = post(as_alice, {**ETHANOL, "params": {"structure": text}})
        assert again.json()["id"] == first["id"], text


def test_coordinates_that_differ_are_another_question(as_alice: Client) -> None:
    def water(angle_x: float) -> str:
        return f"3\n\nO 0 0 0\nH 0 0 0.96\nH {angle_x} 0 -0.24\n"

    ids = {
        post(as_alice, {**ETHANOL, "params": {"structure": water(x)}}).json()["id"]
        for x in (0.93, 0.94)
    }

    assert len(ids) == 2


@pytest.mark.parametrize(
    "spoil", ["refused", "cancelled", "failed", "version", "files", "limits", "bob"]
)
def test_what_is_not_equal_is_computed_anew(
    as_alice: Client, bob: Any, monkeypatch: pytest.MonkeyPatch, spoil: str
) -> None:
    first = post(as_alice, SQUARES).json()
    job = Job.objects.get(pk=first["id"])
    body = dict(SQUARES)
    match spoil:
        case "refused":
            body["reuse"] = False
        case "cancelled":
            lifecycle.request_cancel(job, by="alice")
        case "failed":
            lifecycle.start(job, 1, worker="w", host="h", pid=1)
            lifecycle.fail(job, 1, "science", {"detail": "no"})
        case "version":
            older = {"python": "2.7"}
            monkeypatch.setattr(equality, "_software", lambda requires: older)
        case "files":
            finish(first["id"])
            Job.objects.filter(pk=job.pk).update(files_removed_at=timezone.now())
        case "limits":
            body["limits"] = {"memory_mib": 512}
        case "bob":
            as_alice.force_login(bob)

    assert post(as_alice, body).json()["id"] != first["id"]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL reads a small table whole")
def test_an_equal_job_is_looked_for_among_the_equal_and_not_among_all(alice: Any) -> None:
    with CaptureQueriesContext(connection) as asked:
        equality.equal(alice, "ab" * 32, {})
        equality.equal_to_each(alice, [("ab" * 32, {}, "cpu"), ("cd" * 32, {}, "cpu")])

    assert len(asked) == 3
    for query in asked:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
            plan = [row[-1] for row in cursor.fetchall()]
        (way,) = [step for step in plan if " jobs_job " in step]
        assert "INDEX job_equal (owner_id=? AND fingerprint=?" in way, plan


def test_many_equal_requests_at_once_make_one_job(
    transactional_db: None, redis: Any, alice: Any
) -> None:
    def submit() -> Job:
        return lifecycle.submit(owner=alice, **SQUARES, reuse=True)

    found = in_threads(30, submit)

    assert len({job.pk for job in found}) == Job.objects.count() == 1


def test_run_again_computes_anew(submit: Callable[..., Job], alice: Any) -> None:
    job = submit()

    assert lifecycle.run_again(job, owner=alice).pk != job.pk


# --- what is held back -----------------------------------------------------------------------

YESTERDAY = timezone.now() - timedelta(days=1)
HELD: dict[str, dict[str, Any]] = {
    "hours": {"core_hours": 1.0},
    "hours of the day": {"core_hours_per_day": 1.0},
    "deadline": {"deadline": YESTERDAY},
    "approval": {"approval": Approval.ALWAYS},
}


def of_key(alice: Any) -> keys.ApiKey:
    """A key of hers that has used an hour."""
    key, _ = keys.issue(owner=alice, name="crawler", scopes=[Scope.SUBMIT])
    KeyUsage.objects.create(key=key, day=timezone.now().date(), core_seconds=3600)
    return key


@pytest.mark.parametrize("held", HELD)
@pytest.mark.parametrize("many", [False, True])
def test_what_its_key_holds_back_answers_nobody_else(alice: Any, held: str, many: bool) -> None:
    key = of_key(alice)
    if held == "approval":
        keys.change(key, **HELD[held])
    waits = lifecycle.submit(owner=alice, **SQUARES, origin=keys.Origin(key=key))
    keys.change(key, **HELD[held])

    def asked_by(origin: keys.Origin) -> Job:
        wanted = {**SQUARES, "reuse": True}
        if not many:
            return lifecycle.submit(owner=alice, **wanted, origin=origin)
        asked = [lifecycle.Wanted(**wanted)]
        batch = lifecycle.submit_batch(owner=alice, wanted=asked, origin=origin)
        return Job.objects.get(batch_items__batch=batch)

    assert asked_by(keys.UNKNOWN).pk != waits.pk
    Job.objects.exclude(pk=waits.pk).update(fingerprint="")
    assert asked_by(keys.Origin(key=of_key(alice))).pk != waits.pk
    # A new one of its own would be held back as well.
    Job.objects.exclude(pk=waits.pk).update(fingerprint="")
    assert asked_by(keys.Origin(key=key)).pk == waits.pk


def test_what_waits_for_a_yes_that_its_key_needs_no_longer_answers_nobody(alice: Any) -> None:
    key = of_key(alice)
    keys.change(key, approval=Approval.ALWAYS)
    waits = lifecycle.submit(owner=alice, **SQUARES, origin=keys.Origin(key=key))
    keys.change(key, approval=Approval.NEVER)

    new = lifecycle.submit(owner=alice, **SQUARES, reuse=True, origin=keys.Origin(key=key))

    assert new.pk != waits.pk
    assert not new.awaits_approval


@pytest.mark.parametrize("waits_for", ["a job of its key", "nothing"])
def test_what_runs_though_its_key_is_spent_or_waits_for_its_turn_is_joined(
    alice: Any, waits_for: str
) -> None:
    key = of_key(alice)
    job = lifecycle.submit(owner=alice, **SQUARES, origin=keys.Origin(key=key))
    if waits_for == "nothing":
        lifecycle.start(job, 1, worker="w", host="h", pid=1)
        keys.change(key, core_hours=1.0)
    else:
        keys.change(key, max_running=0)

    assert lifecycle.submit(owner=alice, **SQUARES, reuse=True).pk == job.pk


def worker_for(*queues: str) -> None:
    made = JobWorker([django_rq.get_queue(fleet.in_redis(each)) for each in queues])
    made.register_birth()


@pytest.mark.parametrize("many", [False, True])
def test_what_waits_where_nobody_serves_it_answers_none_that_would_wait_elsewhere(
    redis: Any, alice: Any, submit: Callable[..., Job], many: bool
) -> None:
    def wanted(**said: Any) -> Job:
        if not many:
            return submit(reuse=True, **said)
        one = Wanted(**SQUARES, reuse=True, **said)
        (item,) = lifecycle.submit_batch(owner=alice, name="", wanted=[one]).items.all()
        assert item.job
        return item.job

    left = wanted(place=Asked(queue="long"))
    assert wanted() == left  # of no queue it is known that it is served

    worker_for("cpu")

    assert wanted(place=Asked(queue="long")) == left
    taken = wanted()
    assert (taken != left, taken.queue) == (True, "cpu")
    assert wanted() == taken
    worker_for("long")
    assert wanted() == left


def test_what_runs_in_another_queue_is_joined(
    redis: Any, submit: Callable[..., Job], start: Callable[[Job], Job]
) -> None:
    runs = start(submit(place=Asked(queue="long")))
    worker_for("cpu")

    assert submit(reuse=True) == runs


def test_the_form_leads_to_the_equal_job_and_says_so(as_alice: Client) -> None:
    first = post(as_alice, SQUARES).json()

    page = as_alice.post("/jobs/new/demo.sum_squares/", {"n": "3"}, follow=True)

    assert page.request["PATH_INFO"] == f"/jobs/{first['id']}/"
    assert b"An equal job of yours is on its way" in page.content


# --- requests sent again ---------------------------------------------------------------------


def test_a_key_replays_the_same_answer(as_alice: Client) -> None:
    body = {**SQUARES, "reuse": False}
    first = post(as_alice, body, **{"Idempotency-Key": "k1"})
    finish(first.json()["id"])

    again = post(as_alice, body, **{"Idempotency-Key": "k1"})

    assert (again.status_code, again.json()) == (202, first.json())
    assert (again["Idempotency-Replayed"], again["Location"]) == ("true", first["Location"])
    assert Job.objects.count() == 1
    assert "Idempotency-Replayed" not in first


def test_a_key_with_another_body_is_refused(as_alice: Client) -> None:
    post(as_alice, SQUARES, **{"Idempotency-Key": "k1"})

    other = post(as_alice, {**SQUARES, "name": "x"}, **{"Idempotency-Key": "k1"})

    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert other.json()["retryable"] is False


def claim_and_die(client: Client) -> None:
    """Leaves a claim behind, as a server does that dies in the midst of a submission."""

    def die(*args: Any, **kwargs: Any) -> None:
        raise SystemExit

    with (
        mock.patch.object(idempotency.IdempotencyKey.objects, "filter", die),
        mock.patch.object(lifecycle, "submit", die),
        pytest.raises(SystemExit),
    ):
        post(client, SQUARES, **{"Idempotency-Key": "k1"})


def test_a_key_that_another_machine_works_on_is_a_conflict_until_its_claim_lapses(
    as_alice: Client,
) -> None:
    claim_and_die(as_alice)
    IdempotencyKey.objects.update(machine="another")

    meanwhile = post(as_alice, SQUARES, **{"Idempotency-Key": "k1"})
    assert (meanwhile.status_code, meanwhile["Retry-After"]) == (409, "2")
    assert meanwhile.json()["retryable"] is True

    past = timezone.now() - timedelta(seconds=idempotency.CLAIM_LAPSES_S + 1)
    IdempotencyKey.objects.update(claimed_at=past)
    assert post(as_alice, SQUARES, **{"Idempotency-Key": "k1"}).status_code == 202


def test_the_claim_of_a_server_that_died_here_lapses_at_once(as_alice: Client) -> None:
    claim_and_die(as_alice)
    with subprocess.Popen(["sleep", "60"]) as server:
        IdempotencyKey.objects.update(pid=server.pid, pid_started=processes.started(server.pid))
        assert post(as_alice, SQUARES, **{"Idempotency-Key": "k1"}).status_code == 409
        server.kill()

    assert post(as_alice, SQUARES, **{"Idempotency-Key": "k1"}).status_code == 202


def test_a_claim_that_this_server_gave_up_and_could_not_take_back_lapses_at_once(
    as_alice: Client,
) -> None:
    """The database was away just then."""
    claim_and_die(as_alice)

    assert post(as_alice, SQUARES, **{"Idempotency-Key": "k1"}).status_code == 202


def test_a_claim_that_this_server_works_on_is_a_conflict(as_alice: Client) -> None:
    submit = lifecycle.submit
    meanwhile = []

    def submit_while_asked_again(*args: Any, **kwargs: Any) -> Job:
        if not meanwhile:
            meanwhile.append(0)
            meanwhile[0] = post(as_alice, SQUARES, **{"Idempotency-Key": "k1"}).status_code
        return submit(*args, **kwargs)

    with mock.patch.object(lifecycle, "submit", submit_while_asked_again):
        assert post(as_alice, SQUARES, **{"Idempotency-Key": "k1"}).status_code == 202

    assert meanwhile == [409]
    assert Job.objects.count() == 1


def test_a_server_that_was_taken_over_stores_nothing(as_alice: Client) -> None:
    submit = lifecycle.submit

    def slowly(**wanted: Any) -> Job:
        IdempotencyKey.objects.update(claim="00000000-0000-4000-8000-000000000000")
        return submit(**wanted)

    with mock.patch.object(lifecycle, "submit", slowly):
        answer = post(as_alice, SQUARES, **{"Idempotency-Key": "k1"})

    assert (answer.status_code, Job.objects.count()) == (409, 0)


def test_a_refused_request_leaves_its_key_free(as_alice: Client) -> None:
    wrong = {**SQUARES, "params": {"n": 0}}
    assert post(as_alice, wrong, **{"Idempotency-Key": "k1"}).status_code == 422

    assert post(as_alice, SQUARES, **{"Idempotency-Key": "k1"}).status_code == 202


def test_keys_of_two_users_do_not_meet(as_alice: Client, bob: Any) -> None:
    post(as_alice, SQUARES, **{"Idempotency-Key": "k1"})
    as_alice.force_login(bob)

    post(as_alice, SQUARES, **{"Idempotency-Key": "k1"})

    assert Job.objects.count() == 2


@pytest.mark.parametrize("key", ["", "é", "x" * 256])
def test_a_key_that_is_none_is_refused(as_alice: Client, key: str) -> None:
    answer = post(as_alice, SQUARES, **{"Idempotency-Key": key})

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_idempotency_key")


def test_old_keys_are_forgotten(as_alice: Client) -> None:
    post(as_alice, SQUARES, **{"Idempotency-Key": "old"})
    IdempotencyKey.objects.update(claimed_at=timezone.now() - idempotency.KEPT_FOR)
    post(as_alice, SQUARES, **{"Idempotency-Key": "new"})

    assert idempotency.forget_old_keys() == 1
    assert IdempotencyKey.objects.get().key == "new"
