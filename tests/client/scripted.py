"""A site of a few written answers, and flows driven by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx

from backplane.wire import Answer, NoAnswer, Patience, Pause

JOB: dict[str, Any] = {
    "id": "11111111-1111-1111-1111-111111111111",
    "simulation": "demo.sum_squares",
    "name": "",
    "state": "queued",
    "progress": 0.0,
    "message": "",
    "reason_text": "Waiting for a worker",
    "metrics": {},
    "summary": None,
    "failure_kind": "",
    "finished_at": None,
    "last_seq": 1,
    "links": {"page": "http://site/jobs/1/"},
}
Reply = httpx.Response | Exception


def job(**changes: Any) -> dict[str, Any]:
    """As the site tells one: a job that waits no longer has no reason to."""
    waits = {} if changes.get("state", "queued") == "queued" else {"reason_text": None}
    return JOB | waits | changes


def problem(status: int, **body: Any) -> httpx.Response:
    return httpx.Response(status, json={"status": status, "detail": "No.", **body})


class Site:
    """Answers in this order, and keeps what it was asked."""

    def __init__(self, *replies: Reply | Callable[[httpx.Request], Reply]) -> None:
        self._replies = [*replies]
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        reply = self._replies.pop(0)
        found = reply(request) if callable(reply) else reply
        if isinstance(found, Exception):
            raise found
        return found

    def bodies(self) -> list[Any]:
        return [json.loads(request.content) for request in self.asked]


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def played(flow: Any, replies: list[Answer | NoAnswer], clock: Clock | None = None) -> Any:
    """The flow's steps with these replies, and its outcome; pauses take no time but the clock's."""
    steps: list[Any] = []
    left = iter(replies)
    reply: Any = None
    while True:
        try:
            step = flow.send(reply)
        except StopIteration as end:
            return steps, end.value
        steps.append(step)
        reply = None
        if isinstance(step, Pause):
            if clock:
                clock.now += step.seconds
        else:
            reply = next(left)


def patience(clock: Clock, total_s: float = 60) -> Patience:
    return Patience(total_s=total_s, clock=clock)
