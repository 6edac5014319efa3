"""The command line.

    python -m tests.chaos --jobs 300 --minutes 5 --database postgres --seed 1

It prints its seed; the same one makes the same jobs and the same faults. Exit status 1 if a job
was lost or doubled, or anything about one is not true.
"""

from __future__ import annotations

import logging
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from random import SystemRandom

from tests.postgres import Postgres
from tests.sabotage import may_mount, small_disk, with_a_clock
from tests.stack import Stack

from . import faults, schedule, table
from .run import run

SETTINGS = {
    "BACKPLANE_LEASE_S": "6",
    "BACKPLANE_UNCONFIRMED_S": "3",
    "BACKPLANE_RETRY_DELAY_S": "1",
}
"""Shorter than by default, so that minutes hold what hours would."""


def main() -> int:
    asked = _parser().parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s")
    logging.getLogger("tests.chaos").setLevel(logging.INFO)
    kinds = _kinds(asked)
    plan = schedule.make(
        seed=asked.seed, n_jobs=asked.jobs, within_s=asked.minutes * 60, kinds=[*kinds]
    )
    sys.stdout.write(
        f"seed {asked.seed}: {len(plan.jobs)} jobs and {len(plan.faults)} faults within "
        f"{asked.minutes:g} minutes, {asked.workers} workers, {asked.database}\n"
    )
    sys.stdout.flush()
    with _site(asked) as site:
        record = run(site, plan, kinds)
        status = site.stack.down()
        record.orphans += len(site.stack.orphans())
    verdict = table.judge(record)
    answers = ", ".join(f"{n} × {answer}" for answer, n in sorted(record.answers.items()))
    sys.stdout.write(f"it took {record.took_s:.0f} s; answers to submissions: {answers}\n\n")
    sys.stdout.write(f"{table.as_markdown(record)}\n")
    for wrong in (*verdict.lost, *verdict.duplicated, *verdict.untrue):
        sys.stdout.write(f"WRONG: {wrong}\n")
    return 0 if verdict.is_good and status == 0 else 1


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="python -m tests.chaos", description="Jobs under random faults.")
    parser.add_argument("--jobs", type=int, default=300)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(10**6))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    return parser


def _kinds(asked: Namespace) -> dict[str, faults.Kind]:
    return {
        **faults.KINDS,
        **(faults.WITH_POSTGRES if asked.database == "postgres" else {}),
        **(faults.WITH_A_DISK if may_mount() else {}),
    }


@contextmanager
def _site(asked: Namespace) -> Iterator[faults.Site]:
    with ExitStack() as stack:
        server = stack.enter_context(Postgres()) if asked.database == "postgres" else None
        url = server.create("chaos") if server else ""
        running = Stack(asked.workers, database_url=url, **SETTINGS)
        clock = with_a_clock(running)
        stack.enter_context(small_disk(running))
        stack.enter_context(running)
        yield faults.Site(
            stack=running, clock=clock, n_workers=asked.workers, postgres=server, database=url
        )


if __name__ == "__main__":
    sys.exit(main())
