"""Every molecule of one's own, found by an index, drawn within limits."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from jobs.models import Job
from jobs.pages.drawings import drawings
from jobs.states import JobState
from simulations import bounded

WATER = "XLYOFNOQVPJJNP-UHFFFAOYSA-N"


@pytest.fixture
def about(submit: Callable[..., Job]) -> Callable[..., Job]:
    def about(smiles: str, **overrides: Any) -> Job:
        wanted = {"simulation": "xtb_optimization", "params": {"structure": smiles}}
        return submit(**wanted | overrides)

    return about


def test_a_job_is_filed_under_the_molecule_that_it_is_about(about, submit):
    assert about("O").inchikey == WATER
    assert about("water").inchikey == WATER
    assert submit().inchikey == ""


def test_each_molecule_is_listed_once_with_its_picture(page, about, bob):
    about("O")
    about("[H]O[H]", params={"structure": "O", "seed": 2})
    about("CO", owner=bob)

    html = page("/molecules/")

    assert html.count(f'href="/molecules/{WATER}/"') == 1
    assert "2 jobs" in html
    assert "CH" not in re.sub(r"<[^>]+>", "", html.split("<main", 1)[1])
    assert 'class="drawing"' in html


def test_its_page_tells_every_value_with_its_method(page, about):
    job = about("O", name="Water by GFN2")
    Job.objects.filter(pk=job.pk).update(
        state=JobState.SUCCEEDED,
        summary={"energy_hartree": -5.07, "method": "GFN2-xTB", "converged": True},
    )

    html = page(f"/molecules/{WATER}/")

    assert "InChI=1S/H2O/h1H2" in html
    assert "18.015 g/mol" in html
    assert re.search(r"Energy.*−5\.07000000.*GFN2-xTB", html, re.DOTALL)
    assert "Water by GFN2" in html
    assert "Converged" not in html


def test_whoever_has_computed_nothing_of_it_finds_nothing(client, bob, about):
    about("O")
    client.force_login(bob)

    assert client.get(f"/molecules/{WATER}/").status_code == 404


def test_the_jobs_of_a_molecule_are_found_by_an_index(about, alice):
    about("O")
    wanted = Job.objects.filter(owner=alice, inchikey=WATER).newest_first()[:50]

    plan = wanted.explain()

    if connection.vendor == "sqlite":
        assert "job_of_molecule" in plan
        assert "TEMP B-TREE" not in plan


def test_the_list_asks_as_much_of_many_as_of_one(page, about, django_assert_max_num_queries):
    for smiles in ("O", "CO", "CCO", "CCCO"):
        about(smiles)

    with django_assert_max_num_queries(5):
        page("/molecules/")


def test_a_picture_is_lines_and_nothing_else():
    [drawn] = bounded.draw_each(["c1ccccc1[N+](=O)[O-]"])

    assert {path["stroke_px"] for path in drawn["paths"]} == {0, 2.0}
    assert all(re.fullmatch(r"[MLQCZ\d ,.\-]+", path["d"]) for path in drawn["paths"])


def test_one_that_cannot_be_drawn_leaves_the_others_their_pictures():
    found = drawings(["C1CC", "CCC"])

    assert found["C1CC"].paths == []
    assert found["CCC"].paths
