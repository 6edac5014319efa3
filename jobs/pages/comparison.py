"""Several jobs side by side: what went in and differs, what came out, and by how much."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeGuard

import simulations
from jobs import events
from jobs.models import Job

from .chart import Chart, Pairs, drawn, series_of
from .comparable import converted, is_energy, why_not, why_not_this
from .figures import ResultFigure, Table
from .formats import MINUS, number, plain, split_unit
from .snapshot import thinned
from .strips import catalogued
from .tables import Row, rows

MOST = 8
UNITS = ("kcal/mol", "kJ/mol", "eV", "hartree")
DIGITS = {"hartree": 6, "kcal/mol": 2, "kJ/mol": 2, "eV": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """:param number: of its dash and marker.
    :param reasons: why its energies are not subtracted from the reference's.
    """

    job: Job
    number: int
    is_reference: bool
    reasons: list[str]

    @property
    def simulation(self) -> simulations.Simulation | None:
        return catalogued(self.job.simulation)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    value: str
    whole: str = ""
    delta: str = ""
    refused: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    label: str
    unit: str
    cells: list[Cell]
    differs: bool
    delta_unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared(ResultFigure):
    """A figure that the server has drawn, with the tools of one that a script draws."""

    chart: Chart


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    columns: list[Column]
    inputs: list[Line]
    results: list[Line]
    figures: list[Compared]

    @property
    def differing(self) -> list[Line]:
        return [line for line in self.inputs if line.differs]


def comparison(jobs: Sequence[Job], reference: Job, unit: str) -> Comparison:
    columns = [
        Column(
            job=job,
            number=n,
            is_reference=job.pk == reference.pk,
            reasons=why_not(job, reference),
        )
        for n, job in enumerate(jobs, start=1)
    ]
    return Comparison(
        columns=columns,
        inputs=_inputs(columns),
        results=[*_results(columns, reference, unit)],
        figures=[*_figures(columns)],
    )


# --- what went in -----------------------------------------------------------------------------


def _inputs(columns: Sequence[Column]) -> list[Line]:
    told = [_told(column) for column in columns]
    labels = list(dict.fromkeys(label for each in told for label in each))
    return [_line(label, [each.get(label) for each in told]) for label in labels]


def _told(column: Column) -> dict[str, Row]:
    job, simulation = column.job, column.simulation
    known = rows(job.params, simulation.Params if simulation else None)
    first = [Row(label="Simulation", value=job.title)]
    if formula := (job.structure or {}).get("formula"):
        first.append(Row(label="Formula", value=str(formula)))
    return {row.label: row for row in [*first, *known]}


def _line(label: str, found: Sequence[Row | None]) -> Line:
    values = [(row.whole or row.value) if row else None for row in found]
    return Line(
        label=label,
        unit=next((row.unit for row in found if row and row.unit), ""),
        cells=[Cell(value=row.value, whole=row.whole) if row else Cell(value="–") for row in found],
        differs=len(set(values)) > 1,
    )


# --- what came out ----------------------------------------------------------------------------


def _results(columns: Sequence[Column], reference: Job, unit: str) -> Iterator[Line]:
    for name in dict.fromkeys(name for column in columns for name in column.job.result or {}):
        values = [(column.job.result or {}).get(name) for column in columns]
        if all(value is None or isinstance(value, list | dict) for value in values):
            continue
        label, own_unit = _called(name, columns)
        # Of orbitals in eV, as their energies are.
        delta_unit = unit if is_energy(own_unit) and own_unit != "eV" else own_unit
        yield Line(
            label=label,
            unit=own_unit,
            cells=[_cell(name, own_unit, delta_unit, each, reference) for each in columns],
            differs=len({str(value) for value in values}) > 1,
            delta_unit=delta_unit,
        )


def _called(name: str, columns: Sequence[Column]) -> tuple[str, str]:
    """Label and unit of a quantity, as the first simulation that has it tells them."""
    for column in columns:
        model = column.simulation.Result if column.simulation else None
        if model and name in model.model_fields:
            row = rows({name: 0}, model)[0]
            return row.label, row.unit
    bare, unit, _ = split_unit(name)
    return bare.replace("_", " ").capitalize(), unit


def _cell(name: str, unit: str, delta_unit: str, column: Column, reference: Job) -> Cell:
    value, other = (column.job.result or {}).get(name), (reference.result or {}).get(name)
    shown = Cell(value="" if isinstance(value, list | dict) else plain(value, split_unit(name)[2]))
    if column.is_reference or not _is_number(value) or not _is_number(other):
        return shown
    if value == other:
        return shown
    if not is_energy(unit):
        return replace(shown, delta=_signed(_written(value - other, split_unit(name)[2])))
    if reasons := [*column.reasons, *why_not_this(name, unit, column.job, reference)]:
        return replace(shown, refused="; ".join(reasons))
    difference = converted(value - other, unit, delta_unit)
    return replace(shown, delta=_signed(number(difference, digits=DIGITS[delta_unit])))


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _written(difference: float, digits: int | None) -> str:
    """As many decimals as the quantity has; what is less than they show, by its first figures."""
    if isinstance(difference, int):
        return plain(difference)
    if digits is not None and abs(difference) >= 10.0**-digits:
        return number(difference, digits=digits)
    return f"{difference:.2g}".replace("e-0", "e-").replace("-", MINUS)


def _signed(text: str) -> str:
    """What rounds to nothing has no sign."""
    if not text.strip(f"{MINUS}0."):
        return text.lstrip(MINUS)
    return text if text.startswith(MINUS) else f"+{text}"


# --- figures ----------------------------------------------------------------------------------


def _figures(columns: Sequence[Column]) -> Iterator[Compared]:
    plots = {
        (plot.x, plot.y): plot
        for column in columns
        for plot in (column.simulation.plots if column.simulation else ())
    }
    if not plots:
        return
    keys = [plot.y for plot in plots.values()]
    reported = [thinned(list(events.points(column.job)), keys) for column in columns]
    for plot in plots.values():
        lines = [series_of(points, plot) for points in reported]
        if _is_total_energy(plot):
            plot, lines = _from_its_last(plot), [_less_its_last(each) for each in lines]
        named = [
            (column.number, column.job.told_apart, line)
            for column, line in zip(columns, lines, strict=True)
        ]
        if chart := drawn(plot, named):
            yield _figure(plot, chart, [(name, line) for _, name, line in named if line])


def _figure(plot: simulations.Plot, chart: Chart, named: Sequence[tuple[str, Pairs]]) -> Compared:
    return Compared(
        key=f"{plot.y}_by_{plot.x}",
        kind="compared",
        title=chart.title,
        caption=chart.caption,
        sentence=f"{len(named)} job{'s' if len(named) > 1 else ''} in one drawing.",
        table=_side_by_side(plot, named),
        chart=chart,
    )


def _side_by_side(plot: simulations.Plot, named: Sequence[tuple[str, Pairs]]) -> Table:
    """A column for each job, empty where it has no point at that place."""
    known = [dict(pairs) for _, pairs in named]
    places = sorted({x for each in known for x in each})
    return Table(
        header=[plot.x_label, *(f"{name}: {plot.y_label}" for name, _ in named)],
        rows=[[_whole(x), *(each.get(x) for each in known)] for x in places],
    )


def _whole(x: float) -> float | int:
    return int(x) if x.is_integer() else x


def _is_total_energy(plot: simulations.Plot) -> bool:
    """Of different molecules these lie so far apart that nothing else could be seen."""
    return plot.y == "energy_hartree" and not plot.log


def _from_its_last(plot: simulations.Plot) -> simulations.Plot:
    return replace(
        plot,
        title=f"{plot.title}, each from its own last value",
        y_label="E − last E (hartree)",
        caption="Each line from its own last value, so that lines of different molecules and "
        "methods can be seen together; no two of them are subtracted.",
    )


def _less_its_last(pairs: Pairs) -> Pairs:
    return [(x, y - pairs[-1][1]) for x, y in pairs]
