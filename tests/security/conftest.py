"""The cast, a job of alice's with everything that a job can have, and a site among strangers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import django_rq
import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from redis.exceptions import RedisError

from jobs import limits
from jobs.models import Artifact, Job

WATER = "XLYOFNOQVPJJNP-UHFFFAOYSA-N"
ROLES = ("anonymous", "stranger", "owner", "admin")


@pytest.fixture(autouse=True)
def _count_anew() -> Iterator[None]:
    _forget()
    yield
    _forget()


def _forget() -> None:
    """In this process, and in Redis where an earlier test has started one."""
    limits.forget()
    with suppress(RedisError, OSError):
        django_rq.get_connection("default").flushall()


@pytest.fixture
def server_mode(settings: Any) -> None:
    """Everybody has to sign in."""
    settings.LOCAL_MODE = False
    settings.ALLOWED_HOSTS = ["testserver", "lab.example"]


@pytest.fixture
def people(alice: Any, bob: Any) -> dict[str, Any]:
    admin = get_user_model().objects.create_superuser("root")
    return {"anonymous": None, "stranger": bob, "owner": alice, "admin": admin}


@pytest.fixture
def browser_of(people: dict[str, Any]) -> Callable[[str], Client]:
    def browser_of(role: str, **kwargs: Any) -> Client:
        # A 500 is an answer here, not an exception.
        client = Client(raise_request_exception=False, **kwargs)
        if people[role] is not None:
            client.force_login(people[role])
        return client

    return browser_of


@pytest.fixture
def hidden(submit: Callable[..., Job], settings: Any, tmp_path: Any) -> Artifact:
    """A file of a job of alice's that waits; its job is `hidden.job`."""
    settings.JOBS_ROOT = tmp_path
    job = submit(name="hidden treasure")
    Job.objects.filter(pk=job.pk).update(inchikey=WATER, structure={"formula": "H2O"})
    folder = job.workdir(1)
    folder.mkdir(parents=True)
    content = b"<script>alert(1)</script>"
    (folder / "out.html").write_bytes(content)
    return Artifact.objects.create(
        job=job,
        attempt=1,
        name="out.html",
        title="Output",
        media_type="text/html",
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )
