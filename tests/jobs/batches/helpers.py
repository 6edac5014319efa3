"""What a batch is sent as, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jobs import lifecycle
from jobs.batch_models import Batch
from jobs.models import Job
from jobs.states import FailureKind

URL = "/api/v1/batches"
SUM: dict[str, Any] = {"simulation": "demo.sum_squares", "params": {"n": 1}}
Post = Callable[..., Any]


def jobs_of(batch: Batch) -> list[Job]:
    return [item.job for item in batch.items.order_by("index").select_related("job") if item.job]


def run(job: Job, failure: FailureKind | None = None) -> None:
    lifecycle.start(job, job.attempt, worker="w:1", host="w", pid=1)
    if failure:
        lifecycle.fail(job, job.attempt, failure, {"detail": "It did not work out."})
    else:
        lifecycle.succeed(job, job.attempt, {"total": 1}, summary={"total": 1})


def kinds(batch: Batch) -> list[str]:
    return list(batch.events.order_by("seq").values_list("kind", flat=True))
