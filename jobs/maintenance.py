"""Whether the site comes to rest, and what all pages say. `jobs.lifecycle` throws the switch.

Whoever starts or accepts a job asks the database each time. Whoever only tells of it asks once in
two seconds: every page does, and every look at a job that waits.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, CharField, Q, QuerySet, Value, When
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver
from django.utils import timezone

from .operator_models import Announcement, Level, Maintenance
from .prepared import Example, Prepared

SINGLE = 1
RESTING, CLOSED = "resting", "closed"
KEPT_S = 2.0
RETRY_AFTER_S = 300
"""Where nobody said until when it lasts."""
STARTS_NOTHING = "Maintenance: jobs that wait are not started, those that run go on"
ACCEPTS_NOTHING = "Maintenance: no new jobs are accepted, those that run go on"


@dataclass(frozen=True, slots=True)
class Notice:
    """:param level: one of `operator_models.Level`."""

    level: str
    text: str


def current() -> Maintenance | None:
    """None: everything goes its usual way."""
    return _in_force().first() if is_on() else None


def is_on() -> bool:
    return bool(SINCE.rows(pk=SINGLE))


def _in_force(pk: int = SINGLE) -> QuerySet[Maintenance]:
    return Maintenance.objects.filter(pk=pk, since__isnull=False)


SINCE = Prepared(lambda pk: _in_force(pk).values_list("pk"), pk=Example.NUMBER)


def sentence(now: Maintenance) -> str:
    """What it means for whoever waits, and what the operators say of it; without a full stop."""
    told = STARTS_NOTHING if now.accepts else ACCEPTS_NOTHING
    until = f", expected until {now.until:%Y-%m-%d %H:%M} UTC" if now.until else ""
    message = f". {now.message.rstrip('.')}" if now.message else ""
    return f"{told}{until}{message}"


def retry_after_s(now: Maintenance) -> int:
    if now.until is None:
        return RETRY_AFTER_S
    return max(int((now.until - timezone.now()).total_seconds()), 60)


@dataclass(frozen=True, slots=True)
class Told:
    """:param resting: None: everything goes its usual way."""

    announced: tuple[Notice, ...] = ()
    resting: Maintenance | None = None

    @property
    def notices(self) -> list[Notice]:
        """What all pages say; the maintenance comes first."""
        if self.resting is None:
            return [*self.announced]
        return [Notice(Level.WARNING, f"{sentence(self.resting)}."), *self.announced]


_kept: tuple[float, Told] | None = None


def told() -> Told:
    """As of two seconds ago at the most."""
    now = time.monotonic()
    if _kept is None or now - _kept[0] > KEPT_S:
        keep(_read())
    assert _kept
    return _kept[1]


def keep(found: Told) -> None:
    global _kept
    _kept = (time.monotonic(), found)


@receiver([post_save, post_delete], sender=Announcement)
@receiver([post_save, post_delete], sender=Maintenance)
def forget(**of_the_signal: Any) -> None:
    """Ask anew, in this process."""
    global _kept
    _kept = None


def _read() -> Told:
    """Announcements and maintenance, by one query."""
    rows = list(_maintained().union(_announced(), all=True))
    resting = [row for row in rows if row[0] in {RESTING, CLOSED}]
    said = [Notice(level, text) for level, text, _ in rows if level not in {RESTING, CLOSED}]
    now = [
        Maintenance(accepts=level == RESTING, message=message, until=until)
        for level, message, until in resting
    ]
    return Told(tuple(said), now[0] if now else None)


def _announced() -> QuerySet[Any, Any]:
    now = timezone.now()
    shown = Announcement.objects.filter(Q(ends_at=None) | Q(ends_at__gt=now), starts_at__lte=now)
    return shown.order_by().values_list("level", "text", "ends_at")


def _maintained() -> QuerySet[Any, Any]:
    """In the columns of the announcements; its level tells whether jobs are accepted."""
    accepts = When(accepts=True, then=Value(RESTING))
    level = Case(accepts, default=Value(CLOSED), output_field=CharField())
    rows = _in_force().order_by()
    return rows.annotate(level=level).values_list("level", "message", "until")
