"""Fills the tables of a site that is down, in a process of its own.

It hears how many jobs there are to be, and tells what there is then.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from .child import Child

SETTINGS = {"BACKPLANE_LOG_LEVEL": "ERROR"}


def fill(
    env: Mapping[str, str], jobs: int, *, of: Sequence[str], events_per_job: float, shown: str
) -> dict[str, Any]:
    """Until there are so many jobs.

    :param env: of the site.
    :param of: the jobs that were there first, all others being copies of them.
    :param events_per_job: on average.
    :param shown: one of `of`; some of its copies are named in `shown` of what is returned.
    """
    words = {"jobs": jobs, "of": list(of), "events_per_job": events_per_job, "shown": shown}
    with closing(Child("bench.filling", {**env, **SETTINGS})) as child:
        child.say(words)
        found: dict[str, Any] = child.hear()
    return found


def _filled(words: Mapping[str, Any]) -> dict[str, Any]:
    from jobs.models import Job, JobEvent

    from .copies import Copies, places

    first = list(Job.objects.filter(pk__in=words["of"]).order_by("created_at"))
    (shown,) = (job.pk for job in first if str(job.pk) == words["shown"])
    events = {job.pk: job.events.count() for job in first}
    there = Job.objects.count()
    copies = Copies(places(events, words["events_per_job"]), already=there - len(first))
    copies.hurry()
    began = time.perf_counter()
    found = copies.grow(words["jobs"] - there, shown)
    took_s = time.perf_counter() - began
    _settle()
    return {
        "jobs": Job.objects.count(),
        "events": JobEvent.objects.count(),
        "mib": _size_mib(),
        "filled_in_s": took_s,
        "shown": found,
    }


def _settle() -> None:
    """What PostgreSQL does by itself within minutes; SQLite does nothing of the kind."""
    from django.db import connection

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def _size_mib() -> float:
    from django.db import connection

    if connection.vendor == "sqlite":
        beside = Path(os.environ["BACKPLANE_VAR"]).glob("db.sqlite3*")
        return sum(path.stat().st_size for path in beside) / 2**20
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return float(cursor.fetchone()[0]) / 2**20


def main() -> None:
    import django

    django.setup()
    for line in sys.stdin:
        print(json.dumps(_filled(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
