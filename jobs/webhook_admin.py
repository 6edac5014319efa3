"""For operators: where users are told of their jobs, and what came of it. No secret is shown."""

from __future__ import annotations

import json

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from .audited import Audited
from .read_only import ReadOnly
from .webhook_models import WebhookDelivery, WebhookEndpoint
from .webhooks import endpoints


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(Audited, ReadOnly, admin.ModelAdmin):
    list_display = ["target", "owner", "key", "is_on", "created_at", "disabled_because"]
    list_select_related = ["owner", "key"]
    list_filter = [("disabled_at", admin.EmptyFieldListFilter)]
    search_fields = ["url", "owner__username"]
    ordering = ["-created_at", "id"]
    actions = ["switch_off", "switch_on", "replay_missed"]
    fields = [
        "owner", "key", "url", "events", "created_at", "old_secret_until", "disabled_at",
        "disabled_because",
    ]  # fmt: skip

    @admin.display(description="Where to", ordering="url")
    def target(self, endpoint: WebhookEndpoint) -> str:
        return str(endpoint)

    @admin.display(description="On", boolean=True)
    def is_on(self, endpoint: WebhookEndpoint) -> bool:
        return endpoint.is_active

    def has_switch_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("jobs.change_webhookendpoint")

    @admin.action(description="Switch off", permissions=["switch"])
    def switch_off(self, request: HttpRequest, found: QuerySet[WebhookEndpoint]) -> None:
        for endpoint in found:
            if endpoint.is_active:
                endpoints.disable(endpoint, "An operator switched it off.")
                self.note(request, "switched off", endpoint)
        self.message_user(request, "They are switched off.", messages.SUCCESS)

    @admin.action(description="Switch on again", permissions=["switch"])
    def switch_on(self, request: HttpRequest, found: QuerySet[WebhookEndpoint]) -> None:
        for endpoint in found:
            if not endpoint.is_active:
                endpoints.enable(endpoint)
                self.note(request, "switched on", endpoint)
        told = "They are switched on. What was missed is sent by “Send again what was missed”."
        self.message_user(request, told, messages.SUCCESS)

    @admin.action(description="Send again what was missed", permissions=["switch"])
    def replay_missed(self, request: HttpRequest, found: QuerySet[WebhookEndpoint]) -> None:
        for endpoint in found:
            try:
                n = endpoints.replay_missed(endpoint)
            except endpoints.Unacceptable as exc:
                self.message_user(request, f"{endpoint}: {exc}", messages.WARNING)
            else:
                self.note(request, "sent again what was missed", endpoint, n_messages=n)
                self.message_user(request, f"{endpoint}: {n} on their way.", messages.SUCCESS)


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(Audited, ReadOnly, admin.ModelAdmin):
    list_display = ["at", "type", "target", "owner", "state", "n_tries", "next_at"]
    list_select_related = ["endpoint__owner"]
    list_filter = ["state", "type", "at"]
    show_full_result_count = False
    search_fields = ["message_id", "endpoint__url", "url", "endpoint__owner__username"]
    ordering = ["-at", "id"]
    actions = ["send_again"]
    fields = [
        "target", "job", "message_id", "type", "at", "data", "state", "next_at", "ended_at",
        "all_tries",
    ]  # fmt: skip
    readonly_fields = ["target", "all_tries"]

    @admin.display(description="Where to")
    def target(self, delivery: WebhookDelivery) -> str:
        return delivery.target

    @admin.display(description="Owner", ordering="endpoint__owner__username")
    def owner(self, delivery: WebhookDelivery) -> str:
        return str(delivery.endpoint.owner)

    @admin.display(description="Tries")
    def all_tries(self, delivery: WebhookDelivery) -> SafeString:
        return format_html("<pre>{}</pre>", "\n".join(map(json.dumps, delivery.tries)))

    def has_send_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("jobs.change_webhookdelivery")

    @admin.action(description="Send again", permissions=["send"])
    def send_again(self, request: HttpRequest, found: QuerySet[WebhookDelivery]) -> None:
        n = 0
        for delivery in found.select_related("endpoint"):
            try:
                endpoints.replay(delivery)
            except endpoints.Unacceptable as exc:
                self.message_user(request, f"{delivery.message_id}: {exc}", messages.WARNING)
            else:
                n += 1
                self.note(request, "sent again", delivery)
        self.message_user(request, f"{n} on their way again.", messages.SUCCESS)
