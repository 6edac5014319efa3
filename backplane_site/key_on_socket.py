"""Opens a websocket to who sends a key, or a ticket for one; everybody else comes by the session.

What a program sends itself, no foreign page can make a browser send: so there is no origin to ask.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

from channels.db import database_sync_to_async
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser

from jobs import keys
from jobs.api.keyring import bearer
from jobs.key_models import ApiKey
from jobs.states import Scope

App = Callable[..., Awaitable[Any]]


class KeyOnSocket:
    """:param others: who is asked when there is neither key nor ticket."""

    def __init__(self, app: App, others: App) -> None:
        self._app = app
        self._others = others

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        text = bearer(headers.get(b"authorization", ""))
        query = parse_qs(scope.get("query_string", b"").decode(errors="replace"))
        ticket = query.get("ticket", [None])[0]
        if text is None and ticket is None:
            return await self._others(scope, receive, send)
        who = await database_sync_to_async(_who)(text, ticket)
        return await self._app({**scope, **who}, receive, send)


def _who(text: str | None, ticket: str | None) -> dict[str, Any]:
    """Whom it stands for; nobody, where it opens nothing or not to look."""
    try:
        if text is not None:
            return _holder(keys.recognise(text))
        user_id, key = keys.redeem(ticket or "")
    except keys.Unrecognised:
        return {"user": AnonymousUser()}
    if key is not None:
        return _holder(key)
    found = get_user_model().objects.filter(pk=user_id, is_active=True).first()
    return {"user": found or AnonymousUser()}


def _holder(key: ApiKey) -> dict[str, Any]:
    """With the key, for what was opened by it ends with it."""
    if not key.may(Scope.READ):
        return {"user": AnonymousUser()}
    return {"user": keys.acting_user(key), "key_id": key.pk}
