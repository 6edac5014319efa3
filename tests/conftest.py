"""The cast (alice owns, bob is a stranger), one factory, and a Redis of the test run's own."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import django_rq
import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection
from redis.exceptions import RedisError
from whitenoise.middleware import WhiteNoiseMiddleware

from backplane_site import services
from jobs import census, fleet, lifecycle, maintenance
from jobs.models import Job
from tests.postgres import Postgres
from tests.stack import Stack, until

# Read by the engines' libraries when they are loaded. Molecules of a test are small: two threads
# that wait for each other take ten times as long as one, where something else runs beside them.
os.environ.setdefault("OMP_NUM_THREADS", "1")


OTHERS_END = """\
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files with engines first: where one of minutes comes last, all others wait for it."""
    long = {item.path for item in items if item.get_closest_marker("engine")}
    items.sort(key=lambda item: item.path not in long)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A real PostgreSQL, for who needs a database of its own on it."""
    of_the_suite = settings.DATABASES["default"].get("HOST")
    with Postgres(Path(of_the_suite) if of_the_suite else None) as server:
        yield server


@pytest.fixture(scope="session")
def django_db_modify_db_settings(request: pytest.FixtureRequest) -> None:
    """BACKPLANE_TEST_DATABASE=postgres runs the suite's own database there."""
    if settings.DATABASES["default"].get("HOST"):
        request.getfixturevalue("postgres")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """PostgreSQL removes no database that somebody is connected to, were it a thread at rest."""
    yield
    if connection.vendor == "postgresql":
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute(OTHERS_END)


@pytest.fixture(scope="session", autouse=True)
def _static_files_are_listed_once() -> Iterator[None]:
    """Not by each client of each test, which is a server of its own: it took a quarter of all."""
    known: dict[Any, dict[str, Any]] = {}
    list_files = WhiteNoiseMiddleware.add_files_from_finders

    def once(server: Any) -> None:
        places = server.static_prefix, *settings.STATICFILES_DIRS
        if places not in known:
            list_files(server)
            known[places] = dict(server.files)
        server.files.update(known[places])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", once)
        yield


@pytest.fixture(autouse=True)
def _nothing_is_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test told everybody is no news in the next one."""
    monkeypatch.setattr(maintenance, "KEPT_S", 3600.0)
    maintenance.keep(maintenance.Told())


@pytest.fixture(autouse=True)
def _the_line_is_looked_at() -> None:
    """That of one test is not that of the next one."""
    census.forget()


@pytest.fixture(autouse=True)
def _workers_are_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that were there in one test are not in the next one."""
    monkeypatch.setattr(fleet, "KEPT_S", -1.0)


@pytest.fixture
def alice(db: None) -> Any:
    return get_user_model().objects.create_user("alice")


@pytest.fixture
def bob(db: None) -> Any:
    return get_user_model().objects.create_user("bob")


@pytest.fixture
def submit(alice: Any) -> Callable[..., Job]:
    """Submit a job; under the `db` fixture nothing commits, so nothing is dispatched."""

    def submit(**overrides: Any) -> Job:
        wanted = {"owner": alice, "simulation": "demo.sum_squares", "params": {"n": 3}}
        return lifecycle.submit(**wanted | overrides)

    return submit


@pytest.fixture
def start() -> Callable[[Job], Job]:
    def start(job: Job) -> Job:
        lifecycle.start(job, job.attempt, worker="host:1", host="host", pid=1)
        return job

    return start


@pytest.fixture(scope="session")
def _redis_process() -> Iterator[None]:
    process = subprocess.Popen(services.redis_service().argv)
    until(_redis_answers, "Redis")
    yield
    process.send_signal(signal.SIGTERM)
    process.wait(10)


@pytest.fixture
def redis(_redis_process: None) -> Iterator[Any]:
    """A real Redis, empty; a worker that was there is not in the next test either, which may look
    for one without asking for Redis."""
    connection = django_rq.get_connection("default")
    connection.flushall()
    yield connection
    connection.flushall()


def _redis_answers() -> bool:
    try:
        return bool(django_rq.get_connection("default").ping())
    except (RedisError, OSError):
        return False


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole backplane as its user runs it, shared by the tests that do it no harm."""
    with Stack() as running:
        yield running


@pytest.fixture
def private_stack() -> Iterator[Stack]:
    """One to break."""
    with Stack() as running:
        yield running
