"""The submit form: what it shows before it is sent, and that it is sent once."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError
from django.test import Client

from jobs import estimates, fleet, sent_once
from jobs.abilities import Ability
from jobs.models import Job

SQUARES = "/jobs/new/demo.sum_squares/"
DFT = "/jobs/new/dft_single_point/"


@pytest.fixture
def as_alice(client: Client, alice: Any) -> Client:
    client.force_login(alice)
    return client


# --- where it starts -------------------------------------------------------------------------


def test_what_stands_in_the_address_is_shown_and_not_sent(as_alice: Client) -> None:
    page = as_alice.get(DFT, {"smiles": "CCO", "density_fit": "false", "job_name": "Ethanol"})

    form = page.context["form"]
    assert form["structure"].value() == "CCO"
    assert form["density_fit"].value() is False
    assert form["job_name"].value() == "Ethanol"
    assert not Job.objects.exists()


def test_the_choice_of_a_simulation_passes_the_address_on(as_alice: Client) -> None:
    html = as_alice.get("/jobs/new/", {"structure": "CCO"}).content.decode()

    assert f'href="{DFT}?structure=CCO"' in html


def test_a_duplicate_marks_what_is_changed_and_lists_what_is_gone(
    as_alice: Client, submit: Any
) -> None:
    job = submit(params={"n": 77}, name="Original")
    Job.objects.filter(pk=job.pk).update(params={"n": 77, "speed": 3, "mode": None})

    page = as_alice.get(SQUARES, {"from": str(job.pk), "n": "78"})

    [(_, [drawn])] = page.context["form"].groups
    assert (drawn.is_changed, drawn.base_words) == (True, "77")
    assert sorted(page.context["start"].dropped) == [("mode", "–"), ("speed", "3")]
    assert "no such setting here" in page.content.decode()
    same = as_alice.get(SQUARES, {"from": str(job.pk)}).context["form"].groups[0][1][0]
    assert not same.is_changed


def test_a_duplicate_is_found_without_its_simulation(as_alice: Client, submit: Any) -> None:
    job = submit()

    answer = as_alice.get("/jobs/new/", {"from": str(job.pk)})

    assert answer.url == f"{SQUARES}?from={job.pk}"


def test_what_another_simulation_left_open_is_no_answer_here(as_alice: Client, submit: Any) -> None:
    job = submit(simulation="xtb_optimization", params={"structure": "O", "temperature_k": None})

    page = as_alice.get("/jobs/new/md_simulation/", {"from": str(job.pk)}).content.decode()

    (field,) = re.findall(r'<input[^>]* name="temperature_k"[^>]*>', page)
    assert 'value="300.0"' in field


# --- what is seen before it is sent ----------------------------------------------------------


def test_the_preview_has_the_formula_and_the_atoms(as_alice: Client) -> None:
    answer = as_alice.post(f"{DFT}preview/", {"of": "structure", "structure": "O", "basis": "?"})

    shown = answer.json()
    assert (shown["formula"], shown["n_atoms"], shown["kind"]) == ("H2O", 3, "molecule")
    assert shown["svg"].startswith("<svg")
    assert shown["text"].startswith("3\n")


@pytest.mark.parametrize(
    ("typed", "marked"),
    [
        (" CC(=X)C\n", "CC(=<mark>X</mark>)C"),
        ("C" * 30 + "!" + "C" * 30, f"…{'C' * 24}<mark>!</mark>{'C' * 24}…"),
        ("CC<", "CC<mark>&lt;</mark></code>"),
    ],
)
def test_the_character_that_is_wrong_is_marked_without_script(
    as_alice: Client, typed: str, marked: str
) -> None:
    page = as_alice.post(DFT, {"structure": typed})

    assert page.status_code == 422
    assert marked in page.content.decode()


def test_the_check_names_the_character_that_is_wrong(as_alice: Client) -> None:
    body = {"simulation": "dft_single_point", "params": {"structure": "CC(=X)C"}}

    answer = as_alice.post("/api/v1/jobs/check", body, content_type="application/json")

    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["position"]) == ("/params/structure", 5)


@pytest.mark.parametrize(
    ("of", "structure", "status"),
    [("structure", "C1CC(", 422), ("structure", "", 422), ("basis", "O", 404), ("", "O", 404)],
)
def test_what_cannot_be_shown_is_refused(
    as_alice: Client, of: str, structure: str, status: int
) -> None:
    answer = as_alice.post(f"{DFT}preview/", {"of": of, "structure": structure})

    assert answer.status_code == status


# --- sent once -------------------------------------------------------------------------------


def test_the_same_form_sent_twice_makes_one_job(as_alice: Client) -> None:
    filled = {"n": "3", "job_anew": "on", "job_once": uuid4().hex}

    first, second = as_alice.post(SQUARES, filled), as_alice.post(SQUARES, filled)

    assert first.url == second.url
    assert Job.objects.count() == 1
    # Changed and sent again, it means another job; so does a form of its own.
    as_alice.post(SQUARES, {**filled, "n": "4"})
    as_alice.post(SQUARES, {**filled, "job_once": uuid4().hex})
    assert Job.objects.count() == 3


def test_each_form_has_a_word_of_its_own(as_alice: Client) -> None:
    words = {as_alice.get(SQUARES).context["form"]["job_once"].value() for _ in range(2)}

    assert len(words) == 2


def test_of_two_that_cross_the_second_makes_none(alice: Any, submit: Any) -> None:
    word = sent_once.word_of("token", {"n": "3"})
    first = submit(also=lambda job: sent_once.keep(alice, word, job))

    with pytest.raises(IntegrityError):
        submit(also=lambda job: sent_once.keep(alice, word, job))

    assert [job.pk for job in Job.objects.all()] == [first.pk]
    assert sent_once.made_by(alice, word) == first


def test_nobody_gets_to_a_job_by_the_word_of_another(alice: Any, bob: Any, submit: Any) -> None:
    word = sent_once.word_of("token", {})
    submit(also=lambda job: sent_once.keep(alice, word, job))

    assert sent_once.made_by(bob, word) is None


def test_an_equal_job_answers_unless_it_is_to_be_computed_anew(as_alice: Client) -> None:
    first = as_alice.post(SQUARES, {"n": "3"})

    same, anew = (
        as_alice.post(SQUARES, {"n": "3"}),
        as_alice.post(SQUARES, {"n": "3", "job_anew": "on"}),
    )

    assert same.url == first.url
    assert anew.url != first.url


# --- what takes much -------------------------------------------------------------------------


@pytest.fixture
def dear(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"size": {}, "seconds": {"p10": 9e4, "p50": 1.2e5, "p90": 2e5}, "memory_mib": None}
    monkeypatch.setattr(estimates, "of", lambda *args, **more: {**told, "basis": "", "threads": 1})


@pytest.mark.usefixtures("dear")
def test_what_takes_much_is_asked_about_once(as_alice: Client) -> None:
    filled = {"structure": "O", "basis": "sto-3g", "functional": "PBE"}

    asked = as_alice.post(DFT, filled)

    assert asked.status_code == 422
    assert "about 33 core-hours" in asked.content.decode()
    assert not Job.objects.exists()
    assert as_alice.post(DFT, {**filled, "job_confirmed": "on"}).status_code == 302
    assert Job.objects.count() == 1


@pytest.mark.usefixtures("dear")
def test_what_is_there_already_costs_nothing(as_alice: Client) -> None:
    filled = {"structure": "O", "basis": "sto-3g", "functional": "PBE"}
    first = as_alice.post(DFT, {**filled, "job_confirmed": "on"})

    assert as_alice.post(DFT, filled).url == first.url


@pytest.mark.usefixtures("dear")
def test_the_site_says_what_is_much(as_alice: Client, settings: Any) -> None:
    settings.CONFIRM_CORE_HOURS = 40

    assert as_alice.post(DFT, {"structure": "O"}).status_code == 302


def test_nobody_is_asked_about_what_nobody_can_tell() -> None:
    assert estimates.core_hours(None) == 0
    assert estimates.core_hours({"seconds": None, "threads": 2}) == 0
    assert estimates.core_hours({"seconds": {"p50": 3600.0}, "threads": 2}) == 2


# --- with units ------------------------------------------------------------------------------


def test_a_form_takes_a_temperature_in_celsius(as_alice: Client) -> None:
    as_alice.post("/jobs/new/xtb_frequencies/", {"structure": "O", "temperature_k": "25 C"})

    assert Job.objects.get().params["temperature_k"] == 298.15


@pytest.mark.parametrize(
    ("typed", "is_changed"), [("25 C", False), ("77 °F", False), ("26 C", True)]
)
def test_the_same_temperature_in_another_unit_is_no_change(
    as_alice: Client, typed: str, is_changed: bool
) -> None:
    form = as_alice.get("/jobs/new/xtb_frequencies/", {"temperature_k": typed}).context["form"]

    drawn = [each for _, these in form.groups for each in these]
    drawn += [each for _, these, _ in form.folded for each in these]
    (temperature,) = [each for each in drawn if each.question.name == "temperature_k"]
    assert temperature.is_changed == is_changed


def test_a_temperature_in_bar_is_refused_at_its_field(as_alice: Client) -> None:
    answer = as_alice.post(
        "/jobs/new/xtb_frequencies/", {"structure": "O", "temperature_k": "25 bar"}
    )

    assert answer.status_code == 422
    (problem,) = answer.context["form"].problems
    assert problem.target == "id_temperature_k"
    assert "bar is a unit of pressure; give temperature in K, °C, °F." in problem.detail


# --- where it is to run ----------------------------------------------------------------------


def served(*queues: str) -> Ability:
    return Ability(queues=queues, simulations=(), engines=(), cores=1, memory_mib=1)


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def serve(*each: Ability) -> None:
        monkeypatch.setattr(fleet, "abilities", lambda: list(each))

    return serve


def test_where_it_runs_is_asked_only_where_there_is_a_choice(
    as_alice: Client, serve: Callable[..., None]
) -> None:
    serve(served("cpu"))
    assert "Where it runs" not in as_alice.get(SQUARES).content.decode()

    serve(served("cpu"), served("cpu", "long"))
    html = as_alice.get(SQUARES).content.decode()
    assert "the queue long if it takes an estimated 14,400 core-seconds or more" in html
    assert '<option value="long">' in html
    assert '<option value="gpu">' not in html
    assert 'name="job_backend"' not in html


def test_a_second_backend_is_offered(as_alice: Client, settings: Any) -> None:
    settings.BACKENDS = ["rq", "slurm"]

    html = as_alice.get(SQUARES).content.decode()

    assert '<option value="slurm">The Slurm cluster</option>' in html


def test_a_job_goes_where_its_form_says_and_a_duplicate_says_the_same(as_alice: Client) -> None:
    as_alice.post(SQUARES, {"n": "3", "job_queue": "long"})

    job = Job.objects.get()
    assert (job.queue, job.placement["asked"]) == ("long", {"queue": "long"})
    again = as_alice.get(SQUARES, {"from": str(job.pk)})
    assert '<option value="long" selected>' in again.content.decode()
    assert "&quot;queue&quot;: &quot;long&quot;" in again.content.decode()


def test_a_queue_that_nobody_serves_any_more_stays_in_sight(
    as_alice: Client, serve: Callable[..., None]
) -> None:
    serve(served("cpu"))

    html = as_alice.get(SQUARES, {"job_queue": "gpu"}).content.decode()

    assert '<option value="gpu" selected>' in html


def test_what_is_no_queue_is_refused(as_alice: Client) -> None:
    answer = as_alice.post(SQUARES, {"n": "3", "job_queue": "fast"})

    assert answer.status_code == 422
    assert not Job.objects.exists()


def test_an_error_names_other_questions_as_the_page_does(as_alice: Client) -> None:
    pdb = "ATOM      1  CA  ALA A   1       0.000   0.000   0.000  1.00  0.00           C  \n"
    sent = {"ligand": "CCO", "receptor_pdb": pdb}

    told = as_alice.post("/jobs/new/docking/", sent).content.decode()

    assert "Say where to dock: “Site by bound ligand”, “Site by residues”, or “Box centre”" in told
    assert "box_ligand_residue," not in told
