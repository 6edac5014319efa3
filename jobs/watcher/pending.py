"""Why a job waits in Slurm, in words; told again only when that changes."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from jobs.dispatch.slurm.answers import Task

WORDS = {
    "Resources": "next in line, once enough is free",
    "Priority": "others go before it",
    "PartitionDown": "its partition is down",
    "PartitionInactive": "its partition is closed",
    "PartitionTimeLimit": "its partition gives no job so much time",
    "PartitionNodeLimit": "its partition gives no job so many nodes",
    "Reservation": "its reservation has not begun",
    "ReservationDeleted": "its reservation was deleted, and it is held",
    "ReqNodeNotAvail": "nodes that it needs are down or reserved",
    "BeginTime": "it was started and has to wait a little",
    "JobHeldUser": "somebody holds it in Slurm",
    "JobHeldAdmin": "an administrator of the cluster holds it",
    "JobArrayTaskLimit": "as many of its campaign run as may at once",
    "Nodes required for job are DOWN": "nodes that it needs are down or reserved",
    "CONFIGURING": "its node is being started",
}
LIMITS = ("QOS", "Assoc")
"""How the reasons begin that are limits of an account, a user or a quality of service."""
MOVED = timedelta(minutes=5)
"""A start that moves by less is no news."""


def text(task: Task) -> str:
    reason = _reason(task)
    words = WORDS.get(reason.partition(",")[0], "")
    if not words and reason.startswith(LIMITS):
        words = "a limit of its account or its user is reached"
    reason = f"{words} ({reason})" if words else reason
    # The array and not its member: a thousand that wait for the same are told of it as one.
    told = f"Pending in Slurm as {task.native_id.partition('_')[0]}"
    told += f": {reason}" if reason else ""
    starts_at = _to_come(task)
    return told + (f"; expected to start about {_clock(starts_at)}" if starts_at else "")


def is_news(task: Task, before: Task | None) -> bool:
    if before is None or _reason(before) != _reason(task):
        return True
    was, now = _to_come(before), _to_come(task)
    if was is None or now is None:
        return was is not now
    return abs(now - was) > max(MOVED, (now - timezone.now()) / 5)


def _reason(task: Task) -> str:
    """One that has its node, which is not up yet, waits for nothing else."""
    return task.state if task.state == "CONFIGURING" else task.reason


def _to_come(task: Task) -> datetime | None:
    return task.starts_at if task.starts_at and task.starts_at > timezone.now() else None


def _clock(moment: datetime) -> str:
    form = "%H:%M" if moment - timezone.now() < timedelta(hours=20) else "%Y-%m-%d %H:%M"
    return f"{moment:{form}} UTC"
