"""For the operators' screen: what workers can do, and what waits for whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from redis.exceptions import RedisError

import simulations
from jobs import clock, fleet, throughput
from jobs.abilities import Ability
from jobs.states import Queue


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Workers that can do the same.

    :param ability: None where they have told of none: they are of an older release.
    """

    workers: list[str]
    ability: Ability | None

    @property
    def n_simulations(self) -> str:
        n = len(self.ability.simulations) if self.ability else 0
        return f"{n} of {len(simulations.all_simulations())}"

    @property
    def memory(self) -> str:
        return f"{self.ability.memory_mib / 1024:.1f} GiB" if self.ability else ""

    @property
    def trouble(self) -> str:
        """Why they take nothing, or not all that their host can compute."""
        return " ".join(filter(None, (self.clock_trouble, self.release_trouble)))

    @property
    def clock_trouble(self) -> str:
        off_s = self.ability.clock_off_s if self.ability else 0
        return f"Their clock is {clock.words(off_s)}: they take no job." if off_s else ""

    @property
    def release_trouble(self) -> str:
        older = ", ".join(self.ability.outdated) if self.ability else ""
        return f"They leave {older} to others, of a newer release than theirs." if older else ""

    @property
    def lacks(self) -> list[str]:
        """By name, what the site knows and they cannot compute."""
        can = self.ability.simulations if self.ability else ()
        return [each.name for each in simulations.all_simulations() if each.name not in can]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A queue of a backend.

    :param n_workers: that serve it; None where that is not for the site to know.
    """

    backend: str
    queue: str
    purpose: str
    n_workers: int | None
    n_waiting: int = 0
    n_running: int = 0
    oldest: datetime | None = None

    @property
    def is_deserted(self) -> bool:
        return self.n_workers == 0 and self.n_waiting > 0


def kinds(workers: Sequence[Any]) -> list[Kind]:
    """RQ's workers, by what they told of themselves."""
    try:
        told = fleet.told_by([each.key for each in workers])
    except (RedisError, OSError):
        told = {}
    found: dict[Ability | None, list[str]] = {}
    for each in workers:
        found.setdefault(told.get(each.key), []).append(f"{each.hostname}:{each.pid}")
    return [Kind(workers=sorted(names), ability=ability) for ability, names in found.items()]


def lines(there: Sequence[Kind]) -> list[Line]:
    """Each queue of the site's own workers, and those of other backends in which something is."""
    busy = {(each.backend, each.queue): each for each in throughput.lines()}
    own = [("rq", str(queue)) for queue in Queue.values] if "rq" in settings.BACKENDS else []
    return [_line(*key, there, busy.get(key)) for key in dict.fromkeys([*own, *busy])]


def _line(backend: str, queue: str, there: Sequence[Kind], busy: throughput.Line | None) -> Line:
    serving = [each for each in there if each.ability and queue in each.ability.queues]
    counts = {"n_waiting": busy.n_waiting, "n_running": busy.n_running} if busy else {}
    return Line(
        backend=backend,
        queue=queue,
        purpose=str(Queue(queue).label) if queue in Queue.values else "",
        n_workers=sum(len(each.workers) for each in serving) if backend == "rq" else None,
        oldest=busy.oldest if busy else None,
        **counts,
    )
