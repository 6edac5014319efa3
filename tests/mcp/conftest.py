"""The agents' door in this process: the protocol's own client, over HTTP without a network."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any

import httpx2
import pytest
from channels.db import database_sync_to_async
from django.db import connections
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from backplane_site.agents import AgentsDoor
from backplane_site.handler import Handler
from jobs import keys, lifecycle
from jobs.models import Job
from jobs.states import Approval, FailureKind, Scope

URL = "http://127.0.0.1:8000/mcp"
Connect = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture(scope="session")
def app(django_db_setup: None) -> Iterator[Any]:
    site = Handler()
    yield AgentsDoor(site, site)
    # Before the database is removed: whoever went away may have left a thread connected to it.
    for thread in site._idle:
        thread.submit(connections.close_all).result()
        thread.shutdown()


@pytest.fixture
def http(app: Any) -> Callable[..., httpx2.AsyncClient]:
    """A plain HTTP client of the door, from this machine or from elsewhere."""

    def http(address: str = "127.0.0.1", **headers: str) -> httpx2.AsyncClient:
        transport = httpx2.ASGITransport(app, client=(address, 1234))
        return httpx2.AsyncClient(transport=transport, base_url=URL, headers=headers)

    return http


@pytest.fixture
def connect(http: Callable[..., httpx2.AsyncClient]) -> Connect:
    """The SDK's client; `key` is whose it is, the person at this machine without one."""

    @asynccontextmanager
    async def connect(key: str = "", url: str = URL, **options: Any) -> AsyncIterator[Client]:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        async with (
            http(**headers) as client,
            Client(streamable_http_client(url, http_client=client), **options) as connected,
        ):
            yield connected

    return connect


@pytest.fixture(autouse=True)
def _no_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is accepted here is run by hand."""
    monkeypatch.setattr("jobs.lifecycle.submission.hand_to_backend", lambda job: None)


@pytest.fixture
def alices_key(key_of: Callable[..., str], alice: Any) -> str:
    return key_of(alice)


@pytest.fixture
def alices(connect: Connect, alices_key: str) -> Connect:
    """The client of an agent of alice's."""
    return partial(connect, alices_key)


@pytest.fixture
def reader(connect: Connect, key_of: Callable[..., str], alice: Any) -> Connect:
    """The client of an agent of alice's that may look and no more."""
    return partial(connect, key_of(alice, Scope.READ))


@pytest.fixture
def bobs(connect: Connect, key_of: Callable[..., str], bob: Any) -> Connect:
    return partial(connect, key_of(bob))


@pytest.fixture
def watched_key(alice: Any) -> str:
    """Of an agent whose every job waits for alice's yes."""
    scopes = (Scope.READ, Scope.SUBMIT)
    return keys.issue(owner=alice, name="watched", scopes=scopes, approval=Approval.ALWAYS)[1]


@database_sync_to_async
def run_to_its_end(job_id: str, error: dict[str, Any] | None = None) -> None:
    """As a worker would: it succeeds, or fails with this error."""
    job = Job.objects.get(pk=job_id)
    lifecycle.start(job, 1, worker="host:1", host="host", pid=1)
    if error:
        lifecycle.fail(job, 1, FailureKind.SCIENCE, error)
    else:
        lifecycle.succeed(job, 1, {"total": 14}, summary={"total": 14})


@pytest.fixture
def key_of() -> Callable[..., str]:
    """The text of a new key of somebody's."""

    def key_of(user: Any, *scopes: Scope) -> str:
        wanted = scopes or (Scope.READ, Scope.SUBMIT, Scope.CANCEL)
        return keys.issue(owner=user, name="agent", scopes=wanted)[1]

    return key_of


@pytest.fixture
def job_with_much(submit: Callable[..., Job], start: Callable[[Job], Job]) -> str:
    """A job of alice's that has succeeded with far more than anybody wants to read."""
    job = start(submit())
    lifecycle.succeed(job, 1, {"energy": -76.4, "series": [*range(10_000)]}, summary={})
    return str(job.pk)
