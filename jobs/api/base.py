"""What every door of v1 does: a query parameter that it does not know is refused, not ignored."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.views import APIView

from simulations import FieldError

from .problems import InvalidQuery

EVERYWHERE = {"format"}
"""What the negotiation of the answer's kind reads by itself."""


class KnownQuery(APIView):
    """Takes the query parameters that its `extend_schema` declares, and no other."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        handler = getattr(self, str(request.method).lower(), None)
        declared = getattr(handler, "kwargs", {}).get("schema")
        if declared is not None:
            known = [*_declared(self, declared), *_of_pages(self, request)]
            refuse_others(request, known)


def refuse_others(request: Request, known: list[str]) -> None:
    """:raises InvalidQuery: naming each parameter that is not known, and those that are."""
    unknown = [name for name in request.query_params if name not in {*known, *EVERYWHERE}]
    if unknown:
        raise InvalidQuery([_unknown(name, known) for name in unknown[:20]])


def _unknown(name: str, known: list[str]) -> FieldError:
    close = get_close_matches(name[:60], known, n=1)
    takes = f"It takes {', '.join(known)}." if known else "It takes none."
    mend = f"Did you mean {close[0]}?" if close else takes
    detail = f"There is no parameter {name[:60]} here. {mend}"
    return FieldError(path=(name,), code="unknown_field", detail=detail)


def _declared(view: APIView, schema: Any) -> list[str]:
    described = schema()
    described.view, described.method = view, view.request.method
    return [
        each.name
        for each in described.get_override_parameters()
        if isinstance(each, OpenApiParameter) and each.location == OpenApiParameter.QUERY
    ]


def _of_pages(view: APIView, request: Request) -> list[str]:
    """Of a list that is told page by page."""
    paginator = getattr(view, "paginator", None)
    if paginator is None or request.method not in {"GET", "HEAD"}:
        return []
    return [paginator.cursor_query_param, paginator.page_size_query_param]
