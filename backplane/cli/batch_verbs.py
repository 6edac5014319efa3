"""The verbs for batches."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from backplane.batch import Batch
from backplane.client import Client
from backplane.errors import InvalidSubmission
from backplane.flows import batches

from . import show, status
from .words import batch_body, lines_of, row_of


def submit(words: Namespace, client: Client) -> int:
    asked = {
        "name": words.name,
        "tags": words.tag,
        "purpose": words.purpose,
        "fail_fast": words.fail_fast,
        "on_invalid": "skip" if words.skip_invalid else None,
    }
    body = batch_body(words) | {name: value for name, value in asked.items() if value}
    try:
        batch = client.submit_batch(idempotency_key=words.idempotency_key, **body)
    except InvalidSubmission as refused:
        refused.errors = [_with_line(each, words.rows) for each in refused.errors]
        raise
    show.say(batch.page)
    if not words.wait:
        show.answer(batch.data) if words.json else print(batch.id)
        return status.SUCCEEDED
    print(batch.id, flush=True, file=sys.stderr if words.json else sys.stdout)
    return _follow(words, batch)


def _with_line(error: dict[str, Any], rows: Path) -> dict[str, Any]:
    """The same, with the line of the table that it is about."""
    row, lines = row_of(error.get("pointer", "")), lines_of(rows)
    if row is None or row >= len(lines):
        return error
    return {**error, "detail": f"{rows}:{lines[row]}: {error['detail']}"}


def watch(words: Namespace, client: Client) -> int:
    return _follow(words, client.batch(words.id))


def _follow(words: Namespace, batch: Batch) -> int:
    words.back = f"backplane batch watch {batch.id}"
    with show.Bars() as bars:
        for each in batch.watch(words.timeout):
            bars.batch(each)
    if words.json:
        show.answer(batch.data)
    for failure in () if words.json else batch.data["first_failures"]:
        told = (failure["error"] or {}).get("detail", "")
        show.say(f"item {failure['index']}, job {failure['job_id']}: {failure['kind']}: {told}")
    return _status(batch)


def _status(batch: Batch) -> int:
    """Refused items count as failed ones."""
    counts = batch.counts
    if counts["failed"] or counts["refused"]:
        return status.FAILED
    return status.CANCELLED if counts["cancelled"] else status.SUCCEEDED


def show_status(words: Namespace, client: Client) -> int:
    batch = client.batch(words.id)
    if words.json:
        show.answer(batch.data)
    else:
        counts = ", ".join(f"{n} {state}" for state, n in batch.counts.items() if n)
        print(f"{batch.id}\t{batch.state}\t{batch.progress:.0%}\t{counts}")
    return status.SUCCEEDED


def listing(words: Namespace, client: Client) -> int:
    found = [*client.batches(most=words.limit)]
    if words.json:
        for batch in found:
            show.answer(batch.data)
        return status.SUCCEEDED
    rows = [[b.id, b.state, f"{b.progress:.0%}", str(b.n_items), b.name] for b in found]
    show.table(["id", "state", "progress", "jobs", "name"], rows)
    return status.SUCCEEDED


def results(words: Namespace, client: Client) -> int:
    query = {"format": words.format}
    if words.fields:
        query["fields"] = ",".join(words.fields)
    for line in client.iterate(batches.results(client.ask, words.id, query)):
        sys.stdout.buffer.write(line + b"\n")
    sys.stdout.flush()
    return status.SUCCEEDED


def cancel(words: Namespace, client: Client) -> int:
    return _tell(words, client.batch(words.id).cancel())


def resume(words: Namespace, client: Client) -> int:
    return _tell(words, client.batch(words.id).resume(words.also))


def _tell(words: Namespace, batch: Batch) -> int:
    show.answer(batch.data) if words.json else print(batch.id, batch.state)
    return status.SUCCEEDED
