"""What every answer says to the browser, and that the deployment is as Django wants it."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from csp.middleware import CSPMiddleware
from django.http import HttpRequest, HttpResponse
from django.test import Client

from backplane_site.policy import PolicyMiddleware
from jobs.models import Artifact
from tests.stack import ROOT

pytestmark = pytest.mark.django_db

PAGES = [
    "/login/", "/jobs/", "/jobs/new/", "/jobs/new/dft_single_point/", "/jobs/{}/", "/nothing/here",
    "/admin/", "/admin/jobs/job/", "/admin/jobs/job/{}/change/", "/admin/login/", "/api/schema",
    "/api/v1/jobs", "/api/v1/nothing", "/healthz",
]  # fmt: skip
POLICY = {
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:",
    "font-src 'self'", "connect-src 'self'", "worker-src 'self' blob:", "form-action 'self'",
    "base-uri 'none'", "frame-ancestors 'none'",
}  # fmt: skip


def server(**env: str) -> dict[str, str]:
    """The environment of a site among strangers."""
    keep = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return keep | {
        "DJANGO_SETTINGS_MODULE": "backplane_site.settings",
        "BACKPLANE_MODE": "server",
        "SECRET_KEY": secrets.token_urlsafe(50),
        "ALLOWED_HOSTS": "lab.example",
        **env,
    }


@pytest.mark.parametrize("path", PAGES)
def test_every_page_has_a_strict_policy(
    path: str, hidden: Artifact, browser_of: Callable[[str], Client]
) -> None:
    answer = browser_of("admin").get(path.format(hidden.job_id))

    assert set(answer["Content-Security-Policy"].split("; ")) == POLICY
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"


def test_what_rq_s_dashboard_has_inline_is_let_through_by_its_checksum(
    browser_of: Callable[[str], Client],
) -> None:
    """Its style and its script as installed, and nothing that a page puts there."""
    answer = browser_of("admin").get("/admin/django_rq/")

    policy = {each.split(" ")[0]: each.split(" ")[1:] for each in _parts(answer)}
    for directive, n in (("script-src", 1), ("style-src", 3)):
        ours, *sums = policy.pop(directive)
        assert ours == "'self'"
        assert len(sums) == n
        assert all(each.startswith("'sha256-") for each in sums)
    assert {" ".join([name, *values]) for name, values in policy.items()} < POLICY


def _parts(answer: Any) -> list[str]:
    return str(answer["Content-Security-Policy"]).split("; ")


def test_a_broken_page_has_it_too(
    browser_of: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.pages.views.listing", lambda *args: 1 / 0)

    answer = browser_of("owner").get("/jobs/")

    assert answer.status_code == 500
    assert set(answer["Content-Security-Policy"].split("; ")) == POLICY
    assert "ZeroDivisionError" not in answer.content.decode()


@pytest.mark.parametrize("path", [each for each in PAGES if "login" not in each])
def test_no_cache_keeps_what_one_user_saw(
    path: str, hidden: Artifact, browser_of: Callable[[str], Client]
) -> None:
    answer = browser_of("admin").get(path.format(hidden.job_id))

    assert "no-store" in answer["Cache-Control"] or "private" in answer["Cache-Control"]
    assert "public" not in answer["Cache-Control"]


@pytest.mark.parametrize("door", ["/api/v1/jobs/{}/artifacts/{}", "/jobs/{}/files/{}/"])
def test_a_page_that_a_job_wrote_is_a_file_that_can_do_nothing(
    door: str, hidden: Artifact, browser_of: Callable[[str], Client]
) -> None:
    answer = browser_of("owner").get(door.format(hidden.job_id, hidden.pk))

    assert b"<script>" in answer.getvalue()
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert "private" in answer["Cache-Control"]


def test_the_deployment_check_finds_nothing(tmp_path: Path) -> None:
    checked = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "INFO"],
        cwd=ROOT, env=server(BACKPLANE_VAR=str(tmp_path)), capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip

    assert checked.returncode == 0, checked.stderr[-3000:]
    assert "no issues (0 silenced)" in checked.stdout


def test_on_a_server_everything_is_https(tmp_path: Path) -> None:
    """Read from the settings themselves: the test site is a laptop's."""
    names = [
        "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_SSL_REDIRECT",
        "SESSION_COOKIE_HTTPONLY", "SECURE_HSTS_INCLUDE_SUBDOMAINS",
        "SECURE_HSTS_SECONDS", "CSRF_TRUSTED_ORIGINS", "DEBUG",
    ]  # fmt: skip
    code = f"from django.conf import settings as s; print([getattr(s, n) for n in {names}])"
    shown = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT, env=server(BACKPLANE_VAR=str(tmp_path)), capture_output=True, text=True,
        check=True, timeout=60,
    )  # fmt: skip

    expected: list[Any] = [True, True, True, True, True, 31536000, ["https://lab.example"], False]
    assert shown.stdout.strip() == str(expected)


def test_hosts_may_be_listed_with_blanks_between_them(tmp_path: Path) -> None:
    """Else each but the first is refused, and nothing says why."""
    site = server(BACKPLANE_VAR=str(tmp_path), ALLOWED_HOSTS="lab.example, .other.example")

    shown = subprocess.run(
        [
            sys.executable, "-c", "from django.conf import settings as s;"
            "print(s.ALLOWED_HOSTS, s.CSRF_TRUSTED_ORIGINS)",
        ],
        cwd=ROOT, env=site, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip

    hosts, origins = (
        ["lab.example", ".other.example"],
        ["https://lab.example", "https://*.other.example"],
    )
    assert shown.stdout.strip() == f"{hosts} {origins}"


@pytest.mark.parametrize("own", [{}, {"_csp_update": {"style-src": ["'sha256-abc='"]}}])
def test_the_policy_is_the_one_that_its_library_writes(own: dict[str, Any], rf: Any) -> None:
    def answered(request: HttpRequest) -> HttpResponse:
        answer = HttpResponse()
        vars(answer).update(own)
        return answer

    policies = [
        kind(answered)(rf.get("/"))["Content-Security-Policy"].split("; ")
        for kind in (CSPMiddleware, PolicyMiddleware)
    ]

    assert sorted(policies[0]) == sorted(policies[1])
    assert ("'sha256-abc='" in str(policies[1])) == bool(own)
