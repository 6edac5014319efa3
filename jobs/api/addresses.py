"""The addresses in an answer: a name is looked up once; those of two jobs differ by their ids."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from uuid import UUID

from django.urls import get_script_prefix, reverse
from rest_framework.request import Request

STANDS_FOR = tuple(str(UUID(int=0xABCDEF << 100 | n)) for n in range(2))
"""What is looked up in place of ids, and is nobody's."""


def address(name: str, ids: list[Any], request: Request | None) -> str:
    """As `rest_framework.reverse.reverse` has it."""
    root, prefix = _root(request) if request is not None else ("", get_script_prefix())
    path = _pattern(name, len(ids), prefix)
    for stands_for, each in zip(STANDS_FOR, ids, strict=False):
        path = path.replace(stands_for, str(each))
    return root + path


@lru_cache(maxsize=1000)
def _pattern(name: str, n_ids: int, prefix: str) -> str:
    """:param prefix: below what the site is mounted: another one, other paths."""
    return reverse(name, args=STANDS_FOR[:n_ids])


def _root(request: Request) -> tuple[str, str]:
    """Scheme and host, and below what the site is mounted: asked for once in a request."""
    asked: Any = request._request
    root: tuple[str, str] | None = getattr(asked, "_backplane_root", None)
    if root is None:
        host = asked.build_absolute_uri("/").removesuffix("/")
        root = asked._backplane_root = host, get_script_prefix()
    return root
