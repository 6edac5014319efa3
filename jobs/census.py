"""How long the line is, and about where in it a job stands.

Where some dozens wait, they are counted for each who asks. Where thousands do, that would take
longer than all the rest of an answer, and most of them are far from their start: the line is looked
through once in a while, and each who asks is told by that look.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet, Window
from django.db.models.functions import Mod, RowNumber

from .line import AN_AS_OF, WAITING, AsOf, owner_by_owner, waiting
from .models import Job
from .prepared import Example, Prepared, as_id, as_moment

LONG = 200
"""The place of whoever has no more of their own before them is always counted anew."""
EVERY = 20
"""So far from each other are the jobs of a long line whose place is known."""
KEPT_S_PER_JOB = 2e-4
"""To look through a line takes some 2 µs a job: so long is a look good for that it takes a
hundredth of the time at the most."""
Place = tuple[int, datetime, UUID]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """All that wait for one backend, as they were at one moment.

    :param n_waiting: how many, by owner.
    :param marks: of a long line, the first of each `EVERY` of an owner's, in order.
    """

    n_waiting: Mapping[int, int]
    marks: Mapping[int, Sequence[Place]] = field(default_factory=dict)

    @property
    def n(self) -> int:
        return sum(self.n_waiting.values())

    @property
    def is_long(self) -> bool:
        return self.n > LONG

    def about_ahead(self, job: Job) -> int | None:
        """How many of its owner's go before it, give or take half of `EVERY`.

        None: so few that they are to be counted.
        """
        passed = bisect_right(self.marks.get(job.owner_id, ()), _place_of(job))
        about = min((passed - 1) * EVERY + EVERY // 2, self.n_waiting.get(job.owner_id, 0))
        return about if about > LONG else None


_kept: dict[str, tuple[float, Line]] = {}
"""Until when each long line is told as it was."""
_looking = threading.Lock()


def line_of(backend: str) -> Line:
    """As it is now; a long one, as it was some seconds ago."""
    if backend not in _kept and not (line := _counted(backend)).is_long:
        return line
    with _looking:  # one thread does it for all
        return _fresh(backend) or _looked_through(backend)


def known(backend: str) -> Line | None:
    """A long line, as it was when it was last looked through; None: it is short."""
    _, line = _kept.get(backend, (0.0, None))
    return line


def forget() -> None:
    """Look anew, in this process."""
    _kept.clear()


def numbered(line: QuerySet[Job]) -> QuerySet[Any]:
    """With the `number` that each has among its owner's."""
    order = [F("priority").desc(), F("queued_at").asc(), F("id").asc()]
    return line.order_by().annotate(
        number=Window(RowNumber(), partition_by=[F("owner")], order_by=order)
    )


def _fresh(backend: str) -> Line | None:
    until, line = _kept.get(backend, (0.0, None))
    return line if time.monotonic() < until else None


def _counted(backend: str) -> Line:
    return Line(n_waiting=dict(WAITING.rows(backend=backend, **AsOf.current().values())))


def _looked_through(backend: str) -> Line:
    line = _counted(backend)
    if not line.is_long:
        _kept.pop(backend, None)
        return line
    line = replace(line, marks=_marks(backend))
    _kept[backend] = (time.monotonic() + line.n * KEPT_S_PER_JOB, line)
    return line


def _first_of_each(backend: str, every: int, **as_of: Any) -> QuerySet[Any]:
    line = numbered(owner_by_owner(waiting(backend, as_of=AsOf(**as_of))))
    first_of_each = line.annotate(of=Mod(F("number"), every)).filter(of=1)
    return first_of_each.order_by("owner", "number").values_list(
        "owner", "priority", "queued_at", "pk"
    )


MARKS = Prepared(_first_of_each, backend=Example.BACKEND, every=Example.COUNT, **AN_AS_OF)


def _marks(backend: str) -> dict[int, list[Place]]:
    found: dict[int, list[Place]] = {}
    asked = {"backend": backend, "every": EVERY, **AsOf.current().values()}
    for owner, priority, queued_at, pk in MARKS.rows(**asked):
        place = _place(priority, as_moment(queued_at), as_id(pk))
        found.setdefault(owner, []).append(place)
    return found


def _place(priority: int, queued_at: datetime, id: UUID) -> Place:
    return -priority, queued_at, id


def _place_of(job: Job) -> Place:
    return _place(job.priority, job.queued_at, job.pk)
