"""What does the number of jobs cost? `python -m bench.scale --database sqlite --jobs 1000000`.

Two real sites run the same real simulations. In one, their rows are copied with all that hangs on
them, until there are so many; the other keeps a first page of them. At each step both are asked
the same by HTTP, by turns: whatever else the machine does, it does to both.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from tests.postgres import Postgres
from tests.sabotage import stopped
from tests.stack import Stack

from . import circumstances
from .filling import fill

PACKAGES = ("django", "djangorestframework", "daphne", "psycopg")
FEW = 150
"""A first page of the list is full, with a filter too."""
STEPS = (10_000, 100_000, 1_000_000)
SHOWN = "ethanol, GFN2-xTB"
MD_EVENTS = 45
SIMULATIONS: Mapping[str, tuple[str, dict[str, Any]]] = {
    SHOWN: ("xtb_optimization", {"structure": "CCO"}),
    "water, GFN2-xTB": ("xtb_optimization", {"structure": "O"}),
    "acetic acid, GFN2-xTB": ("xtb_optimization", {"structure": "CC(=O)O"}),
    "a sum": ("demo.sum_squares", {"n": 10}),
    "a longer sum": ("demo.sum_squares", {"n": 20}),
    "the longest sum": ("demo.sum_squares", {"n": 30}),
}
DYNAMICS: tuple[str, dict[str, Any]] = (
    "md_simulation",
    {"structure": "CCO", "length_ps": 20_000, "report_interval_ps": 100},
)
A_LARGE_DATABASE = {"shared_buffers": "1GB", "max_wal_size": "4GB"}
"""What its administrator gives a PostgreSQL of that size, on a machine like this one."""


@dataclass(frozen=True, slots=True)
class Asked:
    """:param path: of a job that is shown, given its id."""

    path: Callable[[str], str]

    def __call__(self, client: httpx.Client, job_id: str) -> float:
        began = time.perf_counter()
        answer = client.get(self.path(job_id))
        took = time.perf_counter() - began
        assert answer.status_code == 200, (answer.url, answer.status_code, answer.text[:500])
        return took


class Submitted:
    """What was never asked for before; it is cancelled, so that the line stays as long."""

    def __init__(self) -> None:
        self._n = count(100)

    def __call__(self, client: httpx.Client, job_id: str) -> float:
        body = {"simulation": "demo.sum_squares", "params": {"n": next(self._n)}}
        began = time.perf_counter()
        answer = client.post("/api/v1/jobs", json=body)
        took = time.perf_counter() - began
        assert answer.status_code == 202, answer.text
        assert not answer.json().get("reused"), answer.text
        client.post(f"/api/v1/jobs/{answer.json()['id']}/cancel").raise_for_status()
        return took


QUESTIONS: Mapping[str, Callable[[httpx.Client, str], float]] = {
    "job page": Asked("/jobs/{}/".format),
    "job, REST": Asked("/api/v1/jobs/{}".format),
    "events of a job": Asked("/api/v1/jobs/{}/events".format),
    "list": Asked(lambda _: "/jobs/"),
    "list, cancelled": Asked(lambda _: "/jobs/?state=cancelled"),
    "list, REST": Asked(lambda _: "/api/v1/jobs?limit=50"),
    "today": Asked(lambda _: "/"),
    "search by id": Asked(lambda job_id: f"/search/?q={job_id[:8]}"),
    "search by name": Asked(lambda _: "/search/?q=acetic"),
    "search by a name that none has": Asked(lambda _: "/search/?q=unobtainium"),
    "submit": Submitted(),
}


@dataclass(slots=True)
class Site:
    """:param of: the jobs that ran here; all others are copies of them."""

    stack: Stack
    url: str
    of: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)

    def run_some(self) -> None:
        """Real ones, with whatever rows they leave."""
        self.of = [self._submit(name, *asked) for name, asked in SIMULATIONS.items()]
        dynamics = self._submit("ethanol in vacuo", *DYNAMICS)
        for job_id in self.of:
            assert self.stack.wait(job_id, within_s=300)["state"] == "succeeded"
        self.stack.wait(dynamics, lambda job: job["last_seq"] >= MD_EVENTS, within_s=300)
        self.stack.client.post(f"/api/v1/jobs/{dynamics}/cancel").raise_for_status()
        self.stack.wait(dynamics)
        self.of.append(dynamics)

    def _submit(self, name: str, simulation: str, params: dict[str, Any]) -> str:
        body = {"simulation": simulation, "params": params, "name": name, "reuse": False}
        answer = self.stack.client.post("/api/v1/jobs", json=body)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def grow(self, jobs: int, events_per_job: float) -> dict[str, Any]:
        """Until there are so many. It is down meanwhile: nothing but the fill works."""
        self.stack.down()
        found = fill(
            self.stack.env, jobs, of=self.of, events_per_job=events_per_job, shown=self.of[0]
        )
        self.stack.up()
        self.shown += found.pop("shown")
        return found

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Whoever would work waits."""
        with stopped(self.stack, self.url, self.stack.processes("work")):
            yield


def asked(
    many: Site,
    few: Site,
    rounds: int,
    questions: Mapping[str, Callable[[httpx.Client, str], float]] = QUESTIONS,
) -> dict[str, dict[str, float]]:
    """Each question, of both by turns, while both rest."""
    return {name: _told(_times(ask, many, few, rounds)) for name, ask in questions.items()}


def _times(
    ask: Callable[[httpx.Client, str], float], many: Site, few: Site, rounds: int
) -> dict[str, list[float]]:
    took: dict[str, list[float]] = defaultdict(list)
    for turn in range(-2, rounds):  # the first two are not counted
        for word, site in sorted({"many": many, "few": few}.items(), reverse=bool(turn % 2)):
            ms = 1000 * ask(site.stack.client, random.choice(site.shown))
            if turn >= 0:
                took[word].append(ms)
    return took


def _told(took: Mapping[str, list[float]]) -> dict[str, float]:
    """In milliseconds; the ratio is that of the medians, with the middle half of all rounds'."""
    many, few = took["many"], took["few"]
    low, _, high = statistics.quantiles([a / b for a, b in zip(many, few, strict=True)])
    return {
        "median_ms": statistics.median(many),
        "most_ms": max(many),
        "few_median_ms": statistics.median(few),
        "ratio": statistics.median(many) / statistics.median(few),
        "ratio_low": low,
        "ratio_high": high,
    }


@contextmanager
def both(kind: str, programs: Path | None, **settings: str) -> Iterator[tuple[Site, Site]]:
    """:param settings: more environment variables."""
    with ExitStack() as opened:
        urls = ["", ""]
        if kind == "postgres":
            server = opened.enter_context(Postgres(settings=A_LARGE_DATABASE, programs=programs))
            urls = [server.create(name) for name in ("many", "few")]
        many, few = (
            Site(opened.enter_context(Stack(workers=1, database_url=url, **settings)), url)
            for url in urls
        )
        yield many, few


def measured(words: argparse.Namespace) -> Iterator[dict[str, Any]]:
    with both(words.database, words.postgres) as (many, few):
        for site in (many, few):
            site.run_some()
            site.grow(FEW, words.events_per_job)
        for jobs in [*(step for step in STEPS if step < words.jobs), words.jobs]:
            told = many.grow(jobs, words.events_per_job)
            load = circumstances.load()
            with many.resting(), few.resting():
                took = asked(many, few, words.rounds)
            yield {**told, "load": load, "asked": took}


def lines(step: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"{step['jobs']:,} jobs, {step['events']:,} events, {step['mib']:,.0f} MiB, filled in "
        f"{step['filled_in_s']:.0f} s, load {step['load']:.1f}; ms, with {FEW} jobs, ratio"
    )
    yield from rows(step["asked"])


def rows(found: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    for name, took in found.items():
        yield (
            f"  {name:30} {took['median_ms']:8.1f} {took['few_median_ms']:8.1f} "
            f"{took['ratio']:6.2f} ({took['ratio_low']:.2f} to {took['ratio_high']:.2f})"
        )


def main() -> None:
    asks = argparse.ArgumentParser(description=__doc__)
    asks.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    asks.add_argument("--postgres", type=Path, help="the folder of its programs, for another one")
    asks.add_argument("--jobs", type=int, default=1_000_000)
    asks.add_argument("--events-per-job", type=float, default=20)
    asks.add_argument("--rounds", type=int, default=30)
    asks.add_argument("--save", default="", help="under this name in bench/measured/")
    words = asks.parse_args()
    known = {**circumstances.told(PACKAGES), **vars(words), "postgres": str(words.postgres or "")}
    steps: list[dict[str, Any]] = []
    for step in measured(words):
        steps.append(step)
        print("\n".join(lines(step)), flush=True)
        if words.save:
            circumstances.save(words.save, {**known, "steps": steps})


if __name__ == "__main__":
    main()
