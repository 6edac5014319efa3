"""The pages around the jobs in a real browser: the palette, a log that grows, marks compared."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.slow]


def test_from_the_palette_to_a_job_and_by_marks_to_a_comparison(page: Page, stack: Stack) -> None:
    tag = uuid4().hex[:8]
    for n in (5, 6):
        body = {"simulation": "demo.sum_squares", "params": {"n": n}, "name": f"{tag} n={n}"}
        body["reuse"] = False  # an equal job of another test has another name
        stack.wait(stack.client.post("/api/v1/jobs", json=body).json()["id"])
    page.goto(f"{stack.url}/queue/")

    page.keyboard.press("Control+K")
    palette = page.get_by_role("dialog", name="Search or run")
    expect(palette).to_be_visible()
    page.keyboard.type("what nobody looks for")
    # Once is enough, whatever stands in the field.
    page.keyboard.press("Escape")
    expect(palette).to_be_hidden()
    page.keyboard.press("Control+K")
    page.keyboard.type(f"{tag} n=5")
    expect(palette.get_by_role("link", name=f"{tag} n=5")).to_be_visible()
    expect(palette.get_by_role("link", name=f"{tag} n=6")).to_have_count(0)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=f"{tag} n=5")).to_be_visible()

    page.goto(f"{stack.url}/jobs/?text={tag}")
    through_the_list_by_keys(page, tag)

    page.goto(f"{stack.url}/jobs/?text={tag}")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("c")
    expect(page.get_by_role("heading", name="Compare", exact=True)).to_be_visible()
    expect(page.get_by_role("columnheader", name=re.compile(tag))).to_have_count(2)
    expect(page.locator(".delta").first).to_be_visible()


def through_the_list_by_keys(page: Page, tag: str) -> None:
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=f"{tag} n=6")).to_be_visible()
    page.wait_for_load_state()
    page.keyboard.press("]")
    expect(page.get_by_role("heading", name=f"{tag} n=5")).to_be_visible()
    page.wait_for_load_state()
    page.keyboard.press("]")
    expect(page.locator("#said")).to_contain_text("No job after this one")
    page.keyboard.press("y")
    expect(page.locator("#said")).to_contain_text(re.compile("The link is copied|the link is http"))
    page.keyboard.press("f")
    expect(page.locator("#said")).to_contain_text("no log yet")
    page.keyboard.press("[")
    expect(page.get_by_role("heading", name=f"{tag} n=6")).to_be_visible()


def test_what_was_typed_and_not_sent_is_there_again(page: Page, stack: Stack) -> None:
    page.goto(f"{stack.url}/jobs/new/demo.sum_squares/")
    field = page.locator("[name='n']")
    before = field.input_value()
    field.fill("4711")
    page.wait_for_function(
        "() => Object.values(localStorage).some((text) => text.includes('4711'))"
    )

    page.reload()

    expect(page.get_by_text("This is what you had typed here and not sent.")).to_be_visible()
    expect(field).to_have_value("4711")
    page.get_by_role("button", name="Begin anew").click()
    expect(field).to_have_value(before)


def test_a_log_grows_while_it_is_read_and_the_page_stays(page: Page, stack: Stack) -> None:
    job_id = stack.submit("xtb_optimization", structure="CCO")
    page.goto(f"{stack.url}/jobs/{job_id}/log/")
    navigations: list[str] = []
    page.on("framenavigated", lambda frame: navigations.append(frame.url))

    expect(page.get_by_text("This is all of it.")).to_be_visible(timeout=180_000)

    told = stack.client.get(f"/api/v1/jobs/{job_id}/log?limit=1000000").text
    assert page.locator(".line").count() == told.count("\n")
    assert navigations == []

    page.goto(f"{stack.url}/jobs/{job_id}/")
    page.keyboard.press("f")
    expect(page.locator("#log")).to_be_in_viewport()


def test_the_theme_that_is_chosen_is_there_before_any_script(page: Page, stack: Stack) -> None:
    page.goto(f"{stack.url}/me/")
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    page.get_by_label("Dark").check()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")

    assert page.evaluate(paper) != light
    assert page.context.browser
    plain = page.context.browser.new_context(java_script_enabled=False).new_page()
    plain.goto(f"{stack.url}/jobs/")
    expect(plain.locator("html")).to_have_attribute("data-theme", "dark")
    plain.context.close()
    page.get_by_label("As my system is").check()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("html")).not_to_have_attribute("data-theme", "dark")


def test_the_menu_closes_once_something_else_is_gone_to(page: Page, stack: Stack) -> None:
    page.goto(f"{stack.url}/queue/")
    menu = page.locator("details.menu")

    menu.locator("summary").click()
    page.get_by_role("link", name="Profile").focus()
    expect(menu).to_have_attribute("open", "")
    page.keyboard.press("Escape")
    expect(menu.locator("summary")).to_be_focused()
    expect(menu).not_to_have_attribute("open", "")
    menu.locator("summary").click()
    page.get_by_role("heading", name="Queue").click()
    expect(menu).not_to_have_attribute("open", "")
    menu.locator("summary").click()
    page.get_by_role("link", name="Look again").focus()
    expect(menu).not_to_have_attribute("open", "")
