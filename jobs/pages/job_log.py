"""The whole log of a job: read by pages, searched on the server, followed while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_safe

from jobs import downloads, keeping
from jobs.models import Job
from jobs.states import JobState

from . import copying
from .loglines import LEVELS, LINES_SHOWN, Pages, Search, read
from .readers import job_of, part_of

LONGEST_SEARCH = 200
THE_END = 10**12
"""A line that no log has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """:param first: the number of the first line of the page."""

    attempt: int
    first: int
    search: Search
    line: int


@require_safe
@login_required
def job_log(request: HttpRequest, job_id: UUID) -> HttpResponse:
    job = job_of(request, job_id)
    attempts = list(job.attempts.order_by("number").values_list("number", flat=True))
    asked = _asked(request.GET, attempts, is_moving=job.state == JobState.RUNNING)
    try:
        pages = _pages(job, asked)
    except downloads.Unservable as exc:
        told = {"why": exc, "job": job, "status": exc.status}
        return render(request, "410.html", told, status=exc.status)
    return part_of(
        request,
        job,
        "log",
        pages=pages,
        asked=asked,
        attempts=attempts,
        levels=[(name, pages.by_level[name]) for name in LEVELS if name in pages.by_level],
        addresses=_addresses(request, pages, asked),
        follows=_follow(job, pages, asked) if _may_grow(job, asked) else None,
        copies=copying.of_log(request, job),
    )


def _pages(job: Job, asked: Asked) -> Pages:
    """:raises Unservable: it was changed since it was kept."""
    if job.files_removed_at:
        return Pages()
    is_over = asked.attempt < job.attempt or job.state != JobState.RUNNING
    path = keeping.log_path(job, asked.attempt)
    return read(path, asked.first, asked.search, is_whole=is_over)


def _asked(query: QueryDict, attempts: list[int], *, is_moving: bool) -> Asked:
    """What makes no sense is not asked for: an address that was cut still shows the log.

    :param is_moving: then it begins at the end.
    """
    newest = attempts[-1] if attempts else 1
    attempt = _number(query, "attempt", newest)
    line = _number(query, "line", 0)
    level = query.get("level", "")
    of_line = 1 + (max(line, 1) - 1) // LINES_SHOWN * LINES_SHOWN
    first = _number(query, "from", THE_END if is_moving and not line else of_line)
    return Asked(
        attempt=attempt if attempt in attempts else newest,
        first=max(first, 1),
        line=line,
        search=Search(
            sought=query.get("q", "").replace("\0", "").strip()[:LONGEST_SEARCH],
            level=level if level in LEVELS else "",
        ),
    )


def _number(query: QueryDict, name: str, default: int) -> int:
    text = query.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 12 else default


def _addresses(request: HttpRequest, pages: Pages, asked: Asked) -> dict[str, str]:
    """Of the pages before and after this one; none of what was sought, which is on one page."""
    if asked.search or not pages.lines:
        return {}
    first, last = pages.lines[0].number, pages.lines[-1].number
    found = {}
    if first > 1:
        found["first"] = _address(request, 1)
        found["earlier"] = _address(request, max(first - LINES_SHOWN, 1))
    if last < pages.n_lines:
        found["later"] = _address(request, last + 1)
        found["last"] = _address(request, 1 + (pages.n_lines - 1) // LINES_SHOWN * LINES_SHOWN)
    return found


def _address(request: HttpRequest, first: int) -> str:
    query = request.GET.copy()
    query.pop("line", None)
    query["from"] = str(first)
    return f"?{query.urlencode()}"


def _may_grow(job: Job, asked: Asked) -> bool:
    """Also what waits: it is begun under the reader's eyes."""
    return not (job.is_final or asked.search or asked.attempt < job.attempt)


def _follow(job: Job, pages: Pages, asked: Asked) -> dict[str, object] | None:
    """For the script: where the log goes on. None on a page that is not the last."""
    if pages.lines and pages.lines[-1].number < pages.n_lines:
        return None
    return {
        "log": f"/api/v1/jobs/{job.pk}/log?attempt={asked.attempt}",
        "offset": pages.size_bytes,
        "line": pages.n_lines,
    }
