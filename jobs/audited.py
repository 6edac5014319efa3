"""For the administration: what is changed here is written to the audit log as well."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.utils import model_ngettext
from django.http import HttpRequest

from . import audit


class Audited:
    """Beside a `ModelAdmin`: whatever that logs for itself."""

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        self.note(request, "added", obj)
        return super().log_addition(request, obj, message)  # type: ignore[misc]

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        self.note(request, "changed", obj, **_said(message))
        return super().log_change(request, obj, message)  # type: ignore[misc]

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        for each in queryset:
            self.note(request, "deleted", each)
        return super().log_deletions(request, queryset)  # type: ignore[misc]

    def note(self, request: HttpRequest, done: str, obj: Any, **details: Any) -> None:
        kind = obj._meta.verbose_name
        audit.note(request.user, f"{kind}: {done}", target=f"{obj} ({obj.pk})", n=1, **details)

    def note_all(self, request: HttpRequest, done: str, found: Any) -> None:
        """What one of its actions did, to all of them."""
        objects = list(found)
        if not objects:
            return
        targets = ", ".join(f"{each} ({each.pk})" for each in objects[:50])
        kind = model_ngettext(objects[0], len(objects))
        audit.note(request.user, f"{kind}: {done}", target=targets, n=len(objects))


def _said(message: Any) -> dict[str, Any]:
    """Which fields were changed, as Django has it."""
    return {"changes": message} if message else {}
