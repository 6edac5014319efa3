"""The figures that a finished job has beyond the live ones: which, and with which numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

import simulations
from jobs.models import Job, JobState
from jobs.pages.figures import figures_of

pytestmark = pytest.mark.django_db

PARAMS = {"dft_crystal": {"structure": "diamond"}}
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


def test_figures_are_numbered_after_the_structure_and_the_live_ones(
    ended: Callable[..., Job],
) -> None:
    job = ended("dft_crystal", DIAMOND)
    n_live = len(simulations.get("dft_crystal").plots)

    found = figures(job, has_structure=True)

    assert [each.number for each in found.values()] == [n_live + 2, n_live + 3]


def test_a_figure_that_is_not_there_leaves_its_number(
    ended: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    from jobs.pages import figures as package

    one, other = package.FIGURES["dft_crystal"]
    monkeypatch.setattr(package, "FIGURES", {"dft_crystal": (other, one)})
    without_volumes = {**DIAMOND, "equation_of_state": None}

    found = figures(ended("dft_crystal", without_volumes))

    assert list(found) == ["cell"]
    assert found["cell"].number == len(simulations.get("dft_crystal").plots) + 2


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
