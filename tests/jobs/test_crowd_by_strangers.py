"""What a sender makes up does no harm to those who are stored with theirs."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from backplane_site import crowd
from jobs.models import Job

from .crowding import PATH, SUM, Doors

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]


async def sent(app: Any, headers: dict[bytes, bytes], server: tuple[str, int]) -> int:
    """The status of the answer to a submission from this very machine."""
    body = json.dumps(SUM).encode()
    usual = {b"content-type": b"application/json", b"content-length": str(len(body)).encode()}
    scope = {
        "type": "http", "method": "POST", "path": PATH, "query_string": b"", "scheme": "http",
        "headers": [*(usual | headers).items()], "client": ("127.0.0.1", 4242), "server": server,
    }  # fmt: skip
    messages = [{"type": "http.request", "body": body, "more_body": False}]
    said: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if not messages:
            await asyncio.Event().wait()  # until it is answered
        return messages.pop()

    async def send(message: dict[str, Any]) -> None:
        said.append(message)

    await app(scope, receive, send)
    return int(said[0]["status"])


def test_who_names_no_host_is_asked_by_django_where_they_came_to(doors: Doors) -> None:
    ask = async_to_sync(sent)
    assert ask(doors.crowd, {}, ("127.0.0.1", 8000)) == 202

    assert ask(doors.crowd, {}, ("203.0.113.1", 8000)) == 400

    assert len(doors.by_django) == 2
    assert Job.objects.count() == 1


def test_manners_that_are_made_up_displace_others_for_a_while_only(
    doors: Doors, monkeypatch: Any
) -> None:
    monkeypatch.setattr(crowd, "MOST_MANNERS", 3)
    for port in range(5):
        assert doors.send(SUM, Host=f"127.0.0.1:{port + 1}").status_code == 202

    doors.taught()

    assert doors.send(SUM).status_code == 202
    assert doors.by_django == []
    assert len(doors.crowd._common) == 3
