"""The addresses in an answer: a name is looked up once; those of two jobs differ by their ids."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from uuid import UUID

from django.urls import get_script_prefix, reverse
from rest_framework.request import Request

STANDS_FOR = tuple(UUID(int=0xABCDEF << 100 | n) for n in range(2))
"""What is looked up in place of ids, and is nobody's."""


def address(name: str, ids: list[Any], request: Request | None) -> str:
    """As `rest_framework.reverse.reverse` has it."""
    path = _pattern(name, len(ids), get_script_prefix())
    for stands_for, each in zip(STANDS_FOR, ids, strict=False):
        path = path.replace(str(stands_for), str(each))
    return _root(request) + path if request is not None else path


@lru_cache(maxsize=1000)
def _pattern(name: str, n_ids: int, prefix: str) -> str:
    """:param prefix: below what the site is mounted: another one, other paths."""
    return reverse(name, args=STANDS_FOR[:n_ids])


def _root(request: Request) -> str:
    """Scheme and host, asked for once in a request."""
    asked: Any = request._request
    root: str | None = getattr(asked, "_backplane_root", None)
    if root is None:
        root = asked._backplane_root = asked.build_absolute_uri("/").removesuffix("/")
    return root
