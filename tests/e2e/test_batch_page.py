"""A batch's page moves with the batch's events, and asks for nothing in between."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.sabotage import stopped
from tests.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.slow]


def test_the_page_of_a_batch_is_drawn_when_there_is_news(stack: Stack, page: Page) -> None:
    numbers = list(range(9_801, 9_821))
    body = {"template": {"simulation": "demo.sum_squares"}, "grid": {"params.n": numbers}}
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    # Not over before its page is there.
    with stopped(stack, "", stack.processes("work")):
        batch = stack.client.post("/api/v1/batches", json={**body, "reuse": False}).json()
        with page.expect_request("**/events/stream?after=*"):
            page.goto(batch["links"]["page"])

    expect(page.locator("progress.settled")).to_be_visible(timeout=120_000)
    expect(page.locator(".meta").first).to_contain_text("Finished")
    streams = [url for url in asked if "/events/stream?after=" in url]
    drawn = [url for url in asked if re.search(r"/batches/[0-9a-f-]+/$", url)]
    events = stack.client.get(batch["links"]["events"]).json()["events"]
    assert len(streams) == 1
    # Once when it is opened, at most once for each event, and once for the end of the stream.
    assert 2 <= len(drawn) <= 2 + len(events)
