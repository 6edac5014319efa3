"""A page as alice gets it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .test_pages import INLINE


@pytest.fixture
def page(client: Any, alice: Any) -> Callable[..., str]:
    """Its HTML, in which nothing is inline."""
    client.force_login(alice)

    def page(address: str, **query: Any) -> str:
        answer = client.get(address, query)
        assert answer.status_code == 200
        html: str = answer.content.decode()
        assert not INLINE.search(html)
        return html

    return page
