"""Figures of a crystal: its cell beside the measured one, and its energy against the volume."""

from __future__ import annotations

from jobs.pages.formats import number

from .frame import Cell, Finished, ResultFigure, Table

AXES = ("a", "b", "c")


def cell(finished: Finished) -> ResultFigure:
    result = finished.result
    measured = result.get("literature_source")
    rows = [_edge(axis, finished) for axis in AXES if result.get(f"{axis}_angstrom") is not None]
    rows.append(["V (Å³)", result["volume_angstrom3"], None, None])
    header = ["Of the cell", "Computed", "Measured", "Deviation (%)"]
    lengths = ", ".join(f"{row[0]} {number(row[1], digits=4)}" for row in rows[:-1])
    beside = f" beside those measured ({measured})" if measured else ""
    return ResultFigure(
        key="cell",
        kind="numbers",
        table_open=True,
        title="Cell",
        caption=f"Lattice constants of {result['title']} by {result['method']}{beside}.",
        sentence=f"{result['title']}, {result['space_group']}: {lengths}, volume "
        f"{number(result['volume_angstrom3'], digits=3)} Å³.",
        table=Table(header=header, rows=rows, digits=[None, 4, 4, 2])
        if measured
        else Table(header=header[:2], rows=[row[:2] for row in rows], digits=[None, 4]),
    )


def _edge(axis: str, finished: Finished) -> list[Cell]:
    length = finished.result[f"{axis}_angstrom"]
    measured = finished.result.get(f"literature_{axis}_angstrom")
    off = 100 * (length / measured - 1) if measured else None
    return [f"{axis} (Å)", length, measured, off]


def equation_of_state(finished: Finished) -> ResultFigure | None:
    """None where no volumes were scanned."""
    result = finished.result
    points = result.get("equation_of_state")
    if not points:
        return None
    names = ("volume_angstrom3", "energy_hartree", "fitted_energy_hartree")
    modulus, volume = result["bulk_modulus_gpa"], result["equilibrium_volume_angstrom3"]
    derivative, residual = result["bulk_modulus_derivative"], result["fit_residual_hartree"]
    told = (
        f"V₀ {number(volume, digits=2)} Å³, B₀ {number(modulus, digits=1)} GPa, "
        f"B₀′ {number(derivative, digits=1)}"
    )
    return ResultFigure(
        key="equation-of-state",
        kind="equation_of_state",
        title="Energy against volume",
        caption="Least energy at each volume, and Birch and Murnaghan's third-order curve through "
        f"these points: {told}. The curve misses the points by "
        f"{number(residual, 'exp', 1)} hartree (root mean square).",
        sentence=f"{len(points)} volumes from {number(points[0][names[0]], digits=2)} to "
        f"{number(points[-1][names[0]], digits=2)} Å³; the fitted curve has {told}.",
        table=Table(
            header=["Volume (Å³)", "Energy (hartree)", "Fitted energy (hartree)"],
            rows=[[point[name] for name in names] for point in points],
            digits=[3, 7, 7],
        ),
        data={
            "points": [[point[names[0]], point[names[1]]] for point in points],
            "volume_angstrom3": volume,
            "energy_hartree": result["predicted_energy_hartree"],
            "bulk_modulus_gpa": modulus,
            "bulk_modulus_derivative": derivative,
        },
        units={"points": "Å³, hartree", "bulk_modulus_gpa": "GPa", "volume_angstrom3": "Å³"},
        replaces="energy_of_volume_hartree",
    )
