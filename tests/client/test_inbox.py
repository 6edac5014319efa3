"""The inbox as a client reads it: what is chosen is chosen by the site, and what is told it has."""

from __future__ import annotations

from typing import Any

import httpx

from .scripted import Site
from .test_client import client_of


def page(*kinds: str, cursor: str, has_more: bool = False) -> httpx.Response:
    events = [{"kind": kind, "seq": n} for n, kind in enumerate(kinds, 1)]
    return httpx.Response(200, json={"events": events, "cursor": cursor, "has_more": has_more})


def asked(site: Site) -> list[tuple[str, str, dict[str, Any]]]:
    return [(each.method, each.url.path, dict(each.url.params)) for each in site.asked]


def test_some_kinds_are_chosen_by_the_site_and_acknowledge_none_of_the_others() -> None:
    site = Site(page("failed", cursor="a", has_more=True), page("cancelled", cursor="b"))

    found = [event["kind"] for event in client_of(site).inbox(kinds=["failed", "cancelled"])]

    assert found == ["failed", "cancelled"]
    assert asked(site) == [
        ("GET", "/api/v1/events", {"kinds": "failed,cancelled"}),
        ("GET", "/api/v1/events", {"kinds": "failed,cancelled", "cursor": "a"}),
    ]


def test_all_of_it_is_acknowledged_once_all_of_a_page_was_taken() -> None:
    site = Site(page("failed", "succeeded", cursor="a"), httpx.Response(200, json={}))
    events = client_of(site).inbox()

    assert [next(events)["kind"], next(events)["kind"]] == ["failed", "succeeded"]
    assert len(site.asked) == 1
    assert list(events) == []
    assert asked(site)[1:] == [("POST", "/api/v1/events/ack", {})]
    assert b'"cursor":"a"' in site.asked[1].content.replace(b" ", b"")
