"""What does it cost that thousands wait? `python -m bench.waiting --database sqlite --jobs 50000`.

In one of two sites ever more jobs wait, in the other a page of them; no worker takes any. At each
step both are asked the same by HTTP, by turns, as in `bench.scale`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import psycopg

from . import circumstances
from .scale import Asked, Site, Submitted, asked, both, rows
from .sites import SUM

PACKAGES = ("django", "djangorestframework", "daphne", "psycopg")
FEW = 60
"""More than a page of the list."""
STEPS = (1_000, 10_000, 50_000)
MOST_AT_ONCE = 10_000
QUESTIONS: Mapping[str, Callable[[httpx.Client, str], float]] = {
    "submit": Submitted(),
    "a job that waits, REST": Asked("/api/v1/jobs/{}".format),
    "its page": Asked("/jobs/{}/".format),
    "list": Asked(lambda _: "/jobs/"),
    "list, REST": Asked(lambda _: "/api/v1/jobs?limit=50"),
    "today": Asked(lambda _: "/"),
    "queue": Asked(lambda _: "/queue/"),
    "batches": Asked(lambda _: "/batches/"),
    "search by id": Asked(lambda job_id: f"/search/?q={job_id[:8]}"),
}


def grow(site: Site, more: int) -> None:
    """So many more wait; of each batch, the first and the last are asked for."""
    for at in range(0, more, MOST_AT_ONCE):
        n = min(MOST_AT_ONCE, more - at)
        client = site.stack.client
        batch = client.post("/api/v1/batches", json={"jobs": [SUM] * n}, timeout=120)
        assert batch.status_code == 202, batch.text[:500]
        told = client.get(f"/api/v1/batches/{batch.json()['id']}/items").json()["results"]
        site.shown += [told[0]["job_id"], told[-1]["job_id"]]
    if site.url:
        # Which its autovacuum does within a minute: PostgreSQL plans by what it counted last.
        with psycopg.connect(site.url, autocommit=True) as connection:
            connection.execute("ANALYZE")


def measured(words: argparse.Namespace) -> Iterator[dict[str, Any]]:
    room = {"BACKPLANE_MAX_QUEUED_PER_USER": str(2 * words.jobs)}
    with both(words.database, words.postgres, **room) as (many, few), many.resting(), few.resting():
        grow(few, FEW)
        steps = [*(step for step in STEPS if step < words.jobs), words.jobs]
        for before, jobs in pairwise([0, *steps]):
            grow(many, jobs - before)
            load = circumstances.load()
            yield {"jobs": jobs, "load": load, "asked": asked(many, few, words.rounds, QUESTIONS)}


def main() -> None:
    asks = argparse.ArgumentParser(description=__doc__)
    asks.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    asks.add_argument("--postgres", type=Path, help="the folder of its programs, for another one")
    asks.add_argument("--jobs", type=int, default=STEPS[-1])
    asks.add_argument("--rounds", type=int, default=20)
    words = asks.parse_args()
    print(circumstances.told(PACKAGES))
    for step in measured(words):
        print(f"{step['jobs']:,} wait, load {step['load']:.1f}; ms, with {FEW}, ratio")
        print("\n".join(rows(step["asked"])), flush=True)


if __name__ == "__main__":
    main()
