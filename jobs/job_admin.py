"""For operators: every job, what became of it and why; and what may be done to many at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_plus, urlencode

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import PAGE_VAR
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from . import audit, in_bulk, inspection
from .job_filters import (
    AgentFilter,
    CappedPaginator,
    FailureFilter,
    OlderFilter,
    OwnerFilter,
    SimulationFilter,
    StateFilter,
    sought,
)
from .models import Job
from .pages.formats import duration
from .pages.status import look, ran_for_s
from .read_only import ReadOnly

SHOWN = 10
MOST_NAMED = 100
"""New jobs that the audit log names, of one go."""


class BulkForm(forms.Form):
    """Why, and as of when: what came on top since the preview is left alone."""

    reason = forms.CharField(
        max_length=300, help_text="It is kept in the audit log, and told to the jobs' owners."
    )
    as_of = forms.DateTimeField(widget=forms.HiddenInput)
    after = forms.UUIDField(widget=forms.HiddenInput, required=False)


def _action(verb: in_bulk.Verb) -> Callable[..., HttpResponse]:
    """The entry of the menu above the list: leads to the preview for the marked jobs."""

    @admin.action(description=f"{verb.title} …")
    def act(model_admin: JobAdmin, request: HttpRequest, jobs: QuerySet[Job]) -> HttpResponse:
        marked = ",".join(str(pk) for pk in jobs.values_list("pk", flat=True))
        return redirect(f"{_address(verb)}?{urlencode({'id__in': marked})}")

    act.__name__ = verb.slug.replace("-", "_")
    return act


def _address(verb: in_bulk.Verb) -> str:
    return reverse("admin:jobs_job_bulk", args=[verb.slug])


@admin.register(Job)
class JobAdmin(ReadOnly, admin.ModelAdmin):
    list_display = [
        "short_id",
        "name",
        "status",
        "simulation",
        "owner",
        "agent",
        "advance",
        "attempt",
        "created_at",
        "ran_for",
    ]
    list_filter = [
        StateFilter, FailureFilter, SimulationFilter, OlderFilter, OwnerFilter, AgentFilter,
        "consent", "created_at",
    ]  # fmt: skip
    list_per_page = 50
    list_max_show_all = 0
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    search_fields = ["id"]
    search_help_text = "The beginning of an id, some of a name, an owner, or a key's prefix"
    ordering = ["-created_at", "id"]
    sortable_by = ["created_at"]
    actions = [_action(verb) for verb in in_bulk.VERBS.values()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        # The large columns are for the job's own page. Not joined: SQLite sorts all the jobs there
        # are to join the owners to fifty of them.
        jobs = super().get_queryset(request).prefetch_related("owner")
        return jobs.defer("params", "result", "structure", "notes", "provenance", "methods")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Job], search_term: str
    ) -> tuple[QuerySet[Job], bool]:
        term = search_term.replace("\0", "").strip()
        return (sought(queryset, term) if term else queryset), False

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Those that this operator may do."""
        found = super().get_actions(request)
        may = {each.slug.replace("-", "_") for each in self._verbs_of(request)}
        return {name: action for name, action in found.items() if name in may}

    def _verbs_of(self, request: HttpRequest) -> list[in_bulk.Verb]:
        return [each for each in in_bulk.VERBS.values() if request.user.has_perm(each.permission)]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        verbs = [
            {"title": each.title, "address": f"{_address(each)}?{_search(request).urlencode()}"}
            for each in self._verbs_of(request)
        ]
        told = {"verbs": verbs, "searched": bool(_search(request))}
        return super().changelist_view(request, {**(extra_context or {}), **told})

    def get_urls(self) -> list[Any]:
        def own(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
            return self.admin_site.admin_view(view)

        return [
            path("bulk/<slug:verb>/", own(self.bulk), name="jobs_job_bulk"),
            path("<uuid:job_id>/events/", own(self.events), name="jobs_job_events"),
            *super().get_urls(),
        ]

    # --- one job -------------------------------------------------------------------------------

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The inspector. Nothing is changed here: what may be done goes by its own verbs."""
        if request.method not in {"GET", "HEAD"}:
            raise PermissionDenied
        job = self._job(request, object_id)
        verbs = [
            {"title": each.title, "address": f"{_address(each)}?id__in={job.pk}"}
            for each in in_bulk.possible(self._verbs_of(request), job)
        ]
        told = inspection.of(job) | {"verbs": verbs, "title": str(job), "job": job}
        return render(request, "admin/jobs/job/inspect.html", self._context(request) | told)

    def events(self, request: HttpRequest, job_id: Any) -> HttpResponse:
        """Its whole log of events, a page at a time, the newest first."""
        job = self._job(request, str(job_id))
        before = request.GET.get("before", "")
        page = inspection.events_before(job, int(before) if before.isdecimal() else None)
        told = {"title": f"Events of {job}", "job": job, "page": page}
        return render(request, "admin/jobs/job/events.html", self._context(request) | told)

    def _job(self, request: HttpRequest, job_id: str) -> Job:
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            return Job.objects.select_related("owner", "key").get(pk=job_id)
        except (Job.DoesNotExist, ValidationError):
            raise Http404("There is no such job.") from None

    def _context(self, request: HttpRequest) -> dict[str, Any]:
        return {**self.admin_site.each_context(request), "opts": self.opts}

    # --- many ----------------------------------------------------------------------------------

    def bulk(self, request: HttpRequest, verb: str) -> HttpResponse:
        """Preview first, with the count; then, with a reason, all of them."""
        found = in_bulk.VERBS.get(verb)
        if found is None:
            raise Http404("There is no such thing to be done.")
        if not request.user.has_perm(found.permission):
            raise PermissionDenied
        try:
            jobs = self.get_changelist_instance(request).queryset.order_by()
        except IncorrectLookupParameters:
            messages.error(request, "Nothing was done: the search cannot be understood.")
            return redirect("admin:jobs_job_changelist")
        form = BulkForm(request.POST or None, initial={"as_of": timezone.now().isoformat()})
        if request.method == "POST" and form.is_valid():
            return self._do(request, found, jobs, form.cleaned_data)
        return self._preview(request, found, jobs, form)

    def _preview(
        self, request: HttpRequest, verb: in_bulk.Verb, jobs: QuerySet[Job], form: BulkForm
    ) -> HttpResponse:
        can = verb.of(jobs)
        told = {
            "title": verb.title,
            "verb": verb,
            "form": form,
            "n_found": jobs.count(),
            "n": can.count(),
            "sample": can.order_by("-created_at", "id")[:SHOWN],
            "search": _words(request, ticked="those that were ticked"),
            "list": f"{reverse('admin:jobs_job_changelist')}?{_search(request).urlencode()}",
        }
        return render(request, "admin/jobs/job/bulk.html", self._context(request) | told)

    def _do(
        self, request: HttpRequest, verb: in_bulk.Verb, jobs: QuerySet[Job], said: dict[str, Any]
    ) -> HttpResponse:
        jobs = jobs.filter(created_at__lte=said["as_of"])
        target, reason = _words(request), said["reason"]
        meant = verb.of(jobs.filter(pk__gt=said["after"]) if said["after"] else jobs)
        about = {"target": target, "reason": reason, "address": request.get_full_path()}
        begun = audit.note(request.user, f"jobs: {verb.title.lower()}", n=meant.count(), **about)
        operator = in_bulk.Operator(user=request.user, why=reason)
        outcome = in_bulk.do(verb, jobs, operator, after=said["after"])
        audit.note(
            request.user,
            f"jobs: {verb.title.lower()}, done",
            target=target,
            n=outcome.done,
            reason=reason,
            outcome_of=begun,
            refused=dict(outcome.refused),
            made=dict([*outcome.made.items()][:MOST_NAMED]),
            is_whole=outcome.left_from is None,
        )
        return self._tell(request, verb, outcome, said)

    def _tell(
        self,
        request: HttpRequest,
        verb: in_bulk.Verb,
        outcome: in_bulk.Outcome,
        said: dict[str, Any],
    ) -> HttpResponse:
        level = messages.SUCCESS if outcome.done else messages.WARNING
        noun = "job was" if outcome.done == 1 else "jobs were"
        messages.add_message(request, level, f"{outcome.done:,} {noun} {verb.done}.")
        for why, n in outcome.refused.most_common(SHOWN):
            messages.warning(request, f"{n:,} left as they were: {why}")
        if outcome.left_from is None:
            return redirect(
                f"{reverse('admin:jobs_job_changelist')}?{_search(request).urlencode()}"
            )
        form = BulkForm(
            initial={
                "reason": said["reason"],
                "as_of": said["as_of"].isoformat(),
                "after": outcome.left_from,
            }
        )
        rest = self.get_changelist_instance(request).queryset.filter(
            pk__gt=outcome.left_from, created_at__lte=said["as_of"]
        )
        return self._preview(request, verb, rest.order_by(), form)

    # --- columns -------------------------------------------------------------------------------

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
            '<progress class="{}" max="1" value="{}" aria-label="Progress of {}"></progress> {} %',
            look(job).slug,
            f"{job.progress:.4f}",
            job.short_id,
            round(job.progress * 100),
        )

    @admin.display(description="Ran for")
    def ran_for(self, job: Job) -> str:
        return duration(ran_for_s(job)) or "–"


def _search(request: HttpRequest) -> QueryDict:
    """What the list is asked for, without the page that is looked at."""
    asked = request.GET.copy()
    for name in (PAGE_VAR, "o", "e"):
        asked.pop(name, None)
    return asked


def _words(request: HttpRequest, *, ticked: str = "") -> str:
    """:param ticked: said of those that were named each by its box, in place of their ids."""
    asked = _search(request)
    if ticked and {*asked} == {"id__in"}:
        return ticked
    return unquote_plus(asked.urlencode()) or "all jobs"
