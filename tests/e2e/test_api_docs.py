"""Swagger UI in a real browser, under the site's policy: it draws, asks, and reports nothing."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.slow]


def test_an_operation_is_tried_from_its_documentation(page: Page, stack: Stack) -> None:
    complaints: list[str] = []
    elsewhere: list[str] = []
    page.on("console", lambda told: complaints.append(told.text) if told.type == "error" else None)
    page.on("request", lambda asked: elsewhere.append(asked.url))

    page.goto(f"{stack.url}/api/docs")
    page.locator("#operations-jobs-check_job .opblock-summary").click()
    operation = page.locator("#operations-jobs-check_job")
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()

    answer = operation.locator(".live-responses-table tbody .response-col_status").first
    expect(answer).to_contain_text("200")
    expect(operation.locator(".live-responses-table")).to_contain_text('"ok": true')
    assert [url for url in elsewhere if not url.startswith((stack.url, "data:"))] == []
    assert complaints == []
