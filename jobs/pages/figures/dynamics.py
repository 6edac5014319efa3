"""Figures of a molecular dynamics run: what its quantities were on average, and what moved."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from django.urls import reverse

from jobs.pages.formats import duration, number

from .frame import Finished, ResultFigure, Table
from .honest import rounded, with_error

ENERGIES = {
    "potential_energy_kj_per_mol": "Potential",
    "kinetic_energy_kj_per_mol": "Kinetic",
    "total_energy_kj_per_mol": "Total",
}
REPORTS = "observables.csv"
FS_PER_NS = 1e6
SECONDS_PER_DAY = 86_400
HEADER = (
    "Quantity", "Unit", "Mean", "Standard error", "Standard deviation", "Drift per ns",
    "Error of the drift", "Effective samples",
)  # fmt: skip
CALLED = ("key", "title", "unit")
OF_EACH = ("mean", "error", "spread", "drift_per_ns", "drift_error_per_ns", "n_effective")


def energies(finished: Finished) -> ResultFigure | None:
    """None for a run of before there were averages."""
    found = {each["key"]: each for each in finished.result.get("averages", ())}
    if not ENERGIES.keys() <= found.keys():
        return None
    told = {name: _drift(found[key]) for key, name in ENERGIES.items()}
    from_ps = finished.result["averages_from_ps"]
    return ResultFigure(
        key="energies",
        kind="energies",
        title="Energies",
        caption="Each report (thin), the running mean over a twentieth of the run (bold), and from "
        "the cut on the straight line through them (dashed), whose slope is the drift. “All” shows "
        "each against its own mean.",
        sentence=f"Drift from {number(from_ps, digits=3)} ps on, kJ/mol/ns: "
        + "; ".join(f"{name.lower()} {drift}" for name, drift in told.items())
        + ".",
        table=Table(
            header=["Energy", *HEADER[2:]],
            rows=[
                [name, *(found[key][field] for field in OF_EACH)] for key, name in ENERGIES.items()
            ],
        ),
        data={
            "from_ps": from_ps,
            "energies": [
                {"key": key, "name": name, "drift": told[name], **_line(found[key])}
                for key, name in ENERGIES.items()
            ],
        },
        units={"mean": "kJ/mol", "drift_per_ns": "kJ/mol/ns", "from_ps": "ps"},
    )


def _line(average: dict[str, Any]) -> dict[str, Any]:
    return {"mean": average["mean"], "drift_per_ns": average["drift_per_ns"]}


def _drift(average: dict[str, Any]) -> str:
    return with_error(average["drift_per_ns"], average["drift_error_per_ns"])


def averages(finished: Finished) -> ResultFigure | None:
    found = finished.result.get("averages")
    if not found:
        return None
    from_ps = number(finished.result["averages_from_ps"], digits=3)
    return ResultFigure(
        key="averages",
        kind="averages",
        title="Averages",
        caption=f"Over the reports from {from_ps} ps on, where the run had settled, unless you let "
        "them begin elsewhere. Standard errors are by blocking, which "
        "knows that reports follow each other closely (Flyvbjerg and Petersen 1989); so many "
        "independent reports as there are effective samples would have the same.",
        sentence="; ".join(
            f"{each['title']} {with_error(each['mean'], each['error'])} {each['unit']}"
            for each in found
        )
        + ".",
        table=Table(
            header=HEADER,
            rows=[
                [each["title"], each["unit"], *(each[name] for name in OF_EACH)] for each in found
            ],
        ),
        data={
            "written": [_written(each) for each in found],
            "quantities": [{name: each[name] for name in CALLED} for each in found],
            "settled_ps": finished.result["averages_from_ps"],
            "reports": _reports(finished),
        },
        wide=True,
    )


def _reports(finished: Finished) -> str:
    """The address of every report of the run; empty once its files were removed."""
    artifact = finished.files.get(REPORTS)
    if artifact is None or finished.job.files_removed_at:
        return ""
    return reverse("jobs:file", args=[finished.job.pk, artifact.pk])


def _written(average: dict[str, Any]) -> dict[str, str]:
    """A row with as many digits as mean something."""
    samples, unit = average["n_effective"], average["unit"]
    return {
        "title": average["title"],
        "unit": unit,
        "mean": with_error(average["mean"], average["error"]),
        "spread": rounded(average["spread"], _error_of_spread(average)),
        "drift": f"{_drift(average)} {unit}/ns",
        "samples": "too few reports" if samples is None else number(samples, "int"),
    }


def _error_of_spread(average: dict[str, Any]) -> float | None:
    """As of so many normally distributed values."""
    samples = average["n_effective"]
    return float(average["spread"]) / math.sqrt(2 * samples) if samples else None


def fluctuations(finished: Finished) -> ResultFigure | None:
    told = finished.result.get("fluctuations")
    if not told:
        return None
    # Of frames in thousandths of an ångström.
    found = [{**each, "rmsf_angstrom": round(each["rmsf_angstrom"], 4)} for each in told]
    by_residue = len(found[0]["atoms"]) > 1 or any(len(each["atoms"]) > 1 for each in found)
    what = "residue" if by_residue else "atom"
    most = max(found, key=lambda each: float(each["rmsf_angstrom"]))
    of = "the heavy atoms of each residue move" if by_residue else "each atom moves"
    return ResultFigure(
        key="rmsf",
        kind="rmsf",
        title=f"RMSF of each {what}",
        caption=f"How far {of} about the mean place (root mean square), frames superposed on their "
        "average by the heavy atoms; from the cut on. Point at a bar to see it in figure 1.",
        sentence=f"{len(found)} {what}s; {most['label']} moves most, "
        f"{number(most['rmsf_angstrom'], digits=2)} Å.",
        table=Table(
            header=[what.capitalize(), "RMSF (Å)"],
            rows=[[each["label"], each["rmsf_angstrom"]] for each in found],
            digits=[None, 2],
        ),
        data={"bars": [{**each, "atoms": runs(each["atoms"])} for each in found], "what": what},
        units={"rmsf_angstrom": "Å"},
    )


def runs(numbers: Sequence[int]) -> list[list[int]]:
    """The first and the last of each unbroken run: of a residue that is most often one."""
    found: list[list[int]] = []
    for each in numbers:
        if found and each == found[-1][1] + 1:
            found[-1][1] = each
        else:
            found.append([each, each])
    return found


def performance(finished: Finished) -> ResultFigure:
    result = finished.result
    speed = result["speed_ns_per_day"]
    steps_per_s = speed * FS_PER_NS / result["timestep_fs"] / SECONDS_PER_DAY
    rows = [
        ["Speed (ns/day)", with_error(speed, None)],
        ["Speed (steps/s)", with_error(steps_per_s, None)],
        ["Atoms", number(result["n_atoms"], "int")],
        ["OpenMM platform", result["platform"]],
        ["Steps", number(result["n_steps"], "int")],
        ["Wall time", duration(result["wall_time_s"])],
    ]
    return ResultFigure(
        key="performance",
        kind="numbers",
        title="Performance",
        caption="Speed of the engine alone, over the last attempt; its wall time has minimising "
        "and writing in it too.",
        sentence=f"{rows[0][1]} ns/day, {rows[1][1]} steps/s on {result['platform']}.",
        table=Table(header=["Of the run", "Value"], rows=rows),
    )
