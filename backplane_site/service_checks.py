"""What `manage.py doctor` asks of the services, and of what is stored, once they answer."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta

from django.conf import settings
from django.core.files.base import ContentFile
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from jobs import clock, downloads, fleet, storage
from jobs.build import build
from jobs.models import Artifact, Job
from jobs.slurm_models import SlurmWatch
from jobs.states import JobState
from jobs.storekeeper import LOOK_EVERY_S
from jobs.webhook_models import WebhookDelivery

from . import ops_queues
from .probes import Finding, ok, warning, wrong

OLDEST_REDIS = (5, 0)
SKEW_S = 2.0
NTP = "Let every host keep its time by NTP."
SAMPLE = 200
WEBHOOKS_LATE_S = 600
BROUGHT_BY = timedelta(seconds=2 * LOOK_EVERY_S)
"""The storekeeper has looked by then."""
DOCTOR = "doctor"
BUCKET_MEND = (
    "Correct BACKPLANE_S3_BUCKET, …_ENDPOINT or …_REGION, this host's clock, or what its keys may "
    "do: s3:PutObject, s3:GetObject, s3:DeleteObject and s3:ListBucket."
)


def redis_keeps() -> Iterator[Finding]:
    """Whether Redis is new enough, remembers over a restart, and never drops a ticket."""
    redis = fleet.redis()
    version = redis.info("server")["redis_version"]
    if tuple(map(int, version.split(".")[:2])) < OLDEST_REDIS:
        yield wrong("redis", f"{version} is too old", "Install Redis 5 or newer, or Valkey.")
    memory, kept = redis.info("memory"), redis.info("persistence")
    policy = memory.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        mend = "Set: maxmemory-policy noeviction"
        yield wrong("redis", f"it may throw tickets away when full ({policy})", mend)
    if kept.get("aof_enabled"):
        yield ok("redis kept", "its queue is on disk (appendonly)")
    else:
        # The reconciler hands out anew what it forgot, so this costs time and no job.
        mend = "Set: appendonly yes"
        yield warning("redis kept", "it forgets the queue when it restarts", mend)


def clocks() -> Iterator[Finding]:
    """Moments are written on one host and read on another: leases, pauses, what is due."""
    before = time.time()
    seconds, micro = fleet.redis().time()
    yield _skew("clock of redis", seconds + micro / 1e6 - before)
    if connection.vendor == "postgresql":
        yield _skew("clock of database", -clock.off_s())
    for kind in ops_queues.kinds(fleet.living()):
        if trouble := kind.clock_trouble:
            yield wrong("clock of worker", f"{', '.join(kind.workers)}: {trouble}", NTP)


def releases() -> Iterator[Finding]:
    """Whether every worker computes with what the site takes jobs for."""
    mend = "Start them anew from this one's release; the site's own: systemctl reload backplane"
    living = fleet.living()
    others: dict[str, list[str]] = {}
    for each in living:
        if each.version != build():
            others.setdefault(str(each.version), []).append(f"{each.hostname}:{each.pid}")
    for version, names in others.items():
        told = f"{', '.join(names)} run {version}, this is {build()}"
        yield warning("release of workers", told, mend)
    for kind in ops_queues.kinds(living):
        if trouble := kind.release_trouble:
            yield wrong("release of workers", f"{', '.join(kind.workers)}: {trouble}", mend)
    if living and not others:
        yield ok("release of workers", f"all run {build()}")


def _skew(name: str, skew_s: float) -> Finding:
    if abs(skew_s) < SKEW_S:
        return ok(name, f"{skew_s:+.3f} s from this host's")
    if abs(skew_s) < settings.JOB_LEASE_S / 3:
        return warning(name, f"{skew_s:+.1f} s from this host's", NTP)
    return wrong(
        name, f"{skew_s:+.1f} s from this host's; a lease is {settings.JOB_LEASE_S} s", NTP
    )


def leases() -> Iterator[Finding]:
    """Jobs that run by name, and that the reconciler should have taken up again by now."""
    before = timezone.now() - timedelta(seconds=2 * settings.JOB_LEASE_S)
    silent = Job.objects.filter(state=JobState.RUNNING, lease_expires_at__lt=before)
    # Of those that run on a cluster the watcher's own check tells.
    if n_silent := silent.exclude(backend="slurm").count():
        mend = "Start the reconciler: manage.py recover_jobs --every 2"
        yield wrong("leases", f"{n_silent} jobs have a worker that is long gone", mend)
    else:
        yield ok("leases", "no job waits for a worker that is gone")


def slurm() -> Iterator[Finding]:
    """Whether what is sent to a cluster is followed; nothing where nothing is sent to one."""
    if "slurm" not in settings.BACKENDS:
        return
    if wrong_now := SlurmWatch.what_is_wrong():
        mend = "See that squeue answers where manage.py watch runs; docs/slurm.md tells more."
        yield wrong("slurm", wrong_now, mend)
    else:
        yield ok("slurm", "it answers, and its jobs are followed")


def webhooks() -> Iterator[Finding]:
    """Messages that should have been sent long ago."""
    before = timezone.now() - timedelta(seconds=WEBHOOKS_LATE_S)
    n_late = WebhookDelivery.objects.filter(next_at__lt=before).count()
    if n_late:
        mend = "Start what sends them, manage.py send_webhooks, unless their receivers are slow."
        yield warning("webhooks", f"{n_late} should have been sent a while ago", mend)
    else:
        yield ok("webhooks", "none waits for somebody to send it")


def bucket() -> Iterator[Finding]:
    """Whether it lets us do all that we do there; nothing where there is none."""
    there = storage.bucket()
    if there is None:
        return
    if trouble := _refused_by(there):
        yield wrong("bucket", trouble, BUCKET_MEND)
        return
    before = timezone.now() - BROUGHT_BY
    ended = Artifact.objects.filter(job__files_removed_at=None, job__finished_at__lt=before)
    if n_left := ended.filter(key="").count():
        mend = "Run where they lie, and see what it says: manage.py store_artifacts"
        yield warning("bucket", f"{n_left} files of jobs that ended long ago are not in it", mend)
    else:
        yield ok("bucket", f"{settings.S3_BUCKET} can be written to, read and listed")


def _refused_by(there: storage.Bucket) -> str:
    """What cannot be done with an object, the first of it; empty if all can."""
    # Where no job's files are, nor uploads.
    key = f"{DOCTOR}/{uuid.uuid4()}"
    steps: dict[str, Callable[[], object]] = {
        "written to": lambda: there.save(key, ContentFile(b"Left by manage.py doctor.")),
        "read": lambda: there.open(key).read(),
        "listed": lambda: list(there.objects(f"{DOCTOR}/")),
        "removed from": lambda: there.remove([key]),
    }
    for what, step in steps.items():
        try:
            step()
        except OSError as exc:
            if what != "written to":
                with suppress(OSError):
                    there.remove([key])
            return f"it cannot be {what}: {exc}"
    return ""


def stored_files(*, deep: bool) -> Iterator[Finding]:
    """The newest files, their size and, if small, their checksum; all of all with `deep`."""
    rows = _with_files()
    spoilt = [
        told for artifact in (rows if deep else rows[:SAMPLE]) if (told := _fault(artifact, deep))
    ]
    n_looked = rows.count() if deep else min(rows.count(), SAMPLE)
    if spoilt:
        mend = "Restore them from a backup, or run their jobs again."
        shown = "; ".join(spoilt[:5]) + (" …" if len(spoilt) > 5 else "")
        yield wrong("files", f"{len(spoilt)} of {n_looked} are not served: {shown}", mend)
    else:
        how = "to the last byte" if deep else "the newest ones; --deep reads all"
        yield ok("files", f"{n_looked} are as they were recorded ({how})")


def _with_files() -> QuerySet[Artifact]:
    kept = Artifact.objects.filter(job__files_removed_at=None).select_related("job")
    return kept.order_by("-job__created_at", "id")


def _fault(artifact: Artifact, deep: bool) -> str:
    limit = float("inf") if deep else downloads.SUMMED_UP_TO_BYTES
    try:
        downloads.opened(artifact, sum_up_to=limit).close()
    except downloads.Unservable as exc:
        return f"{artifact.path} ({exc.code})"
    return ""


def integrity() -> Iterator[Finding]:
    """SQLite's own look at every page of the database."""
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA integrity_check")
        told = [line for (line,) in cursor.fetchall()]
    if told == ["ok"]:
        yield ok("database pages", "SQLite finds every page sound")
    else:
        mend = "Restore the last backup: manage.py restore FILE --force"
        yield wrong("database pages", told[0], mend)
