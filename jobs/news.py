"""Who waits for news of jobs and batches in this process, and what wakes them: a bell, or a look.

However many wait, they are one channel, three tasks and one query every few seconds: nobody holds
a thread or a connection while nothing happens. A bell says that there may be news, never which.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple
from uuid import UUID
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.contrib.auth import get_user_model
from django.db import DatabaseError
from redis.exceptions import RedisError

from . import bells, glance
from .batch_models import Batch
from .events import batch_group_name, group_name
from .key_models import ApiKey
from .models import Job
from .states import JobState, Scope

logger = logging.getLogger(__name__)

LOOK_ANYWAY_S = 5.0
"""A doorbell that broke is noticed by then: once for all who wait."""
TRY_AGAIN_S = 1.0
GATHER_S = 0.02
"""Who asks for the same job within it shares one query."""
MIN_GAP_S = 0.1
AT_ONCE = 500
"""So many jobs are looked at by one query."""
OF_JOB = group_name("")
OF_BATCH = batch_group_name("")
OF_KEY = bells.of_key("")
OF_PERSON = bells.of_person("")


class Standing(NamedTuple):
    """Where a job or a batch stands, as far as somebody who waits wants to know."""

    last_seq: int
    is_final: bool


class Bell:
    """Rings when there may be news."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        self._rung.set()

    async def wait(self, within_s: float) -> bool:
        """Whether it rang within that time. It is still again afterwards."""
        with suppress(TimeoutError):
            # Not `wait_for`: in Python 3.11 it loses a cancel that comes together with a ring.
            async with asyncio.timeout(within_s):
                await self._rung.wait()
        rung = self._rung.is_set()
        self._rung.clear()
        return rung


class Doorbells:
    """All the bells of one event loop. It runs while there is one."""

    def __init__(self) -> None:
        self.bells: dict[str, set[Bell]] = {}
        self._joined: set[str] = set()
        self._looks: dict[str, asyncio.Future[Standing | None]] = {}
        self._changed = asyncio.Event()
        self._layer = get_channel_layer()
        self._channel = ""
        self._joining = asyncio.create_task(self._keep_joined())
        self._others = [asyncio.create_task(self._look())]

    def hang(self, group: str, bell: Bell) -> None:
        self.bells.setdefault(group, set()).add(bell)
        if group in self._joined:
            bell.ring()
        self._changed.set()

    def take_down(self, group: str, bell: Bell) -> None:
        self.bells[group].discard(bell)
        if not self.bells[group]:
            del self.bells[group]
        self._changed.set()

    def ring(self, group: str) -> None:
        for bell in self.bells.get(group, ()):
            bell.ring()

    async def standing(self, group: str) -> Standing | None:
        """Read after the call; all who call at about the same time share one query."""
        if group not in self._looks:
            self._looks[group] = asyncio.ensure_future(self._standing_soon(group))
        return await asyncio.shield(self._looks[group])

    async def _standing_soon(self, group: str) -> Standing | None:
        await asyncio.sleep(GATHER_S)
        # From here on it would be too early for whoever asks.
        del self._looks[group]
        if group.startswith(OF_JOB) and (told := glance.standing(group.removeprefix(OF_JOB))):
            seq, state = told
            return Standing(seq, JobState(state).is_final)
        return (await _standings([group])).get(group)

    async def _keep_joined(self) -> None:
        """Be in the groups that somebody listens to, and in no other; end once nobody listens."""
        while self.bells or self._joined:
            await self._changed.wait()
            self._changed.clear()
            try:
                await self._settle()
            except (RedisError, OSError) as exc:
                logger.warning("no doorbell for now, jobs are looked at instead: %s", exc)
                self._changed.set()
                await asyncio.sleep(TRY_AGAIN_S)
        del _of_loop[asyncio.get_running_loop()]
        for task in self._others:
            task.cancel()

    async def _settle(self) -> None:
        if not self._channel:
            self._channel = await self._layer.new_channel()
            self._others.append(asyncio.create_task(self._hear()))
        for group in self.bells.keys() - self._joined:
            await self._layer.group_add(group, self._channel)
            self._joined.add(group)
            # What happened before we were in it rang for nobody.
            self.ring(group)
        for group in self._joined - self.bells.keys():
            await self._layer.group_discard(group, self._channel)
            self._joined.discard(group)

    async def _hear(self) -> None:
        while True:
            try:
                message = await self._layer.receive(self._channel)
            except (RedisError, OSError) as exc:
                logger.warning("the doorbell is not heard: %s", exc)
                await asyncio.sleep(TRY_AGAIN_S)
            else:
                self.ring(message.get("group", ""))

    async def _look(self) -> None:
        """Ring where something has moved since the last look, or was never looked at."""
        known: dict[str, Any] = {}
        while True:
            await asyncio.sleep(LOOK_ANYWAY_S)
            try:
                found = await _standings(list(self.bells))
                ended = await _ended_keys(_ids(self.bells, OF_KEY))
            except DatabaseError as exc:
                logger.warning("who waits for jobs waits for the database: %s", exc)
                continue
            for group in [each for each in found if found[each] != known.get(each)]:
                self.ring(group)
            for key_id in ended:
                self.ring(bells.of_key(key_id))
            known = found


_of_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, Doorbells] = WeakKeyDictionary()


@asynccontextmanager
async def of_groups(groups: Collection[str]) -> AsyncIterator[Bell]:
    """One bell that rings for each of several groups, as `of_group` does for one."""
    loop = asyncio.get_running_loop()
    doorbells = _of_loop.get(loop) or _of_loop.setdefault(loop, Doorbells())
    bell = Bell()
    groups = set(groups)
    for group in groups:
        doorbells.hang(group, bell)
    try:
        yield bell
    finally:
        for group in groups:
            doorbells.take_down(group, bell)


@asynccontextmanager
async def of_group(group: str) -> AsyncIterator[Bell]:
    """A bell that rings for whatever is sent to the group, and once when it hangs.

    Look when it has rung. For a job or a batch it also rings where a nudge was lost; whoever
    listens to another one gives `Bell.wait` a time after which they look anyway.
    """
    async with of_groups([group]) as bell:
        yield bell


@asynccontextmanager
async def of_job(job_id: UUID | str) -> AsyncIterator[Bell]:
    """A bell that rings when there may be news of the job: at once, or seconds late."""
    async with of_group(group_name(job_id)) as bell:
        yield bell


async def wait(
    job_id: UUID | str, until: Callable[[Standing], Any], within_s: float
) -> Standing | None:
    """Wait for the job to stand as `until` wants it; returns how it stood when last looked at.

    None: there is no such job, or the time was over before it could be looked at.
    """
    return await wait_in(group_name(job_id), until, within_s)


async def wait_in(group: str, until: Callable[[Standing], Any], within_s: float) -> Standing | None:
    """The same for the job or the batch that rings in that group."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_s
    standing = None
    async with of_group(group) as bell:
        while await bell.wait(deadline - loop.time()):
            try:
                standing = await _of_loop[loop].standing(group)
            except DatabaseError:
                await asyncio.sleep(TRY_AGAIN_S)
                bell.ring()
                continue
            if standing is None or until(standing):
                break
    return standing


async def wait_for_an_end(job_ids: Collection[str], within_s: float) -> bool:
    """Wait until any of these jobs has ended; whether one has."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_s
    groups = [group_name(each) for each in job_ids]
    async with of_groups(groups) as bell:
        while await bell.wait(deadline - loop.time()):
            try:
                found = await _standings(groups)
            except DatabaseError:
                await asyncio.sleep(TRY_AGAIN_S)
                bell.ring()
                continue
            if any(each.is_final for each in found.values()):
                return True
            # However often they report meanwhile.
            await asyncio.sleep(MIN_GAP_S)
    return False


def _ids(groups: Collection[str], of: str) -> list[str]:
    return [group.removeprefix(of) for group in groups if group.startswith(of)]


@database_sync_to_async
def _standings(groups: Collection[str]) -> dict[str, Any]:
    """Where the jobs, batches and people stand that ring in these groups."""
    kinds: tuple[tuple[str, Callable[[list[str]], Iterable[tuple[Any, Any]]]], ...] = (
        (OF_JOB, _rows_of_jobs),
        (OF_BATCH, _rows_of_batches),
        (OF_PERSON, _rows_of_people),
    )
    found: dict[str, Any] = {}
    for of, rows in kinds:
        ids = _ids(groups, of)
        for first in range(0, len(ids), AT_ONCE):
            some = rows(ids[first : first + AT_ONCE])
            found |= {f"{of}{pk}": standing for pk, standing in some}
    return found


def _rows_of_jobs(ids: list[str]) -> Iterator[tuple[UUID, Standing]]:
    rows = Job.objects.filter(pk__in=ids).values_list("pk", "last_seq", "state")
    return ((pk, Standing(seq, JobState(state).is_final)) for pk, seq, state in rows)


def _rows_of_batches(ids: list[str]) -> Iterator[tuple[UUID, Standing]]:
    rows = Batch.objects.filter(pk__in=ids).values_list("pk", "last_seq", "finished_at")
    return ((pk, Standing(seq, finished_at is not None)) for pk, seq, finished_at in rows)


def _rows_of_people(ids: list[str]) -> Iterator[tuple[str, Any]]:
    """What decides on whether they may look; None: there is nobody of that id any more."""
    people = get_user_model().objects.filter(pk__in=ids)
    rows = people.values_list("pk", "is_active", "is_superuser")
    found = {str(pk): rights for pk, *rights in rows}
    return ((id, found.get(id)) for id in ids)


@database_sync_to_async
def _ended_keys(key_ids: list[str]) -> list[str]:
    """Those of them that let nobody look any more."""
    found: list[str] = []
    for first in range(0, len(key_ids), AT_ONCE):
        some = key_ids[first : first + AT_ONCE]
        usable = ApiKey.objects.usable().filter(pk__in=some)
        open_ = {
            str(pk) for pk, scopes in usable.values_list("pk", "scopes") if Scope.READ in scopes
        }
        found += [key_id for key_id in some if key_id not in open_]
    return found
