"""The figures of a batch: from one query each, and quick with as many items as a batch may have."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from jobs.batch_models import Batch, BatchItem
from jobs.models import Job
from jobs.pages.batch_figures import board, figures_of_batch, quantities
from jobs.states import FailureKind, JobState

pytestmark = pytest.mark.django_db

MOST = 10_000
ENDED: dict[str, dict[str, Any]] = {
    JobState.QUEUED: {},
    JobState.SUCCEEDED: {"finished_at": timezone.now(), "progress": 1},
    JobState.FAILED: {
        "finished_at": timezone.now(),
        "failure_kind": FailureKind.SCIENCE,
        "error": {"detail": "It does not converge."},
    },
}


@pytest.fixture
def batch_of(alice: Any) -> Callable[..., Batch]:
    """A batch whose items stand so, those with a number having succeeded with it."""

    def batch_of(*stands: Any, simulation: str = "docking") -> Batch:
        batch = Batch.objects.create(
            owner=alice, name="Many", simulations=[simulation], n_items=len(stands)
        )
        jobs = [_job(batch, stand) for stand in stands]
        Job.objects.bulk_create([job for job in jobs if job])
        BatchItem.objects.bulk_create(
            BatchItem(batch=batch, index=i, job=job, outcome="accepted" if job else "refused")
            for i, job in enumerate(jobs)
        )
        return batch

    return batch_of


def _job(batch: Batch, stand: Any) -> Job | None:
    if stand is None:
        return None
    summary = None
    if isinstance(stand, float):
        stand, summary = JobState.SUCCEEDED, {"best_score_kcal_per_mol": stand}
    return Job(
        owner=batch.owner, batch=batch, simulation=batch.simulations[0], params={}, state=stand,
        summary=summary, structure={"smiles": "CCO"}, wall_time_limit_s=60, **ENDED[stand],
    )  # fmt: skip


def figures(batch: Batch, **query: str) -> dict[str, Any]:
    return {each.key: each for each in figures_of_batch(board(batch, query))}


def test_each_item_is_a_square_in_its_state(batch_of: Callable[..., Batch]) -> None:
    batch = batch_of(-7.2, JobState.FAILED, JobState.QUEUED, None, -8.1)

    grid = figures(batch)["grid"]

    assert grid.data["states"] == "dfqxd"
    assert grid.data["values"] == [-7.2, None, None, None, -8.1]
    assert grid.data["ranked"] == [4, 0]
    assert grid.sentence == "5 items: 1 queued, 2 finished, 1 failed, 1 refused."
    assert grid.table.texts[4] == ["4", "finished", "−8.10"]


def test_the_reader_says_by_what_and_from_which_end(batch_of: Callable[..., Batch]) -> None:
    batch = batch_of(-7.2, -8.1, -3.0)

    lowest, highest = figures(batch)["ranks"], figures(batch, first="high")["ranks"]

    assert [each["value"] for each in lowest.data["ranking"]] == ["−8.10", "−7.20", "−3.00"]
    assert [each["index"] for each in highest.data["ranking"]] == [2, 0, 1]
    assert lowest.data["ranking"][0]["drawing"].endswith("/drawings/0.svg")
    keys = [each.key for each in quantities(batch)]
    assert keys[:2] == ["best_score_kcal_per_mol", "n_searches"]
    assert board(batch, {"by": "n_torsions"}).chosen == quantities(batch)[keys.index("n_torsions")]
    assert board(batch, {"by": "owner"}).chosen == quantities(batch)[0]


def test_a_batch_without_a_number_has_its_grid_alone(batch_of: Callable[..., Batch]) -> None:
    assert list(figures(batch_of(JobState.QUEUED, None))) == ["grid"]
    gone = batch_of(JobState.QUEUED, simulation="gone")
    assert quantities(gone) == []
    assert list(figures(gone)) == ["grid"]


def test_failures_are_counted_and_the_first_are_told(batch_of: Callable[..., Batch]) -> None:
    batch = batch_of(*[JobState.FAILED] * 8, -1.0)

    (group,) = figures(batch)["failures"].data["groups"]

    assert (group["count"], group["more"]) == (8, 3)
    assert [each["index"] for each in group["failed"]] == [0, 1, 2, 3, 4]
    assert group["failed"][0]["why"] == "It does not converge."


def test_what_there_is_nothing_for_leaves_no_number(batch_of: Callable[..., Batch]) -> None:
    failed = figures(batch_of(JobState.FAILED))
    both = figures(batch_of(-1.0, JobState.FAILED))

    assert [each.number for each in failed.values()] == [1, 2]
    assert [each.number for each in both.values()] == [1, 2, 3, 4]


@pytest.mark.parametrize(("stands", "share"), [
    ([JobState.FAILED, JobState.FAILED], "0.0000"),
    ([-7.2, JobState.FAILED, None, -7.1], "0.5000"),
    ([-7.2, -7.1], "1.0000"),
])  # fmt: skip
def test_the_bar_of_what_is_over_tells_what_succeeded(
    batch_of: Callable[..., Batch], client: Client, stands: list[Any], share: str
) -> None:
    batch = batch_of(*stands)
    Batch.objects.filter(pk=batch.pk).update(finished_at=timezone.now())
    client.force_login(batch.owner)

    html = client.get(batch.get_absolute_url()).content.decode()

    assert f'class="settled" max="1" value="{share}" aria-label="Items that succeeded"' in html


def test_an_item_leads_to_its_job(batch_of: Callable[..., Batch], client: Client, bob: Any) -> None:
    batch = batch_of(-7.2, None)
    client.force_login(batch.owner)
    page = batch.get_absolute_url()

    assert client.get(f"{page}items/0/").headers["Location"] == (
        batch.items.get(index=0).job.get_absolute_url()
    )
    assert client.get(f"{page}items/1/").headers["Location"] == f"{page}?after=0"
    assert client.get(f"{page}items/2/").status_code == 404
    client.force_login(bob)
    assert client.get(f"{page}items/0/").status_code == 404


def test_where_nothing_has_failed_nobody_looks_for_what_did(
    batch_of: Callable[..., Batch], client: Client
) -> None:
    def asked(batch: Batch) -> int:
        with CaptureQueriesContext(connection) as asked:
            assert client.get(batch.get_absolute_url()).status_code == 200
        return len(asked)

    all_wait, some_failed = batch_of(*["queued"] * 3), batch_of("queued", "failed", "queued")
    client.force_login(all_wait.owner)
    client.get(all_wait.get_absolute_url())

    # What failed first, of which kind, and whether it can be resumed.
    assert asked(some_failed) - asked(all_wait) == 3


@pytest.mark.slow
def test_the_page_of_the_largest_batch_is_small_and_quick(
    batch_of: Callable[..., Batch], client: Client
) -> None:
    stands = [-9 + i / MOST for i in range(MOST - 50)] + [JobState.FAILED] * 50
    batch = batch_of(*stands)
    client.force_login(batch.owner)
    page = batch.get_absolute_url()
    client.get(page)

    began = time.process_time()
    with CaptureQueriesContext(
        connection,
    ) as asked:
        html = client.get(page).content.decode()
    took_s = time.process_time() - began

    assert "9950 finished, 50 failed" in html
    assert len(asked) <= 16
    assert len(html) < 400_000
    assert took_s < 2, took_s
