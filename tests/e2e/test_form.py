"""The submit form in a real browser: drawn by hand, seen in 3D, checked as one types, sent once."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from tests.simulations import test_docking
from tests.stack import Stack, until

from .test_browser import job_id_of
from .test_structure import LISTEN, assert_nothing_was_refused

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.slow]

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"
RING, MIDDLE = {"x": 35, "y": 202}, {"x": 400, "y": 200}
"""Of the editor that is pinned: its button for a benzene ring, and a place to put one."""
SELECTED = """() => {
    const { value, selectionStart, selectionEnd } = document.activeElement;
    return value.slice(selectionStart, selectionEnd);
}"""
KEPT = "words => Object.values(sessionStorage).some((text) => text.includes(words))"
WATER = b"3\n\nO 0 0 0.117\nH 0 0.757 -0.469\nH 0 -0.757 -0.469\n"


def test_aspirin_is_drawn_seen_and_sent(page: Page, stack: Stack) -> None:
    page.add_init_script(LISTEN)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{stack.url}/jobs/new/xtb_optimization/")
    assert not [url for url in asked if "openchemlib" in url or "3Dmol" in url]

    page.get_by_role("button", name="Draw").click()
    line = page.get_by_label("SMILES", exact=True)
    canvas = page.locator("[data-canvas] > div")
    canvas.click(position=RING)
    canvas.click(position=MIDDLE)
    assert until(line.input_value, "the drawing is told as text").lower().count("c") == 6
    line.fill(ASPIRIN)
    line.press("Enter")

    structure = page.get_by_label("Structure", exact=True)
    assert structure.input_value().count("O") == 4
    understood = page.locator("[data-understood]")
    expect(understood).to_contain_text("C9H8O4, 21 atoms, 94 electrons")
    expect(page.locator("[data-3d]")).to_have_attribute("data-drawn", "C9H8O4")
    expect(page.locator("[data-told]")).to_contain_text("what the run starts from")
    assert page.locator("[data-2d] svg path").count() > 20
    structure.press("Control+Enter")

    expect(page.get_by_role("heading", level=1)).to_be_visible()
    job_id = job_id_of(page)
    assert stack.wait(job_id, within_s=120)["result"]["formula"] == "C9H8O4"
    assert_nothing_was_refused(page)
    page.goto(f"{stack.url}/jobs/new/xtb_optimization/?structure={quote(ASPIRIN)}")
    same = page.locator("[data-same]")
    expect(same.get_by_role("link", name="open its result")).to_have_attribute(
        "href", f"/jobs/{job_id}/"
    )
    same.get_by_role("button", name="run it anew").click()
    expect(same).to_be_empty()
    expect(page.get_by_label("Compute it anew")).to_be_checked()


def test_what_is_wrong_is_mended_and_what_is_changed_is_marked(page: Page, stack: Stack) -> None:
    page.set_viewport_size({"width": 320, "height": 900})
    page.goto(f"{stack.url}/jobs/new/dft_single_point/")
    page.get_by_label("Structure", exact=True).fill("C1CC(")
    wrong = page.locator("#id_structure_error")
    expect(wrong).to_contain_text("could not be read")
    expect(wrong.locator("mark")).to_have_text("(")
    wrong.get_by_role("button", name="Go to position 5").click()
    assert page.evaluate(SELECTED) == "("
    page.get_by_label("Or a file").set_input_files(
        {"name": "water.xyz", "mimeType": "text/plain", "buffer": WATER}
    )
    expect(page.locator("[data-understood]")).to_contain_text("H2O, 3 atoms")
    expect(page.locator("[data-told]")).to_have_text("Your coordinates, as they are.")

    multiplicity = page.get_by_label("Multiplicity", exact=True)
    multiplicity.fill("2")
    page.get_by_role("button", name="Use 1").click()
    expect(multiplicity).to_have_value("1")
    expect(multiplicity).not_to_have_attribute("aria-invalid", "true")
    page.get_by_role("link", name="Publication").click()
    page.get_by_label("Basis set", exact=True).select_option("def2-svp")

    page.get_by_text("Limits, and computing anew").click()
    page.get_by_label("Longest time").fill("2 h")
    expect(page.locator("[data-taken]")).to_contain_text("Taken as 7200 s.")
    page.get_by_role("button", name="Write it so").click()
    expect(page.get_by_label("Longest time")).to_have_value("7200")
    expect(page.locator("[data-taken]")).to_have_count(0)

    changed = page.locator("[data-field=basis]")
    expect(changed).to_contain_text("Changed; it was def2-tzvp.")
    expect(page.locator("[data-field=functional]")).to_contain_text("Default: B3LYP.")
    expect(page).to_have_url(re.compile(r"\?preset=publication$"))
    assert page.evaluate("() => document.documentElement.scrollWidth") == 320
    page.get_by_role("button", name="Reset Basis set").click()
    expect(page.get_by_label("Basis set", exact=True)).to_have_value("def2-tzvp")
    expect(changed).not_to_have_attribute("data-changed", "")
    assert page.get_by_label("Structure", exact=True).input_value() == WATER.decode()


def test_back_from_a_job_leads_to_the_form_also_where_it_was_refused_before(
    page: Page, stack: Stack
) -> None:
    form = f"{stack.url}/jobs/new/demo.sum_squares/"
    page.goto(form)
    page.get_by_label("Terms", exact=True).fill("0")
    page.get_by_role("button", name="Submit").click()
    expect(page.locator("#problems")).to_be_focused()

    page.reload()
    terms = page.get_by_label("Terms", exact=True)
    expect(terms).to_have_value("0")  # kept, and asked for by no question whether to send it again
    page.go_back()
    page.goto(form)
    terms.fill("0")
    page.get_by_role("button", name="Submit").click()
    expect(page.locator("#problems")).to_be_focused()
    terms.fill("7")
    page.get_by_role("button", name="Submit").click()
    page.wait_for_url(re.compile(r"/jobs/[0-9a-f-]{36}/"))
    page.go_back()

    expect(page).to_have_url(form)
    expect(terms).to_be_visible()


def test_what_was_refused_is_told_only_until_it_is_mended(page: Page, stack: Stack) -> None:
    page.goto(f"{stack.url}/jobs/new/dft_single_point/")
    structure = page.get_by_label("Structure", exact=True)
    structure.fill("CC(")
    page.get_by_role("button", name="Submit").click()
    problems = page.locator("#problems")
    expect(problems).to_contain_text("Nothing was sent yet")
    expect(problems.get_by_role("listitem")).to_contain_text("is never closed")

    structure.fill("C1CC")
    expect(problems.get_by_role("listitem")).to_contain_text("“C1CC” could not be read")
    structure.fill("CC")

    expect(problems.get_by_role("listitem")).to_have_count(0)
    expect(problems).to_contain_text("What was wrong is mended: it can be sent now.")


def test_two_tabs_of_one_form_keep_what_was_typed_in_each(browser: Browser, stack: Stack) -> None:
    form = f"{stack.url}/jobs/new/demo.sum_squares/"
    context = browser.new_context()
    page, other = context.new_page(), context.new_page()
    for tab, terms in ((page, "41"), (other, "42")):
        tab.goto(form)
        tab.get_by_label("Terms", exact=True).fill(terms)
        tab.wait_for_function(
            "terms => Object.values(localStorage).some((text) => text.includes(terms))", arg=terms
        )

    page.reload()
    expect(page.get_by_label("Terms", exact=True)).to_have_value("41")
    other.get_by_role("button", name="Submit").click()
    other.wait_for_url(re.compile(r"/jobs/[0-9a-f-]{36}/"))
    other.goto(form)
    expect(other.get_by_label("Terms", exact=True)).to_have_value("10")
    page.reload()
    expect(page.get_by_label("Terms", exact=True)).to_have_value("41")

    page.get_by_role("button", name="Begin anew").click()
    page.reload()
    expect(page.get_by_label("Terms", exact=True)).to_have_value("10")


def test_a_duplicate_keeps_what_was_changed_apart_from_a_form_that_is_new(
    page: Page, stack: Stack
) -> None:
    form = f"{stack.url}/jobs/new/demo.sum_squares/"
    terms = page.get_by_label("Terms", exact=True)
    source = stack.submit("demo.sum_squares", n=21)
    page.goto(f"{form}?from={source}")
    terms.fill("22")
    page.wait_for_function(KEPT, arg="22")

    page.reload()  # or after signing in again
    expect(terms).to_have_value("22")
    page.goto(form)
    expect(terms).to_have_value("10")
    page.goto(f"{form}?from={source}")
    page.get_by_role("button", name="Begin anew").click()
    expect(terms).to_have_value("21")


def test_what_was_refused_is_kept_whole_while_another_job_is_looked_at(
    page: Page, stack: Stack
) -> None:
    form = f"{stack.url}/jobs/new/demo.sum_squares/"
    terms, name = (page.get_by_label(each, exact=True) for each in ("Terms", "Name"))
    other = stack.submit("demo.sum_squares", n=23)
    page.goto(form)
    name.fill("Squares of Pythagoras")
    terms.fill("0")
    page.get_by_role("button", name="Submit").click()
    expect(page.locator("#problems")).to_be_focused()
    terms.fill("24")
    page.wait_for_function(KEPT, arg="24")

    page.goto(f"{stack.url}/jobs/{other}/")
    expect(page.locator(".status").first).to_be_visible()
    page.goto(form)

    expect(terms).to_have_value("24")
    expect(name).to_have_value("Squares of Pythagoras")


def test_a_table_that_became_a_batch_is_not_offered_as_not_sent(page: Page, stack: Stack) -> None:
    form = f"{stack.url}/jobs/new/xtb_optimization/"
    rows = b"name,smiles\nwater,O\nammonia,N\n"
    table: FilePayload = {"name": "two.csv", "mimeType": "text/csv", "buffer": rows}
    page.goto(form)
    page.get_by_text("Many at once").click()
    page.locator("[name=job_name]").fill("Of a table")
    page.locator("#id_job_table").set_input_files([table])
    page.get_by_role("button", name=re.compile("^Submit")).click()
    page.wait_for_url(re.compile(r"/batches/[0-9a-f-]{36}/"))
    page.wait_for_load_state()

    page.goto(form)

    expect(page.locator("[name=job_name]")).to_have_value("")
    expect(page.get_by_role("button", name="Begin anew")).to_have_count(0)


def test_a_file_that_is_not_taken_is_told_as_what_is_wrong(page: Page, stack: Stack) -> None:
    page.goto(f"{stack.url}/jobs/new/docking/")
    chooser = page.locator("#id_receptor_pdb__file")
    told = page.locator("[data-field=receptor_pdb] [data-understood] .error")
    file = {"name": "big.pdb", "mimeType": "text/plain", "buffer": b"ATOM\n" * 5_000_001}

    chooser.set_input_files([file])
    expect(told).to_have_text(
        "big.pdb was not taken: The file is larger than 25,000,000 bytes, the most that is taken."
    )
    page.route("**/api/v1/files", lambda route: route.abort())
    chooser.set_input_files([{**file, "name": "other.pdb"}])
    expect(told).to_have_text("other.pdb was not taken: the site does not answer.")


def test_who_is_signed_out_by_now_is_told_what_to_do(page: Page, stack: Stack) -> None:
    page.goto(f"{stack.url}/jobs/new/demo.sum_squares/")
    page.route(
        "**/api/v1/jobs/check", lambda route: route.fulfill(status=401, json={"detail": "No."})
    )

    page.get_by_label("Terms", exact=True).fill("7")

    expect(page.locator("#verdict")).to_contain_text("You are signed out by now: submit it")


def test_the_same_in_another_unit_is_not_marked_as_changed(page: Page, stack: Stack) -> None:
    page.goto(f"{stack.url}/jobs/new/xtb_frequencies/")
    page.get_by_text("More settings").click()
    field = page.locator("[data-field=temperature_k]")
    temperature = page.get_by_label("Temperature", exact=True)
    for typed, taken in [("25 C", "298.15"), ("77 F", "298.15"), ("298.150", None)]:
        temperature.fill(typed)
        expect(field.locator("[data-taken]")).to_have_count(1 if taken else 0)
        expect(field).not_to_have_attribute("data-changed", "")
    temperature.fill("26 C")
    expect(field).to_contain_text("Changed; it was 298.15.")


@pytest.mark.skipif(not test_docking.POCKET, reason="needs the docking extras")
def test_the_box_of_a_docking_is_drawn_and_moves_with_its_numbers(page: Page, stack: Stack) -> None:
    page.goto(f"{stack.url}/jobs/new/docking/")
    file = {"name": "site.pdb", "mimeType": "text/plain", "buffer": test_docking.POCKET.encode()}
    page.locator("#id_receptor_pdb__file").set_input_files([file])
    site = page.locator("[data-site]")
    site.get_by_role("button", name="Around 3D1 D:501").click()
    expect(site).to_contain_text("defined by bound ligand 3D1 D:501")
    site.get_by_role("button", name="Take these numbers").click()
    expect(site).to_contain_text("defined by the numbers given")
    expect(page.get_by_label("Site by bound ligand", exact=True)).to_have_value("")

    seen = page.locator("[data-3d] canvas")
    before = seen.screenshot()
    page.get_by_label("Box size", exact=True).fill("8, 8, 30")
    assert seen.screenshot() != before  # at once, before the server has said anything
    expect(site).to_contain_text("8.0 × 8.0 × 30.0 Å (1,920 Å³)")
