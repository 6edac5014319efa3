"""The pages of a person's keys: made, looked at, changed, ended."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from jobs import keys, spending
from jobs.key_models import ApiKey
from jobs.states import Approval, Scope

from . import copying

BUDGET = (
    "expires_at", "max_running", "max_queued", "core_hours", "core_hours_per_day", "deadline",
    "approval", "approval_above_core_hours",
)  # fmt: skip
USUAL = [Scope.READ, Scope.SUBMIT, Scope.CANCEL]
MOMENT = "%Y-%m-%dT%H:%M"


class BudgetForm(forms.ModelForm):
    """What a key may use, which its owner may change at any time."""

    class Meta:
        model = ApiKey
        fields = BUDGET

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("expires_at", "deadline"):
            widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format=MOMENT)
            label = {"expires_at": "Expires, UTC", "deadline": "Deadline, UTC"}[name]
            self.fields[name] = forms.DateTimeField(
                required=False, widget=widget, label=label, help_text=self.fields[name].help_text
            )
        self.fields["approval"].label = "Jobs that wait for your approval"
        self.fields["approval"].required = False
        self.fields["approval_above_core_hours"].label = "That number of core-hours"
        self.fields["core_hours"].label = "Core-hours in all"
        self.fields["core_hours_per_day"].label = "Core-hours a day"

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        data["approval"] = data.get("approval") or Approval.NEVER
        above = data["approval"] == Approval.ABOVE
        if above and data.get("approval_above_core_hours") is None:
            self.add_error("approval_above_core_hours", "Say above how many core-hours.")
        return data


class KeyForm(BudgetForm):
    name = forms.CharField(max_length=keys.AGENT_LENGTH, label="The agent's name")
    purpose = forms.CharField(
        max_length=500,
        required=False,
        help_text="What its jobs are for that do not say so themselves.",
    )
    scopes = forms.MultipleChoiceField(
        choices=Scope.choices,
        initial=[str(scope) for scope in USUAL],
        widget=forms.CheckboxSelectMultiple,
        label="It may",
    )
    field_order = ["name", "purpose", "scopes", *BUDGET]

    def __init__(self, *args: Any, is_staff: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        given = [each for each in Scope.choices if is_staff or each[0] != Scope.ADMIN]
        self.fields["scopes"].choices = given  # type: ignore[attr-defined]

    def clean_expires_at(self) -> Any:
        at = self.cleaned_data["expires_at"]
        if at is not None and at <= timezone.now():
            raise forms.ValidationError("It is over already; expected a moment to come.")
        return at


@login_required
def key_list(request: HttpRequest) -> HttpResponse:
    mine = ApiKey.objects.filter(owner=request.user.pk).order_by("-created_at", "id")
    told = [(key, spending.used(key)) for key in mine]
    shown = {"told": told, "snippets": copying.of_keys(request)}
    return render(request, "keys/list.html", shown)


@login_required
def key_create(request: HttpRequest) -> HttpResponse:
    form = KeyForm(request.POST or None, is_staff=bool(getattr(request.user, "is_staff", False)))
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        scopes = [Scope(word) for word in data.pop("scopes")]
        key, text = keys.issue(owner=request.user, scopes=scopes, **data)
        # No redirect: this answer is the only place where the text ever is.
        return render(request, "keys/made.html", {"key": key, "text": text})
    code = 422 if form.errors else 200
    return render(request, "keys/form.html", {"form": form}, status=code)


@login_required
def key_change(request: HttpRequest, key_id: UUID) -> HttpResponse:
    key = _mine(request, key_id)
    form = BudgetForm(request.POST or None, instance=key)
    if request.method == "POST" and form.is_valid() and _changed(key, form):
        messages.success(request, f"What {key.name} may use is changed.")
        return redirect("keys:list")
    code = 422 if form.errors else 200
    return render(request, "keys/form.html", {"form": form, "key": key}, status=code)


def _changed(key: ApiKey, form: BudgetForm) -> bool:
    """Whether it was; the form says why not."""
    try:
        keys.change(key, **form.cleaned_data)
    except keys.TooPowerful as exc:
        form.add_error(None, str(exc))
        return False
    return True


@login_required
@require_POST
def key_revoke(request: HttpRequest, key_id: UUID) -> HttpResponse:
    key = _mine(request, key_id)
    keys.revoke(key)
    messages.success(request, f"{key} opens nothing any more. The jobs that it sent go on.")
    return redirect("keys:list")


def _mine(request: HttpRequest, key_id: UUID) -> ApiKey:
    return get_object_or_404(ApiKey, pk=key_id, owner=request.user.pk)
