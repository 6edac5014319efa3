"""Figures of a molecule's electrons: its orbital levels, and the charges on its atoms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from jobs.models import Artifact, Job
from jobs.pages.formats import number

from .frame import Cell, Finished, ResultFigure, Table

CUBE = "chemical/x-gaussian-cube"
HAS_CUBES = "dft_single_point"
"""The simulation to ask for cubes where the job's own has none."""
SCHEMES = {"mulliken_charges": "Mulliken", "iao_charges": "IAO"}


def orbitals(finished: Finished) -> ResultFigure | None:
    """None for a result from before levels were kept."""
    levels = finished.result.get("orbitals")
    if not levels:
        return None
    cubes = {name: each for name, each in finished.files.items() if each.media_type == CUBE}
    shown = [{**level, "cube": _cube_of(finished.job, level, cubes)} for level in levels]
    return ResultFigure(
        key="orbitals",
        kind="orbitals",
        title="Orbital levels",
        caption="Levels on either side of the gap, filled ones below. Choose one to see it in "
        "figure 1: where it is positive in blue, where negative in copper.",
        sentence=_on_gap(levels),
        table=Table(
            header=["Orbital", "Spin", "Energy (eV)", "Electrons", "Cube file"],
            rows=[_row(level) for level in shown],
            digits=[None, None, 3, 2],
        ),
        data={
            "levels": shown,
            "gap_ev": finished.result["gap_ev"],
            "fields": _fields(finished.job, cubes),
            "has_cubes": bool(cubes),
            "how_to": _how_to(finished.job),
        },
        units={"energy_ev": "eV", "gap_ev": "eV"},
    )


def _cube_of(job: Job, level: Mapping[str, Any], cubes: Mapping[str, Artifact]) -> str | None:
    """Where the level's cube file is, if the run wrote one."""
    spin = f"_{level['spin']}" if level["spin"] else ""
    cube = cubes.get(f"{level['name']}{spin}.cube")
    return reverse("jobs:file", args=[job.pk, cube.pk]) if cube else None


def _fields(job: Job, cubes: Mapping[str, Artifact]) -> list[dict[str, str]]:
    """The densities that the run wrote."""
    return [
        {"title": cubes[name].title, "url": reverse("jobs:file", args=[job.pk, cubes[name].pk])}
        for name in ("density.cube", "spin_density.cube")
        if name in cubes
    ]


def _how_to(job: Job) -> str:
    """The form that asks for the cubes; the script adds which."""
    name = job.simulation if "cubes" in job.params else HAS_CUBES
    return f"{reverse('jobs:create', args=[name])}?{urlencode({'from': job.pk})}"


def _row(level: Mapping[str, Any]) -> list[Cell]:
    written = "yes" if level["cube"] else "no"
    return [
        level["name"],
        level["spin"] or "both",
        level["energy_ev"],
        level["occupation"],
        written,
    ]


def _on_gap(levels: Sequence[Mapping[str, Any]]) -> str:
    filled = [level["energy_ev"] for level in levels if level["name"].startswith("homo")]
    empty = [level["energy_ev"] for level in levels if level["name"].startswith("lumo")]
    parts = [f"{len(filled)} filled and {len(empty)} empty levels"]
    if filled:
        parts.append(f"the highest filled at {number(max(filled), digits=3)} eV")
    if empty:
        parts.append(f"the lowest empty at {number(min(empty), digits=3)} eV")
    if filled and empty:
        parts.append(f"a gap of {number(min(empty) - max(filled), digits=3)} eV")
    return f"{', '.join(parts)}."


def charges(finished: Finished) -> ResultFigure | None:
    """Side by side by every scheme that the result has."""
    result = finished.result
    schemes = [name for name in SCHEMES if result.get(name)]
    if not schemes:
        return None
    by_atom = list(zip(result["symbols"], *(result[name] for name in schemes), strict=True))
    rows: list[list[Cell]] = [[i, *row] for i, row in enumerate(by_atom, start=1)]
    titles = [SCHEMES[name] for name in schemes]
    return ResultFigure(
        key="charges",
        kind="charges",
        title="Charges on atoms",
        caption=f"Partial charges by {' and '.join(titles)}, in elementary charges. Mulliken's "
        "depend on the basis set; compare them within one method only.",
        sentence=_on_charges(rows, titles),
        table=Table(
            header=["Atom", "Element", *(f"{title} (e)" for title in titles)],
            rows=rows,
            digits=[None, None, *[3] * len(titles)],
        ),
        data={
            "symbols": result["symbols"],
            "schemes": [{"title": SCHEMES[name], "charges_e": result[name]} for name in schemes],
        },
        units={"charges_e": "e"},
    )


def _on_charges(rows: Sequence[Sequence[Any]], titles: Sequence[str]) -> str:
    low, high = (pick(rows, key=lambda row: row[2]) for pick in (min, max))
    return (
        f"{len(rows)} atoms; by {titles[0]} from {number(low[2], digits=3)} e on "
        f"{low[1]}{low[0]} to {number(high[2], digits=3)} e on {high[1]}{high[0]}."
    )
