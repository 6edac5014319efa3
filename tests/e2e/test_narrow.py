"""What narrower screens show: texts beside one another, and a word for what is cut."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.stack import Stack, until

from .test_structure import done

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.slow]

COVERED = """svg => {
    const touch = (a, b) =>
        a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
    const texts = [...svg.querySelectorAll("text")];
    const boxes = texts.map(text => text.getBoundingClientRect()).map(
        ({ left, right, top, bottom }) => ({ left, right, top: top + 4, bottom: bottom - 4 })
    ); // without what a font leaves free above and below its letters
    const names = texts.map(text => text.textContent);
    const found = names.filter(
        (name, i) => boxes.some((box, j) => i !== j && touch(box, boxes[i]))
    );
    for (const line of svg.querySelectorAll("path.line")) {
        if (!line.getAttribute("d").includes("L")) continue; // of the legend
        const place = line.getScreenCTM();
        for (let at = 0; at < line.getTotalLength(); at++) {
            const { x, y } = line.getPointAtLength(at).matrixTransform(place);
            const on = { left: x, right: x, top: y, bottom: y };
            names.forEach((name, i) => {
                if (name.startsWith("target") && touch(on, boxes[i])) found.push(name);
            });
        }
    }
    return [...new Set(found)];
}"""
"""Texts that lie on another one, and targets that a line goes through."""


@pytest.fixture(scope="module")
def aspirin(stack: Stack) -> str:
    """Optimised in some twenty steps."""
    return done(stack, "xtb_optimization", structure="CC(=O)Oc1ccccc1C(=O)O", max_steps=283)


def test_on_a_telephone_no_text_of_the_convergence_lies_on_another(
    page: Page, stack: Stack, aspirin: str
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{stack.url}/jobs/{aspirin}/")
    figure = page.locator("figure", has=page.locator(".lamp")).first
    figure.scroll_into_view_if_needed()

    for way in ("Forces", "Displacements", "Energy"):
        figure.get_by_role("button", name=way, exact=True).click()
        drawn = figure.locator("[data-plot] svg")
        expect(drawn).to_contain_text(f"{way} (")

        assert drawn.evaluate(COVERED) == [], way


FADES = "pushed => getComputedStyle(pushed).maskImage !== 'none'"
PUSH = "pushed => { pushed.scrollLeft = pushed.scrollWidth; }"


@pytest.mark.parametrize("path", ["/compare/?ids={}", "/jobs/{}/report/"])
def test_a_figure_that_is_cut_says_so(page: Page, stack: Stack, aspirin: str, path: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(stack.url + path.format(aspirin))
    figure = page.locator("figure", has=page.locator(".chart")).first
    told = figure.get_by_text("Push the figure sideways to see the rest of it.")
    pushed = figure.locator(".scroll")

    expect(told).to_be_visible()
    until(lambda: pushed.evaluate(FADES), "its edge fades")
    pushed.evaluate(PUSH)
    until(lambda: not pushed.evaluate(FADES), "its edge is whole")

    page.set_viewport_size({"width": 1280, "height": 844})
    expect(told).to_be_hidden()
    assert not pushed.evaluate(FADES)


OVER = """() => {
    const edge = document.querySelector(".today .blocks").getBoundingClientRect().right;
    const tables = [...document.querySelectorAll(".today table")];
    return tables.map(table => table.getBoundingClientRect().right - edge);
}"""


@pytest.mark.parametrize("width", [1024, 1216, 1280, 1366])
def test_no_job_of_today_lies_under_what_stands_beside_it(
    page: Page, stack: Stack, width: int
) -> None:
    done(stack, "xtb_frequencies", structure="CCCO")  # as long a title as any
    page.set_viewport_size({"width": width, "height": 900})

    page.goto(stack.url)

    expect(page.locator(".today table").first).to_be_visible()
    assert max(page.evaluate(OVER)) <= 0
