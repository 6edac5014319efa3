"""For operators: the presets that people keep, and which of them are on everybody's form."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from .audited import Audited
from .preset_models import Preset


@admin.register(Preset)
class PresetAdmin(Audited, admin.ModelAdmin):
    """Made on the form, where what it says is checked; here it is offered to all, or removed."""

    list_display = ["name", "simulation", "owner", "for_everybody", "created_at"]
    list_filter = ["for_everybody", "simulation"]
    list_select_related = ["owner"]
    show_facets = admin.ShowFacets.NEVER
    search_fields = ["name", "simulation", "owner__username"]
    ordering = ["-created_at", "id"]
    fields = ["name", "simulation", "owner", "settings", "for_everybody", "created_at"]
    readonly_fields = ["name", "simulation", "owner", "settings", "created_at"]

    @admin.display(description="Settings")
    def settings(self, preset: Preset) -> SafeString:
        text = json.dumps(preset.params, indent=2, ensure_ascii=False)
        return format_html('<pre tabindex="0">{}</pre>', text)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
