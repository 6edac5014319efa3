"""Jobs side by side: what differs, by how much, and what may not be subtracted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from jobs import lifecycle
from jobs.models import Job

from .test_pages import INLINE
from .test_result_figures import written

ENERGY = "not subtracted"


@pytest.fixture
def compare(client: Any, alice: Any) -> Callable[..., str]:
    client.force_login(alice)

    def compare(*jobs: Job | str, **query: str) -> str:
        ids = ",".join(str(getattr(job, "pk", job)) for job in jobs)
        answer = client.get("/compare/", {"ids": ids, **query})
        assert answer.status_code == 200
        html: str = answer.content.decode()
        assert not INLINE.search(html)
        return html

    return compare


@pytest.fixture
def water(submit: Callable[..., Job]) -> Callable[..., Job]:
    """A job of xTB or DFT that has an energy."""

    def water(energy: float, *, structure: str = "O", simulation: str = "", **params: Any) -> Job:
        job = submit(
            simulation=simulation or "dft_single_point",
            params={"structure": structure, **params},
            name=f"job {energy}",
        )
        Job.objects.filter(pk=job.pk).update(
            result={"energy_hartree": energy, "dipole_debye": 2.0 + energy / 100}
        )
        return job

    return water


def test_only_inputs_that_differ_are_shown_until_all_are_asked_for(compare, water):
    jobs = water(-76.1, seed=1), water(-76.2, seed=2)

    some, every = compare(*jobs), compare(*jobs, all="1")

    assert ">Seed" in some
    assert ">Basis set" not in some
    assert ">Basis set" in every


def test_energies_of_one_method_are_subtracted_in_the_unit_that_is_asked_for(compare, water):
    first, second = water(-76.1, seed=1), water(-76.2, seed=2)

    kcal, ev = compare(first, second), compare(first, second, unit="eV")

    assert "−62.75" in kcal
    assert "−2.721" in ev
    assert ENERGY not in kcal


def test_the_reference_is_chosen(compare, water):
    first, second = water(-76.1, seed=1), water(-76.2, seed=2)

    assert "+62.75" in compare(first, second, ref=str(second.pk))


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"basis": "def2-tzvp"}, "the basis set differs .def2-TZVP, and def2-SVP in the reference"),
        ({"functional": "pbe0"}, "the functional differs"),
        ({"solvent": "water"}, "the solvent differs"),
        ({"structure": "CO"}, "they are of different atoms .CH4O, and H2O in the reference"),
        ({"simulation": "dft_optimization"}, "they come from different simulations"),
    ],
)
def test_what_may_not_be_subtracted_says_why(compare, water, other, why):
    first = water(-76.1, basis="def2-svp", functional="pbe")
    second = water(-80.0, **{"basis": "def2-svp", "functional": "pbe", **other})

    html = compare(first, second)

    assert ENERGY in html
    assert re.search(why, html, re.IGNORECASE), why
    assert "kcal/mol</span></div>" not in html


def test_a_dipole_is_compared_whatever_the_method(compare, water):
    html = compare(water(-76.0, basis="def2-svp"), water(-77.0, basis="def2-tzvp"))

    assert re.search(r'class="delta">.{0,80}−0\.01', html, re.DOTALL)


def test_lines_are_told_apart_without_their_colour(compare, submit, start):
    jobs = [
        start(submit(simulation="dft_optimization", params={"structure": smiles}))
        for smiles in ("O", "CO")
    ]
    for job, energy in zip(jobs, (-76.0, -115.0), strict=True):
        told = {"fraction": 0.1, "message": "", "stage": "optimise"}
        points = [
            {**told, "step": n, "energy_hartree": energy - n, "max_force_hartree_per_bohr": 1.0 / n}
            for n in (1, 2)
        ]
        lifecycle.progress(job, 1, points=points)

    html = compare(*jobs)

    assert html.count('<svg class="chart"') == 2
    assert 'stroke-dasharray="6 3"' in html
    assert "each from its own last value" in html
    assert "Largest force at each geometry step, log scale" in html
    assert "lamp" not in html  # which the figure of a job has, for each of its criteria
    for kind in ("csv", "svg", "png", "json"):
        assert html.count(f'data-save-as="{kind}"') == 2
    told = re.findall(r'application/json">({"key".+?})</script>', html)
    energy = next(each for each in map(json.loads, told) if "E − last E" in str(each))["table"]
    assert energy["rows"] == [[1, 1.0, 1.0], [2, 0.0, 0.0]]
    names = [job.told_apart for job in jobs]
    assert [head.split(": ")[0] for head in energy["header"]] == ["Geometry step", *names]
    assert all(f">{name}</text>" in html for name in names)


def test_at_most_eight_and_only_ones_own(compare, water, submit, bob):
    mine = [submit(params={"n": n}) for n in range(2, 11)]
    foreign = submit(owner=bob, name="of a stranger")

    html = compare(*mine)

    assert "the other 1 were left out" in html
    told = compare(mine[0], foreign, "zz")
    assert "of a stranger" not in told
    assert f"no one job of the id {foreign.pk}, zz" in told


def test_the_beginning_of_an_id_will_do(compare, submit):
    job = submit(name="by its beginning")

    assert "by its beginning" in compare(job.short_id)


def test_the_marked_ones_of_the_list_are_compared(client, alice, submit):
    jobs = [submit(), submit(params={"n": 4})]
    client.force_login(alice)

    answer = client.post("/jobs/bulk/", {"act": "compare", "jobs": [str(job.pk) for job in jobs]})

    assert answer.status_code == 302
    assert answer["Location"] == f"/compare/?ids={jobs[0].pk},{jobs[1].pk}"


def test_nothing_named_says_how(compare):
    assert "No job is named" in compare()


def test_equal_atoms_are_weighed_by_boltzmann(compare, water):
    low, high = water(-76.001), water(-76.0, seed=2)

    told = re.sub(r"<[^>]+>", " ", compare(low, high, t="298.15"))

    # A millihartree is 1.059 kT at room temperature.
    assert re.search(r"job -76\.001 .{0,40}0\.00\s+74\.3", told, re.DOTALL)
    assert re.search(r"job -76\.0 .{0,40}0\.63\s+25\.7", told, re.DOTALL)
    assert "50.8" in compare(low, high, t="10000")


@pytest.mark.parametrize("other", [{"structure": "CO"}, {"basis": "def2-tzvp"}, {"charge": 1}])
def test_what_cannot_turn_into_one_another_is_not_weighed(compare, water, other):
    assert "Populations" not in compare(water(-76.0), water(-76.1, **other))


def test_two_geometries_of_the_same_atoms_are_laid_over_each_other(compare, water):
    jobs = water(-76.0), water(-76.1, seed=2)
    assert "bp-mol" not in compare(*jobs)
    for job in jobs:
        written(job, "final.xyz", media_type="chemical/x-xyz")

    html = compare(*jobs, water(-115.0, structure="CO"))

    assert html.count('"role": "view"') == 2
    assert '"overlay": true' in html
    assert "Of other atoms, or without a geometry: job -115.0" in html
