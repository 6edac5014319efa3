"""A form that is sent twice makes one job or batch: its own word is kept with what came of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from .batch_models import Batch
from .models import IdempotencyKey, Job

SCOPE = "form"
MADE = 303
MAX_TOKEN_CHARS = 64
NAMES: dict[type[Job] | type[Batch], str] = {Job: "job", Batch: "batch"}


def word_of(token: str, answers: Mapping[str, Any]) -> str:
    """The form's own word and what was in it: changed and sent again, it means another."""
    digest = hashlib.sha256(repr(sorted(answers.items())).encode()).hexdigest()
    return f"{token[:MAX_TOKEN_CHARS]} {digest}" if token else ""


def made_by(owner: Any, word: str) -> Job | Batch | None:
    """What came of it, if it was sent before."""
    if not word:
        return None
    row = IdempotencyKey.objects.filter(owner=owner, scope=SCOPE, key=word).first()
    body = (row and row.body) or {}
    for kind, name in NAMES.items():
        if name in body:
            return kind.objects.filter(pk=body[name]).first()
    return None


def keep(owner: Any, word: str, made: Job | Batch) -> None:
    """In the transaction that makes it: of two that cross, the second makes none.

    :raises django.db.IntegrityError: another one was faster.
    """
    if word:
        body = {NAMES[type(made)]: str(made.pk)}
        IdempotencyKey.objects.create(owner=owner, scope=SCOPE, key=word, status=MADE, body=body)
