"""What is the least that this site's parts take? `python -m bench.floor`

The peer of `bench.side_by_side`, and beside it the parts that this site is made of with nothing of
ours in them: Django behind Daphne or uvicorn that stores a row and puts a ticket on RQ's queue, RQ
with and without a process for each job. No site that is made of them submits or drains faster than
they do. Writes its tables into docs/performance.md.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

from .peers.floor.site import Web, Workers, serving, working
from .side_by_side import (
    CPU,
    WORKERS,
    Figure,
    Rounds,
    circumstances,
    drained,
    median_of,
    rate,
    write,
)
from .sites import Theirs

HEADING = "## The least that its parts take"
ROUNDS = 5
SERVERS = ("daphne", "uvicorn")
VIEWS = {
    "answered": "Django: JSON in, JSON out",
    "row": "and a row of two columns in SQLite",
    "ticket": "and a ticket on RQ's queue",
    "rest": "the same by REST framework",
}
DRAINS = {
    "RQ, a process for each job": ("Worker", "nothing"),
    "RQ, all jobs in its own process": ("SimpleWorker", "nothing"),
    "and two transactions a job in SQLite": ("SimpleWorker", "kept"),
}
PEER = "the peer"
Contender = Callable[[], Figure]


def submits(peer: Theirs, folder: Path, seconds: float, opened: ExitStack) -> dict[str, Contender]:
    found: dict[str, Contender] = {PEER: lambda: rate(peer.submit(seconds))}
    for server in SERVERS:
        web = opened.enter_context(serving(folder / server, server))
        for view, title in VIEWS.items():
            found[f"{server} | {title}"] = _asking(web, seconds, view)
    return found


def _asking(web: Web, seconds: float, view: str) -> Contender:
    return lambda: rate(web.submit(seconds, view))


def drains(peer: Theirs, folder: Path, jobs: int, opened: ExitStack) -> dict[str, Contender]:
    found: dict[str, Contender] = {PEER: lambda: drained(peer.run_many(jobs))}
    for n, (title, (kind, job)) in enumerate(DRAINS.items()):
        workers = opened.enter_context(working(folder / f"drain{n}", kind, job, WORKERS))
        found[title] = _draining(workers, jobs)
    return found


def _draining(workers: Workers, jobs: int) -> Contender:
    return lambda: drained(workers.run_many(jobs))


def measured(rounds: int, seconds: float, jobs: int) -> tuple[Rounds, Rounds]:
    """What each did in each round, submitting and draining; who comes first changes."""
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="floor")))
        peer = Theirs(WORKERS)
        opened.enter_context(peer)
        asked = (
            submits(peer, folder, seconds, opened),
            drains(peer, folder, jobs, opened),
        )
        submitted, run = ([_round(each, n) for n in range(rounds)] for each in asked)
    return submitted, run


def _round(asked: Mapping[str, Contender], n: int) -> dict[str, Figure]:
    order = list(asked) if n % 2 else list(reversed(asked))
    told = {name: asked[name]() for name in order}
    return {name: told[name] for name in asked}


def submit_table(rounds: Rounds) -> Iterator[str]:
    yield (
        "| server | what it does | 1/s | ratio to the peer | least to most | CPU, ms | "
        "ratio of CPU |"
    )
    yield "|---|---|---|---|---|---|---|"
    for name in rounds[0]:
        if name != PEER:
            cpu_ms, peers = (median_of(rounds, who, CPU) for who in (name, PEER))
            yield f"| {name} | {_beside(rounds, name)} | {cpu_ms:.3g} | {peers / cpu_ms:.2f} |"


def drain_table(rounds: Rounds) -> Iterator[str]:
    yield "| workers | 1/s | ratio to the peer | least to most |"
    yield "|---|---|---|---|"
    for name in rounds[0]:
        if name != PEER:
            yield f"| {name} | {_beside(rounds, name)} |"


def _beside(rounds: Rounds, name: str) -> str:
    ratios = [told[name].value / told[PEER].value for told in rounds]
    middle, spread = statistics.median(ratios), f"{min(ratios):.2f} to {max(ratios):.2f}"
    return f"{median_of(rounds, name):.3g} | {middle:.2f} | {spread}"


def main() -> None:
    asks = argparse.ArgumentParser(description=__doc__)
    asks.add_argument("--rounds", type=int, default=ROUNDS)
    asks.add_argument("--seconds", type=float, default=3)
    asks.add_argument("--jobs", type=int, default=300, help="that are drained")
    words = vars(asks.parse_args())
    submitted, run = measured(**words)
    tables = [*submit_table(submitted), "", *drain_table(run)]
    lines = [*circumstances(**words, bench="floor"), "", *tables]
    print("\n".join(lines))
    write(lines, HEADING)


if __name__ == "__main__":
    main()
