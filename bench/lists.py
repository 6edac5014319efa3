"""What does the number of jobs on a site cost its pages? `python -m bench.lists --jobs 1000000`.

The same pages are asked for in a table of some dozens of jobs and in one of so many more, in one
run: server time in this process, database included, by Django's own client, and the queries.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .copies import NEW_ID, NUMBERS

PAGES = {
    "list": "/jobs/",
    "list, failed": "/jobs/?state=failed",
    "by all names": "/jobs/?text=water",
    "by few names": "/jobs/?text=water+7+1234",
    "by no name": "/jobs/?text=zeolite",
    "by two letters": "/jobs/?text=zz",
    "failed, by name": "/jobs/?text=water&state=failed",
    "list, one kind": "/jobs/?simulation=demo.sum_squares",
    "today": "/",
    "REST list": "/api/v1/jobs?limit=50",
    "REST, by name": "/api/v1/jobs?limit=50&text=water+7+1234",
    "search, all": "/search/?q=water",
    "search, few": "/search/?q=water+7+1234",
    "admin, all": "/admin/jobs/job/?q=water",
    "admin, few": "/admin/jobs/job/?q=water+7+1234",
    "job": "/jobs/{job_id}/",
}
FEW = 60
COPY = """
    INSERT INTO jobs_job ({columns})
    SELECT {values} FROM jobs_job AS source
    CROSS JOIN ({numbers}) AS copies WHERE source.id = %s
"""
EARLIER = {
    "sqlite": "strftime('%%Y-%%m-%%d %%H:%%M:%%f', source.{name}, '-' || copies.i || ' minutes')",
    "postgresql": "source.{name} - copies.i * interval '1 minute'",
}
MOMENTS = {"created_at", "queued_at", "started_at", "finished_at"}


def grow(number: int) -> None:
    """About so many more jobs that have ended: those there are, every minute back into the past.

    Each has a name of its own.
    """
    from django.db import connection

    from jobs.models import Job

    templates = list(Job.objects.exclude(finished_at=None).newest_first())
    columns = [field.column for field in Job._meta.concrete_fields]
    values = [_value(name, connection.vendor) for name in columns]
    words = {"columns": ", ".join(map(_quoted, columns)), "values": ", ".join(values)}
    numbers = NUMBERS[connection.vendor].format(first=1, last=number // len(templates))
    for template in templates:
        with connection.cursor() as cursor:
            key = Job._meta.pk.get_db_prep_value(template.pk, connection)
            cursor.execute(COPY.format(numbers=numbers, **words), [key])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _quoted(name: str) -> str:
    return f'"{name}"'


def _value(column: str, vendor: str) -> str:
    if column == "id":
        return NEW_ID[vendor]
    if column == "name":
        return "source.name || ' ' || copies.i"
    if column in MOMENTS:
        return EARLIER[vendor].format(name=column)
    return f"source.{_quoted(column)}"


def few() -> Any:
    """Their owner, with some jobs of each end."""
    from django.contrib.auth import get_user_model

    from jobs import lifecycle
    from jobs.states import FailureKind

    owner = get_user_model().objects.create_user("ada")
    for number in range(1, FEW + 1):
        params = {"n": number}
        job = lifecycle.submit(
            owner=owner, simulation="demo.sum_squares", params=params, name=f"water {number}"
        )
        lifecycle.start(job, 1, worker="bench", host="bench", pid=1)
        if number % 5:
            lifecycle.succeed(job, 1, {"total": number})
        else:
            lifecycle.fail(job, 1, FailureKind.SCIENCE, {"detail": "None."})
    return owner


def times_ms(client: Any, path: str, rounds: int) -> tuple[list[float], int]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    took: list[float] = []
    for _ in range(rounds + 1):
        began = time.perf_counter()
        answer = client.get(path)
        took.append((time.perf_counter() - began) * 1000)
        assert answer.status_code == 200, (path, answer.status_code, answer.content[:500])
    with CaptureQueriesContext(connection) as asked:
        client.get(path)
    return took[1:], len(asked)


def measure(owner: Any, rounds: int) -> dict[str, tuple[list[float], int]]:
    from django.test import Client

    from jobs.models import Job

    client = Client(SERVER_NAME="localhost")
    job = Job.objects.filter(owner=owner).newest_first()[0]
    found = {}
    for name, path in PAGES.items():
        client.force_login(operator() if path.startswith("/admin/") else owner)
        found[name] = times_ms(client, path.format(job_id=job.pk), rounds)
    return found


def operator() -> Any:
    """Who may see the jobs of all."""
    from django.contrib.auth import get_user_model

    users = get_user_model().objects
    return users.filter(is_superuser=True).first() or users.create_superuser("eve")


@contextmanager
def site(database_url: str) -> Iterator[None]:
    """An empty site in this process, without a queue."""
    with tempfile.TemporaryDirectory(prefix="bench-") as var:
        os.environ |= {"BACKPLANE_VAR": var, "DJANGO_SETTINGS_MODULE": "backplane_site.settings"}
        os.environ |= {"BACKPLANE_LOG_LEVEL": "ERROR"}
        if database_url:
            os.environ["DATABASE_URL"] = database_url
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        yield


def main() -> None:
    asks = argparse.ArgumentParser(description=__doc__)
    asks.add_argument("--jobs", type=int, default=1_000_000)
    asks.add_argument("--rounds", type=int, default=20)
    asks.add_argument("--database-url", default="", help="an empty PostgreSQL database")
    words = asks.parse_args()
    with site(words.database_url):
        owner = few()
        small = measure(owner, words.rounds)
        began = time.perf_counter()
        grow(words.jobs)
        print(f"{words.jobs} jobs more in {time.perf_counter() - began:.0f} s")
        large = measure(owner, words.rounds)
    print(f"{'page':16} {'few, ms':>9} {'many, ms':>9} {'p99, ms':>9} {'ratio':>6} {'queries':>8}")
    for name, (took, queries) in large.items():
        before, after = statistics.median(small[name][0]), statistics.median(took)
        print(
            f"{name:16} {before:9.1f} {after:9.1f} {max(took):9.1f} {after / before:6.2f} "
            f"{queries:8}"
        )


if __name__ == "__main__":
    main()
