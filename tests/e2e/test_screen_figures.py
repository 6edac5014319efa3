"""The figures of dynamics, docking and screens in a real browser, on what real engines found."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.simulations import test_docking
from tests.simulations.test_md_input import ALANINE_DIPEPTIDE
from tests.stack import Stack, until

from .test_structure import LISTEN, assert_nothing_was_refused, done, look, picture

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.slow]

LIGANDS = "c1ccccc1 benzene\nC1CC broken\nCC(=O)O acetic acid\nCCO ethanol"


@pytest.fixture(scope="module")
def moved(stack: Stack) -> str:
    return done(stack, "md_simulation", structure="CCO", length_ps=1.03, equilibration_ps=0.21)


@pytest.fixture(scope="module")
def docked(stack: Stack) -> str:
    params = {**test_docking.EXAMPLE, "exhaustiveness": 2, "seed": 8713}
    body = {"simulation": "docking", "params": params}
    # Another module may have asked for the same.
    job_id = str(stack.client.post("/api/v1/jobs", json=body).json()["id"])
    assert stack.wait(job_id, within_s=300)["state"] == "succeeded"
    return job_id


@pytest.fixture(scope="module")
def screened(stack: Stack) -> str:
    site = {"receptor_pdb": test_docking.POCKET, "box_ligand_residue": "3D1"}
    return done(
        stack, "docking_screen", **site, ligands=LIGANDS, exhaustiveness=1, padding_angstrom=3
    )


def figure(page: Page, key: str) -> Locator:
    found = page.locator(f"#figure-{key}")
    found.scroll_into_view_if_needed()  # what is out of sight is not drawn
    expect(found).to_have_attribute("data-drawn", "")
    return found


def pixels(figure: Locator) -> bytes:
    """As the page shows it, once it was drawn."""
    figure.page.evaluate("() => new Promise(done => requestAnimationFrame(() => done()))")
    return figure.locator("[data-plot], [data-board]").screenshot()


def each_is_another_picture(figure: Locator, names: list[str]) -> None:
    seen = set()
    for name in names:
        button = figure.get_by_role("button", name=name, exact=True)
        button.click()
        expect(button).to_have_attribute("aria-pressed", "true")
        seen.add(pixels(figure))
    assert len(seen) == len(names)


def test_every_choice_of_a_run_is_another_picture(page: Page, stack: Stack, moved: str) -> None:
    look(page, stack, moved)

    each_is_another_picture(figure(page, "energies"), ["Potential", "Kinetic", "Total", "All"])

    temperature = page.locator("[data-figure='0']")
    expect(temperature.locator(".band")).to_have_count(1)
    expect(temperature.get_by_text("target 300 ± 3 sd")).to_be_visible()
    expect(page.locator("[data-figure='3']").get_by_text("averages from here")).to_be_visible()
    row = figure(page, "averages").get_by_role("row", name="Temperature")
    expect(row).to_contain_text("±")
    expect(row).to_contain_text("K/ns")
    assert_nothing_was_refused(page)


def test_a_bar_lights_its_atom_in_the_structure(page: Page, stack: Stack, moved: str) -> None:
    look(page, stack, moved)
    before = picture(page)
    bars = figure(page, "rmsf")
    dark = pixels(bars)

    bars.locator("svg").focus()
    bars.locator("svg").press("ArrowRight")

    expect(bars.locator("output")).to_contain_text("C1: ")
    assert picture(page) != before
    assert pixels(bars) != dark
    bars.locator("svg").blur()
    assert picture(page) == before


def test_a_trajectory_begins_again_where_it_ends(page: Page, stack: Stack, moved: str) -> None:
    look(page, stack, moved)
    slider = page.get_by_role("slider", name="Frame")
    loop = page.get_by_role("button", name="Loop")
    loop.click()
    expect(loop).to_have_attribute("aria-pressed", "true")
    slider.focus()
    slider.press("End")
    slider.press("ArrowLeft")

    page.get_by_role("button", name="Play").click()

    expect(page.locator("[data-frame]")).to_contain_text(re.compile(r"Frame [1-9] of "))
    expect(page.get_by_role("button", name="Pause")).to_be_visible()


def test_water_is_shown_when_it_is_asked_for(page: Page, stack: Stack) -> None:
    around = {"environment": "explicit", "padding_angstrom": 10}
    job_id = done(
        stack, "md_simulation", pdb=ALANINE_DIPEPTIDE, length_ps=0.02, equilibration_ps=0, **around
    )
    look(page, stack, job_id)
    water = page.get_by_role("button", name="Water")
    frame = picture(page)

    water.click()  # the frames are kept without: that of the last structure is shown

    expect(page.get_by_role("img", name="End, with its water")).to_be_visible()
    expect(water).to_have_attribute("aria-pressed", "true")
    wet = picture(page)
    water.click()
    expect(water).to_have_attribute("aria-pressed", "false")
    assert picture(page) != wet
    page.get_by_role("button", name="Trajectory", exact=True).click()
    assert picture(page) == frame


def test_a_contact_lights_its_residue(page: Page, stack: Stack, docked: str) -> None:
    look(page, stack, docked)
    before = picture(page)
    row = page.locator("[data-contacts] tr:visible").first
    button = row.get_by_role("button")

    row.hover()
    lit = picture(page)
    page.locator("h1").hover()

    assert lit != before
    assert picture(page) == before
    button.focus()
    assert picture(page) == lit
    button.press("Enter")
    page.locator("h1").hover()
    button.blur()
    expect(button).to_have_attribute("aria-pressed", "true")
    assert picture(page) == lit
    assert_nothing_was_refused(page)


def test_a_cell_of_the_fingerprint_shows_its_pose(page: Page, stack: Stack, docked: str) -> None:
    look(page, stack, docked)
    strip = figure(page, "fingerprint")
    first, plain = picture(page), pixels(strip)

    strip.locator("svg").focus()
    for key in ("ArrowRight", "ArrowDown"):
        strip.locator("svg").press(key)

    expect(strip.locator("output")).to_contain_text("pose 2, ")
    assert pixels(strip) != plain
    strip.locator("svg").press("Enter")
    expect(page.locator("[data-frame]")).to_contain_text("Pose 2 of ")
    assert picture(page) != first
    cells = strip.locator(".cell")
    expect(cells).not_to_have_count(0)
    # A kind is told by its glyph as well as by its colour.
    expect(strip.locator(".glyph-in")).to_have_count(strip.locator(".cell[class*=' ']").count())


def test_the_diagram_around_a_pose_follows_the_chosen_one(
    page: Page, stack: Stack, docked: str
) -> None:
    look(page, stack, docked)
    diagram = figure(page, "interactions")
    around = diagram.locator("[data-pose-around]")
    before = pixels(diagram)

    diagram.get_by_role("button", name="pose 2", exact=True).click()

    expect(diagram.locator("output")).to_contain_text("pose 2, ")
    expect(around.and_(page.locator(":not(.off)"))).to_have_attribute("data-pose-around", "2")
    assert pixels(diagram) != before
    expect(page.locator("[data-frame]")).to_contain_text("Pose 2 of ")
    contacts = stack.job(docked)["result"]["contacts"]
    touched = {each["residue"] for each in contacts if each["rank"] == 2}
    drawn = around.and_(page.locator("[data-pose-around='2']")).locator("[data-residue]")
    assert {each.get_attribute("data-residue") for each in drawn.all()} <= touched
    assert drawn.count() > 0


def test_a_screen_is_walked_through_by_keys(page: Page, stack: Stack, screened: str) -> None:
    look(page, stack, screened)
    grid, spread = figure(page, "grid"), figure(page, "distribution")
    board = grid.locator("canvas")
    plain, unmarked, pose = pixels(grid), pixels(spread), picture(page)

    board.focus()
    board.press("ArrowRight")
    board.press("ArrowRight")

    expect(grid.locator("[data-member]")).to_contain_text(
        "Line 2, broken: Cannot be read as SMILES"
    )
    board.press("End")
    expect(grid.locator("[data-member]")).to_contain_text(
        "Line 4, ethanol: docked, Score (kcal/mol) −"
    )
    assert pixels(grid) != plain
    assert pixels(spread) != unmarked
    chosen = figure(page, "ranks").locator("tr.chosen")
    expect(chosen).to_contain_text("ethanol")
    board.press("Enter")
    expect(page.locator("[data-frame]")).to_contain_text("ethanol, Pose 3 of 3")
    assert picture(page) != pose
    assert_nothing_was_refused(page)


def test_a_screen_is_ranked_with_drawings_and_told_in_numbers(
    page: Page, stack: Stack, screened: str
) -> None:
    look(page, stack, screened)

    beside = ["Molecular weight (g/mol)", "log P (Crippen)", "Heavy atoms"]
    each_is_another_picture(figure(page, "size"), [*beside, "Ligand efficiency (kcal/mol)"])

    ranks = figure(page, "ranks")
    image = ranks.get_by_role("img", name="Drawing of ")
    expect(image).to_have_count(3)
    drawn = "(image) => image.decode().then(() => image.naturalWidth)"
    assert image.first.evaluate(drawn) == 180
    ranks.get_by_role("button", name="Show the pose of rank 2 in figure 1").click()
    expect(page.locator("[data-frame]")).to_contain_text("Pose 2 of 3")
    with page.expect_download() as saved:
        figure(page, "grid").get_by_role("button", name="CSV").click()
    lines = saved.value.path().read_text().splitlines()
    assert lines[0] == "Line,Name,State,Score (kcal/mol)"
    assert lines[2] == "2,broken,Cannot be read as SMILES,"
    assert page.locator("bp-mol canvas").count() <= 2
    assert_nothing_was_refused(page)


def test_a_batch_is_a_grid_that_opens_its_jobs(page: Page, stack: Stack) -> None:
    body: dict[str, Any] = {
        "template": {"simulation": "demo.sum_squares"},
        "grid": {"params.n": list(range(9_901, 9_909))},
        "reuse": False,
    }
    batch = stack.client.post("/api/v1/batches", json=body).json()
    page.add_init_script(LISTEN)
    page.goto(batch["links"]["page"])
    expect(page.locator("progress.settled")).to_be_visible(timeout=120_000)
    grid = figure(page, "grid")
    lowest = pixels(grid)

    page.get_by_label("First is the").select_option("highest")

    page.wait_for_url("**first=high**")
    until(lambda: pixels(figure(page, "grid")) != lowest, "it is drawn the other way round")
    first = figure(page, "ranks").get_by_role("row").nth(1)
    expect(first).to_contain_text(str(sum(i * i for i in range(1, 9_909))))
    board = figure(page, "grid").locator("canvas")
    board.focus()
    board.press("End")
    expect(page.locator("[data-member]")).to_contain_text("No. 7: finished")
    assert_nothing_was_refused(page)
    board.press("Enter")
    page.wait_for_url("**/jobs/**")
    expect(page.locator("h1")).to_be_visible()


def test_averages_begin_where_the_reader_lets_them(page: Page, stack: Stack, moved: str) -> None:
    look(page, stack, moved)
    averages = figure(page, "averages")
    rows = averages.locator("table.averages tbody tr")
    cut = averages.get_by_label("Averages from")
    settled = rows.all_inner_texts()

    cut.fill(cut.input_value())

    # From every report, by the same formulas: what the run itself has found.
    said = averages.locator(".tools output")
    expect(said).to_contain_text("reports")
    assert rows.all_inner_texts() == settled
    cut.fill("0.9")
    expect(said).to_contain_text("from 0.900 ps")
    assert rows.all_inner_texts() != settled
    averages.get_by_role("button", name="Where it settled").click()
    assert rows.all_inner_texts() == settled
    assert_nothing_was_refused(page)
