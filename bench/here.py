"""This site, asked by its own Python client, which talks REST."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import backplane
from backplane.batch import Batch
from backplane.job import Job
from tests.stack import Stack

from .child import Child
from .peers.jobs import OPTIMIZATION, environment, figure
from .peers.timing import MOLECULE, NOTHING, WITHIN_S, serve


class Client:
    def __init__(self, xyz: str) -> None:
        self._client = backplane.Client(os.environ["BENCH_URL"])
        self._asked: dict[str, dict[str, Any]] = {
            NOTHING: {"simulation": "demo.sum_squares", "params": {"n": 1}},
            MOLECULE: {"simulation": OPTIMIZATION, "params": {"structure": xyz}},
        }

    def send(self, job: str) -> Job:
        asked = self._asked[job]
        return self._client.submit(asked["simulation"], asked["params"], reuse=False)

    def send_many(self, job: str, n: int) -> Batch:
        return self._client.submit_batch(jobs=[{**self._asked[job], "reuse": False}] * n)

    def results(self, sent: Sequence[Job] | Batch) -> list[float]:
        if isinstance(sent, Batch):
            rows = list(sent.wait(WITHIN_S).results(fields=["result"]))
            return [_figure(row["result"]) for row in rows]
        return [_figure(each.result(WITHIN_S)) for each in sent]


def _figure(result: dict[str, Any]) -> float:
    return figure(result.get("total", result))


@contextmanager
def site(python: str, workers: int, folder: Path) -> Iterator[Child]:
    """Its client; data and Python are its own."""
    with Stack(workers=workers) as stack:
        env = environment(BENCH_URL=stack.url)
        with closing(Child("bench.here", env)) as client:
            yield client


if __name__ == "__main__":
    serve(Client)
