"""What stays open by a key ends with the key: soon after it is revoked, when it expires, or when
it may no longer look. What a person opened ends once they may no longer sign in.

Nobody asks the database about it all the time: whoever changes a key rings, and the clock tells an
expiry. A ring that was lost, and what rings for nobody, is noticed by one query every few seconds,
for all that is open.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import Context
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from channels.db import database_sync_to_async
from django.contrib.auth import get_user_model
from django.db import DatabaseError
from django.utils import timezone

from . import bells, keys, news
from .key_models import ApiKey
from .states import Scope

logger = logging.getLogger(__name__)

AT_LEAST_EVERY_S = 3600.0
"""Longer than that no timer is trusted."""


class KeyEnded(Exception):
    """Who opened it may not look any more; the text says why."""


@asynccontextmanager
async def while_it_opens(
    key_id: UUID | str | None, person_id: int | str | None = None
) -> AsyncIterator[None]:
    """What is done inside goes on as long as the key lets one look.

    :param person_id: who looks where there is no key.
    :raises KeyEnded: they may no longer; what was being done was broken off.
    """
    if key_id is None and person_id is None:
        yield
        return
    async with _watched(key_id, person_id) as watch:
        try:
            async with asyncio.timeout(None) as scope:

                def break_off(_: Any) -> None:
                    scope.reschedule(0)

                watch.add_done_callback(break_off)
                try:
                    yield
                finally:
                    watch.remove_done_callback(break_off)
        except TimeoutError:
            if not scope.expired():
                raise
            raise KeyEnded(await watch) from None


@dataclass(slots=True)
class _Watch:
    """One for all that somebody has open, and how many that is."""

    task: asyncio.Task[str]
    n_open: int = 0


_watches: dict[tuple[asyncio.AbstractEventLoop, str], _Watch] = {}


@asynccontextmanager
async def _watched(
    key_id: UUID | str | None, person_id: int | str | None
) -> AsyncIterator[asyncio.Task[str]]:
    """What ends, with the reason, once they may look no more; it is there while anybody asks."""
    group = bells.of_key(key_id) if key_id else bells.of_person(person_id)
    place = (asyncio.get_running_loop(), group)
    found = _watches.get(place)
    if found is None or found.task.done():
        until = _until_ended(key_id) if key_id else _until_gone(person_id)
        # It may outlive whoever came first, and what that one's context has.
        found = _Watch(asyncio.create_task(until, context=Context()))
        _watches[place] = found
    found.n_open += 1
    try:
        yield found.task
    finally:
        found.n_open -= 1
        if not found.n_open:
            if _watches.get(place) is found:
                del _watches[place]
            found.task.cancel()
            await asyncio.gather(found.task, return_exceptions=True)


async def _until_ended(key_id: UUID | str) -> str:
    """Why it has ended, once it has."""
    needed = {Scope.READ}
    async with news.of_group(bells.of_key(key_id)) as bell:
        while True:
            try:
                key = await _look(key_id)
            except DatabaseError as exc:
                logger.warning("whether key %s still opens anything: %s", key_id, exc)
                await bell.wait(news.TRY_AGAIN_S)
                continue
            if why := next(filter(None, (keys.why_not(key, each) for each in needed)), ""):
                return why
            if key and key.may(Scope.ADMIN):
                # What it is looking at may be somebody else's.
                needed.add(Scope.ADMIN)
            await bell.wait(_for_s(key))


async def _until_gone(person_id: Any) -> str:
    """Why they may look no more, once they may not."""
    was_admin = False
    async with news.of_group(bells.of_person(person_id)) as bell:
        while True:
            try:
                is_active, is_admin = await _look_at(person_id)
            except DatabaseError as exc:
                logger.warning("whether user %s may still look: %s", person_id, exc)
                await bell.wait(news.TRY_AGAIN_S)
                continue
            if not is_active:
                return "You may no longer sign in."
            if was_admin and not is_admin:
                # What they are looking at may be somebody else's.
                return "You are no administrator any more."
            was_admin = is_admin
            await bell.wait(AT_LEAST_EVERY_S)


def _for_s(key: ApiKey | None) -> float:
    """So long it need not be looked at."""
    if key is None or key.expires_at is None:
        return AT_LEAST_EVERY_S
    left_s = (key.expires_at - timezone.now()).total_seconds()
    return min(max(left_s, 0.0), AT_LEAST_EVERY_S)


@database_sync_to_async
def _look(key_id: UUID | str) -> ApiKey | None:
    return ApiKey.objects.select_related("owner").filter(pk=key_id).first()


@database_sync_to_async
def _look_at(person_id: Any) -> tuple[bool, bool]:
    """Whether they may sign in, and see what is everybody's."""
    people = get_user_model().objects.filter(pk=person_id)
    found = people.values_list("is_active", "is_superuser").first()
    return found or (False, False)
