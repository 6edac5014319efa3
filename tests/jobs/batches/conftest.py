"""How a batch is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from jobs.batch_models import Batch

from .helpers import SUM, URL, Post


@pytest.fixture
def browser(alice: Any) -> Client:
    client = Client()
    client.force_login(alice)
    return client


@pytest.fixture
def post(browser: Client) -> Post:
    def post(path: str = URL, body: Any = None, **headers: str) -> Any:
        return browser.post(path, body or {}, content_type="application/json", headers=headers)

    return post


@pytest.fixture
def of_numbers(post: Post) -> Callable[..., Batch]:
    """A batch that sums squares up to each of these."""

    def of_numbers(*numbers: Any, **options: Any) -> Batch:
        body = {"template": SUM, "grid": {"params.n": list(numbers)}, "reuse": False, **options}
        answer = post(body=body)
        assert answer.status_code == 202, answer.content
        return Batch.objects.get(pk=answer.json()["id"])

    return of_numbers
