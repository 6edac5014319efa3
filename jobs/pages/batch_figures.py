"""The figures of a batch: each item as a square, how its values spread, and which are first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args

from django.urls import reverse

import simulations
from jobs import batches
from jobs.batch_models import Batch, BatchItem
from jobs.states import FailureKind, JobState

from .figures import ResultFigure, Table
from .formats import number, split_unit
from .status import LOOKS

RANKED = 20
TABLED_UP_TO = 500
"""Of more items the server writes no table: the page has their list, the script its own."""
OTHER_DIGITS = 4
LETTERS: Mapping[str | None, str] = {
    JobState.QUEUED: "q",
    JobState.RUNNING: "r",
    JobState.SUCCEEDED: "d",
    JobState.FAILED: "f",
    JobState.CANCELLED: "c",
    None: "x",
}
WORDS = {
    letter: LOOKS[JobState(state)].word.lower() if state else "refused"
    for state, letter in LETTERS.items()
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A figure of the summaries that items can be told apart by."""

    key: str
    title: str
    unit: str
    digits: int

    @property
    def label(self) -> str:
        return f"{self.title} ({self.unit})" if self.unit else self.title


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """What its figures are made from, and what a reader may choose.

    :param highest_first: which end of the values is ranked first, and drawn brightest.
    """

    batch: Batch
    members: Sequence[batches.Member]
    quantities: Sequence[Quantity]
    chosen: Quantity | None
    highest_first: bool

    def has(self, *states: JobState) -> bool:
        """Whether any item is in one of these: of none there is nothing to look for."""
        return any(each.state in states for each in self.members)

    @property
    def values(self) -> list[float | None]:
        return [_number(each.value) for each in self.members]

    @property
    def ranked(self) -> list[int]:
        """Places of members with a value, the first in rank first."""
        values = self.values
        having = [place for place, value in enumerate(values) if value is not None]
        return sorted(having, key=lambda place: values[place] or 0.0, reverse=self.highest_first)


def board(batch: Batch, query: Mapping[str, str]) -> Board:
    """:param query: `by`, a headline of its simulations, and `first`, `high` or `low`."""
    known = quantities(batch)
    asked = [each for each in known if each.key == query.get("by")]
    chosen = next(iter(asked or known), None)
    return Board(
        batch=batch,
        members=batches.members(batch, chosen.key if chosen else ""),
        quantities=known,
        chosen=chosen,
        highest_first=query.get("first") == "high",
    )


def quantities(batch: Batch) -> list[Quantity]:
    """The numbers among the headlines of all its simulations."""
    found = [_headlines(name) for name in batch.simulations]
    shared = [each for each in found[0] if all(each in other for other in found)] if found else []
    return list(shared)


def _headlines(simulation: str) -> list[Quantity]:
    try:
        fields = simulations.get(simulation).Result.model_fields
    except KeyError:  # no longer installed
        return []
    return [
        _quantity(name, field)
        for name, field in fields.items()
        if isinstance(field.json_schema_extra, dict)
        and field.json_schema_extra.get("headline")
        and {float, int} & {field.annotation, *get_args(field.annotation)}
    ]


def _quantity(name: str, field: Any) -> Quantity:
    _, unit, digits = split_unit(name)
    unit = str(field.json_schema_extra.get("unit") or unit)
    whole = int in {field.annotation, *get_args(field.annotation)}
    known = 0 if whole else OTHER_DIGITS if digits is None else digits
    return Quantity(key=name, title=field.title or name, unit=unit, digits=known)


def figures_of_batch(told: Board) -> list[ResultFigure]:
    """Numbered from one without a gap: what there is nothing for is not missed."""
    made = [_grid(told), _distribution(told), _ranks(told), _failures(told)]
    there = [each for each in made if each]
    return [replace(each, number=place) for place, each in enumerate(there, start=1)]


def _grid(told: Board) -> ResultFigure:
    chosen, values = told.chosen, told.values
    states = "".join(LETTERS[each.state] for each in told.members)
    rows = [
        [each.index, WORDS[letter], value]
        for each, letter, value in zip(told.members, states, values, strict=True)
    ]
    counts = {word: states.count(letter) for letter, word in WORDS.items()}
    by = f", coloured by {chosen.label}" if chosen else ""
    return ResultFigure(
        key="grid",
        kind="grid",
        title="Items",
        caption=f"A square for each item{by}: what is ranked first is brightest. Enter or a double "
        "click opens its job; the list below says the same.",
        sentence=f"{len(rows)} items: "
        + ", ".join(f"{n} {word}" for word, n in counts.items() if n)
        + ".",
        table=Table(
            header=["No.", "State", chosen.label if chosen else "Value"],
            rows=rows if len(rows) <= TABLED_UP_TO else [],
            digits=[None, None, chosen.digits if chosen else None],
        ),
        data={
            "states": states,
            "values": values,
            "ranked": told.ranked,
            "words": WORDS,
            "word": "No.",
            "quantity": chosen.label if chosen else "",
            "digits": chosen.digits if chosen else 0,
            "best": "high" if told.highest_first else "low",
            "link": reverse("batches:detail", args=[told.batch.pk]) + "items/",
        },
        wide=True,
    )


def _distribution(told: Board) -> ResultFigure | None:
    chosen = told.chosen
    values = [value for value in told.values if value is not None]
    if chosen is None or not values:
        return None
    ends = [number(each(values), digits=chosen.digits) for each in (min, max)]
    return ResultFigure(
        key="distribution",
        kind="distribution",
        title=chosen.title,
        caption="How many items have which value; the line is the item that was picked.",
        sentence=f"{len(values)} values of {chosen.label}, from {ends[0]} to {ends[1]}.",
        table=Table(
            header=[chosen.label],
            rows=[[value] for value in values] if len(values) <= TABLED_UP_TO else [],
            digits=[chosen.digits],
        ),
        data={
            "values": values,
            "quantity": chosen.label,
            "things": "items",
            "digits": chosen.digits,
        },
    )


def _ranks(told: Board) -> ResultFigure | None:
    chosen, values = told.chosen, told.values
    places = told.ranked[:RANKED]
    if chosen is None or not places:
        return None
    items = batches.items_at(told.batch, [told.members[place].index for place in places])
    shown = [
        _shown(rank, items[told.members[place].index], values[place], chosen)
        for rank, place in enumerate(places, start=1)
    ]
    end = "highest" if told.highest_first else "lowest"
    return ResultFigure(
        key="ranks",
        kind="batch_ranks",
        title="Ranking",
        caption=f"The {end} {chosen.title[0].lower()}{chosen.title[1:]} first, {len(shown)} of "
        f"{len(told.ranked)}.",
        sentence=f"First is {shown[0]['name']} with {shown[0]['value']} {chosen.unit}.",
        table=Table(
            header=["Rank", "No.", "Job", chosen.label],
            rows=[
                [each["rank"], each["index"], each["name"], values[place]]
                for each, place in zip(shown, places, strict=True)
            ],
            digits=[None, None, None, chosen.digits],
        ),
        data={"ranking": shown, "quantity": chosen.label},
    )


def _shown(rank: int, item: BatchItem, value: float | None, chosen: Quantity) -> dict[str, Any]:
    job = item.job
    assert job is not None  # it has a value
    smiles = (job.structure or {}).get("smiles")
    return {
        "rank": rank,
        "index": item.index,
        "name": job.name or smiles or job.called,
        "page": job.get_absolute_url(),
        "drawing": reverse("jobs:drawing", args=[job.pk, 0]) if smiles else "",
        "value": number(value, digits=chosen.digits),
    }


def _failures(told: Board) -> ResultFigure | None:
    groups = batches.failures_by_kind(told.batch) if told.has(JobState.FAILED) else []
    if not groups:
        return None
    causes: list[dict[str, Any]] = [
        {
            "cause": FailureKind(group.kind).label,
            "count": group.count,
            "more": group.count - len(group.first),
            "failed": [_failed(item) for item in group.first],
        }
        for group in groups
    ]
    counts = ", ".join(f"{group['count']} × {group['cause']}" for group in causes)
    return ResultFigure(
        key="failures",
        kind="batch_failures",
        title="Failures",
        caption="Items that failed, grouped by cause, the first of each.",
        sentence=f"{counts}.",
        table=Table(
            header=["No.", "Job", "Cause", "Reason"],
            rows=[
                [each["index"], each["name"], group["cause"], each["why"]]
                for group in causes
                for each in group["failed"]
            ],
        ),
        data={"groups": causes},
    )


def _failed(item: BatchItem) -> dict[str, Any]:
    job = item.job
    assert job is not None  # only a job fails
    why = str((job.error or {}).get("detail") or FailureKind(job.failure_kind).label)
    return {"index": item.index, "name": job.called, "page": job.get_absolute_url(), "why": why}


def _number(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number else None
