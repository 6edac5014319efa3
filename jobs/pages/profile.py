"""`/me/`: how one likes the pages, and what one has used of what one may."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from jobs import spending
from jobs.key_models import ApiKey
from jobs.models import Artifact, StoredFile
from jobs.profile_models import Profile, profile_of

from .queue import share_of


class ProfileForm(forms.ModelForm):
    class Meta:
        model = Profile
        fields = ("theme", "energy_unit", "has_keys")
        widgets = {"theme": forms.RadioSelect, "energy_unit": forms.RadioSelect}


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def me(request: HttpRequest) -> HttpResponse:
    form = ProfileForm(request.POST or None, instance=profile_of(request.user))
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "The pages are now as you like them.")
        return redirect("me")
    told = {"form": form, **_usage(request.user)}
    return render(request, "me.html", told, status=422 if form.errors else 200)


def _usage(user: Any) -> dict[str, Any]:
    keys = ApiKey.objects.filter(owner=user)
    usable = [key for key in keys.order_by("name", "created_at", "pk") if key.is_usable]
    made = Artifact.objects.filter(job__owner=user, job__files_removed_at=None)
    given = StoredFile.objects.filter(owner=user)
    return {
        "share": share_of(user),
        "keys": [(key, spending.used(key)) for key in usable],
        "n_webhooks": user.webhooks.count(),
        "made_bytes": made.aggregate(n=Sum("size_bytes"))["n"] or 0,
        "given_bytes": given.aggregate(n=Sum("size_bytes"))["n"] or 0,
        "asked_at": timezone.now(),
    }
