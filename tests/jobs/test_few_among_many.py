"""What is few is found by itself, and not by a look at all that its owner has, or that waits.

SQLite has counted nothing, and would often rather read what is in the right order already.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.http import QueryDict
from django.utils import timezone

from jobs import census, finding, reconciler, turns
from jobs.batch_models import Batch, BatchItem
from jobs.models import Job
from jobs.pages import job_record, listing, queue
from tests.jobs.test_scans import asked

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        connection.vendor != "sqlite", reason="PostgreSQL decides by what it has counted"
    ),
]


def steps(act: Callable[[], Any]) -> list[str]:
    """How what is asked is answered."""
    with asked() as queries:
        act()
    with connection.cursor() as cursor:
        found: list[str] = []
        for sql, params in queries.items():
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params)
            found += [str(row[3]) for row in cursor.fetchall()]
    return found


def columns_read_of_rows(act: Callable[[], Any]) -> list[Any]:
    """What one query reads that its index has not: of a partial one the plan does not tell."""
    with asked() as queries:
        act()
    ((sql, params),) = queries.items()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}", params)
        program = [(row[1], row[2]) for row in cursor.fetchall()]
    rows = next(cursor for operation, cursor in program if operation == "OpenRead")
    return [each for each in program if each == ("Column", rows)]


def test_the_jobs_of_a_batch_are_found_by_their_batch(alice: Any) -> None:
    mine = Job.objects.filter(owner=alice)
    wanted = finding.Wanted(batch=Batch(owner=alice, n_items=1).pk)

    found = finding.matching(mine, wanted).newest_first()[:50]

    told = steps(lambda: list(found))
    assert [step for step in told if "job_of_batch" in step]
    assert not [step for step in told if "job_owner_created" in step]


def test_those_of_a_batch_are_its_own_and_what_answers_its_items(
    alice: Any, bob: Any, submit: Callable[..., Job]
) -> None:
    batch = Batch.objects.create(owner=alice, n_items=2)
    own, reused, theirs, _ = submit(), submit(), submit(owner=bob), submit()
    Job.objects.filter(pk__in=[own.pk, theirs.pk]).update(batch=batch)
    BatchItem.objects.create(batch=batch, index=0, job=own, outcome="accepted")
    BatchItem.objects.create(batch=batch, index=1, job=reused, outcome="reused")
    wanted = finding.Wanted(batch=batch.pk)

    assert {*finding.matching(Job.objects.filter(owner=alice), wanted)} == {own, reused}
    assert {*finding.matching(Job.objects.all(), wanted)} == {own, reused, theirs}


def test_what_belongs_to_a_job_is_found_by_that_job(submit: Callable[..., Job]) -> None:
    job = submit()

    told = steps(lambda: job_record.family(job, Job.objects.filter(owner=job.owner)))

    assert [step for step in told if "(restarted_from_id=?)" in step]
    assert [step for step in told if "job_equal" in step]
    assert not [step for step in told if "job_owner_created" in step]


def test_what_waits_for_a_yes_is_found_among_everybody_s() -> None:
    told = steps(lambda: listing.listing(Job.objects.all(), QueryDict(), sees_all=True))

    assert [step for step in told if "job_not_ended (state=? AND reason=?)" in step]
    assert not [step for step in told if "job_state_created" in step]


def test_a_line_is_looked_through_by_its_index(
    submit: Callable[..., Job], monkeypatch: pytest.MonkeyPatch, redis: Any
) -> None:
    monkeypatch.setattr(census, "LONG", 0)
    job = submit()

    told = steps(
        lambda: (
            census.line_of(job.backend),
            turns.n_startable(job.backend, timezone.now()),
            reconciler.dispatch_forgotten_jobs(),
        )
    )

    # By its owner: whatever is read of it alone.
    assert len([step for step in told if "job_line (owner_id=? AND state=?)" in step]) >= 4
    assert not [step for step in told if "job_state_created" in step]


def test_what_has_not_ended_is_counted_without_a_look_at_the_rows() -> None:
    assert not columns_read_of_rows(lambda: listing.counts(Job.objects.all()))


def test_the_queue_by_class_is_read_from_the_line(alice: Any) -> None:
    assert [step for step in steps(lambda: queue.by_class(alice)) if "job_line" in step]
    assert not columns_read_of_rows(lambda: queue.by_class(alice))
