"""What a job's page loads, as it goes over the wire: under 330 kB with everything that draws."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

import pytest
from django.test import Client

from backplane_site import assets
from jobs.models import Job, JobEvent
from jobs.states import JobState

from .test_result_figures import GAS, WATER, written
from .test_screen_figures import MD

BUDGET_BYTES = 330_000
LOG_AND_POINTS_BYTES = 20_000
"""What a long run says beyond this one, which has said nothing."""
HEADERS_BYTES = 400
"""Of one answer, about."""
LOADED = re.compile(r'(?:href|src|data-vendor)="(/static/[^"]+\.(?:css|js|svg|woff2))')
IMPORTED = re.compile(r'(?:from|import) ?"(\./[^"]+\.js)"')
FACES = re.compile(r'url\("\.\./(vendor/[^"]+-latin-[^"]+\.woff2)"\)')


class Wire:
    """Asks as a browser does, and counts."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.bytes: dict[str, int] = {}

    def load(self, path: str) -> str:
        """Its text, counted once however often it is asked for."""
        dense = self._body(path, "gzip")
        self.bytes[path] = len(dense) + HEADERS_BYTES
        return self._body(path, "identity").decode(errors="replace")

    def _body(self, path: str, coding: str) -> bytes:
        answer: Any = self.client.get(path, headers={"accept-encoding": coding})
        assert answer.status_code == 200, path
        return answer.getvalue()  # type: ignore[no-any-return]

    def script(self, path: str) -> None:
        """And what it imports."""
        if path in self.bytes:
            return
        for name in IMPORTED.findall(self.load(path)):
            self.script(str(PurePosixPath(path).parent / name))

    def page(self, path: str) -> int:
        html = self.load(path)
        for found in dict.fromkeys(LOADED.findall(html)):
            if found.endswith(".js") and "/vendor/" not in found:
                self.script(found)
            elif found.endswith(".css"):
                faces = FACES.findall(self.load(found))
                for face in faces:
                    self.load(f"/static/{face}")
            else:
                self.load(found)
        for kind in set(re.findall(r'data-key="\w+" data-kind="(\w+)"', html)):
            self.script(f"/static/js/figures/{kind}.js")
        return sum(self.bytes.values())


@pytest.fixture
def heaviest(submit: Callable[..., Job]) -> Job:
    """A page with more figures than any other."""
    job = submit(simulation="dft_frequencies", params={"structure": "O"})
    Job.objects.filter(pk=job.pk).update(state=JobState.SUCCEEDED, result={**WATER, **GAS})
    written(job, "final.xyz", "trajectory.xyz", media_type="chemical/x-xyz")
    written(job, "homo.cube")
    return job


REPORTED = (
    "temperature_k", "potential_energy_kj_per_mol", "kinetic_energy_kj_per_mol",
    "total_energy_kj_per_mol", "rmsd_angstrom", "radius_of_gyration_angstrom", "density_g_per_cm3",
    "speed_ns_per_day", "remaining_s",
)  # fmt: skip
N_REPORTS = 10_000
"""As many as a run may make."""
N_RESIDUES = 300


@pytest.fixture
def moved(submit: Callable[..., Job]) -> Job:
    """A protein that moved in water for long, with all its figures."""
    bars = [
        {"label": f"LEU {i}", "atoms": list(range(9 * i, 9 * i + 9)), "rmsf_angstrom": 1.23 + i / 7}
        for i in range(N_RESIDUES)
    ]
    job = submit(simulation="md_simulation", params={"structure": "O"})
    # Numbers that nothing foretells, for those are the least that a page can be made smaller by.
    chance = random.Random(7)
    points = [
        {"fraction": i / N_REPORTS, "stage": "produce", "message": "on", "time_ps": i / 10}
        | {key: chance.gauss(-54_321, 98) for key in REPORTED}
        for i in range(N_REPORTS)
    ]
    JobEvent.objects.create(job=job, seq=job.last_seq + 1, kind="progress", data={"points": points})
    Job.objects.filter(pk=job.pk).update(
        state=JobState.SUCCEEDED, last_seq=job.last_seq + 1, result={**MD, "fluctuations": bars}
    )
    written(job, "topology.pdb", "final.pdb", "preview.pdb", media_type="chemical/x-pdb")
    return job


@pytest.mark.skipif(bool(assets.missing()), reason="the front-end packages are not here")
def test_the_page_of_a_run_is_light_too(client: Any, alice: Any, moved: Job) -> None:
    client.force_login(alice)
    wire = Wire(client)

    total = wire.page(f"/jobs/{moved.pk}/")

    assert any(path.endswith("mol_frames.js") for path in wire.bytes)
    kinds = {"averages", "energies", "rmsf"}
    assert kinds <= {PurePosixPath(path).stem for path in wire.bytes if "/figures/" in path}
    assert total < BUDGET_BYTES, sorted(wire.bytes.items(), key=lambda each: -each[1])


@pytest.mark.skipif(bool(assets.missing()), reason="the front-end packages are not here")
def test_a_job_s_page_is_light(client: Any, alice: Any, heaviest: Job) -> None:
    client.force_login(alice)
    wire = Wire(client)

    total = wire.page(f"/jobs/{heaviest.pk}/")

    assert any(path.endswith("3Dmol-min.js") for path in wire.bytes)
    assert any(path.endswith("figures/infrared.js") for path in wire.bytes)
    assert sum(path.endswith(".woff2") for path in wire.bytes) == 3
    assert total + LOG_AND_POINTS_BYTES < BUDGET_BYTES, sorted(
        wire.bytes.items(), key=lambda each: -each[1]
    )
