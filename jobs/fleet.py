"""The workers that listen to Redis, as they told of themselves."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError
from rq import Worker
from rq.worker_registration import REDIS_WORKER_KEYS

from .abilities import Ability
from .processes import is_gone
from .states import Queue

OWN = "rq"
"""The backend whose workers tell what they can."""
OLD_NAMES = {Queue.CPU: "default"}
"""In Redis the queue of before there were others keeps the name that it had."""
TOLD_AS = "ability"
"""In what RQ keeps of each worker."""
MACHINE, STARTED = "machine", "pid_started"
WHERE = ("pid", MACHINE, STARTED)
KEPT_S = 1.0
CLOCK, CLOCK_KEPT_S = "backplane:clock-off-s", 60


def in_redis(queue: str) -> str:
    """What Redis calls it."""
    return OLD_NAMES.get(Queue(queue), queue)


def queues_of(names_in_redis: Iterable[str]) -> list[str]:
    """The other way round."""
    new_names = {old: queue for queue, old in OLD_NAMES.items()}
    return [str(new_names.get(name, name)) for name in names_in_redis]


def redis() -> Redis:
    """That of the queues, for whoever does not wait for work: its connections stay open, and it is
    not waited for long.

    django-rq makes a new one for each question, and of an address takes nothing else.
    """
    return _redis(str(settings.RQ_QUEUES["default"]["URL"]))


@cache
def _redis(url: str) -> Redis:
    return Redis.from_url(url, **settings.IMPATIENCE)


def tell(worker: Worker, ability: Ability, *, machine: str, pid_started: int | None) -> None:
    """:param machine: and the start of its process, as `processes.is_gone` takes them: hosts that
    are copies of one another have one name, and processes of one number.
    """
    told: dict[Any, Any] = {TOLD_AS: json.dumps(ability.told()), MACHINE: machine}
    worker.connection.hset(worker.key, mapping=told | {STARTED: pid_started or ""})


def tell_clock(off_s: float) -> None:
    """By how much the clock of who judges what is late is off the database's.

    :raises RedisError: it does not answer.
    """
    redis().set(CLOCK, off_s, ex=CLOCK_KEPT_S)


def clock_off_s() -> float:
    """What was told of it; 0 where nobody has, for a while.

    :raises RedisError: it does not answer.
    """
    return float(redis().get(CLOCK) or 0)


_known: tuple[float, list[Ability] | None] | None = None


def known() -> list[Ability] | None:
    """The `abilities`, as of a second ago at the most: for who tells of a job that waits."""
    global _known
    now = time.monotonic()
    if _known is None or now - _known[0] > KEPT_S:
        _known = (now, abilities())
    return _known[1]


def abilities() -> list[Ability] | None:
    """Of each worker that is there, as far as Redis knows; one of before has told nothing.

    None: Redis does not answer, or one of them told nothing that we can read.
    """
    try:
        connection = redis()
        keys = sorted(connection.smembers(REDIS_WORKER_KEYS))
        with connection.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.hmget(key, TOLD_AS, "birth", "death", *WHERE)
            told = pipe.execute()
    except (RedisError, OSError):
        return None
    alive = [each for each, born, died, *where in told if born and not died and _is_there(*where)]
    return _read(alive)


def living() -> list[Any]:
    """RQ's own, without those that are known to be gone.

    :raises RedisError: it does not answer.
    """
    found = Worker.all(connection=redis())
    with redis().pipeline(transaction=False) as pipe:
        for each in found:
            pipe.hmget(each.key, *WHERE)
        told = pipe.execute()
    return [each for each, where in zip(found, told, strict=True) if _is_there(*where)]


def _is_there(pid: bytes | None, machine: bytes | None, began: bytes | None) -> bool:
    """Redis keeps the entry of one that was killed for minutes; where it ran, we can look."""
    return not (pid and machine and began) or not is_gone(machine.decode(), int(pid), int(began))


def _read(told: list[bytes | None]) -> list[Ability] | None:
    try:
        return [Ability.of(json.loads(each or b"null")) for each in told]
    except (ValueError, TypeError, AttributeError):
        return None


def told_by(keys: Sequence[str]) -> dict[str, Ability]:
    """What the workers of these keys can do, as far as they have told it.

    :raises RedisError: it does not answer.
    """
    with redis().pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.hget(key, TOLD_AS)
        told = pipe.execute()
    read = {key: _read([each]) for key, each in zip(keys, told, strict=True)}
    return {key: found[0] for key, found in read.items() if found}


def is_served(queue: str) -> bool:
    """Whether a worker is known to be there that serves it."""
    return any(queue in each.queues for each in abilities() or [])
