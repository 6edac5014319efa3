"""Which jobs an operator looks at: filters that need no look at every job there ever was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import cached_property

import simulations

from .finding import beginning, called_among_all
from .models import Job
from .states import ACTIVE, FailureKind, JobState

MOST_COUNTED = 10_000
LEAST_DIGITS = 6
"""Of the beginning of an id; less may as well be a word."""
OLDER = {
    "1h": ("1 hour", timedelta(hours=1)),
    "1d": ("1 day", timedelta(days=1)),
    "7d": ("7 days", timedelta(days=7)),
    "30d": ("30 days", timedelta(days=30)),
    "90d": ("90 days", timedelta(days=90)),
    "365d": ("a year", timedelta(days=365)),
}


class CappedPaginator(Paginator):
    """Counts no further than somebody would turn the pages; who looks for older ones filters."""

    most_counted = MOST_COUNTED

    @cached_property
    def count(self) -> int:
        jobs: Any = self.object_list
        found: int = jobs.order_by().values("pk")[: MOST_COUNTED + 1].count()
        return found


class Choice(admin.SimpleListFilter):
    """One of some values. What is none of them finds nothing: a slip must not find everything."""

    def narrowed(self, jobs: QuerySet[Job], value: str) -> QuerySet[Job]:
        raise NotImplementedError

    def queryset(self, request: HttpRequest, queryset: QuerySet[Job]) -> QuerySet[Job]:
        value = self.value()
        if value is None:
            return queryset
        known = {str(name) for name, _ in self.lookup_choices}
        return self.narrowed(queryset, value) if value in known else queryset.none()


class StateFilter(Choice):
    title = "state"
    parameter_name = "is"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, str]]:
        return [(str(state), str(state.label)) for state in JobState]

    def narrowed(self, jobs: QuerySet[Job], value: str) -> QuerySet[Job]:
        # Says nothing new of what is open, but names the index of that.
        return jobs.filter(state=value, **({"finished_at": None} if value in ACTIVE else {}))


class FailureFilter(Choice):
    title = "kind of failure"
    parameter_name = "failure"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, str]]:
        return [(str(kind), kind.value.replace("_", " ")) for kind in FailureKind]

    def narrowed(self, jobs: QuerySet[Job], value: str) -> QuerySet[Job]:
        return jobs.filter(failure_kind=value, finished_at__isnull=False)


class SimulationFilter(Choice):
    title = "simulation"
    parameter_name = "simulation"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, str]]:
        return [(each.name, each.title) for each in simulations.all_simulations()]

    def narrowed(self, jobs: QuerySet[Job], value: str) -> QuerySet[Job]:
        return jobs.filter(simulation=value)


class OlderFilter(Choice):
    title = "older than"
    parameter_name = "older"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, str]]:
        return [(name, words) for name, (words, _) in OLDER.items()]

    def narrowed(self, jobs: QuerySet[Job], value: str) -> QuerySet[Job]:
        return jobs.filter(created_at__lt=timezone.now() - OLDER[value][1])


class TextFilter(admin.SimpleListFilter):
    """Something that is typed: of owners and agents there may be thousands."""

    template = "admin/text_filter.html"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, str]]:
        return [("", "")]

    def has_output(self) -> bool:
        return True

    def choices(self, changelist: Any) -> Iterator[Any]:
        """One, for the template: what else is asked for, and the address without this."""
        others = [
            (name, value)
            for name, value in changelist.get_filters_params().items()
            if name != self.parameter_name
        ]
        flat = [(name, each) for name, values in others for each in values]
        if changelist.query:
            flat.append(("q", changelist.query))
        yield {
            "selected": bool(self.value()),
            "query_string": changelist.get_query_string(remove=[self.parameter_name]),
            "display": self.value() or "",
            "others": flat,
        }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Job]) -> QuerySet[Job]:
        value = self.value()
        return self.narrowed(queryset, value) if value else queryset

    def narrowed(self, jobs: QuerySet[Job], value: str) -> QuerySet[Job]:
        raise NotImplementedError


class OwnerFilter(TextFilter):
    title = "owner"
    parameter_name = "of"

    def narrowed(self, jobs: QuerySet[Job], value: str) -> QuerySet[Job]:
        return jobs.filter(owner__in=_users(value))


class AgentFilter(TextFilter):
    title = "agent, or key (bp_…)"
    parameter_name = "via"

    def narrowed(self, jobs: QuerySet[Job], value: str) -> QuerySet[Job]:
        if value.startswith("bp_"):
            return jobs.filter(key__prefix=value)
        return jobs.filter(agent=value)


def sought(jobs: QuerySet[Job], text: str) -> QuerySet[Job]:
    """By the beginning of an id, a key's prefix, the name of an owner, or some of a job's name."""
    if text.startswith("bp_"):
        return jobs.filter(key__prefix=text)
    ids = beginning(text)
    if ids and len(text.replace("-", "")) >= LEAST_DIGITS:
        by_id = jobs.filter(pk__range=ids)
        if by_id.exists():
            return by_id
    owners = _users(text)
    return jobs.filter(owner__in=owners) if owners else jobs.filter(called_among_all(text))


def _users(name: str) -> list[Any]:
    found = get_user_model().objects.filter(username=name)
    return list(found.values_list("pk", flat=True))
