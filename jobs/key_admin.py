"""For operators: every key, who uses it, what for, how much; make one for somebody, or end it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from . import key_bounds, keys, spending
from .audited import Audited
from .key_models import ApiKey
from .moment_fields import NamedMoments
from .states import Approval, Scope

MADE = ["owner", "name", "purpose", "scopes"]
BUDGET = [
    "expires_at", "max_running", "max_queued", "core_hours", "core_hours_per_day", "deadline",
    "approval", "approval_above_core_hours",
]  # fmt: skip
KNOWN = ["prefix", "created_at", "last_used_at", "revoked_at", "made_by", "jobs_sent", "used"]


class ApiKeyForm(forms.ModelForm):
    scopes = forms.MultipleChoiceField(choices=Scope.choices, widget=forms.CheckboxSelectMultiple)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        owner = data.get("owner")
        if Scope.ADMIN in data.get("scopes", ()) and owner and not owner.is_staff:
            self.add_error("scopes", "Only a key of the staff may have the scope admin.")
        above = data.get("approval") == Approval.ABOVE
        if above and data.get("approval_above_core_hours") is None:
            self.add_error("approval_above_core_hours", "Say above how many core-hours.")
        self._refuse_more_than_its_maker_has(data)
        return data

    def _refuse_more_than_its_maker_has(self, data: dict[str, Any]) -> None:
        key = self.instance
        budget = {name: data[name] for name in BUDGET if name in data}
        try:
            key_bounds.refuse_change(key, key.made_by, budget)
        except keys.TooPowerful as exc:
            self.add_error(None, str(exc))


def _is_superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))


def _is_for(request: HttpRequest, owner: Any) -> bool:
    return _is_superuser(request) or owner.pk == request.user.pk


@admin.register(ApiKey)
class ApiKeyAdmin(Audited, NamedMoments, admin.ModelAdmin):
    """What a key opens does not change; its budget and its end may.

    Whoever makes a key acts as its owner, and whoever gives it more lets others do so. So for
    somebody else that is a superuser's; the other staff see their keys, and may revoke them.
    """

    form = ApiKeyForm
    list_display = [
        "prefix", "name", "owner", "opens", "jobs_sent", "last_used_at", "expires_at", "revoked_at",
    ]  # fmt: skip
    list_filter = ["revoked_at", "owner"]
    list_select_related = ["owner"]
    search_fields = ["prefix", "name", "owner__username"]
    autocomplete_fields = ["owner"]
    ordering = ["-created_at", "id"]
    actions = ["revoke"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiKey]:
        return super().get_queryset(request).annotate(n_jobs=Count("jobs"))

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> list[Any]:
        return [*MADE, *BUDGET, *(KNOWN if obj else [])]

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> list[str]:
        return [*MADE, *KNOWN] if obj else []

    def has_change_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        may = super().has_change_permission(request, obj)
        return may and (obj is None or _is_for(request, obj.owner))

    def formfield_for_foreignkey(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> forms.ModelChoiceField | None:
        if db_field.name == "owner" and not _is_superuser(request):
            kwargs["queryset"] = get_user_model().objects.filter(
                username=request.user.get_username()
            )
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who sent a job has to stay known, so a key is revoked and not deleted."""
        return False

    @admin.display(description="May")
    def opens(self, key: ApiKey) -> str:
        return ", ".join(key.scopes)

    @admin.display(description="Jobs", ordering="n_jobs")
    def jobs_sent(self, key: ApiKey) -> SafeString:
        address = f"{reverse('admin:jobs_job_changelist')}?key__id__exact={key.pk}"
        return format_html('<a href="{}">{}</a>', address, key.n_jobs)  # type: ignore[attr-defined]

    @admin.display(description="Used")
    def used(self, key: ApiKey) -> str:
        return ", ".join(
            f"{name.replace('_', ' ')} {n:g}" for name, n in spending.used(key).items()
        )

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        if change:
            keys.change(obj, **{name: getattr(obj, name) for name in BUDGET})
            return
        given = {name: form.cleaned_data[name] for name in [*MADE, *BUDGET]}
        if not _is_for(request, given["owner"]):
            raise PermissionDenied
        made, text = keys.issue(**given)
        obj.pk = made.pk
        obj.text = text  # type: ignore[attr-defined]

    def response_add(
        self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None
    ) -> HttpResponse:
        """The only page that ever shows the text of the key."""
        obj.refresh_from_db()
        text = obj.text  # type: ignore[attr-defined]
        return TemplateResponse(request, "keys/made.html", {"key": obj, "text": text})

    @admin.action(description="Revoke, with the keys they made", permissions=["change"])
    def revoke(self, request: HttpRequest, found: QuerySet[ApiKey]) -> None:
        for key in found:
            keys.revoke(key)
        self.note_all(request, "revoked", found)
        self.message_user(request, f"{len(found)} revoked. Their jobs go on.", messages.SUCCESS)
