"""For the administration: a moment is asked for by its date and its time, and each says which."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.widgets import AdminSplitDateTime
from django.db import models
from django.forms import SplitDateTimeField

NAMES = ("date", "time")


class NamedSplit(AdminSplitDateTime):
    """Django's has one label for two boxes, which a screen reader tells of neither."""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        for of, box in zip(NAMES, context["widget"]["subwidgets"], strict=True):
            box["attrs"]["aria-label"] = f"{name.replace('_', ' ')}, {of} (UTC)"
        return context


class NamedMoments:
    """Beside a `ModelAdmin`."""

    formfield_overrides: Any = {
        models.DateTimeField: {"form_class": SplitDateTimeField, "widget": NamedSplit}
    }
