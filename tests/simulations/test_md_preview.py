"""The frames that a browser is shown of a trajectory."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from openmm import unit
from openmm.app import PDBFile

import simulations
from simulations.dynamics import growing
from simulations.dynamics.aside import Aside
from simulations.dynamics.prepared import load
from simulations.dynamics.preview import chosen, superposed

from .recording import RecordingContext
from .test_md_input import ALANINE_DIPEPTIDE

SIM = simulations.get("md_simulation")


def test_frames_are_chosen_evenly_with_the_first_and_the_last() -> None:
    assert chosen(3, 10) == [0, 1, 2]
    few = chosen(1000, 10)
    assert (len(few), few[0], few[-1]) == (100, 0, 999)
    assert set(np.diff(few)) == {10, 11}
    assert chosen(1000, 20_000) == [0, 500, 999]
    assert chosen(1000, 10**6) == [0, 999]


def test_a_turned_and_moved_frame_is_laid_over_the_first() -> None:
    first = np.random.default_rng(7).normal(size=(6, 3))
    turn = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    frames = np.stack([first, first @ turn + [3, 1, -2]])

    laid = superposed(frames, on=[0, 1, 2, 3])

    assert laid[0] == pytest.approx(first)
    assert laid[1] == pytest.approx(first)


@pytest.mark.engine
@pytest.mark.slow
def test_the_preview_is_the_trajectory_without_its_water(context: RecordingContext) -> None:
    given = {"structure": ALANINE_DIPEPTIDE, "environment": "explicit", "length_ps": 0.2}
    result = SIM.run({**given, "equilibration_ps": 0.1}, context)

    text = (context.workdir / "preview.pdb").read_text()
    preview = PDBFile(str(context.workdir / "preview.pdb"))
    assert result["n_atoms"] > 1000
    assert {each.name for each in preview.topology.residues()} == {"ACE", "ALA", "NME"}
    assert 2 <= preview.getNumFrames() <= result["n_frames"]
    times = [float(each) for each in re.findall(r"^REMARK time_ps (\S+)", text, re.MULTILINE)]
    assert times == sorted(times)
    assert times[-1] == pytest.approx(result["simulated_ps"], abs=1e-3)
    # Bonds are as long as in the last structure, which the last frame is.
    last = preview.getPositions(asNumpy=True, frame=preview.getNumFrames() - 1)
    final = PDBFile(str(context.workdir / "final.pdb")).getPositions(asNumpy=True)[: len(last)]
    assert distances(last) == pytest.approx(distances(final), abs=0.003)


def distances(positions: object) -> np.ndarray:
    at = positions.value_in_unit(unit.nanometer)  # type: ignore[attr-defined]
    return np.linalg.norm(at[:, None] - at[None], axis=-1)


def frames_in(path: Path) -> list[float]:
    text = path.read_text()
    assert text.count("MODEL ") == text.count("ENDMDL")
    assert text.endswith("END\n")
    return [float(each) for each in re.findall(r"^REMARK time_ps (\S+)", text, re.MULTILINE)]


@pytest.mark.engine
@pytest.mark.usefixtures("nothing_left_aside")
def test_a_watched_run_shows_whole_frames_with_the_newest_last(
    context: RecordingContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growing, "LEAST_SECONDS_BETWEEN", 0.0)
    monkeypatch.setattr(growing, "SHARE_OF_TIME", 1e9)
    seen: list[tuple[float, list[float]]] = []

    def look(point: dict[str, Any]) -> bool:
        if "shown_ps" in point:
            seen.append((point["shown_ps"], frames_in(context.workdir / "preview.pdb")))
        return False

    context.stop_when = look
    SIM.run({"structure": "O", "length_ps": 0.05, "report_interval_ps": 0.01}, context)

    assert len(seen) == 5
    assert all(times[-1] == pytest.approx(told) for told, times in seen)
    assert [len(times) for _, times in seen] == [1, 2, 3, 4, 5]
    assert not list(context.workdir.glob(".preview*"))


@pytest.mark.engine
@pytest.mark.usefixtures("nothing_left_aside")
def test_of_many_frames_every_other_one_goes_and_the_newest_stays(
    context: RecordingContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growing, "LEAST_SECONDS_BETWEEN", 0.0)
    monkeypatch.setattr(growing, "SHARE_OF_TIME", 1e9)
    SIM.run({"structure": "O", "length_ps": 0.05, "report_interval_ps": 0.01}, context)
    prepared = load(context.workdir)
    (context.workdir / "trajectory.xtc").unlink()
    monkeypatch.setattr(growing, "most_frames", lambda n_atoms: 4)
    shown = growing.Growing(prepared, context.workdir, Aside())

    told = [shown.add(prepared.positions, number) for number in range(12)]

    assert told == [*range(12)]
    assert frames_in(context.workdir / "preview.pdb") == [0, 4, 8, 11]


@pytest.mark.engine
def test_what_is_written_later_is_told_at_the_next_frame_and_once(
    context: RecordingContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    SIM.run({"structure": "O", "length_ps": 0.05, "report_interval_ps": 0.01}, context)
    at = load(context.workdir).positions
    (context.workdir / "trajectory.xtc").unlink()
    may_go_on = threading.Event()
    put = growing.put

    def slowly(path: Path, parts: Iterable[str]) -> None:
        assert may_go_on.wait(10)
        put(path, parts)

    monkeypatch.setattr(growing, "put", slowly)
    monkeypatch.setattr(growing, "LEAST_SECONDS_BETWEEN", 1000.0)
    aside = Aside()
    shown = growing.Growing(load(context.workdir), context.workdir, aside)

    assert [shown.add(at, time_ps) for time_ps in (1.0, 2.0)] == [None, None]
    may_go_on.set()
    aside.wait()
    # The next one is not due yet.
    assert [shown.add(at, time_ps) for time_ps in (3.0, 4.0)] == [1.0, None]
    assert frames_in(context.workdir / "preview.pdb") == [1.0]
