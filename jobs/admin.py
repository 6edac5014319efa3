"""For operators: see every job and what became of it; cancel it, or run it again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

import simulations

from . import batch_admin, budget, key_admin, lifecycle, webhook_admin  # noqa: F401
from .models import Allowance, Artifact, Attempt, Job
from .pages.formats import duration
from .pages.status import look, ran_for_s, whereabouts
from .read_only import ReadOnly
from .states import Priority

EVENTS_SHOWN = 50
REFUSALS = (
    lifecycle.IllegalTransition,
    lifecycle.OverQuota,
    lifecycle.NotAllowed,
    lifecycle.CannotRestart,
    simulations.UnknownSimulation,
    simulations.InvalidParams,
    simulations.Busy,
)

admin.site.site_header = "Backplane"
admin.site.site_title = "Backplane"
admin.site.index_title = "Operators"
admin.site.enable_nav_sidebar = False


class AttemptInline(ReadOnly, admin.TabularInline):
    model = Attempt
    ordering = ["-number"]
    fields = [
        "number",
        "worker",
        "host",
        "pid",
        "started_at",
        "ended_at",
        "heartbeat_at",
        "peak_memory_mib",
        "cpu_seconds",
        "outcome",
        "failure_kind",
        "evidence",
        "details",
        "traceback",
    ]


class ArtifactInline(ReadOnly, admin.TabularInline):
    model = Artifact
    ordering = ["-attempt", "name"]
    fields = ["attempt", "name", "title", "media_type", "size_bytes", "sha256"]


@admin.register(Job)
class JobAdmin(ReadOnly, admin.ModelAdmin):
    list_display = [
        "short_id",
        "name",
        "simulation",
        "owner",
        "agent",
        "status",
        "advance",
        "attempt",
        "created_at",
        "ran_for",
    ]
    # "Show counts" beside the filters tells who sent how many.
    list_filter = [
        "state", "simulation", "failure_kind", "owner", ("key", admin.RelatedOnlyFieldListFilter),
        "agent", "consent", "created_at",
    ]  # fmt: skip
    list_select_related = ["owner", "key"]
    list_per_page = 50
    show_full_result_count = False
    search_fields = ["id", "name", "owner__username", "agent", "purpose", "key__prefix"]
    search_help_text = "The start of an id, a name, an owner, an agent, a purpose, or a key"
    ordering = ["-created_at", "id"]
    actions = ["cancel", "run_again", "restart", "make_urgent", "make_normal"]
    inlines = [AttemptInline, ArtifactInline]
    fieldsets = [
        (None, {"fields": ["id", "on_site", "name", "tags", "owner", "simulation", "where"]}),
        ("Sender", {"fields": ["key", "agent", "purpose", "consent"]}),
        (
            "State",
            {"fields": ["state", "reason", "priority", "advance", "stage", "message", "metrics"]},
        ),
        ("Input", {"fields": ["params", "structure", "notes", "limits"]}),
        ("Outcome", {"fields": ["failure_kind", "error", "result"]}),
        (
            "Machinery",
            {
                "fields": [
                    "backend",
                    "attempt",
                    "max_attempts",
                    "retry_on",
                    "restarted_from",
                    "not_before",
                    "lease_expires_at",
                    "cancel_requested_at",
                    "created_at",
                    "queued_at",
                    "started_at",
                    "finished_at",
                    "last_seq",
                ]
            },
        ),
        ("Last events", {"fields": ["last_events"]}),
    ]
    readonly_fields = ["limits", "on_site", "where", "advance", "last_events"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        jobs = super().get_queryset(request)
        is_list = request.path == reverse("admin:jobs_job_changelist")
        # The large columns are for the job's own page.
        return jobs.defer("params", "result", "structure", "notes") if is_list else jobs

    @admin.display(description="Id", ordering="id")
    def short_id(self, job: Job) -> str:
        return job.short_id

    @admin.display(description="Status", ordering="state")
    def status(self, job: Job) -> SafeString:
        shown = look(job)
        return format_html(
            '<span class="status" data-status="{}">{}</span>', shown.slug, shown.word
        )

    @admin.display(description="Progress", ordering="progress")
    def advance(self, job: Job) -> SafeString:
        return format_html(
            '<progress class="{}" max="1" value="{}"></progress> {} %',
            look(job).slug,
            f"{job.progress:.4f}",
            round(job.progress * 100),
        )

    @admin.display(description="Ran for")
    def ran_for(self, job: Job) -> str:
        return duration(ran_for_s(job)) or "–"

    @admin.display(description="Where it is")
    def where(self, job: Job) -> str:
        return whereabouts(job) or "–"

    @admin.display(description="Limits")
    def limits(self, job: Job) -> str:
        return ", ".join(f"{name} {value}" for name, value in asdict(job.budget).items())

    @admin.display(description="Its page")
    def on_site(self, job: Job) -> SafeString:
        return format_html('<a href="{}">{}</a>', job.get_absolute_url(), job)

    @admin.display(description="Newest first")
    def last_events(self, job: Job) -> SafeString:
        """The newest events, without their points and log."""
        found = job.events.order_by("-seq").values_list("seq", "at", "kind", "data")
        return format_html(
            '<table class="events">{}</table>',
            format_html_join(
                "",
                "<tr><td>{}</td><td>{}</td><td>{}</td><td><code>{}</code></td></tr>",
                (
                    (seq, f"{at:%Y-%m-%d %H:%M:%S}", kind, _brief(data))
                    for seq, at, kind, data in found[:EVENTS_SHOWN]
                ),
            ),
        )

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("jobs.change_job")

    def has_run_again_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("jobs.add_job")

    @admin.action(description="Cancel", permissions=["cancel"])
    def cancel(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self._each(
            request,
            jobs,
            "asked to stop",
            lambda job: lifecycle.request_cancel(job, by=request.user),
        )

    @admin.action(description="Run again, for the same owner", permissions=["run_again"])
    def run_again(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self._each(
            request, jobs, "queued again", lambda job: lifecycle.run_again(job, owner=job.owner)
        )

    @admin.action(
        description="Restart from where it stopped, for the same owner", permissions=["run_again"]
    )
    def restart(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self._each(request, jobs, "restarted", self._restarted)

    def _restarted(self, job: Job) -> Job:
        """Within the limits that its error says would do."""
        return lifecycle.restart(job, owner=job.owner, limits=budget.mended(job.budget, job.error))

    @admin.action(description="Put before everybody's (urgent)", permissions=["cancel"])
    def make_urgent(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self._prioritise(request, jobs, Priority.URGENT)

    @admin.action(description="Put back in line (normal priority)", permissions=["cancel"])
    def make_normal(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self._prioritise(request, jobs, Priority.NORMAL)

    def _prioritise(self, request: HttpRequest, jobs: QuerySet[Job], priority: Priority) -> None:
        self._each(
            request,
            jobs,
            f"made {priority.name.lower()}",
            lambda job: lifecycle.set_priority(job, priority, by=request.user),
        )

    def _each(
        self,
        request: HttpRequest,
        jobs: Iterable[Job],
        done_word: str,
        verb: Callable[[Job], Any],
    ) -> None:
        """Do it to every job that allows it, and say which ones did not and why."""
        done = 0
        for job in jobs:
            try:
                verb(job)
            except REFUSALS as exc:
                text = f"Job {job.short_id} was left as it is: {exc}"
                self.message_user(request, text, messages.WARNING)
            else:
                done += 1
        noun = "job was" if done == 1 else "jobs were"
        level = messages.SUCCESS if done else messages.WARNING
        self.message_user(request, f"{done} {noun} {done_word}.", level)


@admin.register(Allowance)
class AllowanceAdmin(admin.ModelAdmin):
    """What one user may have at once; those without a row get the site's own limits."""

    list_display = ["user", "max_queued", "max_running", "served_at"]
    search_fields = ["user__username"]
    autocomplete_fields = ["user"]


def _brief(data: dict[str, Any]) -> str:
    """An event in one line: its series and log are for the job's own page."""
    counted = {key: f"{len(data[key])}" for key in ("points", "log") if key in data}
    return json.dumps({**data, **counted}, ensure_ascii=False)
