"""What a backplane leans on, each asked by name: is it well, what was seen, how is it mended.

None of them raises: that something does not answer is what they are there to say.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone
from redis.exceptions import RedisError

from jobs import fleet, tables
from jobs.models import Job
from jobs.states import JobState

LITTLE_DISK_BYTES = 200_000_000


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """:param mend: what to do about it; empty where nothing has to be done."""

    name: str
    level: Level
    detail: str
    mend: str = ""

    @property
    def is_ok(self) -> bool:
        return self.level is not Level.WRONG


def ok(name: str, detail: str) -> Finding:
    return Finding(name=name, level=Level.OK, detail=detail)


def warning(name: str, detail: str, mend: str) -> Finding:
    return Finding(name=name, level=Level.WARNING, detail=detail, mend=mend)


def wrong(name: str, detail: str, mend: str) -> Finding:
    return Finding(name=name, level=Level.WRONG, detail=detail, mend=mend)


def readiness() -> Iterator[Finding]:
    """What it takes to accept a job and to run it, in this order."""
    for probe in (database, migrations, redis, workers, disk):
        yield probe()


def database() -> Finding:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as exc:
        where = settings.DATABASES["default"].get("HOST") or settings.DATABASES["default"]["NAME"]
        mend = f"Start it, or correct DATABASE_URL (asked: {where})."
        return wrong("database", f"it does not answer: {_first_line(exc)}", mend)
    return ok("database", f"{connection.display_name} answers")


def migrations() -> Finding:
    try:
        missing = tables.not_applied()
    except DatabaseError as exc:
        return wrong("migrations", f"not known: {_first_line(exc)}", "Mend the database first.")
    if missing:
        mend = "Run: manage.py migrate"
        return wrong("migrations", f"{len(missing)} are not applied, {missing[0]} first", mend)
    return ok("migrations", "all are applied")


def redis() -> Finding:
    try:
        version = fleet.redis().info("server")["redis_version"]
    except (RedisError, OSError) as exc:
        mend = "Start it (`make up` starts one of its own), or correct REDIS_URL."
        return wrong("redis", f"it does not answer: {_first_line(exc)}", mend)
    return ok("redis", f"{version} answers")


def workers() -> Finding:
    """Those that listen, and those that a lease shows to be at work though Redis is away."""
    mend = "Start one: manage.py work default"
    leases = _or_nothing(_n_leases)
    try:
        n_workers = len(fleet.living())
    except (RedisError, OSError):
        if leases:
            return ok("workers", f"{leases} at work; Redis cannot tell of the others")
        return wrong("workers", "not known, for Redis does not answer", "Mend Redis first.")
    if n_workers:
        return ok("workers", f"{n_workers} listening, {leases or 0} at work")
    return wrong("workers", "none is listening", mend)


def disk() -> Finding:
    free = shutil.disk_usage(settings.VAR_DIR).free
    told = f"{free / 1e9:.1f} GB free in {settings.VAR_DIR}"
    if free < LITTLE_DISK_BYTES:
        mend = "Free some, set BACKPLANE_RETENTION_DAYS, or move BACKPLANE_VAR to another disk."
        return wrong("disk", f"only {told}", mend)
    return ok("disk", told)


def _n_leases() -> int:
    running = Job.objects.filter(state=JobState.RUNNING, lease_expires_at__gt=timezone.now())
    return running.count()


def _or_nothing(count: Callable[[], int]) -> int | None:
    try:
        return count()
    except DatabaseError:
        return None  # the database's own probe says so


def _first_line(exc: Exception) -> str:
    return (str(exc) or type(exc).__name__).splitlines()[0]
