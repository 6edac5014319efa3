"""What a simulation is: a typed function, its metadata, and the context it runs in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, TextIO, get_type_hints

from pydantic import BaseModel

from .validation import notes_on_unused, validate


class Context(Protocol):
    """The only window a simulation has on the outside world."""

    workdir: Path
    """Where its files go. It exists, and belongs to this attempt alone."""
    previous: Path | None
    """The directory of the attempt that was lost before this one; it may hold a checkpoint."""
    threads: int
    """How many threads the engine may use."""
    log: TextIO
    """The engine's own words; whoever watches the job reads along."""

    def report(
        self, fraction: float, message: str = "", *, stage: str = "", **metrics: float
    ) -> None:
        """Publish progress (0..1) and the quantities of now, units in their names.

        Every call is kept as one point of the job's series, so call it once per SCF cycle, step
        or frame. Raises `Cancelled` if the job was asked to stop.
        """

    def artifact(self, name: str, title: str, media_type: str = "text/plain") -> None:
        """Declare the file `name` in `workdir` as one that the user gets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something the user should know that is no error: how an input was read, what went unused."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """Input that may be queued: normalised JSON params, what was understood, and notes on it."""

    params: dict[str, Any]
    notes: list[Note] = field(default_factory=list)
    structure: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Readout:
    """How a page shows one reported metric: an instrument, not a raw number.

    :param form: `fixed` (with `digits` decimals), `exp` (small numbers) or `int`.
    """

    key: str
    title: str
    unit: str = ""
    digits: int = 6
    form: str = "fixed"
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A figure drawn live from the reported series: the points that carry both `x` and `y`.

    Where `x` goes back (the cycles of the next SCF, a step computed again) the newer run replaces
    what stood there.
    """

    x: str
    y: str
    title: str
    x_label: str
    y_label: str
    caption: str = ""
    log: bool = False
    threshold: float | None = None


Inspect = Callable[[Any], Checked]


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """A simulation type: everything that the form, the API, the docs and the worker know of it."""

    name: str
    title: str
    summary: str
    func: Callable[[Any, Context], BaseModel]
    Params: type[BaseModel]
    Result: type[BaseModel]
    version: str = "1"
    requires: tuple[str, ...] = ()
    inspect: Inspect | None = None
    stages: tuple[str, ...] = ()
    readouts: tuple[Readout, ...] = ()
    plots: tuple[Plot, ...] = ()

    @property
    def available(self) -> bool:
        return all(find_spec(module) for module in self.requires)

    def check(self, params: dict[str, Any]) -> Checked:
        """Validate without running, and without importing an engine.

        :raises InvalidParams: naming each field that is wrong.
        """
        model = validate(self.Params, params)
        checked = self.inspect(model) if self.inspect else Checked(params={})
        return Checked(
            params=model.model_dump(mode="json", exclude_unset=False),
            notes=[*checked.notes, *(Note(**note) for note in notes_on_unused(model))],
            structure=checked.structure,
        )

    def run(self, params: dict[str, Any], context: Context) -> dict[str, Any]:
        """Validate, run and serialise: JSON in, JSON out.

        :raises InvalidParams: the params do not fit.
        :raises ScienceError: the engine could not do it.
        :raises Cancelled: it was asked to stop.
        """
        return self.func(validate(self.Params, params), context).model_dump(mode="json")


declared: dict[str, Simulation] = {}


def simulation(
    name: str,
    *,
    title: str,
    summary: str = "",
    requires: Sequence[str] = (),
    inspect: Inspect | None = None,
    version: str = "1",
    stages: Sequence[str] = (),
    readouts: Sequence[Readout] = (),
    plots: Sequence[Plot] = (),
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare `run(params: Params, context: Context) -> Result`; both types come from the hints.

    :param requires: importable names of the engines it needs.
    :param inspect: looks closer at valid params before they are queued (does the multiplicity
        fit the electrons?); raises `InvalidParams`, returns what it understood.
    """

    def declare(func: Callable[..., Any]) -> Callable[..., Any]:
        if name in declared:
            raise ValueError(f"simulation {name!r} is declared twice")
        hints = get_type_hints(func)
        declared[name] = Simulation(
            name=name,
            title=title,
            summary=summary or (func.__doc__ or "").strip(),
            func=func,
            Params=hints["params"],
            Result=hints["return"],
            version=version,
            requires=tuple(requires),
            inspect=inspect,
            stages=tuple(stages),
            readouts=tuple(readouts),
            plots=tuple(plots),
        )
        return func

    return declare
