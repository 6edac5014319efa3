"""`Prefer: wait=N` on an inbox: the answer comes with the first event, or after N seconds.

As in `jobs.waiting`, nothing is held meanwhile but the connection.
"""

from __future__ import annotations

import asyncio
import json

from . import news
from .asking import Answer, App, Desk, Line, Receive, Scope, Send, headers_of, path_of, reading
from .events import inbox_group_name
from .inbox import WHOSE
from .waiting import parsed

PATH = "/api/v1/events"
LOOK_ANYWAY_S = 5.0
"""A bell that was not heard is noticed by then."""
MIN_GAP_S = 0.2
"""However often it rings for other agents of the same person."""


class InboxWaiting:
    """In front of Django."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._desk = Desk(app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        wait_s = _wait_s(scope)
        if wait_s is None:
            await self._app(scope, receive, send)
            return
        line = Line(receive)
        answer = await self._desk.ask(scope, line.receive)
        if answer is not None and _is_empty(answer) and wait_s:
            answer = await self._later(scope, line, answer, wait_s)
        if answer is not None and not line.is_gone:
            applied = f"wait={wait_s}" if answer.status == 200 else None
            told = answer.with_headers(Preference_Applied=applied, Backplane_Inbox=None)
            await told.send_by(send)

    async def _later(self, scope: Scope, line: Line, answer: Answer, wait_s: int) -> Answer | None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_s
        last: Answer | None = answer
        async with news.of_group(inbox_group_name(answer.header(WHOSE) or "")) as bell:
            while last and _is_empty(last) and (left := deadline - loop.time()) > 0:
                # Only the wait is given up when the client leaves, never Django at work.
                await line.while_there(_rung(bell, left))
                if line.is_gone:
                    return None
                last = await self._desk.ask(reading(scope, PATH), line.again())
        return last


async def _rung(bell: news.Bell, within_s: float) -> None:
    await asyncio.sleep(min(MIN_GAP_S, within_s))
    await bell.wait(min(within_s, LOOK_ANYWAY_S))


def _wait_s(scope: Scope) -> int | None:
    if scope["type"] != "http" or scope["method"] != "GET" or path_of(scope) != PATH:
        return None
    return parsed(headers_of(scope, "Prefer")).wait_s


def _is_empty(answer: Answer) -> bool:
    return answer.status == 200 and not json.loads(answer.body)["events"]
