"""For operators: who there is, and what each may have at once."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from . import turns
from .audited import Audited
from .models import Allowance
from .moment_fields import NamedMoments

User = get_user_model()


class AllowanceInline(admin.StackedInline):
    model = Allowance
    fields = ["max_queued", "max_running"]
    can_delete = False


@admin.register(Allowance)
class AllowanceAdmin(Audited, admin.ModelAdmin):
    """What one user may have at once; those without a row get the site's own limits.

    While jobs of theirs wait or run it stays: empty fields are the site's own limits too.
    """

    list_display = ["user", "max_queued", "max_running", "served_at"]
    search_fields = ["user__username"]
    autocomplete_fields = ["user"]

    def has_delete_permission(self, request: HttpRequest, obj: Allowance | None = None) -> bool:
        # A worker looks for who is next among these rows: without theirs nobody took their jobs.
        is_free = obj is None or not turns.n_unfinished(obj.user_id)
        return is_free and super().has_delete_permission(request, obj)


admin.site.unregister([User, Group])


@admin.register(User)
class PersonAdmin(Audited, NamedMoments, UserAdmin):
    list_display = [
        "username", "email", "is_active", "is_staff", "is_superuser", "last_login", "theirs",
    ]  # fmt: skip
    show_facets = admin.ShowFacets.NEVER

    def get_inlines(self, request: Any, obj: Any = None) -> list[Any]:
        return [AllowanceInline] if obj else []

    @admin.display(description="Of theirs")
    def theirs(self, user: Any) -> SafeString:
        name = user.get_username()
        return format_html(
            '<a href="{}?of={}" aria-label="Jobs of {}">jobs</a>, '
            '<a href="{}?owner__id__exact={}" aria-label="Keys of {}">keys</a>',
            reverse("admin:jobs_job_changelist"), name, name,
            reverse("admin:jobs_apikey_changelist"), user.pk, name,
        )  # fmt: skip


@admin.register(Group)
class TeamAdmin(Audited, GroupAdmin):
    pass
