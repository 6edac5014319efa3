"""One site a database, which every fault leaves as well as it found it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sabotage import small_disk
from tests.stack import Stack, until

from .site import assert_true, is_well

QUICK = {
    "BACKPLANE_LEASE_S": "6",
    "BACKPLANE_UNCONFIRMED_S": "3",
    "BACKPLANE_RETRY_DELAY_S": "1",
}
"""A fault is noticed by its lease, whatever its length; the suite has no time for long ones."""


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of the shared site's database; for SQLite, nothing."""
    if request.param == "sqlite":
        yield ""
        return
    server = request.getfixturevalue("postgres")
    yield server.create("faults")
    server.drop("faults")


@pytest.fixture
def empty_database(database: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """Another one of the same kind."""
    if not database:
        yield ""
        return
    server = request.getfixturevalue("postgres")
    yield server.create("another")
    server.drop("another")


@pytest.fixture(scope="session")
def _site(database: str) -> Iterator[Stack]:
    stack = Stack(database_url=database, **QUICK)
    with small_disk(stack), stack:
        yield stack


@pytest.fixture
def site(_site: Stack) -> Iterator[Stack]:
    """Running, with both its workers; what a test submitted is true in the end, or it fails."""
    until(lambda: is_well(_site), "the site is well")
    first = len(_site.accepted)
    yield _site
    assert_true(_site, _site.accepted[first:])
