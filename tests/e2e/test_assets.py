"""Fonts and libraries in a real browser, under the site's own policy; and a site without them."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from backplane_site.assets import place_of
from tests.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.slow]

LOADED = """() => [...document.fonts].filter(face => face.status === "loaded")
                                      .map(face => face.family.replaceAll('"', ""))"""
SCRIPTS = {
    "3dmol/3Dmol-min.js": "typeof $3Dmol.createViewer",
    "uplot/uPlot.iife.min.js": "typeof uPlot",
    "htmx/htmx.min.js": "typeof htmx.ajax",
}
A_MOLECULE = """async ([library, resources]) => {
    const OCL = await import(library);
    await OCL.Resources.registerFromUrl(resources);
    return OCL.Molecule.fromSmiles("CC(=O)Oc1ccccc1C(=O)O").getMolecularFormula().formula;
}"""


def address(stack: Stack, name: str) -> str:
    return f"{stack.url}/static/{place_of(name)}"


def test_a_page_is_set_in_the_three_faces(page: Page, stack: Stack) -> None:
    page.goto(f"{stack.url}/jobs/new/xtb_optimization/")
    page.evaluate("() => document.fonts.ready.then(() => null)")

    assert set(page.evaluate(LOADED)) == {
        "Source Sans 3 Variable", "Source Serif 4", "Source Code Pro",
    }  # fmt: skip


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_library_loads_under_the_policy(name: str, page: Page, stack: Stack) -> None:
    page.goto(f"{stack.url}/jobs/")

    page.add_script_tag(url=address(stack, name))

    assert page.evaluate(SCRIPTS[name]) == "function"


def test_a_molecule_is_read_in_the_browser(page: Page, stack: Stack) -> None:
    page.goto(f"{stack.url}/jobs/")
    files = ["openchemlib/openchemlib.js", "openchemlib/resources.json"]

    assert page.evaluate(A_MOLECULE, [address(stack, name) for name in files]) == "C9H8O4"


def test_without_the_packages_pages_are_plain_and_work(page: Page, stack: Stack) -> None:
    def nothing_here(route: Route) -> None:
        route.fulfill(status=404)

    page.route("**/static/vendor/**", nothing_here)
    page.goto(f"{stack.url}/jobs/new/demo.sum_squares/")
    page.get_by_label("Terms", exact=True).fill("6007")
    page.get_by_role("button", name="Submit").click()

    expect(page.get_by_text("succeeded").or_(page.get_by_text("Finished")).first).to_be_visible()
    assert page.evaluate(LOADED) == []


def test_without_script_a_job_is_submitted_and_its_page_read(
    browser: Browser, stack: Stack
) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.goto(f"{stack.url}/jobs/new/demo.sum_squares/")
    page.get_by_label("Terms", exact=True).fill("6008")
    page.get_by_role("button", name="Submit").click()
    job_id = page.url.rstrip("/").rsplit("/", 1)[-1]
    stack.wait(job_id)

    page.reload()

    n = 6008
    assert stack.client.get(f"/api/v1/jobs/{job_id}").json()["result"] == {
        "total": n * (n + 1) * (2 * n + 1) // 6
    }
    expect(page.get_by_role("heading", level=1)).to_contain_text("Sum of squares")
    expect(page.locator("main")).to_contain_text(str(n * (n + 1) * (2 * n + 1) // 6))
