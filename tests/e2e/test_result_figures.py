"""The figures of finished jobs in a real browser: every choice changes what is seen."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.stack import Stack, until

from .test_structure import PICTURE, assert_nothing_was_refused, done, look

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.slow]

CHEAP = {"functional": "PBE", "basis": "sto-3g", "grid_level": 1}
FLAT_AMMONIA = "4\n\nN 0 0 0\nH 1.0 0 0\nH -0.5 0.8660254 0\nH -0.5 -0.8660254 0"


@pytest.fixture(scope="module")
def water(stack: Stack) -> str:
    """By DFT, with the shape of its highest orbital."""
    return done(stack, "dft_optimization", structure="O", cubes=["homo"], **CHEAP)


@pytest.fixture(scope="module")
def vibrating(stack: Stack) -> str:
    return done(stack, "xtb_frequencies", structure="CO")


def figure_of(page: Page, key: str) -> Locator:
    figure = page.locator(f"#figure-{key}")
    figure.scroll_into_view_if_needed()
    expect(figure).to_have_attribute("data-drawn", "")
    return figure


def changes(page: Page, seen: Locator, act: object) -> None:
    """What is drawn there is another after this than before."""
    before = seen.screenshot()
    act()  # type: ignore[operator]
    until(lambda: seen.screenshot() != before, "other pixels")


def press(page: Page, drawn: Locator) -> None:
    """In the middle of something that may be as thin as a line."""
    drawn.locator("xpath=ancestor::*[local-name()='svg']").scroll_into_view_if_needed()
    box = drawn.evaluate("drawn => drawn.getBoundingClientRect().toJSON()")
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def rows_of(figure: Locator) -> dict[str, list[str]]:
    rows = figure.locator("[data-numbers] tbody tr").all()
    texts = [row.locator("td").all_inner_texts() for row in rows]
    return {text[0]: text[1:] for text in texts}


def test_energies_and_criteria_are_looked_at_in_other_ways(
    page: Page, stack: Stack, water: str
) -> None:
    look(page, stack, water)
    energy, convergence = (
        page.locator("figure[data-figure='0']"),
        page.locator("figure[data-figure='1']"),
    )

    for unit in ("kcal/mol", "kJ/mol", "eV", "hartree"):
        button = energy.get_by_role("button", name=unit, exact=True)
        changes(page, energy.locator("[data-plot]"), button.click)
    for group in ("Displacements", "Energy", "Forces"):
        button = convergence.get_by_role("button", name=group, exact=True)
        changes(page, convergence.locator("[data-plot]"), button.click)

    expect(convergence.locator(".lamp[data-lamp='ok']")).to_have_count(5)
    expect(convergence.locator(".lamps")).to_contain_text("largest force ✓")
    assert_nothing_was_refused(page)


def test_a_step_of_the_energy_is_its_geometry_and_the_player_marks_the_step(
    page: Page, stack: Stack, water: str
) -> None:
    look(page, stack, water)
    energy = page.locator("figure[data-figure='0']")
    drawn = energy.locator("[data-plot] svg")
    shown = page.locator("[data-frame]")
    said = energy.locator(".tools output")

    press(page, drawn.locator(".mark").nth(1))

    expect(shown).to_contain_text("Step 2 of ")
    expect(drawn.locator("circle.shown-step")).to_have_count(1)
    drawn.press("ArrowLeft")
    expect(shown).to_contain_text("Step 1 of ")
    expect(drawn).to_have_attribute("aria-valuenow", "1")
    slider = page.get_by_role("slider", name="Step", exact=True)
    slider.focus()
    slider.press("End")
    last = int(slider.get_attribute("max") or 0) + 1
    expect(said).to_contain_text(f"step {last}: ")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(drawn.locator("circle.shown-step")).to_have_count(0)


EMPTY_SLIDERS = """
window.emptySliders = [];
new MutationObserver((changes) => {
  for (const { target } of changes)
    if (target.getAttribute("role") === "slider" && !target.hasAttribute("aria-valuenow"))
      window.emptySliders.push(target.getAttribute("aria-label"));
}).observe(document, { subtree: true, attributeFilter: ["role"] });
"""


def test_a_figure_with_steps_is_no_slider_before_it_has_a_value(
    page: Page, stack: Stack, water: str
) -> None:
    page.add_init_script(EMPTY_SLIDERS)
    look(page, stack, water)

    expect(page.locator("figure svg[role='slider']")).to_have_count(2)
    assert page.evaluate("window.emptySliders") == []


def test_a_level_is_chosen_and_its_shape_is_in_figure_1(
    page: Page, stack: Stack, water: str
) -> None:
    look(page, stack, water)
    orbitals = figure_of(page, "orbitals")
    bare = page.evaluate(PICTURE)

    orbitals.get_by_role("button", name="HOMO", exact=True).click()

    until(lambda: page.evaluate(PICTURE) != bare, "lobes are drawn")
    lobes = page.evaluate(PICTURE)
    orbitals.get_by_role("slider", name="Isovalue").press("ArrowRight")
    until(lambda: page.evaluate(PICTURE) != lobes, "smaller lobes")
    orbitals.get_by_role("button", name="None", exact=True).click()
    until(lambda: page.evaluate(PICTURE) == bare, "no lobes")
    plot = orbitals.locator("[data-plot]")
    changes(page, plot, orbitals.get_by_role("button", name="All levels").click)
    changes(page, plot, orbitals.get_by_role("button", name="Near the gap").click)
    press(page, orbitals.locator("[data-level='lumo']"))
    link = orbitals.get_by_role("link", name="run it again with cubes set to lumo")
    expect(link).to_have_attribute("href", f"/jobs/new/dft_optimization/?from={water}&cubes=lumo")
    assert_nothing_was_refused(page)


def test_charges_are_colours_in_figure_1(page: Page, stack: Stack, water: str) -> None:
    look(page, stack, water)
    charges = figure_of(page, "charges")
    seen = {page.evaluate(PICTURE)}

    for scheme in ("Mulliken", "IAO"):
        charges.get_by_role("button", name=scheme, exact=True).click()
        until(lambda: page.evaluate(PICTURE) not in seen, scheme)
        seen.add(page.evaluate(PICTURE))

    charges.get_by_role("button", name="Elements", exact=True).click()
    until(lambda: page.evaluate(PICTURE) in seen, "elements again")
    assert_nothing_was_refused(page)


def test_a_spectrum_is_widened_scaled_and_its_bands_move(
    page: Page, stack: Stack, vibrating: str
) -> None:
    look(page, stack, vibrating)
    still = page.evaluate(PICTURE)
    spectrum = figure_of(page, "infrared")
    plot = spectrum.locator("[data-plot]")

    for name in ("Width", "Scale"):
        slider = spectrum.get_by_role("slider", name=name)
        changes(page, plot, lambda slider=slider: slider.press("ArrowLeft"))
    changes(page, plot, lambda: press(page, spectrum.locator("[data-band]").last))

    expect(page.locator("[data-frame]")).to_contain_text("cm⁻¹")
    until(lambda: len({page.evaluate(PICTURE) for _ in range(6)}) > 2, "it moves")
    spectrum.get_by_role("button", name="Stop").click()
    until(lambda: page.evaluate(PICTURE) == still, "it is still again")
    assert_nothing_was_refused(page)


READ_SPECTRUM = """async (text) => {
    const { absorbance, readSpectrum } = await import("/static/js/figures/spectrum_file.js");
    try {
        const { points, kind } = readSpectrum(text);
        return absorbance(points, kind);
    } catch (error) {
        return error.message;
    }
}"""
JCAMP = (
    "##TITLE=x $$ a remark\n##JCAMP-DX=4.24\n##XUNITS=1/CM\n##YUNITS=ABSORBANCE\n##FIRSTX=400\n"
    "##LASTX={to}\n##NPOINTS={n}\n##YFACTOR=0.1\n##XYDATA=(X++(Y..Y))\n{data}\n##END="
)
SPECTRA: list[tuple[str, Any]] = [
    ("cm-1,absorbance\n500,0.5\n400,0.25\n", [[400, 0.25], [500, 0.5]]),
    ("400;0,25\n500;0,5\n", [[400, 0.25], [500, 0.5]]),
    ("wavenumber\t%T\n400\t100\n500\t1\n600\t0\n", [[400, 0], [500, 2]]),
    ("400 90\n500 10\n", [[400, 0.045757], [500, 1]]),  # by its size it is in per cent
    (
        JCAMP.format(to=403, n=4, data="400 1 2\n402+3-4"),
        [[400, 0.1], [401, 0.2], [402, 0.3], [403, -0.4]],
    ),
    (  # Packed: differences, one of them repeated, and the check at the next line.
        JCAMP.format(to=405, n=6, data="400A0J0KT\n403B4k%"),
        [[400, 1], [401, 2], [402, 2.2], [403, 2.4], [404, 2.2], [405, 2.2]],
    ),
    (
        "##XUNITS=MICROMETERS\n##YUNITS=TRANSMITTANCE\n##XYPOINTS=(XY..XY)\n10,0.1;5,1\n##END=",
        [[1000, 1], [2000, 0]],
    ),
    (
        "wavenumber,absorbance\n400,low\n500,1",
        "Line 2, “400,low”, is not two numbers.",
    ),
    ("2.5,0.1\n25,0.2", "2.5 was read as a wavenumber"),
    ("%PDF-1.4", "0 points were found. Expected a JCAMP-DX file"),
    (
        JCAMP.format(to=403, n=9, data="400 1 2"),
        "##NPOINTS says 9, and 2 were read",
    ),
    ("##TITLE=x\n##XUNITS=HZ\n##XYPOINTS=(XY..XY)\n1 2 3 4\n##END=", "##XUNITS is “HZ”"),
]


def test_measured_spectra_are_read_or_refused(page: Page, stack: Stack) -> None:
    page.goto(f"{stack.url}/docs/")

    for text, expected in SPECTRA:
        found = page.evaluate(READ_SPECTRUM, text)
        if isinstance(expected, str):
            assert found.startswith(expected), text
            continue
        assert [x for x, _ in found] == pytest.approx([x for x, _ in expected]), text
        assert [y for _, y in found] == pytest.approx([y for _, y in expected], abs=1e-6), text


def test_a_measured_spectrum_lies_over_the_computed_one(
    page: Page, stack: Stack, vibrating: str
) -> None:
    look(page, stack, vibrating)
    spectrum = figure_of(page, "infrared")
    plot, choose = spectrum.locator("[data-plot]"), spectrum.get_by_label("Measured")
    said = spectrum.locator("[data-measured-said]")
    measured = {
        "name": "methanol.csv",
        "mimeType": "text/csv",
        "buffer": b"900,0.1\n1030,1\n1100,0.1\n",
    }

    changes(page, plot, lambda: choose.set_input_files(files=[measured]))

    expect(said).to_contain_text("methanol.csv: 3 points, drawn as absorbance")
    expect(plot).to_contain_text("methanol.csv")
    changes(page, plot, lambda: spectrum.get_by_label("It is").select_option("percent"))
    changes(page, plot, lambda: spectrum.get_by_label("Factor").fill("0.9613"))
    expect(spectrum.get_by_role("slider", name="Scale")).to_have_value("0.961")
    choose.set_input_files(files=[{**measured, "name": "photo.png", "buffer": b"\x89PNG"}])
    expect(said).to_contain_text("photo.png is not drawn. 0 points were found. Expected a JCAMP-DX")
    expect(plot).not_to_contain_text("methanol.csv")


def test_two_jobs_lie_over_each_other_where_they_are_compared(
    page: Page, stack: Stack, vibrating: str
) -> None:
    other = done(stack, "xtb_optimization", structure="CO", method="GFN1-xTB")

    page.goto(f"{stack.url}/compare/?ids={vibrating},{other}")
    page.locator("bp-mol").scroll_into_view_if_needed()

    expect(page.locator("bp-mol")).to_have_attribute("data-drawn", "")
    expect(page.locator("[data-frame]")).to_contain_text("RMSD of atoms to the first: 0.0")
    both = page.evaluate(PICTURE)
    page.locator("[data-view]").last.click()
    assert page.evaluate(PICTURE) != both

    figure = page.locator("figure[data-kind=compared]", has_text="Convergence")
    with page.expect_download() as saved:
        figure.get_by_role("button", name="SVG").click()
    drawn = saved.value.path().read_text()
    assert drawn.count("<polyline") == drawn.count(">xTB ") == 2  # lines, and their names
    a_table_stays_open_when_its_figure_has_news(page)


def a_table_stays_open_when_its_figure_has_news(page: Page) -> None:
    figures = page.locator("figure[data-kind=compared]")
    figures.first.get_by_role("button", name="Table").click()
    expect(figures.first.locator("[data-numbers]")).to_be_visible()

    drawn_anew = page.evaluate(
        """async () => {
          const { keepFigures, bringToLife } = await import("/static/js/figures.js");
          const shown = document.querySelector("#compared");
          const answer = await fetch(location.href);
          const page = new DOMParser().parseFromString(await answer.text(), "text/html");
          const fresh = document.adoptNode(page.querySelector("#compared"));
          const told = fresh.querySelectorAll("figure[data-key] > script");
          told.forEach((each) => { each.textContent += " "; });
          keepFigures(shown, fresh);
          shown.replaceWith(fresh);
          bringToLife(fresh, "compare");
          return fresh.querySelectorAll("figure[data-key]").length;
        }"""
    )

    assert drawn_anew > 1
    expect(figures.first.locator("[data-numbers]")).to_be_visible()
    expect(figures.nth(1).locator("[data-numbers]")).to_be_hidden()


def test_without_motion_a_mode_is_told_by_its_arrows(
    page: Page, stack: Stack, vibrating: str
) -> None:
    page.emulate_media(reduced_motion="reduce")
    look(page, stack, vibrating)
    still = page.evaluate(PICTURE)

    figure_of(page, "infrared").get_by_role("combobox", name="Mode").select_option("3")

    until(lambda: page.evaluate(PICTURE) != still, "arrows")
    assert len({page.evaluate(PICTURE) for _ in range(6)}) == 1


def test_an_imaginary_mode_is_told(page: Page, stack: Stack) -> None:
    flat = done(stack, "xtb_frequencies", structure=FLAT_AMMONIA, optimize_first=False)
    look(page, stack, flat)
    spectrum = figure_of(page, "infrared")

    expect(spectrum).to_contain_text("1 imaginary mode: this geometry is no minimum along it")
    still = page.evaluate(PICTURE)
    spectrum.get_by_role("button", name="See mode 1,").click()

    until(lambda: page.evaluate(PICTURE) != still, "it moves")


@pytest.mark.parametrize("structure", ["CO", "[C-]#[O+]"])
def test_the_gas_of_the_page_is_that_of_the_result(
    page: Page, stack: Stack, structure: str
) -> None:
    """Bent and on a line: at the job's own T and p every printed digit is the same."""
    job_id = done(
        stack, "xtb_frequencies", structure=structure, temperature_k=311.5, pressure_bar=1.7
    )
    look(page, stack, job_id)
    gas = figure_of(page, "thermochemistry")

    for name, (_, computed, in_page) in rows_of(gas).items():
        assert in_page == computed, name
    gas.locator("[data-temperature]").fill("500")
    warm = rows_of(gas)

    again = done(stack, "xtb_frequencies", structure=structure, temperature_k=500, pressure_bar=1.7)
    result = stack.job(again)["result"]
    told = {name: text[2] for name, text in warm.items()}
    assert told["Enthalpy H"] == f"{result['enthalpy_hartree']:.6f}".replace("-", "−")
    assert told["Gibbs free energy G"] == f"{result['gibbs_hartree']:.6f}".replace("-", "−")
    assert told["Entropy S"] == f"{result['entropy_j_mol_k']:.2f}"
    assert told["Heat capacity Cp"] == f"{result['heat_capacity_j_mol_k']:.2f}"
    changes(page, gas.locator("[data-plot]"), lambda: gas.locator("[data-pressure]").fill("9"))
    gas.get_by_role("button", name="As computed").click()
    assert {name: text[1] == text[2] for name, text in rows_of(gas).items()} == dict.fromkeys(
        told, True
    )


def test_conformers_a_reaction_and_a_crystal_change_with_what_is_chosen(
    page: Page, stack: Stack
) -> None:
    searched = done(stack, "conformer_search", structure="CCCO", n_trials=6)
    look(page, stack, searched)
    conformers = figure_of(page, "conformers")
    plot = conformers.locator("[data-plot]")
    for unit in ("kJ/mol", "eV", "kcal/mol"):
        changes(page, plot, conformers.get_by_role("button", name=unit, exact=True).click)
    changes(page, plot, lambda: conformers.locator("[data-temperature]").fill("900"))
    first = page.evaluate(PICTURE)
    changes(page, plot, lambda: conformers.get_by_role("combobox").select_option("1"))
    assert page.evaluate(PICTURE) != first

    reacted = done(
        stack, "reaction_energy", reactants=["[C-]#[O+]", "O"], products=["O=C=O", "[H][H]"],
        method="GFN2-xTB",
    )  # fmt: skip
    page.goto(f"{stack.url}/jobs/{reacted}/")
    reaction = figure_of(page, "reaction")
    for unit in ("kJ/mol", "eV", "hartree"):
        changes(
            page,
            reaction.locator("[data-plot]"),
            reaction.get_by_role("button", name=unit, exact=True).click,
        )
    assert_nothing_was_refused(page)


VOLUMES = {
    # Of a made-up crystal, for what is looked at is the axis: no engine runs here.
    "points": [[38.0, -11.3905], [40.0, -11.4052], [42.0, -11.4101], [45.0, -11.3999]],
    "volume_angstrom3": 42.0,
    "energy_hartree": -11.4101,
    "bulk_modulus_gpa": 430.0,
    "bulk_modulus_derivative": 3.7,
}
DRAW_VOLUMES = """async (data) => {
    const figure = document.createElement("figure");
    figure.innerHTML = '<div class="plot" data-plot></div><div data-choices></div>';
    document.querySelector("main").replaceChildren(figure);
    const { draw } = await import("/static/js/figures/equation_of_state.js");
    const table = { header: [], rows: [], digits: [] };
    draw(figure, { data, sentence: "E(V)", table }, { what: {}, refresh() {} });
}"""
ON_AXIS = """svg => {
    const read = (tick) => Number(tick.textContent.replace("−", "-").replace(/[^-.\\d]/g, ""));
    const ticks = [...svg.querySelectorAll('text.tick[text-anchor="end"]')];
    const [[low, from], [high, to]] = [ticks[0], ticks.at(-1)]
        .map((tick) => [read(tick), Number(tick.getAttribute("y")) - 4]);
    const marks = [...svg.querySelectorAll("circle.mark")].map((mark) => mark.cy.baseVal.value);
    return marks.map((y) => low + ((high - low) * (y - from)) / (to - from));
}"""


def test_the_unit_that_is_chosen_is_that_of_the_drawn_axis(page: Page, stack: Stack) -> None:
    """Read off the drawing as a reader would: from where a point is to the numbers of the ticks."""
    page.goto(f"{stack.url}/docs/")
    page.evaluate(DRAW_VOLUMES, VOLUMES)
    drawn = page.locator("[data-plot] svg")
    in_one_hartree = {"kcal/mol": 627.5095, "kJ/mol": 2625.4996, "eV": 27.211386}

    for unit, size in in_one_hartree.items():
        page.get_by_role("button", name=unit, exact=True).click()
        expect(drawn).to_contain_text(f"E above the minimum ({unit})")
        above = [(energy - VOLUMES["energy_hartree"]) * size for _, energy in VOLUMES["points"]]
        assert drawn.evaluate(ON_AXIS) == pytest.approx(above, abs=0.01 * max(above)), unit
    page.get_by_role("button", name="hartree", exact=True).click()
    expect(drawn).to_contain_text("E (hartree)")
    assert drawn.evaluate(ON_AXIS) == pytest.approx(
        [energy for _, energy in VOLUMES["points"]], abs=2e-4
    )


def test_what_is_shown_is_saved_in_four_ways(page: Page, stack: Stack, vibrating: str) -> None:
    look(page, stack, vibrating)
    spectrum = figure_of(page, "infrared")
    frequencies = stack.job(vibrating)["result"]["frequencies_cm1"]
    saved = {kind: save(page, spectrum, kind) for kind in ("CSV", "SVG", "PNG", "JSON")}

    rows = list(csv.reader(io.StringIO(saved["CSV"].read_text())))
    assert [float(row[1]) for row in rows[1:]] == frequencies
    told = json.loads(saved["JSON"].read_text())
    assert [row[1] for row in told["rows"]] == frequencies
    assert told["units"]["frequencies_cm1"] == "cm⁻¹"
    drawing = saved["SVG"].read_text()
    assert drawing.startswith("<svg")
    assert "class=" not in drawing
    assert "var(" not in drawing
    assert 'stroke="rgb(' in drawing
    assert 'paint-order="stroke"' in drawing  # else what is around a text would cover it
    png = saved["PNG"].read_bytes()
    width = spectrum.locator("[data-plot] svg").evaluate("svg => svg.clientWidth")
    assert png.startswith(b"\x89PNG")
    assert int.from_bytes(png[16:20], "big") == 2 * width
    assert_nothing_was_refused(page)


def save(page: Page, figure: Locator, kind: str) -> Path:
    with page.expect_download() as download:
        figure.get_by_role("button", name=kind, exact=True).click()
    assert download.value.suggested_filename.endswith(f".{kind.lower()}")
    return Path(download.value.path())


def test_a_live_figure_is_saved_and_its_numbers_shown(page: Page, stack: Stack, water: str) -> None:
    look(page, stack, water)
    energy = page.locator("figure[data-figure='0']")
    steps = stack.job(water)["result"]["n_steps"]

    rows = save(page, energy, "CSV").read_text().splitlines()
    energy.get_by_role("button", name="Table", exact=True).click()

    assert rows[0] == "step,energy_hartree"
    assert len(rows) == steps + 1
    expect(energy.locator("[data-numbers] tbody tr")).to_have_count(steps)
    assert save(page, energy, "PNG").read_bytes().startswith(b"\x89PNG")


def test_figures_come_when_a_watched_job_ends(page: Page, stack: Stack) -> None:
    job_id = stack.submit("dft_frequencies", structure="O", **CHEAP)
    page.goto(f"{stack.url}/jobs/{job_id}/")
    page.locator("figure[data-figure='1']").get_by_role("button", name="Displacements").click()

    expect(page.locator("#figure-infrared")).to_be_attached(timeout=120_000)
    figure_of(page, "infrared")
    pressed = page.locator("figure[data-figure='1'] [data-choice='Displacements']")
    expect(pressed).to_have_attribute("aria-pressed", "true")
    expect(page.locator("figure[data-figure='0']")).to_have_count(0)


def test_on_a_narrow_screen_no_figure_sticks_out(
    page: Page, stack: Stack, water: str, vibrating: str
) -> None:
    page.set_viewport_size({"width": 320, "height": 700})
    for job_id in (water, vibrating):
        page.goto(f"{stack.url}/jobs/{job_id}/")
        for figure in page.locator("figure[data-key]").all():
            figure.scroll_into_view_if_needed()
            expect(figure).to_have_attribute("data-drawn", "")
        assert page.evaluate("() => document.documentElement.scrollWidth") == 320
