"""The profile, the search and what every page says of both."""

from __future__ import annotations

import re
import time

import pytest

from jobs import files
from jobs.models import Profile
from simulations import bounded


def test_the_server_says_the_theme_before_a_script_runs(client, page, alice):
    assert "data-theme" not in page("/jobs/").split(">", 2)[1]

    client.post("/me/", {"theme": "dark", "energy_unit": "eV"})

    opening = re.search(r"<html[^>]*>", page("/jobs/"))[0]
    assert 'data-theme="dark"' in opening
    assert 'data-keys="off"' in opening
    profile = Profile.objects.get(user=alice)
    assert profile.energy_unit == "eV"


def test_what_is_no_choice_is_refused_and_says_so(client, page):
    answer = client.post("/me/", {"theme": "pink", "energy_unit": "eV"})

    assert answer.status_code == 422
    assert "pink is not one of the available choices" in answer.content.decode()
    assert not Profile.objects.exists()


def test_the_profile_says_what_one_uses_of_what_one_may(page, submit):
    submit()

    html = page("/me/")

    assert "1 of 50000" in html
    assert 'href="/me/keys/"' in html
    assert 'href="/me/webhooks/"' in html


def test_an_energy_unit_that_is_liked_is_what_is_compared_in(client, page, submit):
    client.post("/me/", {"theme": "system", "energy_unit": "kJ/mol", "has_keys": "on"})

    html = page("/compare/", ids=str(submit().pk))

    assert "<option selected>kJ/mol</option>" in html


def test_a_job_is_found_by_name_and_by_the_beginning_of_its_id(page, submit, bob):
    job = submit(name="Caffeine in water")
    submit(owner=bob, name="Caffeine of a stranger")

    by_name, by_id = page("/search/", q="caffeine"), page("/search/", q=job.short_id)

    for html in (by_name, by_id):
        assert f'href="/jobs/{job.pk}/"' in html
        assert "of a stranger" not in html


def test_a_smiles_is_a_way_to_start(page):
    html = page("/search/", q="CC(=O)O")

    assert 'href="/jobs/new/xtb_optimization/?structure=CC%28%3DO%29O"' in html
    assert "Compute <span" not in page("/search/", q="two words")


@pytest.mark.parametrize("text", ["Si", "c1ccccc1", "benzene", "C6H6"])
def test_what_reads_as_a_structure_is_a_way_to_start(page, text):
    assert "Compute <span" in page("/search/", q=text)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("docking", "docking"),
        ("vina", "docking"),
        ("xtb opt", "xtb_optimization"),
        ("Frequencies DFT", "dft_frequencies"),
        ("md", "md_simulation"),
    ],
)
def test_the_form_of_a_simulation_is_found_by_what_people_call_it(page, text, form):
    assert f'href="/jobs/new/{form}/"' in page("/search/", q=text)


@pytest.mark.parametrize("text", ["", "CO", "O", "C1CC1", "xtb of nothing"])
def test_what_calls_no_simulation_leads_to_no_form_but_of_a_molecule(page, text):
    assert not re.search(r'href="/jobs/new/[^/"]+/"', page("/search/", q=text))


def test_who_searches_does_not_wait_for_what_reads_the_batch_of_another(page, monkeypatch):
    monkeypatch.setattr(bounded, "_pool", bounded.Pool(0))
    began = time.monotonic()

    html = page("/search/", q="CCO")

    assert time.monotonic() - began < bounded.PATIENCE_S
    assert "Compute <span" in html


def test_a_word_that_stands_for_no_structure_is_none(page, submit):
    assert "Compute <span" not in page("/search/", q=submit().short_id)
    assert "Compute <span" not in page("/search/", q="caffeinated")


@pytest.mark.parametrize("text", ["OCC", "C(O)C", "ethanol", "CH3CH2OH"])
def test_a_molecule_is_found_however_it_is_written(page, submit, text):
    submit(simulation="xtb_optimization", params={"structure": "CCO"}, name="a")

    assert 'href="/molecules/LFQSCWFLJHTTHZ-UHFFFAOYSA-N/"' in page("/search/", q=text)


@pytest.mark.parametrize("text", ["C2H6O", "OC2H6", "C₂H₆O"])
def test_all_of_a_formula_are_found_by_it(page, submit, bob, text):
    alcohol = submit(simulation="xtb_optimization", params={"structure": "CCO"})
    submit(simulation="xtb_optimization", params={"structure": "COC"}, name="the other")
    submit(simulation="xtb_optimization", params={"structure": "CO"})
    stranger = submit(simulation="xtb_optimization", params={"structure": "CCO"}, owner=bob)

    html = page("/search/", q=text)

    assert 'href="/molecules/LFQSCWFLJHTTHZ-UHFFFAOYSA-N/"' in html
    assert 'href="/molecules/LCGLNKUTAGEVQW-UHFFFAOYSA-N/"' in html
    assert html.count('href="/molecules/') == 3  # these two, and the menu's
    assert f'href="/jobs/{alcohol.pk}/"' in html
    assert "the other" in html
    assert str(stranger.pk) not in html


def test_a_crystal_is_found_by_its_formula(page, submit):
    job = submit(simulation="dft_crystal", params={"structure": "LiF"})

    assert f'href="/jobs/{job.pk}/"' in page("/search/", q="LiF")


def test_a_page_a_molecule_and_a_file_are_found(page, submit, alice):
    submit(simulation="xtb_optimization", params={"structure": "O"}, name="The water job")
    files.keep(owner=alice, name="water-box.pdb", content=b"END\n")

    found, by_key = page("/search/", q="water"), page("/search/", q="XLYOFNOQVPJJNP")

    for html in (found, by_key):
        assert 'href="/molecules/XLYOFNOQVPJJNP-UHFFFAOYSA-N/"' in html
    assert "water-box.pdb" in found
    assert 'href="/queue/"' in page("/search/", q="why is my job waiting")


def test_the_palette_takes_the_results_alone(page, submit):
    submit(name="Caffeine")

    part = page("/search/", q="caffeine", part="1")

    assert "Caffeine" in part
    assert "<html" not in part


def test_nothing_found_says_what_may_be_asked_for(page):
    assert "Nothing of yours is called that" in page("/search/", q="no such thing")
