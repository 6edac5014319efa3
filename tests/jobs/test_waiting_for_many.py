"""`Prefer: wait=N` on a batch, and on several jobs at once."""

from __future__ import annotations

import asyncio
import time

import pytest
from channels.db import database_sync_to_async

from backplane_site.local_user import local_user
from jobs import lifecycle, news
from jobs.batch_models import Batch
from jobs.lifecycle import batch_course, many
from jobs.models import Job

from .test_waiting import JOB, ask, finish, somebody_waits

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def batch(monkeypatch: pytest.MonkeyPatch, db: None) -> Batch:
    """Of two jobs, none of which a worker knows of."""
    monkeypatch.setattr("jobs.lifecycle.batches.hand_all_to_backend", lambda jobs: None)
    monkeypatch.setattr(many, "withdraw_all", lambda jobs: None)
    monkeypatch.setattr(batch_course, "TOLD_EVERY", 0 * batch_course.TOLD_EVERY)
    monkeypatch.setattr(news, "LOOK_ANYWAY_S", 30)
    wanted = [lifecycle.Wanted(simulation="demo.sum_squares", params={"n": n}) for n in (1, 2)]
    return lifecycle.submit_batch(owner=local_user(), wanted=wanted)


def batch_path(batch: Batch) -> str:
    return f"/api/v1/batches/{batch.pk}"


@database_sync_to_async
def ids_of(batch: Batch) -> list[str]:
    return [str(each.pk) for each in Job.objects.filter(batch=batch).order_by("queued_at", "id")]


@database_sync_to_async
def end_one(batch: Batch) -> None:
    job = Job.objects.filter(batch=batch, state="queued").order_by("queued_at", "id")[0]
    lifecycle.start(job, 1, worker="host:1", host="host", pid=1)
    finish(job)


async def test_a_batch_is_waited_for_until_all_of_it_has_ended(batch: Batch) -> None:
    asked = asyncio.create_task(ask("GET", batch_path(batch)))
    await somebody_waits()
    await end_one(batch)
    await asyncio.sleep(0.3)
    assert not asked.done()
    await end_one(batch)
    ended = time.monotonic()

    answer = await asked

    assert time.monotonic() - ended < 5
    assert answer.json()["state"] == "finished"
    assert answer.json()["counts"]["succeeded"] == 2
    assert answer.headers["Preference-Applied"] == "wait=20"
    assert "Retry-After" not in answer.headers


async def test_the_next_event_of_a_batch_is_waited_for_by_its_version(batch: Batch) -> None:
    first = await ask("GET", batch_path(batch), "wait=0")
    known = {"If-None-Match": first.headers["ETag"]}
    same = await ask("GET", batch_path(batch), "wait=0", headers=known)
    asked = asyncio.create_task(ask("GET", batch_path(batch), headers=known))
    await somebody_waits()
    await end_one(batch)

    answer = await asked

    assert (same.status_code, same.content) == (304, b"")
    assert (answer.status_code, answer.json()["counts"]["succeeded"]) == (200, 1)
    assert answer.headers["ETag"] != first.headers["ETag"]


async def test_a_batch_that_is_sent_or_stopped_is_waited_for(batch: Batch) -> None:
    body = {"template": JOB, "grid": {"params.n": [5, 6]}}

    sent = await ask("POST", "/api/v1/batches", "wait=1", json=body)
    stopped = await ask("POST", f"{batch_path(batch)}/cancel", "wait=20")

    assert (sent.status_code, sent.headers["Preference-Applied"]) == (202, "wait=1")
    assert sent.headers["Location"].endswith(sent.json()["id"])
    assert (stopped.status_code, stopped.json()["state"]) == (202, "cancelled")


async def test_of_many_the_first_end_ends_the_wait(batch: Batch) -> None:
    path = f"/api/v1/jobs?ids={','.join(await ids_of(batch))}&fields=state"
    asked = asyncio.create_task(ask("GET", path))
    await somebody_waits()
    await end_one(batch)
    ended = time.monotonic()

    answer = await asked

    assert time.monotonic() - ended < 5
    assert {each["state"] for each in answer.json()["results"]} == {"queued", "succeeded"}
    assert answer.headers["Preference-Applied"] == "wait=20"


async def test_where_one_has_ended_or_none_is_there_nothing_is_waited_for(batch: Batch) -> None:
    ids = await ids_of(batch)
    await end_one(batch)

    async with asyncio.timeout(10):
        ended = await ask("GET", f"/api/v1/jobs?ids={','.join(ids)}")
        hidden = await ask("GET", f"/api/v1/jobs?ids={ids[0][:-1]}0&fields=name")
        every = await ask("GET", "/api/v1/jobs")

    assert len(ended.json()["results"]) == 2
    assert len(hidden.json()["unknown_ids"]) + len(hidden.json()["results"]) == 1
    assert "Preference-Applied" not in every.headers


async def test_of_many_it_is_told_in_time_that_none_has_ended(batch: Batch) -> None:
    answer = await ask("GET", f"/api/v1/jobs?ids={','.join(await ids_of(batch))}", "wait=1")

    assert [each["state"] for each in answer.json()["results"]] == ["queued", "queued"]
