"""Figure 1 of a run that goes on, in a real browser: followed, left alone, and kept as it ends."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.stack import Stack, until

from .test_structure import INK

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.slow]

HIDE = """hidden => {
    Object.defineProperty(document, 'hidden', { get: () => hidden, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
}"""
NEWS = "async () => { document.querySelector('bp-mol').news(); await fetch('/healthz'); }"
FOLLOWED = """() => {
    const [mol, count] = ['bp-mol', '[data-count]'].map((each) => document.querySelector(each));
    const marks = document.querySelectorAll("figure[data-figure='0'] circle.shown-step");
    const isAhead = parseInt(count?.innerText) > 2 && marks.length === 1;
    return isAhead && mol.following && mol.scene?.look;
}"""
LOOK = "() => document.querySelector('bp-mol').scene.look"


def test_a_run_is_followed_until_the_reader_takes_over_and_shown_when_it_ends(
    page: Page, stack: Stack
) -> None:
    long = {"length_ps": 19_000, "equilibration_ps": 0.2, "report_interval_ps": 2}
    job_id = stack.submit("md_simulation", structure="CCO", **long)
    page.goto(f"{stack.url}/jobs/{job_id}/")
    expect(page.locator("bp-mol")).to_have_attribute("data-drawn", "", timeout=120_000)
    follow = page.get_by_role("button", name="Follow the newest frame")
    expect(follow).to_have_attribute("aria-pressed", "true")

    def place() -> list[int]:
        return place_of(page)

    until(lambda: place()[0] > 2, "a newer frame is shown")
    slider = page.get_by_role("slider", name="Frame")
    slider.focus()
    slider.press("Home")
    expect(follow).to_have_attribute("aria-pressed", "false")
    before = place()[1]
    until(lambda: place()[1] > before, "there is a newer frame")
    assert place()[0] == 1
    follow.click()
    until(lambda: place()[0] > before, "it goes on with the newest")
    look = turned(page, "Spheres")
    assert_nothing_is_asked_for_while_hidden(page)

    stack.client.post(f"/api/v1/jobs/{job_id}/cancel")

    expect(page.get_by_role("button", name="Loop")).to_be_enabled()
    expect(page.locator("bp-mol")).to_have_attribute("data-drawn", "")
    assert page.evaluate(INK) > 0.01
    assert page.evaluate(LOOK) == look
    assert place()[0] == place()[1], "what was followed is shown as it ended"


def assert_nothing_is_asked_for_while_hidden(page: Page) -> None:
    """What came meanwhile is, as soon as somebody looks."""
    page.evaluate(HIDE, True)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    page.evaluate(NEWS)

    assert [url for url in asked if "/frames/" in url] == []
    with page.expect_request("**/frames/**"):
        page.evaluate(HIDE, False)


def place_of(page: Page) -> list[int]:
    """Which frame is shown, and of how many."""
    return [int(each) for each in page.locator("[data-count]").inner_text().split(" / ")]


def turned(page: Page, switch: str) -> Any:
    """How it is looked at once it was turned, with another switch on."""
    before = page.evaluate(LOOK)
    page.get_by_role("button", name="Turn left").click()
    page.get_by_role("button", name="Zoom in").click()
    page.get_by_role("button", name=switch, exact=True).click()
    after = page.evaluate(LOOK)
    assert after["view"] != before["view"]
    assert after["options"] != before["options"]
    return after


def test_an_optimisation_is_followed_and_keeps_its_view_when_it_ends(
    page: Page, stack: Stack
) -> None:
    params = {"functional": "PBE", "basis": "sto-3g", "grid_level": 1, "preoptimize": False}
    job_id = stack.submit("dft_optimization", structure="CCCO", seed=317, **params)
    page.goto(f"{stack.url}/jobs/{job_id}/")
    expect(page.locator("bp-mol")).to_have_attribute("data-drawn", "")
    follow = page.get_by_role("button", name="Follow the newest step")
    expect(follow).to_have_attribute("aria-pressed", "true")
    look = turned(page, "Labels")

    # At one moment: the next may be the end, with a viewer of its own.
    followed = until(
        lambda: page.evaluate(FOLLOWED), "a newer step is shown, and marked in figure 2"
    )
    assert followed == look

    final = page.get_by_role("button", name="Final", exact=True)
    expect(final).to_have_attribute("aria-pressed", "true")
    assert page.evaluate(LOOK) == look
    assert page.evaluate("() => document.querySelectorAll('.mol canvas').length") == 1
