"""The figures that a finished job has beyond the live ones: which, and with which numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

import simulations
from jobs.models import Artifact, Job, JobState
from jobs.pages.figures import figures_of

pytestmark = pytest.mark.django_db

PARAMS = {
    "conformer_search": {"structure": "CCO"},
    "dft_crystal": {"structure": "diamond"},
    "dft_single_point": {"structure": "O"},
    "reaction_energy": {"reactants": ["[H][H]"], "products": ["[H]", "[H]"]},
}
DIAMOND: dict[str, Any] = {
    "title": "diamond",
    "space_group": "Fd-3m",
    "method": "PBE",
    "a_angstrom": 3.6,
    "c_angstrom": None,
    "literature_a_angstrom": 3.567,
    "literature_source": "a handbook",
    "volume_angstrom3": 11.664,
    "predicted_energy_hartree": -11.4,
    "bulk_modulus_gpa": 430.25,
    "bulk_modulus_derivative": 3.71,
    "equilibrium_volume_angstrom3": 11.6,
    "fit_residual_hartree": 3e-6,
    "equation_of_state": [
        {"volume_angstrom3": 11.0, "energy_hartree": -11.39, "fitted_energy_hartree": -11.3901},
        {"volume_angstrom3": 12.0, "energy_hartree": -11.395, "fitted_energy_hartree": -11.3949},
    ],
}


@pytest.fixture
def ended(submit: Callable[..., Job]) -> Callable[..., Job]:
    """A job of this type that has ended with this result."""

    def ended(simulation: str, result: dict[str, Any], state: str = JobState.SUCCEEDED) -> Job:
        job = submit(simulation=simulation, params=PARAMS.get(simulation, {"structure": "O"}))
        Job.objects.filter(pk=job.pk).update(state=state, result=result)
        job.refresh_from_db()
        return job

    return ended


def figures(job: Job, **told: Any) -> dict[str, Any]:
    made = figures_of(job, simulations.get(job.simulation), job.artifacts.all(), **told)
    return {figure.key: figure for figure in made}


def test_figures_are_numbered_after_the_live_ones_or_take_the_place_of_one(
    ended: Callable[..., Job],
) -> None:
    job = ended("dft_crystal", DIAMOND)
    live = [plot.y for plot in simulations.get("dft_crystal").plots]

    found = figures(job, has_structure=True)

    assert found["cell"].number == len(live) + 2
    assert found["equation-of-state"].number == live.index("energy_of_volume_hartree") + 2


def test_a_figure_that_is_not_there_leaves_its_number(ended: Callable[..., Job]) -> None:
    water = {"symbols": ["O", "H", "H"], "mulliken_charges": [-0.66, 0.33, 0.33]}

    found = figures(ended("xtb_optimization", water))

    assert list(found) == ["charges"]
    assert found["charges"].number == len(simulations.get("xtb_optimization").plots) + 2


def test_a_figure_that_takes_the_place_of_a_live_one_stands_there(
    ended: Callable[..., Job], client: Client
) -> None:
    job = ended("dft_crystal", DIAMOND)
    client.force_login(job.owner)

    page = client.get(f"/jobs/{job.pk}/").content.decode()

    assert re.findall(r'<figure [^>]*data-(?:figure|key)="([^"]*)"', page) == [
        "0", "equation-of-state", "2", "cell",
    ]  # fmt: skip


@pytest.mark.parametrize("state", [JobState.RUNNING, JobState.FAILED, JobState.CANCELLED])
def test_there_is_none_before_there_is_a_result(ended: Callable[..., Job], state: str) -> None:
    assert figures(ended("dft_crystal", DIAMOND, state)) == {}


def test_a_cell_stands_beside_the_measured_one(ended: Callable[..., Job]) -> None:
    cell = figures(ended("dft_crystal", DIAMOND))["cell"]

    assert cell.table.texts == [
        ["a (Å)", "3.6000", "3.5670", "0.93"],
        ["V (Å³)", "11.6640", "–", "–"],
    ]
    assert "a (Å) 3.6000, volume 11.664 Å³" in cell.sentence


def test_the_page_has_each_figure_with_its_numbers_and_its_buttons(
    ended: Callable[..., Job], client: Client
) -> None:
    job = ended("dft_crystal", DIAMOND)
    client.force_login(job.owner)

    page = client.get(f"/jobs/{job.pk}/").content.decode()

    figure = re.search(
        r'<figure class="result" id="figure-equation-of-state".*?</figure>', page, re.S
    )
    assert figure
    for button in ("Table", "CSV", "SVG", "PNG", "JSON"):
        assert f">{button}</button>" in figure[0]
    assert '<td class="num">−11.3950000</td>' in figure[0]
    told = json.loads(re.findall(r'<script type="application/json">(.*?)</script>', figure[0])[-1])
    assert told["data"]["points"] == [[11.0, -11.39], [12.0, -11.395]]
    assert told["table"]["rows"][1] == [12.0, -11.395, -11.3949]


WATER: dict[str, Any] = {
    "symbols": ["O", "H", "H"],
    "mulliken_charges": [-0.66, 0.33, 0.33],
    "iao_charges": [-0.7, 0.35, 0.35],
    "gap_ev": 8.5,
    "orbitals": [
        {"name": "homo", "spin": None, "energy_ev": -6.5, "occupation": 2.0},
        {"name": "lumo", "spin": None, "energy_ev": 2.0, "occupation": 0.0},
    ],
}
GAS: dict[str, Any] = {
    "frequencies_cm1": [-43.2, 1638.8, 3791.4],
    "ir_intensities_km_mol": [1.0, 55.5, 4.9],
    "reduced_masses_dalton": [1.1, 1.2, 1.3],
    "mass_dalton": 18.015,
    "rotational_constants_ghz": [800.0, 430.0, 280.0],
    "symmetry_number": 2,
    "multiplicity": 1,
    "temperature_k": 298.15,
    "pressure_bar": 1.0,
    "energy_hartree": -76.4,
    "zero_point_hartree": 0.0212,
    "enthalpy_hartree": -76.375,
    "gibbs_hartree": -76.396,
    "entropy_j_mol_k": 188.8,
    "heat_capacity_j_mol_k": 33.6,
}


def written(job: Job, *names: str, media_type: str = "chemical/x-gaussian-cube") -> dict[str, str]:
    """The addresses of files that the job left."""
    made = [
        Artifact.objects.create(
            job=job, attempt=1, name=name, title=name, media_type=media_type,
            size_bytes=1, sha256="0" * 64,
        )
        for name in names
    ]  # fmt: skip
    return {each.name: f"/jobs/{job.pk}/files/{each.pk}/" for each in made}


def test_a_level_leads_to_the_cube_that_holds_its_shape(ended: Callable[..., Job]) -> None:
    job = ended("dft_optimization", WATER)
    addresses = written(job, "homo.cube", "density.cube")

    orbitals = figures(job)["orbitals"]

    homo, lumo = orbitals.data["levels"]
    assert (homo["cube"], lumo["cube"]) == (addresses["homo.cube"], None)
    assert [each["url"] for each in orbitals.data["fields"]] == [addresses["density.cube"]]
    assert orbitals.sentence == (
        "1 filled and 1 empty levels, the highest filled at −6.500 eV, the lowest empty at "
        "2.000 eV, a gap of 8.500 eV."
    )


def test_each_spin_has_a_cube_of_its_own(ended: Callable[..., Job]) -> None:
    levels = [{**WATER["orbitals"][0], "spin": spin} for spin in ("alpha", "beta")]
    job = ended("dft_single_point", {**WATER, "orbitals": levels})
    addresses = written(job, "homo_beta.cube")

    shown = figures(job)["orbitals"].data["levels"]

    assert [each["cube"] for each in shown] == [None, addresses["homo_beta.cube"]]


@pytest.mark.parametrize(
    ("simulation", "form"),
    [("dft_optimization", "dft_optimization"), ("xtb_optimization", "dft_single_point")],
)
def test_without_cubes_the_page_leads_to_the_form_that_asks_for_them(
    ended: Callable[..., Job], client: Client, simulation: str, form: str
) -> None:
    job = ended(simulation, WATER)
    client.force_login(job.owner)

    page = client.get(f"/jobs/{job.pk}/").content.decode()

    (address,) = re.findall(r'href="(/jobs/new/[^"]*cubes=homo,lumo)"', page)
    assert address == f"/jobs/new/{form}/?from={job.pk}&amp;cubes=homo,lumo"
    asked = client.get(address.replace("&amp;", "&"))
    assert 'value="homo,lumo"' in asked.content.decode()


def test_charges_of_all_schemes_stand_side_by_side(ended: Callable[..., Job]) -> None:
    charges = figures(ended("dft_single_point", WATER))["charges"]

    assert charges.table.header == ["Atom", "Element", "Mulliken (e)", "IAO (e)"]
    assert charges.table.texts[0] == ["1", "O", "−0.660", "−0.700"]
    assert "from −0.660 e on O1 to 0.330 e on H2" in charges.sentence


def test_a_spectrum_tells_its_strongest_band_and_its_imaginary_modes(
    ended: Callable[..., Job],
) -> None:
    infrared = figures(ended("xtb_frequencies", GAS))["infrared"]

    assert "the strongest band at 1638.8 cm⁻¹ with 55.5 km/mol" in infrared.sentence
    assert "1 imaginary: 43i cm⁻¹, so this is no minimum" in infrared.sentence


def test_a_result_from_before_its_moments_were_kept_has_no_editable_gas(
    ended: Callable[..., Job],
) -> None:
    older = {name: value for name, value in GAS.items() if name != "rotational_constants_ghz"}

    assert "thermochemistry" not in figures(ended("xtb_frequencies", older))
    assert "thermochemistry" in figures(ended("xtb_frequencies", GAS))


def test_a_reaction_is_told_by_its_species_and_its_difference(ended: Callable[..., Job]) -> None:
    species = {"coefficient": 2.0, "charge": 0, "enthalpy_hartree": None, "gibbs_hartree": None}
    result = {
        "equation": "2 H -> H2", "method": "PBE/def2-svp", "temperature_k": None,
        "pressure_bar": None, "reaction_energy_kj_mol": -2625.4996394799,
        "reaction_enthalpy_kj_mol": None, "reaction_gibbs_kj_mol": None,
        "species": [
            {**species, "side": "reactant", "formula": "H", "energy_hartree": -0.5},
            {**species, "side": "product", "formula": "H2", "energy_hartree": -2.0,
             "coefficient": 1.0, "charge": 1},
        ],
    }  # fmt: skip

    reaction = figures(ended("reaction_energy", result))["reaction"]

    assert reaction.sentence == "2 H -> H2: ∆E −2625.5 kJ/mol."
    assert reaction.table.texts == [
        ["H", "-2", "−0.500000", "–", "–"],
        ["H2 (+1)", "+1", "−2.000000", "–", "–"],
        ["Difference", "", "−1.000000", "–", "–"],
    ]


def test_conformers_are_told_with_their_populations(ended: Callable[..., Job]) -> None:
    rows = [
        {"rank": 1, "energy_hartree": -11.0, "relative_kcal_mol": 0.0, "weight": 0.8,
         "rmsd_to_best_angstrom": 0.0},
        {"rank": 2, "energy_hartree": -10.998, "relative_kcal_mol": 1.255, "weight": 0.2,
         "rmsd_to_best_angstrom": 0.7},
    ]  # fmt: skip
    result = {"conformers": rows, "temperature_k": 298.15, "method": "GFN2-xTB"}

    found = figures(ended("conformer_search", result))["conformers"]

    assert "2 conformers within 1.25 kcal/mol" in found.sentence
    assert "holds 80.0 % at 298.15 K" in found.sentence
    assert found.number == 1
