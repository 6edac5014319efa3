"""Who calls: read from a request, and handed on to whatever answers it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mcp.server.context import ServerRequestContext

from .site import Site

KEY = "backplane.mcp.caller"

Context = ServerRequestContext[Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Somebody whom the site knows.

    :param user: whose jobs they see.
    :param scopes: what their key opens; None: a person, who may do whatever they may do.
    """

    site: Site
    user: str
    scopes: frozenset[str] | None = None

    def may(self, scope: str) -> bool:
        return self.scopes is None or scope in self.scopes


def of(ctx: Context) -> Caller:
    """The door put it there before the request came in."""
    assert ctx.request is not None
    caller: Caller = ctx.request.scope[KEY]
    return caller


def wants_few(ctx: Context) -> bool:
    """For a model with a small context: the tool of any simulation instead of one for each."""
    assert ctx.request is not None
    return bool(ctx.request.query_params.get("tools") == "few")
