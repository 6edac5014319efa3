"""The pages of a user's webhooks: make one, see what was sent, send it again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from jobs.webhook_models import ENDS, EventType, WebhookEndpoint
from jobs.webhooks import addresses, endpoints

from . import copying

SHOWN = 50
REFUSALS = (endpoints.Unacceptable, addresses.Refused)


class WebhookForm(forms.Form):
    url = forms.CharField(
        required=False,
        max_length=addresses.MOST_CHARS,
        widget=forms.URLInput(
            attrs={"placeholder": "https://example.org/hook", "autocomplete": "off"}
        ),
    )
    events = forms.MultipleChoiceField(
        choices=EventType.choices,
        initial=[str(each) for each in ENDS],
        widget=forms.CheckboxSelectMultiple,
    )

    def clean_url(self) -> str:
        text = str(self.cleaned_data["url"]).strip()
        try:
            return str(addresses.checked(text)) if text else ""
        except addresses.Refused as exc:
            raise forms.ValidationError(str(exc)) from None


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def webhook_list(request: HttpRequest) -> HttpResponse:
    form = WebhookForm(request.POST or None)
    made = None
    if request.method == "POST" and form.is_valid():
        try:
            made = endpoints.create(owner=request.user, **form.cleaned_data)
        except REFUSALS as exc:
            form.add_error("url", str(exc))
        else:
            form = WebhookForm()
    mine = WebhookEndpoint.objects.filter(owner=request.user.pk).select_related("key")
    shown = {
        "endpoints": mine.order_by("created_at", "id"),
        "form": form,
        "made": made,
        "snippets": copying.of_webhooks(request),
    }
    return render(request, "webhooks/list.html", shown, status=422 if form.errors else 200)


@login_required
@require_safe
def webhook_detail(request: HttpRequest, webhook_id: UUID) -> HttpResponse:
    return _page(request, _mine(request, webhook_id))


@login_required
@require_POST
def webhook_rotate(request: HttpRequest, webhook_id: UUID) -> HttpResponse:
    endpoint = _mine(request, webhook_id)
    endpoints.rotate(endpoint)
    return _page(request, endpoint, secret=endpoint.secret)


@login_required
@require_POST
def webhook_switch(request: HttpRequest, webhook_id: UUID) -> HttpResponse:
    endpoint = _mine(request, webhook_id)
    if endpoint.is_active:
        endpoints.disable(endpoint, "Its owner switched it off.")
    else:
        endpoints.enable(endpoint)
    return redirect("webhooks:detail", endpoint.pk)


@login_required
@require_POST
def webhook_remove(request: HttpRequest, webhook_id: UUID) -> HttpResponse:
    endpoints.remove(_mine(request, webhook_id))
    messages.success(request, "The webhook is gone, and its log with it.")
    return redirect("webhooks:list")


@login_required
@require_POST
def webhook_test(request: HttpRequest, webhook_id: UUID) -> HttpResponse:
    endpoint = _mine(request, webhook_id)
    return _try(request, endpoint, "The test is on its way.", endpoints.test, endpoint)


@login_required
@require_POST
def webhook_replay_missed(request: HttpRequest, webhook_id: UUID) -> HttpResponse:
    endpoint = _mine(request, webhook_id)
    told = "What did not arrive is on its way again."
    return _try(request, endpoint, told, endpoints.replay_missed, endpoint)


@login_required
@require_POST
def webhook_replay(request: HttpRequest, webhook_id: UUID, delivery_id: UUID) -> HttpResponse:
    endpoint = _mine(request, webhook_id)
    delivery = get_object_or_404(endpoint.deliveries.select_related("endpoint"), pk=delivery_id)
    return _try(request, endpoint, "It is on its way again.", endpoints.replay, delivery)


def _mine(request: HttpRequest, webhook_id: UUID) -> WebhookEndpoint:
    found = WebhookEndpoint.objects.visible_to(request.user).select_related("key", "owner")
    return get_object_or_404(found, pk=webhook_id)


def _page(request: HttpRequest, endpoint: WebhookEndpoint, secret: str = "") -> HttpResponse:
    sent = endpoint.deliveries.select_related("job", "endpoint").order_by("-at", "id")
    job_id = _job_id(request)
    shown = {
        "endpoint": endpoint,
        "deliveries": (sent.filter(job=job_id) if job_id else sent)[:SHOWN],
        "is_of_one_job": job_id is not None,
        "secret": secret,
    }
    return render(request, "webhooks/detail.html", shown)


def _job_id(request: HttpRequest) -> UUID | None:
    """Of which job alone the messages are shown, `?job=`."""
    try:
        return UUID(request.GET.get("job", ""))
    except ValueError:
        return None


def _try(
    request: HttpRequest,
    endpoint: WebhookEndpoint,
    done: str,
    act: Callable[[Any], Any],
    on: Any,
) -> HttpResponse:
    try:
        act(on)
    except endpoints.Unacceptable as exc:
        messages.warning(request, str(exc))
    else:
        messages.success(request, done)
    return redirect("webhooks:detail", endpoint.pk)
