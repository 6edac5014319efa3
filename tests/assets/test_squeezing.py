"""Pages and our own scripts go over the wire compressed; what a job left goes as it lies."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from django.test import Client

ASKED = {"accept-encoding": "gzip, deflate, br"}


def body(answer: Any) -> bytes:
    return b"".join(answer) if answer.streaming else bytes(answer.content)


@pytest.mark.parametrize(
    ("path", "holds"),
    [
        ("/login/", b"<!doctype html>"),
        ("/static/js/live.js", b"export class Live"),
        ("/static/css/base.css", b"body {"),
        ("/static/img/favicon.svg", b"<svg"),
    ],
)
def test_a_text_of_ours_is_compressed_for_who_reads_that(
    client: Client, db: None, path: str, holds: bytes
) -> None:
    plain, dense = client.get(path), client.get(path, headers=ASKED)

    assert plain.get("Content-Encoding") is None
    assert dense["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in plain["Vary"]
    assert holds in body(plain)
    assert holds in gzip.decompress(body(dense))


def test_no_two_of_the_same_page_are_surely_of_one_length(client: Client, db: None) -> None:
    """Whoever watches the wire could otherwise learn from lengths what is in a page."""
    lengths = {len(body(client.get("/login/", headers=ASKED))) for _ in range(40)}

    assert len(lengths) > 1


@pytest.mark.parametrize(
    "path", ["/api/v1/jobs", "/static/vendor/source-sans-3-5.3.0/LICENSE", "/static/css/none.css"]
)
def test_anything_else_is_not(client: Client, db: None, path: str) -> None:
    answer = client.get(path, headers=ASKED)

    assert body(answer)
    assert answer.get("Content-Encoding") is None
