"""The keys of agents: made, recognised, ended; and who sent a job, and what for.

A key's text is 32 random bytes after its prefix. What is kept is its SHA-256: nobody guesses 256
random bits, however fast the hash; a slow one is for passwords, which people choose.
"""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.core import signing
from django.db import DatabaseError, transaction
from django.db.models import Q
from django.utils import timezone

from .key_models import ApiKey
from .states import Scope

logger = logging.getLogger(__name__)

FORM = re.compile(r"(bp_[0-9a-f]{8})_[A-Za-z0-9_-]{43}", re.ASCII)
USE_NOTED_EVERY = timedelta(minutes=1)
"""The last use of a key is written no more often: a look should cost no write."""
AGENT_LENGTH = 100
TICKET_SALT = "jobs.keys.ticket"
TICKET_LASTS_S = 60


class Unrecognised(Exception):
    """There is no such key, or it opens nothing any more."""


class TooPowerful(Exception):
    """Who makes the key may not do that much."""


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
    if made_by is not None:
        _refuse_more(made_by, scopes, expires_at)
    prefix = f"bp_{secrets.token_hex(4)}"
    text = f"{prefix}_{secrets.token_urlsafe(32)}"
    key = ApiKey.objects.create(
        owner=owner,
        name=name,
        prefix=prefix,
        secret_sha256=_digest(text),
        scopes=[str(scope) for scope in Scope if scope in scopes],
        expires_at=expires_at,
        made_by=made_by,
        **budget,
    )
    logger.info("key %s was made for user %s", key.prefix, owner.pk)
    return key, text


def _refuse_more(maker: ApiKey, scopes: Collection[Scope], expires_at: datetime | None) -> None:
    """A key makes none that may more, nor one that may go on for longer."""
    if beyond := sorted({*map(str, scopes)} - {*maker.scopes}):
        raise TooPowerful(
            f"This key may not give what it does not have: {', '.join(beyond)}. "
            f"Expected scopes of {', '.join(maker.scopes)}."
        )
    if maker.has_a_budget:
        raise TooPowerful("A key with a budget makes no keys: theirs would come on top of its own.")
    if maker.expires_at and (expires_at is None or expires_at > maker.expires_at):
        raise TooPowerful(f"expires_at: expected {maker.expires_at.isoformat()} or before.")


def recognise(text: str) -> ApiKey:
    """The key of that text, its owner with it.

    :raises Unrecognised: with a sentence for whoever holds it.
    """
    match = FORM.fullmatch(text)
    found = ApiKey.objects.select_related("owner").filter(prefix=match[1]) if match else None
    key = found.first() if found is not None else None
    if key is None or not secrets.compare_digest(key.secret_sha256, _digest(text)):
        raise Unrecognised("There is no such key. Ask its owner for a new one.")
    return _usable(key)


def _usable(key: ApiKey) -> ApiKey:
    if key.revoked_at:
        raise Unrecognised(f"The key {key.prefix} was revoked on {key.revoked_at:%Y-%m-%d}.")
    if key.has_expired:
        raise Unrecognised(f"The key {key.prefix} expired on {key.expires_at:%Y-%m-%d}.")
    if not key.owner.is_active:
        raise Unrecognised(f"The owner of the key {key.prefix} may no longer sign in.")
    _note_use(key)
    return key


def acting_user(key: ApiKey) -> Any:
    """Its owner, who is no administrator here unless the key has that scope. Never to be saved."""
    user = key.owner
    if not key.may(Scope.ADMIN):
        user.is_staff = user.is_superuser = False
    return user


def change(key: ApiKey, **budget: Any) -> None:
    """Give it another budget, from now on."""
    for name, value in budget.items():
        setattr(key, name, value)
    key.save(update_fields=[*budget])


def revoke(key: ApiKey) -> None:
    """End it, and every key that was made with it. Its jobs go on: they are its owner's."""
    with transaction.atomic():
        ended, found = [key.pk], [key.pk]
        while found:
            found = [*ApiKey.objects.filter(made_by__in=found).values_list("pk", flat=True)]
            ended += found
        living = ApiKey.objects.filter(pk__in=ended, revoked_at=None)
        living.update(revoked_at=timezone.now())
    key.refresh_from_db()
    logger.info("key %s was revoked", key.prefix)


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


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
