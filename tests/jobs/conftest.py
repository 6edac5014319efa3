"""A page as alice gets it, and doors at which many stand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .crowding import Doors
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


@pytest.fixture
def doors() -> Iterator[Doors]:
    found = Doors()
    yield found
    found.close()
