"""`/admin/ops/`: how the whole goes, on one screen for the staff, and the switch of maintenance.

What cannot be asked is said so, and the rest is shown all the same.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe
from redis.exceptions import RedisError

from jobs import fleet, lifecycle, maintenance, outlook, throughput
from jobs.build import build
from jobs.pages.forecast import between
from jobs.states import Queue

from . import ops_queues
from .socket_count import SocketCount

PLOT_HEIGHT = 90
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """:param running: what it works at, by the database.
    :param build: which code it runs; empty where Redis does not know it.
    """

    name: str
    state: str
    heard_at: datetime | None
    build: str
    since: datetime | None
    running: throughput.Running | None

    @property
    def is_of_another_build(self) -> bool:
        return bool(self.build) and self.build != build()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """A quarter of an hour as it is drawn, in pixels from the top."""

    x: int
    lately: throughput.Lately
    started: int
    succeeded: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    name: str
    value: str
    note: str = ""


@require_safe
def screen(request: HttpRequest) -> HttpResponse:
    told = {**admin.site.each_context(request), "title": "How it goes", **_now(request)}
    return render(request, "admin/ops/screen.html", told)


@require_safe
def fragment(request: HttpRequest) -> HttpResponse:
    """What of the screen changes, for the script that keeps it up to date."""
    return render(request, "admin/ops/_now.html", _now(request))


def _now(request: HttpRequest) -> dict[str, Any]:
    if not request.user.has_perm("jobs.view_job"):
        raise PermissionDenied
    running, lately = throughput.running(), throughput.lately()
    known, trouble = _living()
    there = ops_queues.kinds(known)
    waiting = throughput.waiting()
    served = [each for each in waiting if not each.is_held_back]
    return {
        "now": timezone.now(),
        "workers": _workers(known, running),
        "kinds": there,
        "lines": ops_queues.lines(there),
        "redis_trouble": trouble,
        "running": running,
        "silent": [each for each in running if each.is_silent],
        "waiting": waiting,
        "n_waiting": sum(each.n for each in waiting),
        "oldest": min((each.oldest for each in served), default=None),
        "per_hour": throughput.n_ended_since(timezone.now() - HOUR),
        "lately": lately,
        "bars": _bars(lately),
        "most": _most(lately),
        "failures": throughput.failures(),
        "last_end": throughput.last_end(),
        "resting": maintenance.current(),
        "figures": [*_figures()],
        "build": build(),
    }


def _living() -> tuple[list[Any], str]:
    """The workers that Redis knows, and why there are none if it does not answer."""
    try:
        return fleet.living(), ""
    except (RedisError, OSError) as exc:
        return [], str(exc) or type(exc).__name__


def _workers(known: list[Any], running: list[throughput.Running]) -> list[Worker]:
    """Those, and others that the database shows to be at work all the same."""
    at_work = {each.worker: each for each in running}
    found = [_known(each, at_work.pop(f"{each.hostname}:{each.pid}", None)) for each in known]
    found += [
        Worker(name=name, state="busy", heard_at=each.heartbeat_at, build="", since=None,
               running=each)
        for name, each in at_work.items()
    ]  # fmt: skip
    return sorted(found, key=lambda each: each.name)


def _known(worker: Any, running: throughput.Running | None) -> Worker:
    heard = [worker.last_heartbeat, running.heartbeat_at if running else None]
    return Worker(
        name=f"{worker.hostname}:{worker.pid}",
        state=str(worker.get_state()),
        heard_at=max((each for each in heard if each), default=None),
        build=worker.version,
        since=worker.birth_date,
        running=running,
    )


def _most(lately: list[throughput.Lately]) -> int:
    return max(max(each.started, each.succeeded, each.failed) for each in lately)


def _bars(lately: list[throughput.Lately]) -> list[Bars]:
    most = max(_most(lately), 1)

    def height(n: int) -> int:
        return -(-n * PLOT_HEIGHT // most)

    return [
        Bars(
            x=40 * number,
            lately=each,
            started=height(each.started),
            succeeded=height(each.succeeded),
            failed=height(each.failed),
        )
        for number, each in enumerate(lately)
    ]


def _figures() -> Iterator[Figure]:
    disk = shutil.disk_usage(settings.VAR_DIR)
    yield Figure(
        name="Disk", value=f"{_size(disk.free)} free", note=f"of {_size(disk.total)}, of all files"
    )
    yield _database()
    yield from _redis()
    n_due, next_at = throughput.webhooks_due()
    late_s = (timezone.now() - next_at).total_seconds() if next_at else 0
    note = f"the next one is {late_s:.0f} s late" if late_s > 1 else "none is late"
    yield Figure(name="Webhooks to send", value=f"{n_due:,}", note=note)
    yield Figure(name="Sockets", value=f"{SocketCount.open:,}", note="open to this web process")


def _database() -> Figure:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_database_size(current_database())")
            return Figure(name="Database", value=_size(cursor.fetchone()[0]), note="PostgreSQL")
    main = Path(str(settings.DATABASES["default"]["NAME"]))
    log = main.with_name(f"{main.name}-wal")
    note = f"SQLite, and {_size(log.stat().st_size)} of log" if log.exists() else "SQLite"
    return Figure(name="Database", value=_size(main.stat().st_size), note=note)


def _redis() -> Iterator[Figure]:
    redis = fleet.redis()
    try:
        told = redis.info()
        n_tickets = sum(redis.llen(f"rq:queue:{fleet.in_redis(name)}") for name in Queue.values)
    except (RedisError, OSError) as exc:
        yield Figure(name="Redis", value="no answer", note=str(exc) or type(exc).__name__)
        return
    limit = told.get("maxmemory")
    most = f"of {_size(limit)}" if limit else "no limit"
    clients = told["connected_clients"]
    yield Figure(
        name="Redis memory", value=_size(told["used_memory"]), note=f"{most}, {clients} clients"
    )
    yield Figure(name="Tickets", value=f"{n_tickets:,}", note="on the queues for workers to draw")


def _size(n_bytes: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if n_bytes < 1000:
            return f"{n_bytes:.0f} {unit}" if unit == "B" else f"{n_bytes:.1f} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.1f} TB"


class MaintenanceForm(forms.Form):
    accepts = forms.ChoiceField(
        label="New jobs",
        choices=[("yes", "are accepted, and wait"), ("no", "are refused, in words")],
    )
    message = forms.CharField(
        max_length=300, required=False, help_text="What all pages say beside that."
    )
    until = forms.SplitDateTimeField(
        label="Expected until (UTC)",
        required=False,
        widget=forms.SplitDateTimeWidget(
            date_attrs={"type": "date", "aria-label": "Expected until, date"},
            time_attrs={"type": "time", "aria-label": "Expected until, time"},
        ),
        help_text="It does not end by itself.",
    )
    reason = forms.CharField(max_length=300, help_text="For the audit log.")


class EndForm(forms.Form):
    reason = forms.CharField(max_length=300, help_text="For the audit log.")


@require_http_methods(["GET", "HEAD", "POST"])
def rest(request: HttpRequest) -> HttpResponse:
    """The switch: nothing new is started, what runs goes on."""
    if not request.user.has_perm("jobs.change_maintenance"):
        raise PermissionDenied
    form = MaintenanceForm(request.POST if "begin" in request.POST else None, initial=_as_it_is())
    ending = EndForm(request.POST if "end" in request.POST else None, prefix="end")
    if form.is_valid():
        said = form.cleaned_data
        lifecycle.begin_maintenance(
            by=request.user,
            reason=said["reason"],
            message=said["message"],
            accepts=said["accepts"] == "yes",
            until=said["until"],
        )
        messages.success(request, "No job is started from now on; those that run go on.")
        return redirect("ops-maintenance")
    if ending.is_valid():
        lifecycle.end_maintenance(by=request.user, reason=ending.cleaned_data["reason"])
        messages.success(request, "It is over: what waits starts within seconds.")
        return redirect("ops-maintenance")
    draining = outlook.until_drained()
    told = {
        "title": "Maintenance",
        "form": form,
        "ending": ending,
        "resting": maintenance.current(),
        "draining": draining,
        "drained_in": draining.seconds
        and between(draining.seconds["p50"], draining.seconds["p90"]),
        "running": throughput.running(),
    }
    return render(request, "admin/ops/maintenance.html", admin.site.each_context(request) | told)


def _as_it_is() -> dict[str, Any]:
    now = maintenance.current()
    if now is None:
        return {}
    return {"accepts": "yes" if now.accepts else "no", "message": now.message, "until": now.until}
