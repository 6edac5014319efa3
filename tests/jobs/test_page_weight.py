"""What a job's page loads, as it goes over the wire: under 330 kB with everything that draws."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

import pytest
from django.test import Client

from backplane_site import assets
from jobs.models import Job
from jobs.states import JobState

from .test_result_figures import GAS, WATER, written

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
