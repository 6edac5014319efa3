"""`Idempotency-Key`: a request that is sent again, because its answer was lost, is not done again.

As draft-ietf-httpapi-idempotency-key-header-07 has it; a key belongs to one user, method and
path. The claim is committed first, and the answer together with what it tells of: a server that
dies between the two has done nothing, and its claim lapses.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from django.db import IntegrityError, transaction
from django.utils import timezone
from rest_framework import exceptions, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from jobs.models import IdempotencyKey

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
MAX_LENGTH = 255
CLAIM_LAPSES_S = 60
KEPT_FOR = timedelta(days=7)
REPLAYED_HEADERS = ("Location", "Retry-After")


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


Keep = Callable[[Response], None]


def once(request: Request, act: Callable[[Keep], Response]) -> Response:
    """Answer by `act`, or as it was answered before under the same key.

    :param act: calls what it is given with its answer, in the transaction that makes it true.
    :raises BadKey, OtherBody, InFlight: as their texts say; nothing was done.
    """
    if (key := request.headers.get(HEADER)) is None:
        return act(lambda answer: None)
    row, mine = _claim(request, _checked(key))
    if not mine:
        return _replay(row, _digest(request))
    try:
        return act(partial(_keep, row))
    except BaseException:
        # Nothing was done, so the same key may be tried again.
        IdempotencyKey.objects.filter(pk=row.pk, claim=row.claim, status=None).delete()
        raise


def forget_old_keys() -> int:
    """Delete the keys that nobody will ask for again; returns how many."""
    before = timezone.now() - KEPT_FOR
    return IdempotencyKey.objects.filter(claimed_at__lt=before).delete()[0]


def _checked(key: str) -> str:
    if not (0 < len(key) <= MAX_LENGTH and key.isascii() and key.isprintable()):
        raise BadKey
    return key


def _claim(request: Request, key: str) -> tuple[IdempotencyKey, bool]:
    """The row of the key, and whether it is ours to act under."""
    named = {"owner": request.user, "scope": f"{request.method} {request.path}"[:200], "key": key}
    try:
        with transaction.atomic():
            return IdempotencyKey.objects.create(**named, body_sha256=_digest(request)), True
    except IntegrityError:
        row = IdempotencyKey.objects.get(**named)
    return _take_over(row, _digest(request))


def _take_over(row: IdempotencyKey, digest: str) -> tuple[IdempotencyKey, bool]:
    """Of a claim whose server has died meanwhile; compare-and-set, for others try it too."""
    lapsed = timezone.now() - timedelta(seconds=CLAIM_LAPSES_S)
    if row.status is not None or row.claimed_at > lapsed or row.body_sha256 != digest:
        return row, False
    claim = {"claim": uuid.uuid4(), "claimed_at": timezone.now()}
    taken = IdempotencyKey.objects.filter(pk=row.pk, claim=row.claim, status=None).update(**claim)
    row.refresh_from_db()
    return row, bool(taken)


def _replay(row: IdempotencyKey, digest: str) -> Response:
    if row.body_sha256 != digest:
        raise OtherBody
    if row.status is None:
        raise InFlight
    return Response(row.body, row.status, headers={**row.headers, REPLAYED: "true"})


def _keep(row: IdempotencyKey, answer: Response) -> None:
    headers = {name: answer[name] for name in REPLAYED_HEADERS if name in answer}
    # As it goes over the wire: what the renderer would make of dates and ids.
    body = json.loads(json.dumps(answer.data, cls=JSONEncoder))
    kept = IdempotencyKey.objects.filter(pk=row.pk, claim=row.claim).update(
        status=answer.status_code, headers=headers, body=body
    )
    if not kept:
        raise InFlight  # taken over, for we were too slow: let the other one act


def _digest(request: Request) -> str:
    body = json.dumps(request.data, sort_keys=True, default=str)
    return hashlib.sha256(body.encode()).hexdigest()
