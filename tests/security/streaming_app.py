"""An application for Daphne that streams without end, and tells how many bytes it was rid of."""

from __future__ import annotations

from typing import Any

from backplane_site import draining

draining.install()

PIECE = b"x" * 256 * 1024
sent = {"bytes": 0, "streams": 0}


async def app(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if scope["path"] == "/sent":
        text = f"{sent['bytes']} {sent['streams']}".encode()
        await send({"type": "http.response.body", "body": text})
        return
    n_bytes = int(scope["path"].removeprefix("/"))
    sent["streams"] += 1
    try:
        for _ in range(n_bytes // len(PIECE)):
            await send({"type": "http.response.body", "body": PIECE, "more_body": True})
            sent["bytes"] += len(PIECE)
        await send({"type": "http.response.body", "body": b""})
    finally:
        sent["streams"] -= 1
