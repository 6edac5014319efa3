"""What the address of the list asks for: the same filters as over REST, told in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.http import QueryDict
from django.utils import timezone

from jobs.finding import Wanted, matching
from jobs.models import JobQuerySet
from jobs.states import JobState

from .status import LOOKS
from .strips import catalogued

SPANS = {
    "1h": ("the last hour", timedelta(hours=1)),
    "24h": ("the last 24 hours", timedelta(hours=24)),
    "7d": ("the last 7 days", timedelta(days=7)),
    "30d": ("the last 30 days", timedelta(days=30)),
}
LONGEST_TEXT = 200
MOST_COUNTED = 1000
"""Of what a filter hides, so many are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One of the conditions of the list.

    :param without: the address of the list without it.
    """

    name: str
    words: str
    without: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """:param given: what each field of the form shows.
    :param ignored: what in the address is no filter, and why.
    """

    wanted: Wanted
    conditions: list[Condition]
    given: dict[str, str]
    ignored: list[str]

    @property
    def unshown(self) -> list[tuple[str, str]]:
        """What the form has no field for, and keeps all the same."""
        kept = [(name, self.given[name]) for name in UNSHOWN if name in self.given]
        return kept + [("tag", tag) for tag in self.wanted.tags[:-1]]

    def options(self, name: str, known: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """What may be chosen, and what is, also where the address asks for more than one."""
        given = self.given.get(name, "")
        if not given or given in dict(known):
            return known
        words = next(each.words for each in self.conditions if each.name == name)
        return [*known, (given, words)]

    def without(self, name: str) -> Wanted:
        """All the conditions but one."""
        field = FIELDS[name]
        blank: Any = getattr(Wanted(), field)
        return replace(self.wanted, **{field: blank})


class Unreadable(Exception):
    """A value in the address is none that its filter can have."""


def filters(query: QueryDict, *, sees_all: bool) -> Filters:
    """:param sees_all: whether the reader may ask for the jobs of one owner."""
    wanted: dict[str, Any] = {}
    conditions, ignored, given = [], [], {}
    for name, read in READERS.items():
        # No database keeps a NUL in a text, so no job has one.
        texts = [text for text in map(_clean, query.getlist(name)) if text]
        if not texts or (name == "owner" and not sees_all):
            continue
        try:
            value, words = read(texts)
        except Unreadable as exc:
            ignored.append(str(exc))
            continue
        wanted[FIELDS[name]] = value
        given[name] = texts[-1] if name == "tag" else ",".join(texts)
        conditions.append(Condition(name=name, words=words, without=link(query, without=name)))
    return Filters(wanted=Wanted(**wanted), conditions=conditions, given=given, ignored=ignored)


def found_without(mine: JobQuerySet, asked: Filters) -> list[tuple[Condition, int]]:
    """How many jobs there would be without each condition, up to one more than are counted."""
    return [
        (each, matching(mine, asked.without(each.name)).order_by()[: MOST_COUNTED + 1].count())
        for each in asked.conditions
    ]


def link(query: QueryDict, *, without: str = "", **changes: str) -> str:
    """The same list with another condition; unless that is said, it begins with its newest."""
    changed = query.copy()
    for name in (without, "cursor"):
        changed.pop(name, None)
    for name, value in changes.items():
        changed[name] = value
    return f"?{changed.urlencode()}" if changed else "?"


def _clean(text: str) -> str:
    return text.replace("\0", "").strip()


def _states(texts: list[str]) -> tuple[list[str], str]:
    words = [word for text in texts for each in text.split(",") if (word := each.strip())]
    if unknown := [word for word in words if word not in JobState.values]:
        known = ", ".join(JobState.values)
        raise Unreadable(f"{_short(unknown[0])} is no state; expected one of {known}.")
    return words, " or ".join(LOOKS[JobState(word)].word.lower() for word in dict.fromkeys(words))


def _simulations(texts: list[str]) -> tuple[list[str], str]:
    # A name that is not installed may be that of older jobs.
    known = [(catalogued(text), text) for text in texts]
    titles = [each.title if each else _short(text) for each, text in known]
    return [each.name if each else text for each, text in known], " or ".join(titles)


def _tags(texts: list[str]) -> tuple[list[str], str]:
    return texts, "tagged " + " and ".join(_short(text) for text in texts)


def _batch(texts: list[str]) -> tuple[UUID, str]:
    try:
        batch_id = UUID(texts[-1])
    except ValueError:
        raise Unreadable(f"{_short(texts[-1])} is no id of a batch.") from None
    return batch_id, f"of the batch {str(batch_id)[:8]}"


def _text(texts: list[str]) -> tuple[str, str]:
    return texts[-1][:LONGEST_TEXT], f"{_short(texts[-1])} in the name or id"


def _owner(texts: list[str]) -> tuple[str, str]:
    return texts[-1], f"of {_short(texts[-1])}"


def _agent(texts: list[str]) -> tuple[str, str]:
    return texts[-1], f"sent by {_short(texts[-1])}"


def _within(texts: list[str]) -> tuple[datetime, str]:
    if texts[-1] not in SPANS:
        raise Unreadable(f"{_short(texts[-1])} is no span; expected one of {', '.join(SPANS)}.")
    words, span = SPANS[texts[-1]]
    return timezone.now() - span, f"submitted in {words}"


def _finished_after(texts: list[str]) -> tuple[datetime, str]:
    try:
        at = datetime.fromisoformat(texts[-1])
        at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        wanted = "expected one like 2026-11-23T10:00:00Z"
        raise Unreadable(f"{_short(texts[-1])} is no moment; {wanted}.") from None
    return at, f"finished since {at:%d %b, %H:%M} UTC"


def _short(text: str) -> str:
    return f"“{text[:40]}…”" if len(text) > 40 else f"“{text}”"


READERS: dict[str, Callable[[list[str]], tuple[Any, str]]] = {
    "text": _text,
    "state": _states,
    "simulation": _simulations,
    "tag": _tags,
    "batch": _batch,
    "agent": _agent,
    "owner": _owner,
    "within": _within,
    "finished_after": _finished_after,
}
FIELDS = {
    "text": "text",
    "state": "states",
    "simulation": "simulations",
    "tag": "tags",
    "batch": "batch",
    "agent": "agent",
    "owner": "owner",
    "within": "created_after",
    "finished_after": "finished_after",
}
"""Which field of `Wanted` each part of the address is."""
UNSHOWN = ("batch", "agent", "finished_after")
