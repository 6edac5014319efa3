"""What a page says where something is not as it should be."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import psycopg
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError, connection
from django.db.backends.utils import CursorWrapper
from django.test import Client, RequestFactory

from jobs.api import problems
from jobs.profile_models import Profile, Theme


def refuse(*args: Any) -> NoReturn:
    raise OperationalError("server closed the connection unexpectedly")


@pytest.fixture
def as_alice(client: Client, alice: Any) -> Client:
    client.force_login(alice)
    client.raise_request_exception = False
    return client


@pytest.fixture
def _no_database(as_alice: Client, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patched:
        patched.setattr(CursorWrapper, "execute", refuse)
        yield


def test_a_page_that_says_why_not_has_the_colours_that_its_reader_chose(
    as_alice: Client, alice: Any
) -> None:
    before = as_alice.get("/nowhere/").content.decode()
    Profile.objects.create(user=alice, theme=Theme.DARK)

    after = as_alice.get("/nowhere/").content.decode()

    assert '<html lang="en">' in before
    assert '<html lang="en" data-theme="dark">' in after


@pytest.mark.usefixtures("_no_database")
def test_a_page_says_that_it_is_the_database_that_does_not_answer(as_alice: Client) -> None:
    answer = as_alice.get("/jobs/")

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "The database does not answer" in answer.content.decode()


@pytest.mark.usefixtures("_no_database")
def test_a_program_is_told_so_too_where_nobody_knows_yet_who_it_is(as_alice: Client) -> None:
    answer = as_alice.post("/api/v1/jobs", {}, "application/json")

    assert (answer.status_code, answer.json()["code"]) == (503, "database_busy")
    assert answer.json()["retryable"]


@pytest.fixture
def _full_database(alice: Any) -> Iterator[None]:
    """As SQLite finds it on a full disk: there is no room for one more page."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA page_count")
        cursor.execute(f"PRAGMA max_page_count = {cursor.fetchone()[0]}")
        yield
        # Past Django: where SQLite itself has rolled back, it takes the transaction for broken.
        connection.connection.execute(f"PRAGMA max_page_count = {2**30}")


@pytest.mark.skipif(connection.vendor != "sqlite", reason="a PostgreSQL has its own disk")
@pytest.mark.usefixtures("_full_database")
def test_whose_job_finds_no_room_is_not_told_that_the_database_is_busy(as_alice: Client) -> None:
    body = {"simulation": "demo.sum_squares", "params": {"n": 3}, "purpose": "p" * 500}
    answers = (
        as_alice.post("/api/v1/jobs", body | {"reuse": False}, "application/json")
        for _ in range(100)
    )

    refused = next(answer for answer in answers if answer.status_code != 202)

    assert (refused.status_code, refused.json()["code"]) == (503, "disk_full")
    assert "make room" in refused.json()["detail"]


@pytest.mark.django_db
def test_a_page_says_that_the_disk_is_full(rf: RequestFactory) -> None:
    full = OperationalError("could not extend file")
    full.__cause__ = psycopg.errors.DiskFull("could not extend file")
    try:
        raise full
    except OperationalError:
        answer = problems.server_error(rf.post("/jobs/new/"))

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
    assert "The disk of this site is full" in answer.content.decode()


def test_an_upload_that_finds_no_room_is_no_defect_and_leaves_nothing(
    as_alice: Client, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.FILES_ROOT = tmp_path

    def no_room(descriptor: int) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", no_room)
    answer = as_alice.post("/api/v1/files", {"file": SimpleUploadedFile("w.xyz", b"1\n\nH 0 0 0")})

    assert (answer.status_code, answer.json()["code"]) == (503, "disk_full")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_defect_is_told_with_the_id_that_it_has_in_the_log(rf: RequestFactory) -> None:
    request = rf.get("/jobs/")
    request.request_id = "follow-me"  # type: ignore[attr-defined]

    answer = problems.server_error(request)

    assert answer.status_code == 500
    assert "<code>follow-me</code>" in answer.content.decode()
