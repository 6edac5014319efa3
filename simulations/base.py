"""What a simulation is: a typed function, its metadata, and the context it runs in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, TextIO, get_type_hints

from pydantic import BaseModel

from .costs import Cost, Size
from .validation import notes_on_unused, validate


class Context(Protocol):
    """The only window a simulation has on the outside world."""

    workdir: Path
    """Where its files go. It exists, and belongs to this attempt alone."""
    previous: Path | None
    """What earlier attempts left, or the job that this one restarts; it may hold a checkpoint."""
    threads: int
    """How many threads the engine may use."""
    memory_mib: int | None
    """How much memory the whole run may take; None where nobody set a limit."""
    gpu: bool
    """Whether it may use a GPU of the machine, should there be one."""
    log: TextIO
    """The engine's own words; whoever watches the job reads along."""

    def report(
        self, fraction: float, message: str = "", *, stage: str = "", **metrics: float
    ) -> None:
        """Publish progress (0..1) and the quantities of now, units in their names.

        Every call is kept as one point of the job's series, so call it once per SCF cycle, step
        or frame. A `remaining_s` among them, which a run knows that has a speed, is told in place
        of what its estimate leaves. Raises `Cancelled` if the job was asked to stop.
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
    size: Size | None = None
    """How much there is to compute; None where it is not known."""


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
class Criterion:
    """What a reported metric must fall below before the run is done.

    :param key: of the metric, whose magnitude counts.
    :param group: of those that are drawn together, which have one unit.
    """

    key: str
    title: str
    group: str
    unit: str
    threshold: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A figure drawn live from the reported series: the points that carry both `x` and `y`.

    Where `x` goes back (the cycles of the next SCF, a step computed again) the newer run replaces
    what stood there.

    :param criteria: drawn together, those of one group at a time, each with its threshold.
    :param shows_previous: the run that was replaced stays, thin, beside the newer one.
    :param mean_over: the share of the run over which a running mean is drawn beside the points.
    :param band: reported metrics, a target and the spread that is expected about it: three times
        that to either side is shaded.
    :param cut: the field of the result that says from which `x` on averages were taken.
    """

    x: str
    y: str
    title: str
    x_label: str
    y_label: str
    caption: str = ""
    log: bool = False
    threshold: float | None = None
    criteria: tuple[Criterion, ...] = ()
    shows_previous: bool = False
    mean_over: float = 0
    band: tuple[str, str] | None = None
    cut: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    """The frames so far of a run that goes on, for whoever watches it.

    :param file: of frames, each of which says its place in the run. Of models in PDB, each after a
        line `REMARK time_ps` with its time, replaced whole whenever there are newer ones; or
        appended to: XYZ, each comment beginning with `step` and its number, or blocks of CIF, each
        named `data_step_` and its number and ended by `#END`.
    :param told_by: the reported metric that says up to where it has frames.
    :param only_if: a param without which there are none.
    """

    file: str
    told_by: str
    only_if: str = ""

    @property
    def format(self) -> str:
        return self.file.rpartition(".")[2]

    def is_of(self, params: dict[str, Any]) -> bool:
        """Whether a run with these has frames at all."""
        return not self.only_if or bool(params.get(self.only_if))


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """Params that go well together, under a name: for who does not want to choose each.

    :param key: its name in addresses.
    :param params: those that differ from their defaults; never what is to be computed.
    """

    key: str
    title: str
    words: str
    params: dict[str, Any]


Inspect = Callable[[Any], Checked]
Methods = Callable[[Any, Any], str]
"""From params and result to what was done, in sentences for a paper that cite by `[@key]`."""
Digest = Callable[[Any], dict[str, Any]]
"""From a result to the few figures that its flagged fields do not show."""


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
    methods: Methods | None = None
    digest: Digest | None = None
    cost: Cost | None = None
    aliases: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    readouts: tuple[Readout, ...] = ()
    plots: tuple[Plot, ...] = ()
    motion: Motion | None = None
    presets: tuple[Preset, ...] = ()
    uses_gpu: bool = False
    leaves_nothing: bool = False

    @property
    def available(self) -> bool:
        return all(map(is_installed, self.requires))

    def notes_on_name(self, asked: str) -> list[Note]:
        """What to tell a user who asked for it by another name than its own."""
        if asked == self.name:
            return []
        message = f"{asked!r} was asked for; its name here is {self.name} ({self.title})."
        return [Note(code="alias", message=message)]

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
            size=self.cost.size(model, checked.structure) if self.cost else None,
        )

    def run(self, params: dict[str, Any], context: Context) -> dict[str, Any]:
        """Validate, run and serialise: JSON in, JSON out.

        :raises InvalidParams: the params do not fit.
        :raises ScienceError: the engine could not do it.
        :raises Cancelled: it was asked to stop.
        """
        return self.func(validate(self.Params, params), context).model_dump(mode="json")


def is_installed(module: str) -> bool:
    """Looked up without importing anything: `find_spec` imports the parents of a dotted name."""
    top, *rest = module.split(".")
    spec = find_spec(top)
    for depth in range(len(rest)):
        if spec is None:
            return False
        name = ".".join([top, *rest[: depth + 1]])
        spec = PathFinder.find_spec(name, spec.submodule_search_locations)
    return spec is not None


declared: dict[str, Simulation] = {}


def spelling(name: str) -> str:
    """What names are compared by: case, hyphens and spaces make no other simulation."""
    return name.strip().lower().replace("-", "_").replace(" ", "_")


def _refuse_clash(name: str, aliases: Sequence[str]) -> None:
    taken = {
        spelling(each): known.name
        for known in declared.values()
        for each in (known.name, *known.aliases)
    }
    for each in (name, *aliases):
        if owner := taken.get(spelling(each)):
            raise ValueError(f"{each!r} of simulation {name!r} is a name of {owner!r} already")


def simulation(
    name: str,
    *,
    title: str,
    summary: str = "",
    requires: Sequence[str] = (),
    inspect: Inspect | None = None,
    methods: Methods | None = None,
    digest: Digest | None = None,
    cost: Cost | None = None,
    aliases: Sequence[str] = (),
    version: str = "1",
    stages: Sequence[str] = (),
    readouts: Sequence[Readout] = (),
    plots: Sequence[Plot] = (),
    motion: Motion | None = None,
    presets: Sequence[Preset] = (),
    uses_gpu: bool = False,
    leaves_nothing: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare `run(params: Params, context: Context) -> Result`; both types come from the hints.

    :param requires: importable names of the engines it needs.
    :param inspect: looks closer at valid params before they are queued (does the multiplicity
        fit the electrons?); raises `InvalidParams`, returns what it understood.
    :param methods: tells a finished run as a paper would, `PySCF 2.14 [@pyscf2020]`; its keys
        are those of `simulations.record.citations`.
    :param digest: figures of a summary beyond the fields flagged `headline`.
    :param cost: how large a run is before it begins, and how time and memory grow with that.
    :param motion: where a page finds the frames of a run that goes on.
    :param aliases: other names that a user may type, and older ones that a script still does.
    :param uses_gpu: whether a GPU is of any use to it.
    :param leaves_nothing: that a run leaves its process as it found it, whatever its params, so
        that another of the same user may follow in it, to the same digits. Only for what takes
        seconds at most: to a longer run its own process costs nothing.
    """

    def declare(func: Callable[..., Any]) -> Callable[..., Any]:
        _refuse_clash(name, aliases)
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
            methods=methods,
            digest=digest,
            cost=cost,
            aliases=tuple(aliases),
            stages=tuple(stages),
            readouts=tuple(readouts),
            plots=tuple(plots),
            motion=motion,
            presets=tuple(presets),
            uses_gpu=uses_gpu,
            leaves_nothing=leaves_nothing,
        )
        return func

    return declare
