"""`Idempotency-Key`: a request that is sent again, because its answer was lost, is not done again.

As draft-ietf-httpapi-idempotency-key-header-07 has it; a key belongs to one user, method and
path. The claim is committed first, and the answer together with what it tells of: a server that
dies between the two has done nothing, and its claim lapses; at once, where it can be seen that it
died.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone
from rest_framework import exceptions, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from jobs.models import IdempotencyKey
from jobs.processes import is_gone, machine, started

from .keyring import key_of

logger = logging.getLogger(__name__)

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
MAX_LENGTH = 255
CLAIM_LAPSES_S = 60
KEPT_FOR = timedelta(days=7)
REPLAYED_HEADERS = ("Location", "Retry-After")

_at_work: set[uuid.UUID] = set()
"""The claims that a thread of this process acts under."""


class InFlight(exceptions.APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "request_in_flight"
    default_detail = "A request with this Idempotency-Key is being worked on. Ask again shortly."
    wait = 2


class OtherBody(exceptions.APIException):
    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_code = "idempotency_key_reused"
    default_detail = (
        "This Idempotency-Key was used for another body. Send that body again, or use a new key."
    )


class BadKey(exceptions.APIException):
    status_code = status.HTTP_400_BAD_REQUEST
    default_code = "bad_idempotency_key"
    default_detail = f"Idempotency-Key: expected 1 to {MAX_LENGTH} printable ASCII characters."


Keep = Callable[[Callable[[], Response]], None]


def once(request: Request, act: Callable[[Keep], Response]) -> Response:
    """Answer by `act`, or as it was answered before under the same key.

    :param act: calls what it is given with what makes its answer, in the transaction that makes it
        true; what it returns in the end, when that is over, is said again to who asks again.
    :raises BadKey, OtherBody, InFlight: as their texts say; nothing was done.
    """
    if (key := request.headers.get(HEADER)) is None:
        return act(lambda make: None)
    with _new_claim() as claim:
        row = _claim(request, _checked(key), claim)
        if row.claim != claim["claim"]:
            return _replay(row, _digest(request))
        try:
            answer = act(partial(_keep, row))
        except BaseException:
            # Nothing was done, so the same key may be tried again.
            IdempotencyKey.objects.filter(pk=row.pk, claim=row.claim, status=None).delete()
            raise
        try:
            _keep_as_told(row, answer)
        except DatabaseError:
            # It was done, and what was kept with it is as true.
            logger.warning("an answer is kept without why its job waits", exc_info=True)
        return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request under a key, by whom, and of what body."""

    owner_id: Any
    scope: str
    key: str
    body_sha256: str = field(compare=False)

    def named(self) -> dict[str, Any]:
        return {"owner": self.owner_id, "scope": self.scope, "key": self.key}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An answer, as it is said again."""

    status: int
    headers: dict[str, str]
    body: Any


def asked_under(key: str, request: Request, data: Any) -> Asked:
    """:param request: of whoever asks; the key and the data are of one of their requests.
    :raises BadKey: it is none.
    """
    return Asked(
        owner_id=request.user.pk,
        scope=_scope(request),
        key=_checked(key),
        body_sha256=_digest_of(data),
    )


def known(asked: Iterable[Asked]) -> set[Asked]:
    """Those of them that were asked before, whatever came of it."""
    by_scope: dict[tuple[Any, str], list[Asked]] = {}
    for each in asked:
        by_scope.setdefault((each.owner_id, each.scope), []).append(each)
    found: set[Asked] = set()
    for (owner_id, scope), theirs in by_scope.items():
        rows = IdempotencyKey.objects.filter(
            owner=owner_id, scope=scope, key__in=[each.key for each in theirs]
        )
        keys = {*rows.values_list("key", flat=True)}
        found |= {each for each in theirs if each.key in keys}
    return found


def keep_new(answers: Mapping[Asked, Kept]) -> None:
    """In the transaction that makes them true: nobody ever sees a claim without its answer.

    :raises IntegrityError: one of them was asked meanwhile.
    """
    pid = os.getpid()
    IdempotencyKey.objects.bulk_create(
        IdempotencyKey(
            owner_id=asked.owner_id,
            scope=asked.scope,
            key=asked.key,
            body_sha256=asked.body_sha256,
            machine=machine(),
            pid=pid,
            pid_started=started(pid),
            status=kept.status,
            headers=kept.headers,
            body=kept.body,
        )
        # In one order, so that two who do so never wait for each other.
        for asked, kept in sorted(answers.items(), key=lambda each: each[0].key)
    )


def keep_as_told(answers: Mapping[Asked, Kept]) -> None:
    """In place of what was kept of them while others waited; that is as true."""
    try:
        with transaction.atomic():
            for asked, kept in answers.items():
                IdempotencyKey.objects.filter(**asked.named()).update(body=kept.body)
    except DatabaseError:
        logger.warning("answers are kept without why their jobs wait", exc_info=True)


def forget_old_keys() -> int:
    """Delete the keys that nobody will ask for again; returns how many."""
    before = timezone.now() - KEPT_FOR
    return IdempotencyKey.objects.filter(claimed_at__lt=before).delete()[0]


def _checked(key: str) -> str:
    if not (0 < len(key) <= MAX_LENGTH and key.isascii() and key.isprintable()):
        raise BadKey
    return key


@contextmanager
def _new_claim() -> Iterator[dict[str, Any]]:
    """As the row has it; ours from before it is stored until after it is settled."""
    pid = os.getpid()
    claim = uuid.uuid4()
    _at_work.add(claim)
    try:
        yield {
            "claim": claim,
            "claimed_at": timezone.now(),
            "machine": machine(),
            "pid": pid,
            "pid_started": started(pid),
        }
    finally:
        _at_work.discard(claim)


def _claim(request: Request, key: str, claim: dict[str, Any]) -> IdempotencyKey:
    """The row of the key, under our claim or another."""
    named = {"owner": request.user, "scope": _scope(request), "key": key}
    digest = _digest(request)
    try:
        with transaction.atomic():
            return IdempotencyKey.objects.create(**named, **claim, body_sha256=digest)
    except IntegrityError:
        row = IdempotencyKey.objects.filter(**named).first()
    if row is None:
        raise InFlight  # it was refused just now: the key is free
    if row.status is None and row.body_sha256 == digest and _has_lapsed(row):
        # Compare-and-set, for others try it too.
        IdempotencyKey.objects.filter(pk=row.pk, claim=row.claim, status=None).update(**claim)
        row.refresh_from_db()
    return row


def _scope(request: Request) -> str:
    """Two agents of one person may number their requests alike."""
    sender = key_of(request)
    return f"{sender.prefix if sender else ''} {request.method} {request.path}".strip()[:200]


def _has_lapsed(row: IdempotencyKey) -> bool:
    """Its server is dead, or gave it up and could not say so; or nobody knows, and it took long."""
    pid = os.getpid()
    if (row.machine, row.pid, row.pid_started) == (machine(), pid, started(pid)):
        return row.claim not in _at_work
    if is_gone(row.machine, row.pid, row.pid_started):
        return True
    return row.claimed_at < timezone.now() - timedelta(seconds=CLAIM_LAPSES_S)


def _replay(row: IdempotencyKey, digest: str) -> Response:
    if row.body_sha256 != digest:
        raise OtherBody
    if row.status is None:
        raise InFlight
    return Response(row.body, row.status, headers={**row.headers, REPLAYED: "true"})


def _keep(row: IdempotencyKey, make: Callable[[], Response]) -> None:
    if not _keep_as_told(row, make()):
        raise InFlight  # taken over, for we were too slow: let the other one act


def _keep_as_told(row: IdempotencyKey, answer: Response) -> int:
    headers = {name: answer[name] for name in REPLAYED_HEADERS if name in answer}
    # As it goes over the wire: what the renderer would make of dates and ids.
    body = json.loads(json.dumps(answer.data, cls=JSONEncoder))
    return IdempotencyKey.objects.filter(pk=row.pk, claim=row.claim).update(
        status=answer.status_code, headers=headers, body=body
    )


def _digest(request: Request) -> str:
    return _digest_of(request.data)


def _digest_of(data: Any) -> str:
    body = json.dumps(data, sort_keys=True, default=str)
    return hashlib.sha256(body.encode()).hexdigest()
