"""What a key has used and may still use. It only reads; `lifecycle.charging` writes it down.

All of it is counted under the lock of the owner's allowance, which whoever submits or starts a job
of theirs holds: so that no burst gets past a limit by one.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone

from .key_models import ApiKey, KeyUsage
from .models import Job
from .states import Approval, JobState

S_PER_H = 3600


def core_hours(estimate: dict[str, Any] | None, threads: int) -> float | None:
    """The upper end (p90) of what a job will take; None where history supports none."""
    seconds = ((estimate or {}).get("seconds") or {}).get("p90")
    return None if seconds is None else float(seconds) * threads / S_PER_H


def needs_approval(key: ApiKey, expected_core_hours: float | None) -> bool:
    """A job of which nobody knows what it takes is above any threshold."""
    if key.approval != Approval.ABOVE:
        return key.approval == Approval.ALWAYS
    threshold = key.approval_above_core_hours or 0.0
    return expected_core_hours is None or expected_core_hours > threshold


def used_core_hours(key: ApiKey, *, today: bool = False) -> float:
    usage = key.usage.filter(day=timezone.now().date()) if today else key.usage.all()
    return float(usage.aggregate(total=Sum("core_seconds"))["total"] or 0) / S_PER_H


def reserved_core_hours(key: ApiKey) -> float:
    """What its waiting and running jobs are expected to take still; nothing where unknown."""
    to_come = Greatest(F("reserved_core_s") - F("used_core_s"), 0.0)
    return float(_unfinished(key).aggregate(total=Sum(to_come))["total"] or 0) / S_PER_H


def used(key: ApiKey) -> dict[str, float]:
    """All of it, as it is told to agents and people."""
    return {
        "queued": n_queued(key),
        "running": n_running(key),
        "core_hours": round(used_core_hours(key), 6),
        "core_hours_today": round(used_core_hours(key, today=True), 6),
        "core_hours_reserved": round(reserved_core_hours(key), 6),
    }


def n_queued(key: ApiKey) -> int:
    return _unfinished(key).filter(state=JobState.QUEUED).count()


def n_running(key: ApiKey) -> int:
    return _unfinished(key).filter(state=JobState.RUNNING).count()


def _unfinished(key: ApiKey) -> QuerySet[Job]:
    return Job.objects.filter(key=key, finished_at=None)


def held_keys(now: datetime | None = None, today: date | None = None) -> QuerySet[ApiKey]:
    """Those none of whose jobs may start now."""
    now = now or timezone.now()
    counted = _counted(today or now.date())
    return counted.filter(_is_spent(now) | Q(max_running__lte=F("n_running")))


def spent_keys() -> QuerySet[ApiKey]:
    """Those none of whose jobs may start now, however few of them run."""
    now = timezone.now()
    return _counted(now.date()).filter(_is_spent(now))


def _is_spent(now: datetime) -> Q:
    used = Q(core_hours__lte=F("used")) | Q(core_hours_per_day__lte=F("used_today"))
    return used | Q(deadline__lte=now)


def _counted(day: date) -> QuerySet[ApiKey]:
    """Those with a limit, and how much of it is used, of that day too."""
    running = _per_key(
        Job.objects.unfinished(JobState.RUNNING).filter(key=OuterRef("pk")), "key", Count("pk")
    )
    used = KeyUsage.objects.filter(key=OuterRef("pk"))
    in_all = _per_key(used, "key", Sum("core_seconds"))
    today = _per_key(used.filter(day=day), "key", Sum("core_seconds"))
    limited = (
        Q(max_running__isnull=False)
        | Q(core_hours__isnull=False)
        | Q(core_hours_per_day__isnull=False)
        | Q(deadline__isnull=False)
    )
    return (
        # First, for most keys have none and need not be counted.
        ApiKey.objects.filter(limited)
        .annotate(
            n_running=Coalesce(running, 0),
            used=Coalesce(in_all, 0.0) / S_PER_H,
            used_today=Coalesce(today, 0.0) / S_PER_H,
        )
        .order_by()
    )


def _per_key(rows: QuerySet[Any], by: str, what: Any) -> Subquery:
    return Subquery(rows.order_by().values(by).annotate(total=what).values("total"))


def why_held(key: ApiKey) -> str:
    """A sentence for whoever waits; empty where the key's jobs may start."""
    return why_held_each([key]).get(key.pk, "")


def why_held_each(keys: Iterable[ApiKey]) -> dict[Any, str]:
    """That sentence for each of those whose jobs may not start, by two queries for any number."""
    limited = {key.pk: key for key in keys if any(limit is not None for limit in _limits(key))}
    if not limited:
        return {}
    used, used_today = _used_each(limited)
    running = Job.objects.unfinished(JobState.RUNNING).filter(key__in=limited).order_by()
    n_running = dict(running.values("key").annotate(n=Count("pk")).values_list("key", "n"))
    told = {
        pk: _why_held(key, used.get(pk, 0.0), used_today.get(pk, 0.0), n_running.get(pk, 0))
        for pk, key in limited.items()
    }
    return {pk: why for pk, why in told.items() if why}


def _limits(key: ApiKey) -> tuple[Any, ...]:
    return key.deadline, key.core_hours, key.core_hours_per_day, key.max_running


def _used_each(keys: Iterable[Any]) -> tuple[dict[Any, float], dict[Any, float]]:
    """Core-hours by key: in all, and of today."""
    today = Sum("core_seconds", filter=Q(day=timezone.now().date()))
    rows = KeyUsage.objects.filter(key__in=list(keys)).order_by().values("key")
    summed = rows.annotate(total=Sum("core_seconds"), today=today)
    found = list(summed.values_list("key", "total", "today"))
    return (
        {key: (total or 0) / S_PER_H for key, total, _ in found},
        {key: (today or 0) / S_PER_H for key, _, today in found},
    )


def _why_held(key: ApiKey, used: float, used_today: float, n_running: int) -> str:
    if key.deadline and key.deadline <= timezone.now():
        return f"The deadline of its key, {key.deadline:%Y-%m-%d %H:%M} UTC, is over"
    if key.core_hours is not None and used >= key.core_hours:
        return f"Its key has used up its {key.core_hours:g} core-hours"
    per_day = key.core_hours_per_day
    if per_day is not None and used_today >= per_day:
        return f"Its key has used up the {per_day:g} core-hours of today; the day ends at 00:00 UTC"
    if key.max_running is not None and n_running >= key.max_running:
        return f"{n_running} jobs of its key run, the most that may at once"
    return ""


def room(key: ApiKey) -> int | None:
    """How many more of its jobs may start at once; None: no limit of its own."""
    if why_held(key):
        return 0
    return None if key.max_running is None else key.max_running - n_running(key)
