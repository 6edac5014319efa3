"""Those who watch the same job share what is read of it, and nobody is told what is old."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from channels.db import database_sync_to_async

from jobs import lifecycle, tails
from jobs.models import Job
from jobs.tails import Place

pytestmark = pytest.mark.django_db(transaction=True)

POINT = {"fraction": 0.5, "message": "", "stage": ""}

progress = database_sync_to_async(lambda job: lifecycle.progress(job, 1, [POINT]))


@pytest.fixture
def job(submit: Callable[..., Job], start: Callable[[Job], Job], monkeypatch: Any) -> Job:
    monkeypatch.setattr("jobs.lifecycle.submission.hand_to_backend", lambda job: None)
    return start(submit())


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Place]:
    """What the database was asked for."""
    asked: list[Place] = []
    read = tails._read

    async def noted(place: Place) -> tails.Tail:
        asked.append(place)
        return await read(place)

    monkeypatch.setattr(tails, "_read", noted)
    return asked


async def test_who_asks_for_the_same_at_the_same_moment_is_told_by_one_query(
    job: Job, reads: list[Place]
) -> None:
    found = await asyncio.gather(*(tails.read(Place(job.pk, 0, 200)) for _ in range(50)))

    assert reads == [Place(job.pk, 0, 200)]
    assert [event["seq"] for event in json.loads(found[0].text)] == [1, 2]
    assert all(each == found[0] for each in found)


async def test_who_knows_more_is_asked_for_apart(job: Job, reads: list[Place]) -> None:
    all_, last = await asyncio.gather(
        tails.read(Place(job.pk, 0, 200)), tails.read(Place(job.pk, 1, 200))
    )

    assert (all_.n, last.n) == (2, 1)
    assert len(reads) == 2


async def test_who_asks_while_it_is_read_is_told_what_has_come_since(job: Job) -> None:
    first = asyncio.ensure_future(tails.read(Place(job.pk, 2, 200)))
    await asyncio.sleep(0)  # it is asked for
    await asyncio.sleep(0)  # and being read
    await progress(job)
    second = await tails.read(Place(job.pk, 2, 200))

    await first
    assert (second.n, second.seq, second.is_whole) == (1, 3, False)


async def test_the_last_of_an_ended_job_says_so(job: Job) -> None:
    await database_sync_to_async(lifecycle.succeed)(job, 1, {"total": 1})

    part = await tails.read(Place(job.pk, 0, 2))
    rest = await tails.read(Place(job.pk, part.seq, 200))

    assert (part.seq, part.is_whole) == (2, False)
    assert (rest.seq, rest.is_whole) == (rest.last_seq, True)


async def test_one_who_goes_away_takes_nothing_from_the_others(job: Job) -> None:
    gone = asyncio.ensure_future(tails.read(Place(job.pk, 0, 200)))
    other = asyncio.ensure_future(tails.read(Place(job.pk, 0, 200)))
    await asyncio.sleep(0)
    gone.cancel()

    assert (await other).n == 2
