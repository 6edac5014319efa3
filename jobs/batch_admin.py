"""For operators: every batch, where it stands, and a way to stop it."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from . import batches, lifecycle
from .audited import Audited
from .batch_models import Batch
from .read_only import ReadOnly


@admin.register(Batch)
class BatchAdmin(Audited, ReadOnly, admin.ModelAdmin):
    list_display = ["short_id", "name", "owner", "n_items", "standing", "created_at", "finished_at"]
    list_filter = ["owner", "created_at"]
    list_select_related = ["owner"]
    list_per_page = 50
    show_full_result_count = False
    search_fields = ["id", "name", "owner__username"]
    ordering = ["-created_at", "id"]
    actions = ["cancel"]
    fields = [
        "id", "on_site", "its_jobs", "name", "tags", "owner", "simulations", "varied", "n_items",
        "standing", "counts", "max_failures", "created_at", "began_at", "stopped_at",
        "cancel_requested_at", "finished_at",
    ]  # fmt: skip
    readonly_fields = ["on_site", "its_jobs", "standing", "counts"]

    @admin.display(description="State")
    def standing(self, batch: Batch) -> str:
        return batches.standing(batch)

    @admin.display
    def counts(self, batch: Batch) -> str:
        told = batches.counts(batch).as_dict()
        return ", ".join(f"{n} {word}" for word, n in told.items() if n)

    @admin.display
    def on_site(self, batch: Batch) -> SafeString:
        return format_html('<a href="{0}">{0}</a>', batch.get_absolute_url())

    @admin.display
    def its_jobs(self, batch: Batch) -> SafeString:
        url = f"{reverse('admin:jobs_job_changelist')}?batch__id__exact={batch.pk}"
        return format_html('<a href="{}">Jobs of this batch</a>', url)

    @admin.action(description="Cancel all of its jobs", permissions=["view"])
    def cancel(self, request: HttpRequest, found: QuerySet[Batch]) -> None:
        for batch in found.order_by("created_at", "id"):
            try:
                lifecycle.cancel_batch(batch, by=f"operator {request.user}")
            except lifecycle.BatchIsOver as exc:
                self.message_user(request, f"{batch}: {exc}", messages.WARNING)
            else:
                self.note(request, "cancelled", batch)
