"""On a laptop nobody signs in: whom that must not let in, and what a hostile page cannot do."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from jobs.models import Artifact, Job

pytestmark = pytest.mark.django_db

JOB = json.dumps({"simulation": "demo.sum_squares", "params": {"n": 3}})
HOME = "127.0.0.1:8000"


@pytest.fixture
def browser() -> Client:
    """The person at this machine, whose browser also shows other people's pages."""
    return Client(enforce_csrf_checks=True, headers={"host": HOME})


def post(client: Client, kind: str = "application/json", **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post("/api/v1/jobs", JOB, content_type=kind, headers=named)


def test_a_program_on_this_machine_needs_no_password(browser: Client) -> None:
    assert post(browser).status_code == 202
    assert Job.objects.get().owner.username == "local"


def test_a_page_of_ours_may_act(browser: Client) -> None:
    assert post(browser, origin=f"http://{HOME}", sec_fetch_site="same-origin").status_code == 202


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://127.0.0.1:3000"},
        {"origin": "http://localhost:8000"},
        {"origin": "null"},
        {"origin": "http://["},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"origin": f"http://{HOME}", "sec_fetch_site": "cross-site"},
    ],
)
@pytest.mark.parametrize(
    "kind", ["application/json", "text/plain", "application/x-www-form-urlencoded"]
)
def test_a_hostile_page_cannot_act_for_the_person_at_the_machine(
    headers: dict[str, str], kind: str, browser: Client
) -> None:
    assert post(browser, kind, **headers).status_code == 403
    assert not Job.objects.exists()


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_only_json_is_taken_for_json(kind: str, browser: Client) -> None:
    assert post(browser, kind).status_code == 415


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example"])
@pytest.mark.parametrize("path", ["/jobs/", "/api/v1/jobs", "/healthz"])
def test_a_name_that_was_made_to_point_here_is_refused(host: str, path: str) -> None:
    answer = Client(headers={"host": host}).get(path)

    assert answer.status_code == 400
    assert "sessionid" not in answer.cookies


@pytest.mark.parametrize(
    "header",
    [
        "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Forwarded", "Via",
        "CF-Connecting-IP", "True-Client-IP", "X-Original-Forwarded-For", "X-Client-IP",
    ],
)  # fmt: skip
def test_nobody_is_local_through_a_proxy(header: str, browser: Client) -> None:
    answer = browser.get("/api/v1/jobs", headers={header: "127.0.0.1"})

    assert answer.status_code == 401


def test_nobody_is_local_who_says_so_from_elsewhere() -> None:
    far = Client(REMOTE_ADDR="192.0.2.7", headers={"x-forwarded-for": "127.0.0.1", "host": HOME})

    assert far.get("/api/v1/jobs").status_code == 401
    assert far.get("/jobs/").status_code == 302


def test_the_person_at_the_machine_sees_none_of_the_others(hidden: Artifact) -> None:
    local = Client(headers={"host": HOME})

    assert local.get(f"/api/v1/jobs/{hidden.job_id}").status_code == 404
    assert local.get(f"/jobs/{hidden.job_id}/").status_code == 404
    assert local.get("/admin/").status_code == 302


@pytest.mark.parametrize("path", ["/jobs/new/demo.sum_squares/", "/jobs/{}/cancel/", "/logout/"])
def test_a_form_needs_its_token(
    path: str, hidden: Artifact, browser_of: Callable[..., Client]
) -> None:
    owner = browser_of("owner", enforce_csrf_checks=True)

    answer = owner.post(path.format(hidden.job_id), {"n": "3"})

    assert answer.status_code == 403
    assert Job.objects.count() == 1


def test_a_session_alone_does_not_post_to_the_api(
    hidden: Artifact, browser_of: Callable[..., Client], server_mode: None
) -> None:
    """Another site's page makes the browser send the cookie: the token is what it lacks."""
    owner = browser_of("owner", enforce_csrf_checks=True)

    answer = owner.post(f"/api/v1/jobs/{hidden.job_id}/cancel", content_type="application/json")

    assert answer.status_code == 403
    assert answer["Content-Type"] == "application/problem+json"
    hidden.job.refresh_from_db()
    assert hidden.job.cancel_requested_at is None
