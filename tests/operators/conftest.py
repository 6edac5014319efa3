from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

BULK = "/admin/jobs/job/bulk"


@pytest.fixture
def preview(admin_client: Client) -> Callable[..., Any]:
    """What the operator is shown before anything is done."""

    def preview(verb: str, **search: Any) -> Any:
        return admin_client.get(f"{BULK}/{verb}/", search).context

    return preview


@pytest.fixture
def bulk(admin_client: Client, preview: Callable[..., Any]) -> Callable[..., str]:
    """Do it to all that the search finds; the words of the page after it."""

    def bulk(verb: str, *, reason: str = "Wrong basis set.", **search: Any) -> str:
        as_of = preview(verb, **search)["form"]["as_of"].value()
        answer = admin_client.post(
            f"{BULK}/{verb}/?{urlencode(search)}",
            {"reason": reason, "as_of": as_of},
            follow=True,
        )
        return answer.content.decode()

    return bulk
