"""The form as a request to copy: it follows what is typed, and the button takes it along."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.slow]


def test_what_is_copied_follows_the_form(page: Page, stack: Stack) -> None:
    page.goto(f"{stack.url}/jobs/new/xtb_optimization/")
    page.get_by_text("Copy as curl, Python, MCP").click()
    call = page.locator("#form-json")
    expect(call).to_have_text('{"name": "submit_xtb_optimization", "arguments": {"structure": ""}}')

    page.get_by_label("Structure", exact=True).fill("CCO")
    page.get_by_label("Solvent", exact=True).select_option("water")

    expect(call).to_contain_text('"structure": "CCO"')
    expect(call).to_contain_text('"solvent": "water"')


def test_the_button_copies_the_text_beside_it(page: Page, stack: Stack) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{stack.url}/docs/quickstart/")
    first = page.locator(".snippet").first

    first.get_by_role("button", name="Copy").click()

    expect(first.get_by_role("button")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == first.locator("pre").inner_text()


def test_without_a_script_the_texts_are_there_to_be_marked(page: Page, stack: Stack) -> None:
    assert page.context.browser
    plain = page.context.browser.new_context(java_script_enabled=False).new_page()
    plain.goto(f"{stack.url}/jobs/new/demo.sum_squares/")
    plain.get_by_text("Copy as curl, Python, MCP").click()

    expect(plain.locator("#form-sh")).to_contain_text(f"curl {stack.url}/api/v1/jobs")
    expect(plain.get_by_role("button", name="Copy")).to_have_count(0)
