"""Figure 1 in a real browser, on what real engines left: drawn, gone through, told in words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, Route, expect

from tests.simulations import test_docking
from tests.stack import Stack, until

from .conftest import CHROMIUM

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.slow]

PICTURE = "() => document.querySelector('bp-mol').scene.picture()"
INK = """async () => {
    const image = new Image();
    image.src = document.querySelector('bp-mol').scene.picture();
    await image.decode();
    const canvas = new OffscreenCanvas(image.width, image.height);
    const context = canvas.getContext('2d');
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, image.width, image.height);
    return data.filter((value, i) => i % 4 === 3 && value > 0).length / (data.length / 4);
}"""
LISTEN = """window.refused = [];
document.addEventListener('securitypolicyviolation', event => {
    window.refused.push(`${event.violatedDirective} ${event.blockedURI}`);
});"""
SURFACE = "() => document.querySelector('bp-mol').scene.surface(true)"


@pytest.fixture(scope="module")
def aspirin(stack: Stack) -> str:
    """Optimised, with steps in between."""
    return done(stack, "xtb_optimization", structure="CC(=O)Oc1ccccc1C(=O)O", max_steps=281)


@pytest.fixture(scope="module")
def moved(stack: Stack) -> str:
    return done(stack, "md_simulation", structure="CCO", length_ps=0.53, equilibration_ps=0.21)


@pytest.fixture(scope="module")
def docked(stack: Stack) -> str:
    return done(stack, "docking", **test_docking.EXAMPLE, exhaustiveness=2, seed=8713)


def done(stack: Stack, simulation: str, **params: object) -> str:
    job_id = stack.submit(simulation, **params)
    assert stack.wait(job_id, within_s=300)["state"] == "succeeded"
    return job_id


def look(page: Page, stack: Stack, job_id: str) -> None:
    """Bring the figure into view, drawn."""
    page.add_init_script(LISTEN)
    page.goto(f"{stack.url}/jobs/{job_id}/")
    page.locator("figure.structure").scroll_into_view_if_needed()
    expect(page.locator("bp-mol")).to_have_attribute("data-drawn", "")


def picture(page: Page) -> str:
    return str(page.evaluate(PICTURE))


def assert_nothing_was_refused(page: Page) -> None:
    assert page.evaluate("() => window.refused") == []


def test_an_optimisation_is_gone_through_step_by_step(
    page: Page, stack: Stack, aspirin: str
) -> None:
    look(page, stack, aspirin)
    stage = page.get_by_role("img", name="C9H8O4, 21 atoms: Final")
    expect(stage).to_be_visible()
    assert 0.02 < page.evaluate(INK) < 0.6
    final = picture(page)
    assert picture(page) == final

    slider = page.get_by_role("slider", name="Step")
    slider.focus()
    slider.press("Home")

    expect(page.locator("[data-frame]")).to_contain_text("Step 1 of ")
    expect(page.locator("[data-frame]")).to_contain_text("hartree")
    first = picture(page)
    assert first != final
    slider.press("ArrowRight")
    expect(page.locator("[data-frame]")).to_contain_text("Step 2 of ")
    assert picture(page) != first
    page.get_by_role("button", name="Play").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    count = int(slider.get_attribute("max") or 0) + 1
    expect(page.locator("[data-frame]")).to_contain_text(f"Step {count} of {count}")
    page.get_by_role("button", name="Overlay").click()
    expect(page.locator("[data-frame]")).to_contain_text("RMSD 0.")
    assert_nothing_was_refused(page)


@pytest.mark.parametrize("switch", ["Labels", "Spheres", "Dipole"])
def test_a_switch_changes_the_picture_and_back(
    page: Page, stack: Stack, aspirin: str, switch: str
) -> None:
    look(page, stack, aspirin)
    before = picture(page)
    button = page.get_by_role("button", name=switch, exact=True)

    button.click()

    expect(button).to_have_attribute("aria-pressed", "true")
    assert picture(page) != before
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    assert picture(page) == before


def test_a_surface_is_computed_in_workers_that_the_policy_allows(
    page: Page, stack: Stack, aspirin: str
) -> None:
    look(page, stack, aspirin)
    before = page.evaluate(INK)
    workers: list[str] = []
    page.on("worker", lambda worker: workers.append(worker.url))

    page.evaluate(SURFACE)

    assert page.evaluate(INK) > before
    assert workers
    assert all(url.startswith("blob:") for url in workers)
    assert_nothing_was_refused(page)


def test_keys_and_buttons_turn_and_zoom_without_a_drag(
    page: Page, stack: Stack, aspirin: str
) -> None:
    look(page, stack, aspirin)
    home = picture(page)
    stage = page.get_by_role("img", name="C9H8O4")
    stage.focus()

    for key in ("ArrowLeft", "ArrowUp", "+"):
        before = picture(page)
        stage.press(key)
        assert picture(page) != before, key

    stage.press("0")
    assert picture(page) == home
    for name in ("Turn right", "Turn down", "Zoom out"):
        before = picture(page)
        page.get_by_role("button", name=name).click()
        assert picture(page) != before, name
    page.get_by_role("button", name="Reset the view").click()
    assert picture(page) == home


def test_it_is_described_in_words_and_numbers_of_the_step_that_is_shown(
    page: Page, stack: Stack, aspirin: str
) -> None:
    look(page, stack, aspirin)
    page.get_by_text("Describe", exact=True).click()
    rows = page.locator("[data-atoms] tr")
    expect(rows).to_have_count(21)
    final = rows.all_inner_texts()
    expect(page.locator("[data-bonds] tr")).to_have_count(21)

    page.get_by_role("button", name="Start", exact=True).click()

    assert rows.all_inner_texts() != final
    expect(page.locator("[data-sentence-shown]")).to_have_text("C9H8O4, 21 atoms: Start.")


def test_what_is_shown_is_saved_under_a_name_that_says_so(
    page: Page, stack: Stack, aspirin: str
) -> None:
    look(page, stack, aspirin)
    stem = f"xtb-geometry-optimisation-{aspirin[:8]}"

    with page.expect_download() as image:
        page.locator("bp-mol").get_by_role("button", name="PNG").click()
    slider = page.get_by_role("slider", name="Step")
    slider.focus()
    slider.press("Home")
    with page.expect_download() as text:
        page.get_by_role("button", name="XYZ").click()
    with page.expect_download() as numbers:
        page.locator("bp-mol").get_by_role("button", name="CSV").click()

    assert image.value.suggested_filename == f"{stem}-final.xyz.png"
    assert Path(image.value.path()).read_bytes().startswith(b"\x89PNG")
    assert text.value.suggested_filename == f"{stem}-step-1.xyz"
    assert Path(text.value.path()).read_text().startswith("21\nstep 1 energy_hartree")
    rows = Path(numbers.value.path()).read_text().splitlines()
    assert rows[0] == "atom,element,x_angstrom,y_angstrom,z_angstrom"
    assert len(rows) == 22
    assert_nothing_was_refused(page)


def test_a_trajectory_plays_and_knows_its_times(page: Page, stack: Stack, moved: str) -> None:
    look(page, stack, moved)
    expect(page.locator("[data-frame]")).to_contain_text(" ps")
    first = picture(page)

    slider = page.get_by_role("slider", name="Frame")
    slider.focus()
    slider.press("End")

    expect(page.locator("[data-frame]")).to_contain_text("0.740 ps")
    assert picture(page) != first
    page.get_by_role("button", name="End", exact=True).click()
    expect(page.get_by_role("img", name="9 atoms: End")).to_be_visible()
    assert_nothing_was_refused(page)


def test_a_row_of_the_table_brings_its_pose_and_its_contacts(
    page: Page, stack: Stack, docked: str
) -> None:
    look(page, stack, docked)
    contacts = stack.job(docked)["result"]["contacts"]
    first = picture(page)

    page.locator("[data-pose='1']").click()

    expect(page.locator("[data-frame]")).to_contain_text("Pose 2 of ")
    assert picture(page) != first
    rows = page.locator("[data-contacts] tr:visible")
    expect(rows).to_have_count(sum(each["rank"] == 2 for each in contacts))
    page.locator("[data-pose='1']").press("ArrowUp")
    expect(page.locator("[data-pose='0']")).to_be_focused()
    assert picture(page) == first
    for switch in ("Contacts", "Labels", "Box"):
        before = picture(page)
        page.get_by_role("button", name=switch, exact=True).click()
        assert picture(page) != before, switch
    page.evaluate(SURFACE)
    assert_nothing_was_refused(page)


def test_on_a_narrow_screen_nothing_sticks_out(page: Page, stack: Stack, docked: str) -> None:
    page.set_viewport_size({"width": 320, "height": 700})
    look(page, stack, docked)

    assert page.evaluate("() => document.documentElement.scrollWidth") == 320


def test_in_the_dark_the_same_is_drawn_in_other_colours(
    page: Page, stack: Stack, docked: str
) -> None:
    look(page, stack, docked)
    light = picture(page)

    page.emulate_media(color_scheme="dark")

    until(lambda: picture(page) != light, "the picture is drawn anew")


def test_nothing_of_it_is_loaded_before_it_is_near(page: Page, stack: Stack, moved: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_viewport_size({"width": 1000, "height": 60})

    page.goto(f"{stack.url}/jobs/{moved}/")
    expect(page.locator("[data-wait]")).to_contain_text("when it comes into view")

    assert not [url for url in asked if "3Dmol" in url]
    page.locator("figure.structure").scroll_into_view_if_needed()
    expect(page.locator("bp-mol")).to_have_attribute("data-drawn", "")
    assert [url for url in asked if "3Dmol" in url]


def test_without_the_library_the_numbers_are_there(page: Page, stack: Stack, aspirin: str) -> None:
    def nothing_here(route: Route) -> None:
        route.fulfill(status=404)

    page.route("**/static/vendor/**", nothing_here)
    page.goto(f"{stack.url}/jobs/{aspirin}/")
    page.locator("figure.structure").scroll_into_view_if_needed()

    expect(page.locator(".mol-wait")).to_contain_text("3Dmol is not on this site")
    expect(page.locator("[data-atoms] tr")).to_have_count(21)
    expect(page.locator("[data-atoms] tr").first).to_be_visible()


@pytest.fixture
def flat(playwright: Playwright) -> Iterator[Browser]:
    """A browser without WebGL."""
    running = playwright.chromium.launch(
        executable_path=CHROMIUM, args=["--no-sandbox", "--disable-3d-apis"]
    )
    yield running
    running.close()


def test_without_webgl_the_numbers_are_there(flat: Browser, stack: Stack, aspirin: str) -> None:
    page = flat.new_page()
    page.goto(f"{stack.url}/jobs/{aspirin}/")
    page.locator("figure.structure").scroll_into_view_if_needed()

    expect(page.locator(".mol-wait")).to_contain_text("no WebGL")
    expect(page.locator("[data-atoms] tr").first).to_be_visible()


def test_without_script_the_numbers_are_there(browser: Browser, stack: Stack, docked: str) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.goto(f"{stack.url}/jobs/{docked}/")

    expect(page.locator("[data-poses] tbody tr").first).to_contain_text("−")
    expect(page.locator("[data-contacts] tr").first).to_be_visible()
    expect(page.get_by_text("3D loads when")).to_be_hidden()
