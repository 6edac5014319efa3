"""What the benchmarks ask is what a site takes: their figures stand for something."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from bench import campaigns, lists, side_by_side
from jobs.models import Job


@pytest.mark.parametrize("kind", campaigns.KINDS)
def test_each_campaign_that_is_timed_is_accepted(
    kind: Callable[[int], campaigns.Body], client: Client, alice: Any
) -> None:
    client.force_login(alice)

    answer = client.post("/api/v1/batches", kind(100), "application/json")

    assert answer.status_code == 202, answer.content[:2000]
    assert answer.json()["counts"]["queued"] == 100


def test_a_table_grows_by_copies_of_the_jobs_it_has(db: None) -> None:
    owner = lists.few()
    before = Job.objects.filter(owner=owner).count()

    lists.grow(2 * before)

    after = Job.objects.filter(owner=owner)
    assert after.count() == 3 * before
    assert after.filter(state="failed").count() == 3 * before // 5
    assert after.values("id").distinct().count() == 3 * before
    newest = after.newest_first()[0]
    assert after.exclude(pk=newest.pk).filter(created_at__gt=newest.created_at).count() == 0


@pytest.mark.slow
@pytest.mark.stack
def test_beside_its_peer_it_is_not_half_as_fast_as_it_was() -> None:
    """By ratios of processor time for one answer, taken one after the other."""
    before = side_by_side.recorded()
    short = [each for each in side_by_side.QUESTIONS if each.title in side_by_side.GUARDED]

    measured = side_by_side.measured(1, 1.5, 1, short)

    found = {title: side_by_side.of_processor(rounds) for title, rounds in measured.items()}
    assert found.keys() == before.keys() == {*side_by_side.GUARDED}
    assert all(found[title] > before[title] / 2 for title in found), (found, before)
