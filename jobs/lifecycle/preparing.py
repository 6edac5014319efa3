"""Looks at many submissions at once, and at what they have in common only once."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, TypeVar

import simulations
from jobs import equality, estimates, placement
from jobs.budget import Budget
from jobs.models import Job
from jobs.placement import ANYWHERE, Asked, Placed
from jobs.references import FOLD_ABOVE_CHARS, Unfolded, fold, unfold
from jobs.states import FailureKind, Priority
from simulations import (
    Busy,
    Checked,
    FieldError,
    InvalidParams,
    Simulation,
    UnknownSimulation,
    bounded,
)

from .submission import Prepared, columns_of, may_give, notes_on

CHECK_WITHIN_S = 45.0
"""Of computing by each that takes part: somebody waits for the answer."""
ON_A_BUSY_MACHINE = 4
"""On a clock it may take so many times as long."""

FEW = 500
"""Of more molecules the InChIKeys are left for later: whoever waits need not wait for them too."""

Found = TypeVar("Found")


class TooSlow(Exception):
    """So many submissions cannot be looked at while somebody waits; nothing was stored."""

    def __init__(self, n_checked: int, n: int) -> None:
        super().__init__(
            f"In {CHECK_WITHIN_S:.0f} s of computing no more than {n_checked:,} of these {n:,} "
            f"jobs could be checked. Submit them in batches of at most {max(n_checked // 2, 1):,}."
        )


class Unreadable(Exception):
    """It is no submission at all."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        self.errors = errors
        super().__init__("; ".join(error.detail for error in errors))


Refusal = InvalidParams | UnknownSimulation | Unreadable


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One of many submissions.

    :param given: as its sender wrote it, to be kept should it be refused.
    :param unreadable: what is wrong with the form of it, by paths from its root.
    """

    simulation: str
    params: dict[str, Any]
    name: str = ""
    tags: Sequence[str] = ()
    limits: Budget = Budget()  # noqa: RUF009
    priority: Priority = Priority.NORMAL
    place: Asked = ANYWHERE
    max_attempts: int | None = None
    retry_on: Sequence[FailureKind] = ()
    reuse: bool = False
    restarted_from: Job | None = None
    given: dict[str, Any] = field(default_factory=dict)
    unreadable: Sequence[FieldError] = ()


def prepare_each(wanted: Sequence[Wanted], *, owner: Any) -> list[Prepared | Refusal]:
    """What `submission.prepare` makes of each, or the exception that it would raise.

    :raises TooSlow: it would take too long.
    :raises NotAllowed, Busy: as for one.
    """
    common = _Common(owner)
    found: list[Any] = [None] * len(wanted)
    places: dict[str, list[int]] = {}
    given: dict[int, Unfolded] = {}
    for n, each in enumerate(wanted):
        may_give(each.priority, owner)
        if each.unreadable and not each.simulation:
            found[n] = Unreadable(each.unreadable)
            continue
        try:
            simulation = common.simulation(each.simulation)
            given[n] = common.unfold(each.params, simulation)
        except (UnknownSimulation, InvalidParams) as exc:
            found[n] = exc
        else:
            places.setdefault(simulation.name, []).append(n)
    effort = bounded.Effort()
    # Closed at once, should it take too long: the readers are not to go on with it.
    leaves = len(wanted) > FEW
    with closing(_checks(places, given, effort, leaves_inchikeys=leaves)) as checks:
        for n, simulation, checked in _in_time(checks, len(wanted), effort):
            found[n] = (
                checked
                if isinstance(checked, InvalidParams)
                else common.prepared(wanted[n], simulation, checked, given[n])
            )
    return [_with_its_form(*pair) for pair in zip(wanted, found, strict=True)]


def _with_its_form(wanted: Wanted, found: Prepared | Refusal) -> Prepared | Refusal:
    """One that cannot be read is refused for that, and for what is wrong with its params too."""
    if not wanted.unreadable or isinstance(found, Unreadable):
        return found
    more = [] if isinstance(found, Prepared) else errors_of(found)
    return Unreadable([*wanted.unreadable, *more])


def errors_of(refusal: Refusal) -> list[FieldError]:
    """What is wrong with one submission; paths start at its root."""
    if isinstance(refusal, UnknownSimulation):
        return [FieldError(path=("simulation",), code="unknown_simulation", detail=str(refusal))]
    if isinstance(refusal, Unreadable):
        return list(refusal.errors)
    return [replace(error, path=("params", *error.path)) for error in refusal.errors]


def _checks(
    places: dict[str, list[int]],
    given: dict[int, Unfolded],
    effort: bounded.Effort,
    *,
    leaves_inchikeys: bool,
) -> Generator[tuple[int, Simulation, Any]]:
    for name, numbers in places.items():
        simulation = simulations.get(name)
        params = [given[n].params for n in numbers]
        checked = bounded.check_each(simulation, params, effort, leaves_inchikeys=leaves_inchikeys)
        for n, each in zip(numbers, checked, strict=True):
            yield n, simulation, each


def _in_time(found: Iterable[Found], n: int, effort: bounded.Effort) -> Iterator[Found]:
    deadline = time.monotonic() + CHECK_WITHIN_S * ON_A_BUSY_MACHINE
    began_s = time.thread_time()
    for n_checked, each in enumerate(found):
        if time.monotonic() > deadline:
            raise Busy("This machine is too busy to check these jobs just now. Try again.")
        if max(effort.by_each_s, time.thread_time() - began_s) > CHECK_WITHIN_S:
            raise TooSlow(n_checked, n)
        yield each


class Folding:
    """`references.fold` for many jobs: a receptor that all of them have is kept once."""

    def __init__(self, owner: Any) -> None:
        self._owner = owner
        self._folded: dict[tuple[str, str, bool], Any] = {}

    def fold(self, prepared: Prepared) -> dict[str, Any]:
        told = prepared.references
        return {
            name: self._one(name, value, told) for name, value in prepared.checked.params.items()
        }

    def _one(self, name: str, value: Any, references: dict[Any, Any]) -> Any:
        if not isinstance(value, str | dict | list):
            return value
        written = value if isinstance(value, str) else json.dumps(value)
        if not references and len(written) <= FOLD_ABOVE_CHARS:
            return value
        place = (name, written, bool(references))
        if place not in self._folded:
            self._folded[place] = fold({name: value}, references, owner=self._owner)[name]
        return self._folded[place]


class _Common:
    """What is looked up once for all of them."""

    def __init__(self, owner: Any) -> None:
        self._owner = owner
        self._unfolded: dict[tuple[str, str, str], Unfolded] = {}
        self._estimates: dict[tuple[str, str, int], Any] = {}
        self._places: dict[tuple[str, float, Asked], Placed] = {}
        self._history: Callable[[str], Any] = cache(estimates.finished)
        self._columns = cache(columns_of)
        self.simulation = cache(simulations.find)

    def unfold(self, params: dict[str, Any], simulation: Simulation) -> Unfolded:
        plain: dict[str, Any] = {}
        references: dict[Any, Any] = {}
        for name, value in params.items():
            one = self._unfold(name, value, simulation)
            plain |= one.params
            references |= one.references
        return Unfolded(params=plain, references=references)

    def _unfold(self, name: str, value: Any, simulation: Simulation) -> Unfolded:
        if not isinstance(value, dict | list):
            return Unfolded(params={name: value}, references={})
        place = (simulation.name, name, json.dumps(value, sort_keys=True))
        if place not in self._unfolded:
            one = {name: value}
            self._unfolded[place] = unfold(one, owner=self._owner, model=simulation.Params)
        return self._unfolded[place]

    def prepared(
        self, wanted: Wanted, simulation: Simulation, checked: Checked, given: Unfolded
    ) -> Prepared:
        columns = self._columns(wanted.limits)
        estimate = self._estimate(simulation, checked, columns["threads"])
        placed = self._place(simulation.name, estimate, wanted.place)
        return Prepared(
            simulation=simulation,
            checked=checked,
            references=given.references,
            notes=notes_on(simulation, wanted.simulation, checked, placed),
            columns=columns,
            estimate=estimate,
            fingerprint=equality.fingerprint(simulation, checked),
            placed=placed,
        )

    def _place(self, simulation: str, estimate: Any, asked: Asked) -> Placed:
        """By rules that may ask how long the line is; jobs of one size go to one place."""
        place = (simulation, estimates.core_hours(estimate), asked)
        if place not in self._places:
            self._places[place] = placement.place(simulation, estimate, asked)
        return self._places[place]

    def _estimate(self, simulation: Simulation, checked: Checked, threads: int) -> Any:
        place = (simulation.name, json.dumps(checked.size, sort_keys=True), threads)
        if place not in self._estimates:
            self._estimates[place] = estimates.of(
                simulation, checked, threads=threads, history=self._history
            )
        return self._estimates[place]
