"""Where a job is to run, and why there: as its submission says, or by the site's rules.

A rule is data (`settings.PLACEMENT`): when it fits, and the backend, the queue or both that it then
names. What the submission says itself counts more; the rest is taken from the first rule that fits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.conf import settings

from simulations import Note, Simulation

from . import editions, estimates, fleet
from .models import Job
from .states import JobState, Queue

AUTO = "auto"
"""What a submission may say instead of a backend or a queue, to leave it open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a submission says of where it is to run; empty where it leaves that open."""

    backend: str = ""
    queue: str = ""

    @classmethod
    def of(cls, *, backend: str = "", queue: str = "") -> Asked:
        return cls(backend="" if backend == AUTO else backend, queue="" if queue == AUTO else queue)

    @classmethod
    def for_(cls, job: Job) -> Asked:
        """As the job's own submission said, as far as the site still has it."""
        said = job.placement.get("asked") or {}
        backend = said.get("backend", "")
        return cls(
            backend=backend if backend in settings.BACKENDS else "", queue=said.get("queue", "")
        )

    def said(self) -> dict[str, str]:
        said = {"backend": self.backend, "queue": self.queue}
        return {name: value for name, value in said.items() if value}


ANYWHERE = Asked()
NOTHING_SAID = "Its submission left it open, and no rule of this site names another place."


@dataclass(frozen=True, kw_only=True)
class Placed:
    """:param why: a sentence for its owner.
    :param edition: of the simulation, as a worker must have it.
    """

    backend: str
    queue: str
    why: str
    asked: Asked
    edition: str

    @cached_property
    def columns(self) -> dict[str, Any]:
        """The same for all that go there, so that it is written once."""
        placement = {
            "why": self.why,
            "asked": self.asked.said(),
            editions.OF_A_JOB: self.edition,
        }
        return {"backend": self.backend, "queue": self.queue, "placement": placement}


def place(simulation: str, estimate: Mapping[str, Any] | None, asked: Asked) -> Placed:
    """Look at the rules in their order. It asks the database and Redis only if a rule does."""
    fitting = [rule for rule in settings.PLACEMENT if _fits(rule, simulation, estimate)]
    backend, why_backend = _one(
        "backend", asked.backend, fitting, settings.BACKENDS[0], settings.BACKENDS
    )
    queue, why_queue = _one("queue", asked.queue, fitting, str(Queue.CPU), Queue.values)
    said = " ".join(dict.fromkeys(filter(None, (why_backend, why_queue))))
    return Placed(
        backend=backend,
        queue=queue,
        why=said or NOTHING_SAID,
        asked=asked,
        edition=str(editions.here(simulation)),
    )


def notes_on(simulation: Simulation, placed: Placed) -> list[Note]:
    """What its owner should know of the place."""
    if placed.queue != Queue.GPU or simulation.uses_gpu:
        return []
    message = (
        f"It is to run in the queue {placed.queue}, and {simulation.title} computes on the "
        "processor alone: it would take a place there from what a GPU is of use to."
    )
    return [Note(code="gpu_of_no_use", message=message)]


def _one(
    kind: str, asked: str, fitting: Sequence[Mapping[str, Any]], usual: str, known: Sequence[str]
) -> tuple[str, str]:
    """The one that counts, and why; nothing where it is the usual one."""
    if asked:
        return asked, f"Its submission asked for the {kind} {asked}."
    for rule in fitting:
        if rule.get(kind) in known:
            return rule[kind], f"A rule of this site names the {kind} {rule[kind]}: {_told(rule)}."
    return usual, ""


def _fits(rule: Mapping[str, Any], simulation: str, estimate: Mapping[str, Any] | None) -> bool:
    return all(FITS[name](rule, simulation, estimate) for name in rule if name in FITS)


Fit = Callable[[Mapping[str, Any], str, Any], bool]


def _core_s(estimate: Any) -> float | None:
    """None: not known, which is neither little nor much."""
    hours = estimates.core_hours(estimate)
    return hours * 3600 if hours else None


def _is_at_least(rule: Mapping[str, Any], simulation: str, estimate: Any) -> bool:
    core_s = _core_s(estimate)
    return core_s is not None and core_s >= rule["min_core_s"]


def _is_at_most(rule: Mapping[str, Any], simulation: str, estimate: Any) -> bool:
    core_s = _core_s(estimate)
    return core_s is not None and core_s <= rule["max_core_s"]


def _is_line_long(rule: Mapping[str, Any], simulation: str, estimate: Any) -> bool:
    """Of what waits for the backend where jobs run if nothing else is said."""
    line = Job.objects.unfinished(JobState.QUEUED).filter(backend=settings.BACKENDS[0])
    return line.order_by()[: rule["min_waiting"]].count() >= rule["min_waiting"]


def _is_served(rule: Mapping[str, Any], simulation: str, estimate: Any) -> bool:
    """Whether a worker is there for the queue that it names."""
    return fleet.is_served(rule.get("queue", Queue.CPU)) == rule["if_served"]


FITS: dict[str, Fit] = {
    "simulations": lambda rule, simulation, estimate: simulation in rule["simulations"],
    "min_core_s": _is_at_least,
    "max_core_s": _is_at_most,
    "min_waiting": _is_line_long,
    "if_served": _is_served,
}


def rules_in_words() -> list[str]:
    """Those of the site, in the order in which they are looked at."""
    return [f"{_named(rule)} if {_told(rule)}" for rule in settings.PLACEMENT]


def _named(rule: Mapping[str, Any]) -> str:
    return " and ".join(f"the {kind} {rule[kind]}" for kind in ("backend", "queue") if kind in rule)


def _told(rule: Mapping[str, Any]) -> str:
    words = {
        "simulations": "it is one of {}",
        "min_core_s": "it takes an estimated {} core-seconds or more",
        "max_core_s": "it takes an estimated {} core-seconds or less",
        "min_waiting": "{} jobs or more waited",
        "if_served": "workers that serve it are there: {}",
    }
    said = [text.format(_value(rule[name])) for name, text in words.items() if name in rule]
    return " and ".join(said) or "it holds for all"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, list) else f"{value:,}"
