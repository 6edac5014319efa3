"""The figures of dynamics, docking and screens: which, and with which numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

import simulations
from jobs.models import Job, JobState
from jobs.pages.figures import figures_of
from jobs.pages.figures.dynamics import runs
from jobs.pages.figures.honest import rounded, with_error
from jobs.pages.snapshot import snapshot

pytestmark = pytest.mark.django_db


def average(key: str, title: str, **numbers: Any) -> dict[str, Any]:
    told = {
        "key": key, "title": title, "unit": "kJ/mol", "mean": -46108.2, "error": 12.4,
        "spread": 140.0, "drift_per_ns": -3722.0, "drift_error_per_ns": 3686.0,
        "n_effective": 127.5,
    }  # fmt: skip
    return told | numbers


MD: dict[str, Any] = {
    "averages_from_ps": 9.3,
    "averages": [
        average("potential_energy_kj_per_mol", "Potential energy"),
        average("kinetic_energy_kj_per_mol", "Kinetic energy"),
        average("total_energy_kj_per_mol", "Total energy"),
        average("temperature_k", "Temperature", unit="K", mean=300.12, error=None, spread=4.8,
                n_effective=None),
    ],
    "fluctuations": [
        {"label": "C1", "atoms": [1], "rmsf_angstrom": 0.1},
        {"label": "H1", "atoms": [2], "rmsf_angstrom": 0.85},
    ],
    "speed_ns_per_day": 86.4,
    "timestep_fs": 2.0,
    "n_atoms": 9,
    "n_steps": 22000,
    "platform": "Reference",
    "wall_time_s": 61.0,
}  # fmt: skip
POSE = {"score_kcal_per_mol": -6.5}
DOCKED: dict[str, Any] = {
    "poses": [{"rank": 1, **POSE}, {"rank": 2, **POSE}],
    "contacts": [
        {"rank": 1, "residue": "TYR B:9", "kind": "van der Waals", "distance_angstrom": 1.9},
        {"rank": 1, "residue": "ASP A:95", "kind": "van der Waals", "distance_angstrom": 1.8},
        {"rank": 1, "residue": "ASP A:95", "kind": "hydrogen bond, ligand donates",
         "distance_angstrom": 2.81},
        {"rank": 2, "residue": "ASP A:95", "kind": "cation-π, receptor positive",
         "distance_angstrom": 4.4},
    ],
}  # fmt: skip


def ligand(rank: int, line: int, name: str, score: float) -> dict[str, Any]:
    return {
        "rank": rank, "line": line, "name": name, "smiles": "CCO", "score_kcal_per_mol": score,
        "ligand_efficiency_kcal_per_mol": 0.4, "molecular_weight_g_per_mol": 46.07,
        "crippen_logp": -0.0, "n_heavy_atoms": 3, "n_searches_agreeing": 1,
    }  # fmt: skip


SCREENED: dict[str, Any] = {
    "ligands": [ligand(1, 3, "third", -7.2), ligand(2, 1, "first", -5.0)],
    "failed": [
        {"line": 2, "text": "C1CC broken ring", "reason": "No.", "cause": "unreadable_smiles"},
        {"line": 4, "text": "CC", "reason": "Odd.", "cause": "of_another_kind"},
    ],
}


@pytest.fixture
def ended(submit: Callable[..., Job]) -> Callable[..., Job]:
    """A job of this type that has ended with this result."""

    def ended(simulation: str, result: dict[str, Any]) -> Job:
        job = submit()
        fields = {"state": JobState.SUCCEEDED, "result": result, "simulation": simulation}
        Job.objects.filter(pk=job.pk).update(**fields)
        job.refresh_from_db()
        return job

    return ended


def figures(job: Job) -> dict[str, Any]:
    return {each.key: each for each in figures_of(job, simulations.get(job.simulation), [])}


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (300.123, 4.83, "300.1 ± 4.8"),
        (-46108.2, 12.4, "−46108 ± 12"),
        (-3722.0, 3686.0, "−3700 ± 3700"),
        (1.19234, 0.00161, "1.1923 ± 0.0016"),
        (1.19234, None, "1.192"),
        (0.0, 0.0, "0"),
        (None, None, "–"),
    ],
)
def test_no_digit_is_shown_that_the_error_does_not_leave(
    value: float | None, error: float | None, text: str
) -> None:
    assert with_error(value, error) == text
    assert text.startswith(rounded(value, error))


def test_averages_are_written_with_their_errors_and_saved_whole(
    ended: Callable[..., Job],
) -> None:
    found = figures(ended("md_simulation", MD))["averages"]

    assert found.data["written"][0] == {
        "title": "Potential energy", "unit": "kJ/mol", "mean": "−46108 ± 12", "spread": "140.0",
        "drift": "−3700 ± 3700 kJ/mol/ns", "samples": "128",
    }  # fmt: skip
    assert found.data["written"][3]["samples"] == "too few reports"
    assert found.table.rows[0][2] == -46108.2
    assert "Temperature 300.1 K" in found.sentence


def test_energies_have_the_line_of_their_drift(ended: Callable[..., Job]) -> None:
    energies = figures(ended("md_simulation", MD))["energies"]

    assert [each["name"] for each in energies.data["energies"]] == ["Potential", "Kinetic", "Total"]
    assert energies.data["energies"][2]["drift_per_ns"] == -3722.0
    assert energies.data["from_ps"] == 9.3


def test_what_moves_most_is_said(ended: Callable[..., Job]) -> None:
    found = figures(ended("md_simulation", MD))

    assert found["rmsf"].sentence == "2 atoms; H1 moves most, 0.85 Å."
    assert found["performance"].table.rows[:2] == [
        ["Speed (ns/day)", "86.40"],
        ["Speed (steps/s)", "500.0"],
    ]


def test_a_run_of_before_there_were_averages_has_what_it_has(ended: Callable[..., Job]) -> None:
    old = {key: MD[key] for key in MD if not key.startswith(("averages", "fluct"))}

    assert list(figures(ended("md_simulation", old))) == ["performance"]


def test_the_plots_know_where_averages_begin(ended: Callable[..., Job]) -> None:
    job = ended("md_simulation", MD)

    told = snapshot(job, simulations.get("md_simulation"))

    cuts = {plot["y"]: plot["cut_at"] for plot in told["plots"]}
    assert cuts["rmsd_angstrom"] == 9.3
    assert cuts["temperature_k"] is None


def test_a_cell_is_of_the_strongest_contact_and_tells_all(ended: Callable[..., Job]) -> None:
    found = figures(ended("docking", DOCKED))["fingerprint"]

    assert found.data["residues"] == ["ASP A:95", "TYR B:9"]
    kinds = [each["name"] for each in found.data["classes"]]
    first, second = (pose["cells"] for pose in found.data["poses"])
    assert [kinds[cell["class"]] for cell in first] == ["hydrogen", "vdw"]
    assert first[0]["words"] == "hydrogen bond, ligand donates 2.81 Å; van der Waals 1.80 Å"
    assert kinds[second[0]["class"]] == "pi"
    assert second[1] is None
    assert found.sentence == "2 poses and 2 residues. Every pose touches ASP A:95."
    assert found.table.texts[1][2:] == ["cation-π, receptor positive 4.40 Å", "–"]


def test_a_docking_without_contacts_has_no_fingerprint(ended: Callable[..., Job]) -> None:
    assert figures(ended("docking", {**DOCKED, "contacts": []})) == {}


def test_each_line_of_a_screen_is_a_square(ended: Callable[..., Job]) -> None:
    grid = figures(ended("docking_screen", SCREENED))["grid"]

    assert grid.data["states"] == "dfdf"
    assert grid.data["values"] == [-5.0, None, -7.2, None]
    assert grid.data["labels"] == ["first", "broken ring", "third", "CC"]
    assert grid.data["details"][1] == "Cannot be read as SMILES"
    assert grid.table.texts[2] == ["3", "third", "docked", "−7.20"]
    assert grid.sentence == (
        "2 of 4 ligands docked, scores from −7.20 to −5.00 kcal/mol; 2 not docked."
    )


def test_failures_are_grouped_by_cause(ended: Callable[..., Job]) -> None:
    failures = figures(ended("docking_screen", SCREENED))["failures"]

    causes = [(each["cause"], len(each["failed"])) for each in failures.data["groups"]]
    assert causes == [("Cannot be read as SMILES", 1), ("Of another kind", 1)]
    assert "failures" not in figures(ended("docking_screen", {**SCREENED, "failed": []}))


def test_the_ranking_has_a_drawing_of_each_ligand(
    ended: Callable[..., Job], client: Client
) -> None:
    job = ended("docking_screen", SCREENED)
    client.force_login(job.owner)

    page = client.get(f"/jobs/{job.pk}/").content.decode()

    address = f"/jobs/{job.pk}/drawings/1.svg"
    assert f'<img src="{address}"' in page
    drawn = client.get(address)
    assert drawn["Content-Type"] == "image/svg+xml; charset=utf-8"
    assert drawn["Cache-Control"].startswith("private")
    assert drawn.content.startswith(b"<svg")
    assert drawn.content.count(b"<path") > 5
    for nowhere in ("0", "3"):
        assert client.get(f"/jobs/{job.pk}/drawings/{nowhere}.svg").status_code == 404


def test_a_screen_of_before_weights_were_kept_is_shown_without_them(
    ended: Callable[..., Job],
) -> None:
    since = ("line", "molecular_weight_g_per_mol", "crippen_logp")
    old = [{k: v for k, v in each.items() if k not in since} for each in SCREENED["ligands"]]

    found = figures(ended("docking_screen", {"ligands": old, "failed": []}))

    assert list(found) == ["distribution", "ranks"]
    assert found["ranks"].data["ranking"][0]["weight"] == "–"


def test_what_rounds_to_nothing_has_no_sign(ended: Callable[..., Job]) -> None:
    ligand = {**SCREENED["ligands"][0]}
    screened = {**SCREENED, "ligands": [{**ligand, "crippen_logp": each} for each in (-0.04, -0.4)]}

    shown = figures(ended("docking_screen", screened))["ranks"].data["ranking"]

    assert [each["logp"] for each in shown] == ["0.0", "−0.4"]


def test_what_never_changes_has_no_error() -> None:
    """The density at a constant volume, by 64 bits."""
    assert with_error(0.8937261710800738, 5.0e-17) == "0.8937"


def test_what_each_pose_touches_is_drawn_around_the_ligand(
    ended: Callable[..., Job], client: Client
) -> None:
    job = ended("docking", {**DOCKED, "ligand_smiles": "c1ccccc1"})

    found = figures(job)["interactions"]

    first = found.data["poses"][0]
    names = [each["name"] for each in first["residues"]]
    assert names == sorted({each["residue"] for each in DOCKED["contacts"] if each["rank"] == 1})
    assert found.data["ligand"]["paths"]
    client.force_login(job.owner)
    page = client.get(f"/jobs/{job.pk}/").content.decode()
    drawn = re.search(
        r'<figure class="result wide" id="figure-interactions".*?</figure>', page, re.S
    )
    assert drawn
    assert drawn[0].count("data-pose-around=") == len(DOCKED["poses"])
    assert f"{first['residues'][0]['distance']} Å</text>" in drawn[0]


def test_atoms_of_a_residue_are_told_by_the_ends_of_their_runs() -> None:
    assert runs([4, 5, 6, 9]) == [[4, 6], [9, 9]]
    assert runs([]) == []
