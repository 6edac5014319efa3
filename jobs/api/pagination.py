from typing import Any

from django.core.exceptions import ValidationError
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request


class JobCursor(CursorPagination):
    """Newest first. Opaque cursors, so that a page does not shift while jobs come in."""

    ordering = ("-created_at", "id")
    page_size = 50
    max_page_size = 500
    page_size_query_param = "limit"

    def paginate_queryset(
        self, queryset: Any, request: Request, view: Any = None
    ) -> list[Any] | None:
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValidationError, ValueError, OverflowError):
            # It decodes, and is none of ours.
            raise NotFound(self.invalid_cursor_message) from None
