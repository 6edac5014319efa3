"""The storekeeper works in the midst of what mends the site, and holds none of that up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from jobs import keeping
from jobs.models import Artifact, Job
from jobs.storekeeper import LOOK_EVERY_S, Storekeeper
from tests.s3 import S3

from .conftest import take_away


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Artifact]:
    """What the bucket was to be given."""
    found: list[Artifact] = []
    bring = keeping.bring

    def counted(artifact: Artifact) -> str:
        found.append(artifact)
        return bring(artifact)

    monkeypatch.setattr(keeping, "bring", counted)
    return found


@pytest.fixture
def waiting(bucket: S3, ended: Callable[..., Job], settings: Any) -> Job:
    """Its files lie here, and the bucket is to have them."""
    with_bucket = settings.STORAGES
    settings.STORAGES = with_bucket | {"artifacts": {"BACKEND": "jobs.storage.InPlace"}}
    job = ended()
    settings.STORAGES = with_bucket
    assert job.artifacts.filter(key="").count() > 1
    return job


def test_a_bucket_that_is_away_is_not_waited_for_once_for_each_file(
    waiting: Job, asked: list[Artifact], settings: Any
) -> None:
    there = settings.STORAGES
    take_away(settings)
    now = [0.0]
    storekeeper = Storekeeper(lambda: now[0])
    storekeeper.look()
    assert len(asked) == 1

    settings.STORAGES = there
    now[0] += LOOK_EVERY_S
    storekeeper.look()

    assert not waiting.artifacts.filter(key="").exists()


def test_what_it_has_no_time_for_is_brought_at_its_next_look(
    waiting: Job, asked: list[Artifact]
) -> None:
    now = iter(range(1000))
    storekeeper = Storekeeper(lambda: next(now))
    n = waiting.artifacts.count()

    looks = [storekeeper.look(0.5) for _ in range(n)]

    assert looks == [False] * (n - 1) + [True]
    assert len(asked) == n
    assert not waiting.artifacts.filter(key="").exists()
