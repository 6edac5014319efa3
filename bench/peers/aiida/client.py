"""Submits calculations to the daemon, and looks until each has ended, as AiiDA's users do."""

import io
import sys
import time
from collections.abc import Sequence
from typing import Any

from aiida import load_profile
from aiida.engine import submit
from aiida.orm import CalcJobNode, InstalledCode, List, SinglefileData, load_computer

from bench.peers.aiida.calculation import GIVEN, OUTPUT, Figure
from bench.peers.timing import MOLECULE, NOTHING, WITHIN_S, serve

LOOK_EVERY_S = 0.1
"""It tells nobody that one has ended."""


class Client:
    send_many = NotImplemented
    """There is no call for several."""

    def __init__(self, xyz: str) -> None:
        load_profile()
        computer = load_computer("localhost")
        echo, python = (_installed(computer, each) for each in ("/bin/echo", sys.executable))
        self._jobs: dict[str, dict[str, Any]] = {
            NOTHING: {"code": echo, "arguments": List(["1"])},
            MOLECULE: {
                "code": python,
                "arguments": List(["-m", "bench.peers.aiida.compute", GIVEN]),
                "molecule": SinglefileData(io.BytesIO(xyz.encode()), GIVEN),
            },
        }

    def send(self, job: str) -> CalcJobNode:
        return submit(Figure, **self._jobs[job])

    def results(self, sent: Sequence[CalcJobNode]) -> list[float]:
        return [_figure(each) for each in sent]


def _installed(computer: Any, program: str) -> InstalledCode:
    return InstalledCode(computer=computer, filepath_executable=program).store()


def _figure(node: CalcJobNode) -> float:
    until = time.monotonic() + WITHIN_S
    while not node.is_terminated:
        assert time.monotonic() < until, f"{node.pk} did not end"
        time.sleep(LOOK_EVERY_S)
    assert node.is_finished_ok, f"{node.pk}: {node.exit_status} {node.exception}"
    return float(node.outputs.retrieved.get_object_content(OUTPUT))


if __name__ == "__main__":
    serve(Client)
