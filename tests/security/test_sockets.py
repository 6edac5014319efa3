"""Who may open a live view: the owner, from a page of ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings as django_settings
from django.test import Client

from backplane_site.asgi import application
from backplane_site.same_origin import is_our_page
from jobs import keys
from jobs.models import Job
from jobs.states import Scope

HOST = b"lab.example"


@pytest.fixture
def cookies(
    transactional_db: None, browser_of: Callable[[str], Client]
) -> Callable[[str], dict[str, str]]:
    def cookies(role: str) -> dict[str, str]:
        morsel = browser_of(role).cookies.get(django_settings.SESSION_COOKIE_NAME)
        return {morsel.key: morsel.value} if morsel else {}

    return cookies


@pytest.fixture
def job(transactional_db: None, submit: Callable[..., Job], monkeypatch: pytest.MonkeyPatch) -> Job:
    monkeypatch.setattr("jobs.lifecycle.submission.hand_to_backend", lambda job: None)
    return submit()


async def knock(path: str, cookies: dict[str, str], **headers: str) -> int | str:
    """The close code, `open`, or `denied` where not even the handshake is answered."""
    wanted = {"host": HOST.decode(), "origin": f"https://{HOST.decode()}"} | headers
    pairs = [(name.replace("_", "-").encode(), each.encode()) for name, each in wanted.items()]
    if cookies:
        pairs.append((b"cookie", "; ".join(f"{k}={v}" for k, v in cookies.items()).encode()))
    socket = WebsocketCommunicator(application, path, headers=pairs)
    connected, _ = await socket.connect(timeout=5)
    if not connected:
        return "denied"
    message = await socket.receive_output(timeout=5)
    await socket.disconnect()
    return int(message["code"]) if message["type"] == "websocket.close" else "open"


@pytest.mark.parametrize(
    ("role", "expected"),
    [("anonymous", 4401), ("stranger", 4404), ("owner", "open"), ("admin", "open")],
)
@pytest.mark.usefixtures("server_mode")
async def test_a_job_is_live_for_whom_it_should_be(
    role: str, expected: Any, job: Job, cookies: Any
) -> None:
    mine = await database_sync_to_async(cookies)(role)

    assert await knock(f"/ws/v1/jobs/{job.pk}/", mine) == expected


@pytest.mark.parametrize("path", ["/ws/v1/jobs/{}/", "/ws/nowhere", "/", "/ws/v1/jobs/1/"])
@pytest.mark.usefixtures("server_mode")
async def test_what_there_is_not_closes_as_what_is_not_yours(path: str, cookies: Any) -> None:
    mine = await database_sync_to_async(cookies)("stranger")

    assert await knock(path.format(uuid4()), mine) == 4404


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://evil.example", "lab.example"),
        ("https://lab.example.evil.example", "lab.example"),
        ("https://lab.example:8443", "lab.example"),
        ("null", "lab.example"),
        ("https://evil.example", "evil.example"),
        ("https://[", "lab.example"),
    ],
)
@pytest.mark.usefixtures("server_mode")
async def test_a_foreign_page_cannot_watch_with_our_cookie(
    origin: str, host: str, job: Job, cookies: Any
) -> None:
    mine = await database_sync_to_async(cookies)("owner")

    code = await knock(f"/ws/v1/jobs/{job.pk}/", mine, origin=origin, host=host)

    assert code == "denied"


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        ("http://127.0.0.1:8000", "127.0.0.1:8000", True),
        ("http://localhost:8000", "localhost:8000", True),
        ("http://[::1]:8000", "[::1]:8000", True),
        ("http://127.0.0.1", "127.0.0.1", True),
        ("http://127.0.0.1", "127.0.0.1:80", True),
        # Another program on this machine, and a name that was made to point at it.
        ("http://127.0.0.1:3000", "127.0.0.1:8000", False),
        ("http://localhost:3000", "localhost:8000", False),
        ("http://localhost:8000", "127.0.0.1:8000", False),
        ("http://evil.example:8000", "evil.example:8000", False),
        ("http://127.0.0.1:8000", "evil.example:8000", False),
        ("", "127.0.0.1:8000", False),
        ("null", "127.0.0.1:8000", False),
        ("file://", "127.0.0.1:8000", False),
        ("http://127.0.0.1:99999", "127.0.0.1:99999", False),
        ("http://127.0.0.1:8000", "", False),
    ],
)
def test_on_a_laptop_the_port_counts_too(origin: str, host: str, allowed: bool) -> None:
    assert is_our_page(origin, host) is allowed


def test_a_trusted_origin_may_come_through_a_proxy_that_drops_the_port(settings: Any) -> None:
    settings.ALLOWED_HOSTS = [".lab.example"]
    settings.CSRF_TRUSTED_ORIGINS = ["https://*.lab.example"]

    assert is_our_page("https://jobs.lab.example", "jobs.lab.example:8000")
    assert not is_our_page("http://jobs.lab.example", "jobs.lab.example:8000")
    assert not is_our_page("https://evil-lab.example", "jobs.lab.example:8000")


@pytest.mark.parametrize(
    ("scopes", "role", "expected"),
    [
        ([Scope.READ], "owner", "open"),
        ([Scope.SUBMIT], "owner", 4401),
        ([Scope.READ], "stranger", 4404),
        ([Scope.READ], "admin", 4404),
        ([Scope.READ, Scope.ADMIN], "admin", "open"),
    ],
)
@pytest.mark.usefixtures("server_mode")
async def test_a_key_opens_what_it_may_and_asks_for_no_origin(
    scopes: list[Scope], role: str, expected: Any, job: Job, people: dict[str, Any]
) -> None:
    issue = database_sync_to_async(lambda: keys.issue(owner=people[role], name="a", scopes=scopes))
    key, text = await issue()

    path = f"/ws/v1/jobs/{job.pk}/"
    assert await knock(path, {}, origin="", authorization=f"Bearer {text}") == expected
    ticket = keys.ticket(people[role], key)
    assert await knock(f"{path}?ticket={ticket}", {}, origin="https://ui.example") == expected


@pytest.mark.usefixtures("server_mode")
async def test_a_wrong_key_or_ticket_is_not_saved_by_the_session(job: Job, cookies: Any) -> None:
    mine = await database_sync_to_async(cookies)("owner")

    path = f"/ws/v1/jobs/{job.pk}/"
    assert await knock(path, mine, authorization="Bearer nonsense") == 4401
    assert await knock(f"{path}?ticket=nonsense", mine) == 4401
