"""A table of molecules that comes with a form becomes a batch, or is refused line by line."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from rdkit import Chem

from jobs.batch_models import Batch
from jobs.models import Job

pytestmark = pytest.mark.django_db

XTB = "/jobs/new/xtb_optimization/"


@pytest.fixture
def send(client: Client, alice: Any) -> Any:
    client.force_login(alice)

    def send(content: str | bytes, name: str = "table.csv", to: str = XTB, **told: Any) -> Any:
        content = content.encode() if isinstance(content, str) else content
        table = SimpleUploadedFile(name, content)
        return client.post(to, {"job_table": table, **told}, follow=True)

    return send


def sent() -> list[tuple[str, Any]]:
    (batch,) = Batch.objects.all()
    items = batch.items.order_by("index").select_related("job")
    return [(item.job.name, item.job.params["structure"]) for item in items if item.job]


@pytest.mark.parametrize(
    "table",
    [
        "smiles,name\nCCO,ethanol\nCCN,ethylamine\n",
        "\n\nName;SMILES\r\nethanol;CCO\r\n\r\nethylamine;CCN\r\n",
        "\ufeffstructure\ttitle\nCCO\tethanol\nCCN\tethylamine\n",
        "# mine\nCCO ethanol\n\nCCN\tethylamine\n",
    ],
)
def test_each_row_becomes_a_job_of_one_batch(send: Any, table: str) -> None:
    answer = send(table, job_name="Amines", job_tags="april", solvent="water")

    batch = Batch.objects.get()
    assert answer.redirect_chain == [(batch.get_absolute_url(), 302)]
    assert (batch.name, batch.varied) == ("Amines", ["params.structure"])
    assert sent() == [("ethanol", "CCO"), ("ethylamine", "CCN")]
    assert {job.params["solvent"] for job in Job.objects.all()} == {"water"}
    assert {tuple(job.tags) for job in Job.objects.all()} == {("april",)}


def test_a_column_may_be_a_setting_and_others_are_named(send: Any) -> None:
    answer = send("smiles,Charge,method,MW\n[NH4+],1,GFN1-xTB,18.04\nCCO,,,46.07\n")

    ions = Job.objects.get(params__charge=1)
    assert ions.params["method"] == "GFN1-xTB"
    assert Job.objects.get(params__structure="CCO").params["method"] == "GFN2-xTB"
    assert [str(each) for each in answer.context["messages"]] == [
        "Columns that are no setting here: MW."
    ]


def test_an_sd_file_is_a_job_for_each_molecule_by_its_title(send: Any) -> None:
    blocks = []
    for name, smiles in (("water", "O"), ("methane", "C")):
        molecule = Chem.AddHs(Chem.MolFromSmiles(smiles))
        molecule.SetProp("_Name", name)
        blocks.append(Chem.MolToMolBlock(molecule) + "> <activity>\n7\n\n$$$$\n")

    send("".join(blocks), "two.sdf")

    assert [name for name, _ in sent()] == ["water", "methane"]
    assert [job.structure["formula"] for job in Job.objects.order_by("id")] == ["H2O", "CH4"]


def test_what_cannot_be_run_is_named_by_its_line_and_nothing_is_stored(send: Any) -> None:
    answer = send("smiles,name\nCCO,ethanol\nC1CC(,broken\n", max_steps="77")

    assert answer.status_code == 422
    html = answer.content.decode()
    assert "Line 3: “C1CC(” could not be read" in html
    assert "Choose the file again" in html
    assert '<details class="more" id="many" open>' in html
    assert answer.context["form"]["max_steps"].value() == "77"
    assert not Job.objects.exists()
    assert not Batch.objects.exists()


def test_the_rest_is_run_if_that_is_what_is_wanted(send: Any) -> None:
    send("smiles,name\nCCO,ethanol\nC1CC(,broken\n", job_skip="on")

    batch = Batch.objects.get()
    assert (batch.n_items, sent()) == (2, [("ethanol", "CCO")])


@pytest.mark.parametrize(
    ("table", "why"),
    [
        (b"", "There is no molecule in it."),
        (b"smiles,name\n", "There is no molecule in it."),
        ("smiles;name\nCCO;\xc4thanol".encode("latin-1"), "It is no text in UTF-8."),
        (b"C\n" * 10_001, "It has 10,001 molecules; at most 10,000 are one batch."),
    ],
)
def test_what_is_no_table_says_so(send: Any, table: bytes, why: str) -> None:
    answer = send(table)

    assert answer.status_code == 422
    assert why in answer.content.decode()
    assert not Batch.objects.exists()


def test_a_simulation_of_no_single_molecule_takes_no_table(client: Client, send: Any) -> None:
    assert 'id="many"' in client.get(XTB).content.decode()
    assert 'id="many"' not in client.get("/jobs/new/reaction_energy/").content.decode()

    send("smiles\nCCO\n", to="/jobs/new/demo.sum_squares/")

    assert not Batch.objects.exists()
    assert Job.objects.get().simulation == "demo.sum_squares"


def test_a_table_that_is_sent_twice_is_one_batch_and_a_mended_one_another(send: Any) -> None:
    for table in ("smiles\nCCO\n", "smiles\nCCO\n", "smiles\nCCO\nCCN\n"):
        send(table, job_once="the form's own word")

    assert [batch.n_items for batch in Batch.objects.order_by("created_at")] == [1, 2]
