"""The submit form: drawn from the params model, judged by the simulation alone."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

import simulations
from jobs import lifecycle
from jobs.budget import Budget
from jobs.models import Job
from jobs.pages.forms import form_class, initial_from
from simulations.structures import StructureInput

FORM = "/jobs/new/demo.sum_squares/"


class Params(BaseModel):
    structure: StructureInput = Field(title="Structure", examples=["water"])
    functional: Literal["pbe", "b3lyp"] = Field("pbe", title="Functional")
    charge: int = Field(0, ge=-2, le=2, title="Charge", description="Of the whole molecule.")
    cutoff_ev: float | None = Field(None, gt=0, title="Cutoff")
    relax: bool = Field(True, title="Relax")
    mesh: tuple[int, int, int] | None = Field(None, title="Mesh")
    old: float | None = Field(None, json_schema_extra={"unused": True})
    threshold: float = Field(1e-9, title="Threshold")
    n_threads: int = Field(1, json_schema_extra={"level": "expert"})


@pytest.fixture
def signed_in(client: Any, alice: Any) -> Any:
    client.force_login(alice)
    return client


def bound(**answers: str) -> Any:
    defaults = {"structure": "water", "functional": "pbe", "relax": "on", "n_threads": "1"}
    form = form_class(Params)({**defaults, **answers})
    assert form.is_valid()
    return form


# --- how it is drawn ------------------------------------------------------------------------


def test_a_number_gets_its_bounds(signed_in):
    html = signed_in.get(FORM).content.decode()

    assert 'type="number" name="n" value="10"' in html
    assert 'min="1"' in html
    assert 'max="10000"' in html
    assert "How many squares to add." in html


def test_each_kind_of_field_gets_its_control():
    html = form_class(Params)().as_p()

    assert '<textarea name="structure"' in html
    assert '<option value="b3lyp">' in html
    assert '<input type="checkbox" name="relax"' in html
    assert 'name="old"' not in html


def test_the_main_fields_come_first_and_the_rest_on_request():
    form = form_class(Params)()

    assert names_of(form.groups) == [
        ("Structure", ["structure", "charge"]),
        ("Calculation", ["functional", "cutoff_ev", "relax", "mesh"]),
    ]
    assert names_of(form.folded) == [
        ("More settings", ["threshold"]),
        ("Expert settings", ["n_threads"]),
    ]
    assert [is_open for _, _, is_open in form.folded] == [False, False]


def test_a_changed_setting_is_not_hidden():
    assert [is_open for _, _, is_open in bound(threshold="1e-6").folded] == [True, False]


def names_of(parts: Any) -> list[Any]:
    return [(title, [each.question.name for each in drawn]) for title, drawn, *_ in parts]


def test_every_installed_simulation_can_be_drawn(signed_in):
    for simulation in simulations.all_simulations():
        assert signed_in.get(f"/jobs/new/{simulation.name}/").status_code == 200


def test_an_unknown_simulation_has_no_form(signed_in):
    assert signed_in.get("/jobs/new/no.such/").status_code == 404


# --- what it sends --------------------------------------------------------------------------


def test_what_is_left_blank_takes_its_default():
    form = bound(charge="", cutoff_ev="", threshold="", functional="pbe")

    params = Params.model_validate(form.params())

    assert params.charge == 0
    assert params.cutoff_ev is None
    assert params.threshold == 1e-9


def test_answers_become_values():
    form = bound(charge="-1", cutoff_ev="400.5", mesh="[4, 4, 1]", relax="on")

    given = form.params()

    assert given["charge"] == -1
    assert given["cutoff_ev"] == 400.5
    assert given["mesh"] == [4, 4, 1]
    assert given["relax"] is True


@pytest.mark.parametrize(
    ("typed", "value"), [("400 eV", 400), ("1 hartree", 27.211386245988), ("4 A", "4 A")]
)
def test_a_unit_may_be_typed_and_what_is_of_another_is_left_for_the_check(typed, value):
    form = bound(cutoff_ev=typed)

    assert form.params()["cutoff_ev"] == value
    assert form.asked["cutoff_ev"].is_same("400 eV", "400.0")


def test_a_number_that_has_a_unit_may_be_typed_with_letters():
    html = form_class(Params)().as_p()

    assert '<input type="text" name="cutoff_ev"' in html
    assert 'data-unit="eV"' in html
    assert '<input type="number" name="charge"' in html


def test_limits_may_have_units():
    form = bound(job_wall_time_s="2 h", job_memory_mib="1.5 GiB")

    assert form.budget() == Budget(wall_time_s=7200, memory_mib=1536)


def test_a_limit_of_another_unit_is_refused():
    form = form_class(Params)({"job_wall_time_s": "2 nm"})

    assert not form.is_valid()
    assert "nm is a unit of length; give time in s, fs" in form.errors["job_wall_time_s"][0]


def test_a_structure_is_sent_with_its_format_only_if_one_was_chosen():
    assert bound(structure__format="auto").params()["structure"] == "water"
    assert bound(structure__format="name").params()["structure"] == {
        "format": "name",
        "text": "water",
    }


def test_a_submitted_form_leads_to_the_job(signed_in, alice):
    data = {"n": "3", "job_name": "Three", "job_tags": "a, b, a"}

    response = signed_in.post(FORM, data)

    job = Job.objects.get()
    assert response.url == job.get_absolute_url()
    assert (job.owner, job.params, job.name, job.tags) == (alice, {"n": 3}, "Three", ["a", "b"])


# --- what it says when something is wrong ---------------------------------------------------


@pytest.mark.parametrize("typed", ["0", "three", "1e99", "-1"])
def test_an_error_is_put_at_its_field_and_nothing_is_queued(signed_in, typed):
    response = signed_in.post(FORM, {"n": typed, "job_name": "Kept"})

    html = response.content.decode()
    assert response.status_code == 422
    assert response.context["form"].problems[0].target == "id_n"
    assert 'aria-describedby="id_n_hint id_n_error"' in html
    assert f'value="{typed}"' in html
    assert 'value="Kept"' in html
    assert not Job.objects.exists()


def test_an_unknown_choice_stays_in_sight():
    form = bound(functional="b3lypp")

    assert '<option value="b3lypp" selected>b3lypp (unknown)</option>' in str(form["functional"])
    assert form.params()["functional"] == "b3lypp"


def test_a_mend_is_offered_in_words_and_for_the_script():
    form = bound(charge="1")
    form.explain(
        [
            simulations.FieldError(
                path=("charge",), code="parity", detail="Must be even.", fix={"charge": 0}
            )
        ]
    )

    (fix,) = form.problems[0].fixes
    assert (fix.words, fix.target, fix.value) == ("Use 0", "id_charge", "0")


def test_an_error_below_a_field_is_put_at_the_field():
    form = bound()
    error = simulations.FieldError(path=("structure", "text"), code="empty", detail="It is empty.")

    form.explain([error])

    assert form.errors["structure"] == ["It is empty."]


def test_an_error_of_no_field_is_put_at_the_top():
    form = bound()

    form.explain([simulations.FieldError(path=(), code="odd", detail="These do not go together.")])

    assert form.non_field_errors() == ["These do not go together."]
    assert form.problems[0].target == ""


def test_a_percent_sign_in_an_error_is_only_text():
    form = bound()

    form.explain([simulations.FieldError(path=("charge",), code="odd", detail="50 % of %s")])

    assert form.errors["charge"] == ["50 % of %s"]


@pytest.mark.parametrize(
    ("answers", "field"),
    [
        ({"structure": "C1CC("}, "structure"),
        ({"structure": ""}, "structure"),
        ({"structure": "   "}, "structure"),
        ({"structure": "water", "functional": "b3lypp"}, "functional"),
        ({"structure": "water", "basis": "6-31*"}, "basis"),
        ({"structure": "water", "multiplicity": "2"}, "multiplicity"),
        ({"structure": "water", "charge": "99"}, "charge"),
    ],
)
def test_bad_chemistry_is_named_at_its_field(signed_in, answers, field):
    response = signed_in.post("/jobs/new/dft_single_point/", answers)

    problems = response.context["form"].problems
    assert response.status_code == 422
    assert problems[0].target == f"id_{field}"
    assert problems[0].detail in response.context["form"].errors[field]
    assert not Job.objects.exists()


# --- starting from another job --------------------------------------------------------------


def test_a_duplicate_starts_from_the_input_of_the_other_job(signed_in, submit):
    job = submit(params={"n": 77}, name="Original")

    html = signed_in.get(FORM, {"from": str(job.pk)}).content.decode()

    assert 'name="n" value="77"' in html
    assert 'value="Original"' in html


def test_a_duplicate_of_a_strangers_job_is_an_empty_form(signed_in, submit, bob):
    job = submit(owner=bob, params={"n": 77})

    form = signed_in.get(FORM, {"from": str(job.pk)}).context["form"]
    assert form["n"].value() == "10"


def test_a_duplicated_structure_keeps_its_format():
    source = Job(params={"structure": {"format": "smiles", "text": "CO"}})

    initial = initial_from(source)

    assert (initial["structure"], initial["structure__format"]) == ("CO", "smiles")


def test_a_job_that_cannot_run_again_says_so(signed_in, submit):
    job = submit()
    Job.objects.update(simulation="once.was")

    response = signed_in.post(f"/jobs/{job.pk}/again/", follow=True)

    assert "cannot run again" in response.content.decode()
    assert Job.objects.count() == 1


def test_a_simulation_without_its_engine_is_explained(signed_in, monkeypatch):
    def refuse(**_: Any) -> Job:
        raise simulations.UnknownSimulation("demo", "It needs pyscf, not installed on this site.")

    monkeypatch.setattr(lifecycle, "submit", refuse)

    response = signed_in.post(FORM, {"n": "3"})

    assert "It needs pyscf" in response.content.decode()
