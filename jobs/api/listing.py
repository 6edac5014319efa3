"""The list of jobs: which, in what order, how many, and how much of each."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param

import simulations
from jobs.finding import Mark, Wanted, matching
from jobs.models import Job, JobQuerySet
from simulations import FieldError

from . import telling
from .problems import InvalidQuery
from .query import ListQuery, read
from .shape import size

MOST_FULL = 100
"""Jobs in one answer that tells all of each."""
ROOM_FOR_LINKS = 200
"""Bytes of a list beside its jobs and its link."""


def answer(request: Request) -> Response:
    query = read(ListQuery, request)
    telling.refuse_unknown_fields(query)
    visible = Job.objects.visible_to(request.user)
    found = matching(visible, _wanted(query, visible))
    # A job of a list is a summary, unless its reader says otherwise.
    view = query.view or ("full" if query.fields else "summary")
    query = query.model_copy(update={"view": view})
    found = telling.lean(found, query)
    # Whoever has none to ask for does not mean all of them.
    if "ids" in query.model_fields_set:
        return _by_id(request, query, found, visible)
    return _page(request, query, found)


def _page(request: Request, query: ListQuery, found: JobQuerySet) -> Response:
    limit = _limit(query)
    if query.cursor:
        found = _mark(query.cursor).following(found)
    jobs = list(found.newest_first()[: limit + 1])
    told, n = _as_many_as_fit(jobs[:limit], query, request)
    body: dict[str, Any] = {"results": told, "next": None, "next_cursor": None}
    if n < len(jobs):
        body["next_cursor"] = Mark.at(jobs[n - 1]).written()
        here = request.build_absolute_uri()
        body["next"] = replace_query_param(here, "cursor", body["next_cursor"])
    return Response(body)


def _by_id(
    request: Request, query: ListQuery, found: JobQuerySet, visible: JobQuerySet
) -> Response:
    """The jobs of these ids in the order asked for; which of them there are not is told."""
    asked = {text: _as_uuid(text) for text in dict.fromkeys(query.ids)}
    keys = [key for key in asked.values() if key]
    known = set(visible.filter(pk__in=keys).values_list("pk", flat=True))
    by_key = found.in_bulk(keys)
    jobs = [by_key[key] for key in keys if key in by_key]
    told, n = _as_many_as_fit(jobs, query, request)
    body: dict[str, Any] = {"results": told, "next": None, "next_cursor": None}
    body["unknown_ids"] = [text for text, key in asked.items() if key not in known]
    if left := [str(job.pk) for job in jobs[n:]]:
        here = remove_query_param(request.build_absolute_uri(), "ids")
        body["next"] = replace_query_param(here, "ids", ",".join(left))
    return Response(body)


def _as_many_as_fit(
    jobs: Sequence[Job], query: ListQuery, request: Request
) -> tuple[list[dict[str, Any]], int]:
    """What is told of the first jobs, and of how many: the rest is the next answer's.

    The only one of an answer that is too large itself is told in part.
    """
    told = telling.of_many(jobs, query, request)
    if query.max_bytes is None:
        return told, len(told)
    room = query.max_bytes - ROOM_FOR_LINKS - len(request.build_absolute_uri())
    kept: list[dict[str, Any]] = []
    for each in told:
        room -= size(each) + 1
        if room < 0:
            break
        kept.append(each)
    if not kept and told:
        kept = [telling.fitting(told[0], jobs[0], query, request)]
    return kept, len(kept)


def _limit(query: ListQuery) -> int:
    if query.view == "full" and not query.fields and query.limit > MOST_FULL:
        detail = f"limit is {query.limit}; with view=full it must be at most {MOST_FULL}."
        fix = {"limit": MOST_FULL}
        raise InvalidQuery([FieldError(path=("limit",), code="too_many", detail=detail, fix=fix)])
    return query.limit


def _mark(cursor: str) -> Mark:
    try:
        return Mark.read(cursor)
    except (ValueError, OverflowError):
        detail = "cursor is none that we gave. Leave it out to begin with the newest job."
        raise _wrong("cursor", "invalid_cursor", detail) from None


def _wanted(query: ListQuery, visible: JobQuerySet) -> Wanted:
    return Wanted(
        states=query.state,
        simulations=[_canonical(name, visible) for name in query.simulation],
        tags=query.tag,
        batch=query.batch,
        agent=query.agent,
        text=query.text,
        created_after=query.created_after,
        created_before=query.created_before,
        finished_after=query.finished_after,
        finished_before=query.finished_before,
    )


def _canonical(name: str, visible: JobQuerySet) -> str:
    """The name that jobs are stored under; one that is no longer installed is its own."""
    try:
        return simulations.get(name).name
    except KeyError:
        if visible.filter(simulation=name).exists():
            return name
    known = [sim.name for sim in simulations.all_simulations()]
    close = get_close_matches(name, known, n=1)
    mend = f"Did you mean {close[0]}?" if close else f"Expected one of {', '.join(known)}."
    detail = f"There is no simulation {name[:100]!r} here, and you have no job of one. {mend}"
    raise _wrong("simulation", "unknown_simulation", detail)


def _wrong(parameter: str, code: str, detail: str) -> InvalidQuery:
    return InvalidQuery([FieldError(path=(parameter,), code=code, detail=detail)])


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
