"""What is true of a site's jobs, read from its database and disk, past everything it says itself.

    echo '["id of a job"]' | BACKPLANE_VAR=… python -m tests.audit

To each line with a list of ids, or with an empty one for all, it answers a line: a list with an
object for each of the jobs, with everything that is wrong about it.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jobs.models import Job

FINAL = {"succeeded", "failed", "cancelled"}
AFTER_THE_END = {"files_removed", "tagged"}


def report(job: Job) -> dict[str, Any]:
    events = list(job.events.order_by("seq"))
    return {
        "id": str(job.pk),
        "name": job.name,
        "state": job.state,
        "failure_kind": job.failure_kind,
        "attempts": [
            {
                "outcome": attempt.outcome,
                "failure_kind": attempt.failure_kind,
                "worker_pid": attempt.pid,
                "evidence": attempt.evidence,
                "started_at": attempt.started_at.timestamp(),
                "ended_at": attempt.ended_at.timestamp() if attempt.ended_at else None,
            }
            for attempt in job.attempts.order_by("number")
        ],
        "faults": [*_of_the_end(job, events), *_of_the_attempts(job, events), *_of_the_files(job)],
    }


def _of_the_end(job: Job, events: list[Any]) -> Iterator[str]:
    seqs = [event.seq for event in events]
    if seqs != list(range(1, job.last_seq + 1)):
        yield f"its events are numbered {seqs}, and the last is said to be {job.last_seq}"
    ends = [event.kind for event in events if event.kind in FINAL]
    if ends != [job.state]:
        yield f"it is {job.state}, and its events say that it ended as {ends}"
    later = [event.kind for event in events if event.kind not in AFTER_THE_END]
    if ends and later[-1] not in FINAL:
        yield f"{later[-1]} came after its end"
    if (job.result is not None) != (job.state == "succeeded"):
        yield f"it is {job.state}, and its result is {job.result}"
    if job.result and job.simulation == "demo.sum_squares":
        n = job.params["n"]
        if job.result["total"] != n * (n + 1) * (2 * n + 1) // 6:
            yield f"the squares up to {n} do not add up to {job.result['total']}"


def _of_the_attempts(job: Job, events: list[Any]) -> Iterator[str]:
    attempts = list(job.attempts.order_by("number"))
    numbers = [attempt.number for attempt in attempts]
    if numbers != list(range(1, len(numbers) + 1)):
        yield f"its attempts are numbered {numbers}"
    started = [event.data["attempt"] for event in events if event.kind == "started"]
    if started != numbers:
        yield f"its attempts are {numbers}, and its events say that {started} were started"
    if job.state in FINAL and (open_ := [a.number for a in attempts if a.ended_at is None]):
        yield f"attempts {open_} never ended"
    won = [attempt.number for attempt in attempts if attempt.outcome == "succeeded"]
    if won != ([job.attempt] if job.state == "succeeded" else []):
        yield f"it is {job.state}, and attempts {won} succeeded"


def _of_the_files(job: Job) -> Iterator[str]:
    for artifact in job.artifacts.all():
        if not artifact.path.is_file():
            yield f"{artifact.name} is gone"
        elif hashlib.sha256(artifact.path.read_bytes()).hexdigest() != artifact.sha256:
            yield f"{artifact.name} is not what was recorded"
    if job.state == "succeeded" and not job.artifacts.filter(name="job.log").exists():
        yield "it has no log"


def main() -> None:
    import django

    django.setup()
    from django.db import connections

    for line in sys.stdin:
        found = list(_asked(json.loads(line)))
        # What is asked next may be of a database that died in between.
        connections.close_all()
        sys.stdout.write(f"{json.dumps(found)}\n")
        sys.stdout.flush()


def _asked(ids: list[str]) -> Iterator[dict[str, Any]]:
    """Of these jobs, or of all that there are."""
    from jobs.models import Job

    jobs = Job.objects.order_by("created_at", "id")
    for pk in list((jobs.filter(pk__in=ids) if ids else jobs).values_list("pk", flat=True)):
        # Each row right before its events: one that was read with all the others is older than
        # they are, and a job that still runs then seems to contradict itself.
        yield report(Job.objects.get(pk=pk))


if __name__ == "__main__":
    main()
