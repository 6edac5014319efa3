from rest_framework.pagination import CursorPagination


class JobCursor(CursorPagination):
    """Newest first. Opaque cursors, so that a page does not shift while jobs come in."""

    ordering = ("-created_at", "id")
    page_size = 50
    max_page_size = 500
    page_size_query_param = "limit"
