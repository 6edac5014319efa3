"""Whose session has ended when they press a button: they sign in, and are where they were."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from backplane_site.signed_out import NOTHING_DONE

pytestmark = pytest.mark.django_db

ID = "0f6a3d8e-0000-4000-8000-000000000000"
BUTTON = f"/jobs/{ID}/again/"


@pytest.fixture(autouse=True)
def _dora(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    get_user_model().objects.create_user("dora", password="x")


@pytest.fixture
def far(client: Client) -> Client:
    """Somebody who is not at this machine, and so nobody until they sign in."""
    client.defaults["REMOTE_ADDR"] = "203.0.113.9"
    return client


@pytest.mark.parametrize(
    ("page", "back"),
    [
        (f"http://testserver/jobs/{ID}/?x=1#log", f"/jobs/{ID}/?x=1"),
        ("http://evil.example/jobs/", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
def test_they_come_back_to_the_page_with_the_button(far: Client, page: str, back: str) -> None:
    refused = far.post(BUTTON, headers={"Referer": page} if page else {})
    asked = far.get(refused["Location"])

    signed_in = far.post(refused["Location"], {"username": "dora", "password": "x"})

    assert NOTHING_DONE in asked.content.decode()
    assert (signed_in.status_code, signed_in["Location"]) == (302, back)


def test_who_opens_a_page_comes_back_to_that(far: Client) -> None:
    asked = far.get("/jobs/?state=failed")
    signed_in = far.post(asked["Location"], {"username": "dora", "password": "x"})

    assert signed_in["Location"] == "/jobs/?state=failed"
    assert NOTHING_DONE not in far.get("/jobs/").content.decode()
