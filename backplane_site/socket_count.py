"""How many sockets this process holds open, for the operators' screen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any


class SocketCount:
    """Counts whoever has come in and not yet gone."""

    open = 0

    def __init__(self, app: Callable[..., Awaitable[Any]]) -> None:
        self.app = app

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        SocketCount.open += 1
        try:
            return await self.app(scope, receive, send)
        finally:
            SocketCount.open -= 1
