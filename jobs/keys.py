"""The keys of agents: made, recognised, ended; and who sent a job, and what for.

A key's text is 32 random bytes after its prefix. What is kept is its SHA-256: nobody guesses 256
random bits, however fast the hash; a slow one is for passwords, which people choose.
"""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.core import signing
from django.db import DatabaseError, transaction
from django.db.models import Q
from django.utils import timezone

from . import bells, key_bounds
from .key_bounds import TooPowerful as TooPowerful
from .key_models import ApiKey
from .prepared import Example, PreparedModel
from .states import Scope

logger = logging.getLogger(__name__)

FORM = re.compile(r"(bp_[0-9a-f]{8})_[A-Za-z0-9_-]{43}", re.ASCII)
USE_NOTED_EVERY = timedelta(minutes=1)
"""The last use of a key is written no more often: a look should cost no write."""
AGENT_LENGTH = 100
TICKET_SALT = "jobs.keys.ticket"
TICKET_LASTS_S = 60
BY_PREFIX = PreparedModel(
    lambda prefix: ApiKey.objects.select_related("owner").filter(prefix=prefix),
    prefix=Example.WORD,
)


class Unrecognised(Exception):
    """There is no such key, or it opens nothing any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who sent a job, and what for.

    :param agent: what the sender calls itself; the key is what proves it.
    """

    key: ApiKey | None = None
    agent: str = ""
    purpose: str = ""

    def for_(self, purpose: str) -> Origin:
        return replace(self, purpose=purpose)

    def signed(self, who: Any) -> str:
        """The person, and the key by which they acted: for an event."""
        return f"{who} by key {self.key}" if self.key else str(who)


UNKNOWN = Origin()


def issue(
    *,
    owner: Any,
    name: str,
    scopes: Collection[Scope],
    expires_at: datetime | None = None,
    made_by: ApiKey | None = None,
    **budget: Any,
) -> tuple[ApiKey, str]:
    """A new key and its text, which nobody can tell again.

    :param made_by: the key that asks for it.
    :param budget: the columns of `ApiKey` by their names.
    :raises TooPowerful: nothing was made.
    """
    if Scope.ADMIN in scopes and not owner.is_staff:
        raise TooPowerful("Only a key of the staff may have the scope admin.")
    prefix = f"bp_{secrets.token_hex(4)}"
    text = f"{prefix}_{secrets.token_urlsafe(32)}"
    with transaction.atomic():
        if made_by is not None:
            # Who ends or changes it meanwhile waits, and then finds what it has made.
            key_bounds.refuse_more(_locked(made_by.pk), scopes, expires_at)
        key = ApiKey.objects.create(
            owner=owner,
            name=name,
            prefix=prefix,
            secret_sha256=digest(text),
            scopes=_as_stored(scopes),
            expires_at=expires_at,
            made_by=made_by,
            **budget,
        )
    logger.info("key %s was made for user %s", key.prefix, owner.pk)
    return key, text


def _as_stored(scopes: Collection[str]) -> list[str]:
    return [str(scope) for scope in Scope if scope in scopes]


def _locked(key_id: Any) -> ApiKey:
    """As it is now, until the transaction ends; always the one that made a key before that key."""
    return ApiKey.objects.select_for_update(no_key=True).get(pk=key_id)


def recognise(text: str) -> ApiKey:
    """The key of that text, its owner with it.

    :raises Unrecognised: with a sentence for whoever holds it.
    """
    match = FORM.fullmatch(text)
    try:
        key = BY_PREFIX.get(prefix=match[1]) if match else None
    except ApiKey.DoesNotExist:
        key = None
    if key is None or not secrets.compare_digest(key.secret_sha256, digest(text)):
        raise Unrecognised("There is no such key. Ask its owner for a new one.")
    return _usable(key)


def _usable(key: ApiKey) -> ApiKey:
    if why := why_not(key):
        raise Unrecognised(why)
    _note_use(key)
    return key


def why_not(key: ApiKey | None, scope: Scope | None = None) -> str:
    """A sentence for whoever holds a key that opens nothing, or not that; empty where it does."""
    if key is None:
        return "There is no such key. Ask its owner for a new one."
    if key.revoked_at:
        return f"The key {key.prefix} was revoked on {key.revoked_at:%Y-%m-%d}."
    if key.has_expired:
        return f"The key {key.prefix} expired on {key.expires_at:%Y-%m-%d}."
    if not key.owner.is_active:
        return f"The owner of the key {key.prefix} may no longer sign in."
    if scope is not None and not key.may(scope):
        return f"The key {key.prefix} has no longer the scope {scope}."
    return ""


def acting_user(key: ApiKey) -> Any:
    """Its owner, who is no administrator here unless the key has that scope. Never to be saved."""
    user = key.owner
    if not key.may(Scope.ADMIN):
        user.is_staff = user.is_superuser = False
    return user


def change(key: ApiKey, *, by: ApiKey | None = None, **columns: Any) -> None:
    """Another name, fewer scopes, another budget or end, from now on.

    What is taken from it is taken, for good, from all keys that it made, and that those made.

    :param by: the key that asks for it.
    :raises TooPowerful: it would have more than the key that made it; nothing was changed.
    """
    if "scopes" in columns:
        columns["scopes"] = _as_stored(columns["scopes"])
    with held(key.pk) as now:
        key_bounds.refuse_change(now, now.made_by, columns, by=by)
        _write(now, columns)
        _narrow_all_made_by(now)
    key.refresh_from_db()
    logger.info("key %s was changed: %s", key.prefix, ", ".join(columns))


@contextmanager
def held(key_id: Any) -> Iterator[ApiKey]:
    """As it is now, and nobody else changes it meanwhile; to look at, and then to `change`."""
    made_by = ApiKey.objects.values_list("made_by", flat=True).get(pk=key_id)
    with transaction.atomic():
        if made_by is not None:
            _locked(made_by)
        yield _locked(key_id)


def _write(key: ApiKey, columns: dict[str, Any]) -> None:
    for name, value in columns.items():
        setattr(key, name, value)
    key.save(update_fields=[*columns])
    _ring_after_commit(key.pk)


def _narrow_all_made_by(maker: ApiKey) -> None:
    """In the transaction that narrows it, so that nobody ever sees one that has more."""
    for key in _made_by([maker.pk]):
        if less := key_bounds.narrowed(key, maker):
            _write(key, less)
        _narrow_all_made_by(key)


def _made_by(makers: Iterable[Any]) -> list[ApiKey]:
    """Locked, in one order for all."""
    made = ApiKey.objects.filter(made_by__in=makers).order_by("id")
    return list(made.select_for_update(no_key=True))


def _ring_after_commit(key_id: Any) -> None:
    # Robust: a deaf channel layer must not keep a key from being ended.
    transaction.on_commit(lambda: bells.ring(bells.of_key(key_id)), robust=True)


def revoke(key: ApiKey) -> None:
    """End it, and every key that was made with it. Its jobs go on: they are its owner's."""
    with transaction.atomic():
        found = [_locked(key.pk)]
        ended = list(found)
        while found:
            found = _made_by([each.pk for each in found])
            ended += found
        living = [each.pk for each in ended if each.revoked_at is None]
        ApiKey.objects.filter(pk__in=living).update(revoked_at=timezone.now())
        for key_id in living:
            _ring_after_commit(key_id)
    key.refresh_from_db()
    logger.info("key %s was revoked", key.prefix)


def comes_of(key: ApiKey, other_id: Any) -> bool:
    """Whether the key was made by that other one, or by one that it made."""
    maker_id = key.made_by_id
    while maker_id is not None and maker_id != other_id:
        maker_id = ApiKey.objects.values_list("made_by", flat=True).get(pk=maker_id)
    return maker_id is not None


def ticket(user: Any, key: ApiKey | None) -> str:
    """For where a browser can set no header: stands for the user and key for a minute, to look."""
    return signing.dumps([user.pk, str(key.pk) if key else None], salt=TICKET_SALT)


def redeem(text: str) -> tuple[int, ApiKey | None]:
    """The user's id and the key that a ticket stands for.

    :raises Unrecognised: it is no ticket, or is too old, or its key has ended since.
    """
    try:
        user_id, key_id = signing.loads(text, salt=TICKET_SALT, max_age=TICKET_LASTS_S)
    except signing.BadSignature:
        raise Unrecognised("The ticket is not valid, or not any more. Ask for a new one.") from None
    if key_id is None:
        return user_id, None
    key = ApiKey.objects.select_related("owner").filter(pk=key_id).first()
    if key is None:
        raise Unrecognised("The key of this ticket is gone.")
    return user_id, _usable(key)


def _note_use(key: ApiKey) -> None:
    now = timezone.now()
    long_ago = now - USE_NOTED_EVERY
    if key.last_used_at is not None and key.last_used_at > long_ago:
        return
    unnoted = Q(last_used_at=None) | Q(last_used_at__lte=long_ago)
    try:
        with transaction.atomic():
            ApiKey.objects.filter(unnoted, pk=key.pk).update(last_used_at=now)
    except DatabaseError as exc:
        # A look must not fail because somebody else is writing.
        logger.warning("the use of key %s was not noted: %s", key.prefix, exc)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
