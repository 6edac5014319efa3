"""What do more workers add? `python -m bench.workers --workers 1,2,4,8`.

Jobs that do nothing, so that what is measured is the way from the line to a worker and back: where
that is full. A real site with one web process, anew for each number of workers.
"""

from __future__ import annotations

import argparse
from typing import Any

from tests.stack import Stack, until

from . import circumstances
from .circumstances import own_mib
from .sites import SUM, stamp
from .watchers import database

PACKAGES = ("django", "rq", "redis", "psycopg")
WITHIN_S = 300


def drained(workers: int, jobs: int, kind: str) -> dict[str, Any]:
    """From the start of the first to the end of the last."""
    with database(kind) as url, Stack(workers=workers, database_url=url) as stack:
        stack.wait(stack.submit("demo.sum_squares", n=1))
        answer = stack.client.post("/api/v1/batches", json={"jobs": [SUM] * jobs})
        batch = answer.raise_for_status().json()["id"]
        items = _items(stack, batch, jobs)
        runs = [stack.job(item["job_id"]) for item in items]
        began = min(stamp(run["started_at"]) for run in runs)
        took = max(stamp(run["finished_at"]) for run in runs) - began
        memory = [own_mib(each) for each in stack.processes("work")]
    return {"workers": workers, "jobs_per_s": jobs / took, "worker_mib": sum(memory) / len(memory)}


def _items(stack: Stack, batch: str, jobs: int) -> list[dict[str, Any]]:
    def ended() -> bool:
        counts = stack.client.get(f"/api/v1/batches/{batch}").json()["counts"]
        return bool(counts["succeeded"] == jobs)

    until(ended, "all of them are done", WITHIN_S)
    path, limit = f"/api/v1/batches/{batch}/items", {"limit": 1000}
    found: list[dict[str, Any]] = stack.client.get(path, params=limit).json()["results"]
    return found


def main() -> None:
    asks = argparse.ArgumentParser(description=__doc__)
    asks.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    asks.add_argument("--workers", default="1,2,4,8")
    asks.add_argument("--jobs", type=int, default=100)
    asks.add_argument("--save", default="", help="under this name in bench/measured/")
    words = asks.parse_args()
    found: dict[str, Any] = {**circumstances.told(PACKAGES), **vars(words), "steps": []}
    for workers in map(int, words.workers.split(",")):
        load = circumstances.load()
        found["steps"].append({**drained(workers, words.jobs, words.database), "load": load})
        print(found["steps"][-1], flush=True)
    if words.save:
        circumstances.save(words.save, found)


if __name__ == "__main__":
    main()
