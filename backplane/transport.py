"""Between httpx and the flows: requests made of calls, answers made of responses."""

from __future__ import annotations

import platform
from typing import Any

import httpx

from .settings import Settings
from .version import VERSION
from .wire import Answer, Call, NoAnswer

TIMEOUT_S = 30.0
AGENT = f"backplane-python/{VERSION} Python/{platform.python_version()}"


def options(settings: Settings) -> dict[str, Any]:
    """Of an `httpx.Client`, blocking or not. Redirects are not followed: they would take the key
    along to whoever sent them."""
    headers = {"User-Agent": AGENT, "Accept": "application/json"}
    if settings.key:
        headers["Authorization"] = f"Bearer {settings.key}"
    return {"base_url": settings.url, "headers": headers, "follow_redirects": False}


def request_of(call: Call, client: httpx.Client | httpx.AsyncClient) -> httpx.Request:
    return client.build_request(
        call.method,
        call.path,
        params=dict(call.query) or None,
        headers=dict(call.headers),
        json=call.json,
        content=call.content,
        timeout=httpx.Timeout(TIMEOUT_S, read=TIMEOUT_S + call.takes_s),
    )


def head_of(response: httpx.Response) -> Answer:
    """The answer without its body, which a stream has still to bring."""
    return Answer(status=response.status_code, headers=response.headers)


def answer_of(response: httpx.Response) -> Answer:
    status, headers = response.status_code, response.headers
    return Answer(status=status, headers=headers, body=response.content)


def no_answer(exc: httpx.TransportError, settings: Settings) -> NoAnswer:
    return NoAnswer(f"{settings.url} does not answer ({exc or type(exc).__name__})")
