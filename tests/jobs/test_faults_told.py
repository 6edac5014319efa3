"""What a page says where something is not as it should be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

import pytest
from django.db import OperationalError
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


def test_a_defect_is_told_with_the_id_that_it_has_in_the_log(rf: RequestFactory) -> None:
    request = rf.get("/jobs/")
    request.request_id = "follow-me"  # type: ignore[attr-defined]

    answer = problems.server_error(request)

    assert answer.status_code == 500
    assert "<code>follow-me</code>" in answer.content.decode()
