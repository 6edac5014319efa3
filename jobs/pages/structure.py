"""Figure 1 of a job's page: the structure it was about, from the files that its run really left."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.urls import reverse
from django.utils.text import slugify

import simulations
from jobs.models import Artifact, Job

from .atoms import Atom, atoms_in, first_atoms
from .frames import MAX_BYTES
from .moving import address, motion_of, newest_frame

FORMATS = {
    "chemical/x-xyz": "xyz",
    "chemical/x-pdb": "pdb",
    "chemical/x-mdl-sdfile": "sdf",
    "chemical/x-cif": "cif",
}
SCREENED = (
    "Poses in the receptor's pocket, one at a time: the ligand's carbon in cyan, the receptor in "
    "grey. Scores rank poses; they are no measured energies."
)
"""Where contacts were not looked for, as in a screen."""
OF_DIPOLE = (
    "“Dipole” draws the dipole moment through the middle of the atoms, from minus to plus, 1 Å for "
    "each debye."
)
OF_WATER = (
    "Where there is water, “Water” shows that of the last frame, the only one that is kept for "
    "browsers with it. "
)
CELLS = (
    "The crystal's unit cell at each point that was computed so far, with what is next to it: two "
    "cells in each direction."
)
GIVEN_AS = {"structure", "ligand", "ligands", "reactants"}
"""A simulation that takes one of these is about atoms, and its figure 1 is theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a file of the job is in its figure.

    :param role: view, for one that a button shows; frames, which a slider goes through; receptor.
    """

    role: str
    file: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """:param main: the file whose atoms are in the table."""

    kind: str
    caption: str
    main: str
    shown: Sequence[Shown]
    frame_word: str = ""


def _so_far(kind: str, frame_word: str, label: str, caption: str) -> Layout:
    followed = f"The newest {frame_word.lower()} is followed until another is chosen."
    return Layout(
        kind=kind,
        caption=f"{caption} {followed}",
        main="",
        shown=[Shown(role="frames", file="", label=label)],
        frame_word=frame_word,
    )


SO_FAR = {
    "pdb": _so_far(
        "dynamics",
        "Frame",
        "Trajectory",
        "The motion so far, some frames of it, each laid over the first; water and ions are left "
        "out.",
    ),
    "xyz": _so_far(
        "molecule", "Step", "Steps", "The geometry at each step of the optimisation so far."
    ),
    "cif": _so_far("crystal", "Cell", "Cells", CELLS),
}
"""Of a run that goes on, by the format of its frames."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """The figure, and the same in words and numbers for who cannot see it."""

    kind: str
    caption: str
    sentence: str
    spec: dict[str, Any]
    atoms: list[Atom] = field(default_factory=list)
    frame_word: str = ""
    poses: list[dict[str, Any]] = field(default_factory=list)
    contacts: list[dict[str, Any]] = field(default_factory=list)
    why_empty: str = ""
    is_moving: bool = False

    @property
    def plays(self) -> bool:
        """Poses and conformers do not follow from one another, and are gone through by hand."""
        return self.kind in {"molecule", "dynamics"}


def structure_of(
    job: Job, simulation: simulations.Simulation | None, artifacts: Iterable[Artifact]
) -> Structure | None:
    """None for a job that is about no atoms."""
    if simulation is None or not GIVEN_AS & simulation.Params.model_fields.keys():
        return None
    if motion := motion_of(job, simulation):
        return _moving(job, motion)
    files = _drawable(artifacts)
    layout = _layout(files)
    if layout is None or job.files_removed_at:
        return Structure(
            kind="none", caption="Structure.", sentence="", spec={}, why_empty=_why_empty(job)
        )
    result = job.result or {}
    if layout.kind == "docking" and not result.get("contacts"):
        layout = replace(layout, caption=SCREENED)
    if layout.kind == "molecule" and _dipole(result):
        layout = replace(layout, caption=f"{layout.caption} {OF_DIPOLE}")
    main = files.get(layout.main)
    atoms = first_atoms(main) if main else []
    return Structure(
        kind=layout.kind,
        caption=layout.caption,
        sentence=_sentence(job, layout, atoms),
        spec=_spec(job, layout, files, result),
        atoms=atoms,
        frame_word=layout.frame_word,
        poses=result.get("poses", []) if layout.kind == "docking" else [],
        contacts=_telling_first(result.get("contacts", [])) if layout.kind == "docking" else [],
    )


def _moving(job: Job, motion: simulations.Motion) -> Structure:
    """Of a run that goes on: its frames so far, and each newer one as soon as it is there."""
    layout = SO_FAR[motion.format]
    (shown,) = layout.shown
    frames = {
        "role": shown.role,
        "label": shown.label,
        "name": motion.file,
        "format": motion.format,
        "url": address(job),
    }
    spec = {
        "kind": layout.kind,
        "name": _file_name(job),
        "subject": _subject(job),
        "frame_word": layout.frame_word,
        "files": [frames],
        "box": None,
        "told_by": motion.told_by,
        # Another attempt has frames of its own.
        "attempt": job.attempt,
    }
    # Whoever has no script sees at least where the newest atoms are.
    atoms = atoms_in(newest_frame(job, motion)) if motion.format == "xyz" else []
    return Structure(
        kind=layout.kind,
        caption=layout.caption,
        sentence=_sentence(job, layout, atoms),
        spec=spec,
        atoms=atoms,
        frame_word=layout.frame_word,
        is_moving=True,
    )


def _telling_first(contacts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of each pose what holds it, before what it merely lies against."""
    return sorted(contacts, key=lambda each: (each["rank"], each["kind"] == "van der Waals"))


def _drawable(artifacts: Iterable[Artifact]) -> dict[str, Artifact]:
    """By name, of each the newest attempt's."""
    newest: dict[str, Artifact] = {}
    for artifact in sorted(artifacts, key=lambda each: each.attempt):
        if artifact.media_type in FORMATS and 0 < artifact.size_bytes <= MAX_BYTES:
            newest[artifact.name] = artifact
    return newest


def _layout(names: Iterable[str]) -> Layout | None:
    there = set(names)
    found = (make(there) for make in (_docking, _conformers, _dynamics, _crystal, _molecule))
    return next((layout for layout in found if layout), None) or _species(there)


def _docking(there: set[str]) -> Layout | None:
    if not {"poses.sdf", "receptor_prepared.pdb"} <= there:
        return None
    return Layout(
        kind="docking",
        caption="Poses in the receptor's pocket, one at a time: the ligand's carbon in cyan, the "
        "receptor in grey, residues that the pose touches as sticks, and those that it forms a "
        "hydrogen bond or salt bridge with in copper. Scores rank poses; they are no measured "
        "energies.",
        main="poses.sdf",
        frame_word="Pose",
        shown=[
            Shown(role="receptor", file="receptor_prepared.pdb", label="Receptor"),
            Shown(role="frames", file="poses.sdf", label="Poses"),
        ],
    )


def _conformers(there: set[str]) -> Layout | None:
    if "conformers.xyz" not in there:
        return None
    return Layout(
        kind="conformers",
        caption="The distinct conformers, lowest energy first. “All” lays each over the first by "
        "its heavy atoms.",
        main="conformers.xyz",
        frame_word="Conformer",
        shown=[Shown(role="frames", file="conformers.xyz", label="Conformers")],
    )


def _dynamics(there: set[str]) -> Layout | None:
    if "topology.pdb" not in there:
        return None
    frames = [Shown(role="frames", file="preview.pdb", label="Trajectory")]
    views = [
        Shown(role="view", file="topology.pdb", label="Start"),
        Shown(role="view", file="final.pdb", label="End"),
    ]
    moves, final = "preview.pdb" in there, "final.pdb" in there
    told = "The motion, some frames of it, each laid over the first" if moves else "The structure"
    return Layout(
        kind="dynamics",
        caption=f"{told}; water and ions are left out of it. "
        f"{OF_WATER if moves and final else ''}"
        "Every frame is in trajectory.xtc.",
        main="final.pdb",
        frame_word="Frame" if moves else "",
        shown=_those(there, [*frames, *views]),
    )


def _crystal(there: set[str]) -> Layout | None:
    if "final.cif" not in there:
        return None
    tried = "cells.cif" in there
    return Layout(
        kind="crystal",
        caption="The crystal's unit cell as it was computed, with what is next to it: two cells in "
        f"each direction.{' Each cell that was tried is in the slider.' if tried else ''}",
        main="final.cif",
        frame_word="Cell" if tried else "",
        shown=_those(
            there,
            [
                Shown(role="view", file="final.cif", label="Cell"),
                Shown(role="frames", file="cells.cif", label="Cells"),
            ],
        ),
    )


def _molecule(there: set[str]) -> Layout | None:
    if not there & {"trajectory.xyz", "final.xyz", "start.xyz"}:
        return None
    final = "final.xyz" in there
    walked = "trajectory.xyz" in there
    captions = {
        (True, True): "The optimised geometry, and each step on the way to it. “Overlay” lays it "
        "over the start by its heavy atoms.",
        (False, True): "The geometry at each step, as far as the run came.",
        (True, False): "The optimised geometry.",
        (False, False): "The geometry that was computed.",
    }
    return Layout(
        kind="molecule",
        caption=captions[final, walked],
        main="final.xyz" if final else "trajectory.xyz" if walked else "start.xyz",
        frame_word="Step" if walked else "",
        shown=_those(
            there,
            [
                Shown(role="view", file="final.xyz", label="Final"),
                Shown(role="view", file="start.xyz", label="Start" if walked else "Geometry"),
                Shown(role="frames", file="trajectory.xyz", label="Steps"),
            ],
        ),
    )


def _species(there: set[str]) -> Layout | None:
    """Of a reaction: what each species was optimised to, or else what it was computed at."""
    final = sorted(name for name in there if name.endswith("final.xyz"))
    names = final or sorted(name for name in there if name.endswith("start.xyz"))
    if not names:
        return None
    return Layout(
        kind="molecule",
        caption="The species of the reaction, each in the geometry that its energy belongs to.",
        main=names[0],
        shown=[Shown(role="view", file=name, label=_species_in(name)) for name in names],
    )


def _species_in(name: str) -> str:
    """Of `2-H2O-final.xyz`: H2O."""
    return name.rpartition("-")[0].partition("-")[2] or name


def _those(there: set[str], shown: Sequence[Shown]) -> list[Shown]:
    return [each for each in shown if each.file in there]


def _spec(
    job: Job, layout: Layout, files: dict[str, Artifact], result: dict[str, Any]
) -> dict[str, Any]:
    """What the script draws from; it fetches the files themselves when they come into view."""
    shown = [_told(job, files[each.file], each) for each in layout.shown]
    spec: dict[str, Any] = {
        "kind": layout.kind,
        "name": _file_name(job),
        "subject": _subject(job),
        "frame_word": layout.frame_word,
        "files": shown,
        "box": result.get("box") if layout.kind == "docking" else None,
    }
    if layout.kind == "docking":
        spec["contacts"] = result.get("contacts", [])
    if layout.kind == "molecule" and (dipole := _dipole(result)):
        spec["dipole"] = dipole
    return spec


def _dipole(result: dict[str, Any]) -> dict[str, Any] | None:
    """With the geometry that it is of; none of an ion, whose dipole depends on the origin."""
    vector = result.get("dipole_vector_debye")
    if not vector or result.get("charge") != 0:
        return None
    names = ("symbols", "positions_angstrom", "dipole_debye")
    return {"vector_debye": vector, **{name: result[name] for name in names}}


def _told(job: Job, artifact: Artifact, shown: Shown) -> dict[str, str]:
    return {
        "role": shown.role,
        "label": shown.label,
        "name": artifact.name,
        "format": FORMATS[artifact.media_type],
        "url": reverse("jobs:file", args=[job.pk, artifact.pk]),
    }


def _sentence(job: Job, layout: Layout, atoms: Sequence[Atom]) -> str:
    size = f", {len(atoms)} atoms" if atoms else ""
    return f"{_subject(job)}{size}. {layout.caption}"


def _file_name(job: Job) -> str:
    return slugify(f"{job.name or job.title}-{str(job.pk)[:8]}")


def _subject(job: Job) -> str:
    result = job.result or {}
    return str(job.name or result.get("formula") or result.get("ligand_formula") or job.title)


def _why_empty(job: Job) -> str:
    if job.files_removed_at:
        return "Its files were removed, and the structure with them. Run it again to see it."
    if job.is_final:
        return "The run left no structure to show."
    return "Shown when the run has ended and its files are in place."
