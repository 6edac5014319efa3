"""The switch by which the site comes to rest: nothing new starts, what runs goes on to its end.

It is a row in the database, so that no restart forgets it. Once it is off, the reconciler hands out
what waits, as it does after Redis was away.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from jobs import audit, maintenance
from jobs.operator_models import Maintenance

logger = logging.getLogger(__name__)


def begin_maintenance(
    *, by: Any, reason: str, message: str = "", accepts: bool = True, until: datetime | None = None
) -> Maintenance:
    """Start no job from now on; to do so again changes what is told of it.

    :param accepts: whether new jobs are accepted, to wait with the others.
    :param until: when it may be over. It does not end by itself.
    """
    with transaction.atomic():
        before = Maintenance.objects.select_for_update().filter(pk=maintenance.SINGLE).first()
        since = (before and before.since) or timezone.now()
        told = {"accepts": accepts, "message": message, "until": until}
        now, _ = Maintenance.objects.update_or_create(
            pk=maintenance.SINGLE, defaults={**told, "since": since, "by": by}
        )
        audit.note(
            by, "maintenance on", reason=reason, accepts=accepts, message=message,
            until=until.isoformat() if until else None,
        )  # fmt: skip
    logger.warning("maintenance: no job is started%s", "" if accepts else ", none is accepted")
    return now


def end_maintenance(*, by: Any, reason: str) -> bool:
    """Whether it was on."""
    with transaction.atomic():
        resting = Maintenance.objects.filter(pk=maintenance.SINGLE, since__isnull=False)
        if not resting.update(since=None, message="", until=None, accepts=True, by=by):
            return False
        audit.note(by, "maintenance off", reason=reason)
    maintenance.forget()
    logger.warning("maintenance is over")
    return True
