"""`If-None-Match` on reading a job, `If-Match` on a change, and how soon to ask again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.http import parse_etags
from rest_framework import exceptions, status
from rest_framework.request import Request
from rest_framework.response import Response

from jobs import versions
from jobs.batch_models import Batch
from jobs.models import Job
from jobs.outlook import Outlook
from jobs.turns import BULK

SOONEST_S = 2
LATEST_S = 30
HEAVY = (*BULK, "result", "summary", "methods", "provenance", "error", "metrics", "tags")


class Changed(exceptions.APIException):
    status_code = status.HTTP_412_PRECONDITION_FAILED
    default_code = "changed_meanwhile"

    def __init__(self, what: str) -> None:
        super().__init__(
            f"The {what} has changed since the version that If-Match names. Read it again, and "
            "decide anew."
        )


def tag_of(*values: Any) -> str:
    """The version of something that is small: what may be changed of it."""
    text = json.dumps(values, default=str, sort_keys=True)
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:20]}"'


def refuse_unless(request: Request, tag: str, what: str) -> None:
    """:raises Changed: it is no longer as `If-Match` has it."""
    if not {"*", tag} & {*parse_etags(request.headers.get("If-Match", "*"))}:
        raise Changed(what)


def not_modified(request: Request, job_id: UUID, outlook: Outlook) -> Response | None:
    """304 where the client has what it would get, found out by one small query."""
    if (known := request.headers.get("If-None-Match")) is None:
        return None
    jobs = Job.objects.visible_to(request.user).defer(*HEAVY)
    job = jobs.filter(pk=job_id).first()
    if job is None:
        return None
    if not {"*", versions.tag_of(job, outlook)} & set(parse_etags(known)):
        return None
    return Response(status=status.HTTP_304_NOT_MODIFIED, headers=headers_of(job, outlook))


def headers_of(job: Job, outlook: Outlook) -> dict[str, str]:
    """Which version of the job it is and, while it may change, when to ask again."""
    headers = {"ETag": versions.tag_of(job, outlook)}
    if not job.is_final:
        headers["Retry-After"] = str(retry_after_s(job))
    return headers


def retry_after_s(job: Job) -> int:
    return retry_after_since(job.started_at or job.queued_at)


def retry_after_since(since: datetime) -> int:
    """A tenth of its age: a run of seconds is asked for every two, one of days twice a minute."""
    age_s = (timezone.now() - since).total_seconds()
    return int(min(max(age_s / 10, SOONEST_S), LATEST_S))


@contextmanager
def unchanged(request: Request, known: Job | Batch) -> Iterator[None]:
    """Around a change: nothing else changes the job, or the batch, between the look at it and the
    change.

    Compared is its own version, weakly, against what RFC 9110 asks for: that its place in line has
    moved is no reason to refuse.

    :raises Changed: it is no longer as `If-Match` has it.
    """
    if "If-Match" not in request.headers:
        yield
        return
    with transaction.atomic():
        model: Any = type(known)
        refuse_if_changed(
            request, model.objects.select_for_update().only("last_seq").get(pk=known.pk)
        )
        yield


def refuse_if_changed(request: Request, now: Job | Batch) -> None:
    """As `unchanged`, of a row that is locked already.

    :raises Changed: it is no longer as `If-Match` has it.
    """
    if (wanted := request.headers.get("If-Match")) is None:
        return
    tags = parse_etags(wanted)
    if "*" not in tags and now.last_seq not in map(versions.seq_of, tags):
        raise Changed(str(type(now)._meta.verbose_name))
