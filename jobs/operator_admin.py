"""For operators: what they tell everybody, and what they did."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from . import moments
from .audited import Audited
from .models import Announcement, AuditEntry
from .moment_fields import NamedMoments
from .read_only import ReadOnly

COLUMNS = ["at", "by", "action", "target", "n", "reason", "details", "outcome_of"]
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@admin.register(Announcement)
class AnnouncementAdmin(Audited, NamedMoments, admin.ModelAdmin):
    list_display = ["text", "level", "starts_at", "ends_at", "is_shown"]
    ordering = ["-starts_at", "id"]

    @admin.display(description="Shown now", boolean=True)
    def is_shown(self, announcement: Announcement) -> bool:
        now, ends_at = timezone.now(), announcement.ends_at
        return announcement.starts_at <= now and (ends_at is None or ends_at > now)


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnly, admin.ModelAdmin):
    """Only ever added to, and not from here."""

    list_display = ["at", "by", "action", "n", "target_begins", "reason"]
    list_filter = ["at", "action"]
    list_select_related = ["by"]
    list_per_page = 100
    show_full_result_count = False
    search_fields = ["by__username", "action", "target", "reason"]
    ordering = ["-at", "id"]
    fields = ["at", "by", "action", "n", "target", "reason", "in_full", "outcome_of", "came_of_it"]
    readonly_fields = ["in_full", "came_of_it"]
    actions = None

    @admin.display(description="What it was done to")
    def target_begins(self, entry: AuditEntry) -> str:
        return entry.target if len(entry.target) <= 100 else f"{entry.target[:100]} …"

    @admin.display(description="In full")
    def in_full(self, entry: AuditEntry) -> SafeString:
        text = json.dumps(entry.details, indent=2, ensure_ascii=False)
        return format_html('<pre tabindex="0">{}</pre>', text)

    @admin.display(description="What came of it")
    def came_of_it(self, entry: AuditEntry) -> str:
        return (
            "; ".join(f"{each.action}: {each.n}" for each in entry.outcomes.order_by("id")) or "–"
        )

    def get_urls(self) -> list[Any]:
        own = self.admin_site.admin_view(self.as_csv)
        return [path("csv/", own, name="jobs_auditentry_csv"), *super().get_urls()]

    def as_csv(self, request: HttpRequest) -> HttpResponseBase:
        """All that the search finds, the oldest first."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            found = self.get_changelist_instance(request).queryset.order_by("at", "id")
        except IncorrectLookupParameters:
            messages.error(request, "The search cannot be understood, so nothing was exported.")
            return redirect("admin:jobs_auditentry_changelist")
        name = f"audit-{timezone.now():%Y-%m-%d}.csv"
        return StreamingHttpResponse(
            _lines(found),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


class _Echo:
    def write(self, line: str) -> str:
        return line


def _lines(entries: QuerySet[AuditEntry]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    for entry in entries.iterator(chunk_size=500):
        details = json.dumps(entry.details, ensure_ascii=False)
        row = [
            moments.written(entry.at), entry.by or "", entry.action, entry.target, entry.n,
            entry.reason, details, entry.outcome_of_id,
        ]  # fmt: skip
        yield writer.writerow(map(_harmless, row))


def _harmless(value: Any) -> str:
    """No spreadsheet takes it for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text
