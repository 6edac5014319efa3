"""A form that is sent twice makes one job: its own word is kept with what came of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from .models import IdempotencyKey, Job

SCOPE = "form"
MADE = 303
MAX_TOKEN_CHARS = 64


def word_of(token: str, answers: Mapping[str, Any]) -> str:
    """The form's own word and what was in it: changed and sent again, it means another job."""
    digest = hashlib.sha256(repr(sorted(answers.items())).encode()).hexdigest()
    return f"{token[:MAX_TOKEN_CHARS]} {digest}" if token else ""


def job_of(owner: Any, word: str) -> Job | None:
    """What came of it, if it was sent before."""
    if not word:
        return None
    row = IdempotencyKey.objects.filter(owner=owner, scope=SCOPE, key=word).first()
    return Job.objects.filter(pk=row.body["job"]).first() if row and row.body else None


def keep(owner: Any, word: str, job: Job) -> None:
    """In the transaction that makes the job: of two that cross, the second makes none.

    :raises django.db.IntegrityError: another one was faster.
    """
    if word:
        IdempotencyKey.objects.create(
            owner=owner, scope=SCOPE, key=word, status=MADE, body={"job": str(job.pk)}
        )
