"""The snowflake and its client in one process, as its makers show them.

It runs programs of QCEngine and no functions. So its smallest job is the energy of a hydrogen
molecule, and the other one is what `xtb_optimization` does: geomeTRIC on GFN2-xTB.
"""

import os
from collections.abc import Callable, Sequence
from typing import Any

from qcfractal.config import DatabaseConfig
from qcfractal.postgres_harness import PostgresHarness
from qcfractal.snowflake import FractalSnowflake
from qcportal.molecules import Molecule
from qcportal.singlepoint import QCSpecification

from bench.peers.timing import MOLECULE, NOTHING, WITHIN_S, serve

PROGRAM, METHOD = "xtb", "gfn2-xtb"
HYDROGEN = "H 0 0 0\nH 0 0 0.74"
GRADIENT = QCSpecification(program=PROGRAM, driver="deferred", method=METHOD, basis=None)
Add = Callable[[list[Molecule]], tuple[Any, list[int]]]


class Client:
    def __init__(self, xyz: str) -> None:
        database = DatabaseConfig(
            own=False,
            base_folder=os.environ["PEER_FOLDER"],
            host=os.environ["PEER_POSTGRES"],
            username="postgres",
            password="",
        )
        PostgresHarness(database).create_database(create_tables=True)
        workers = int(os.environ["PEER_WORKERS"])
        self._snowflake = FractalSnowflake(compute_workers=workers, database_config=database)
        self._client = self._snowflake.client()
        self._jobs: dict[str, tuple[Molecule, Add]] = {
            NOTHING: (Molecule.from_data(HYDROGEN), self._add_energies),
            MOLECULE: (Molecule.from_data(xyz, dtype="xyz"), self._add_geometries),
        }

    def send(self, job: str) -> int:
        return self.send_many(job, 1)[0]

    def send_many(self, job: str, n: int) -> list[int]:
        molecule, add = self._jobs[job]
        told, ids = add([molecule] * n)
        assert told.success, told.error_string
        return ids

    def results(self, sent: Sequence[int]) -> list[float]:
        assert self._snowflake.await_results(sent, timeout=WITHIN_S), "not all of them ended"
        return [_figure(record) for record in self._client.get_records(sent)]

    def _add_energies(self, molecules: list[Molecule]) -> tuple[Any, list[int]]:
        return self._client.add_singlepoints(
            molecules, PROGRAM, "energy", METHOD, None, find_existing=False
        )

    def _add_geometries(self, molecules: list[Molecule]) -> tuple[Any, list[int]]:
        return self._client.add_optimizations(molecules, "geometric", GRADIENT, find_existing=False)


def _figure(record: Any) -> float:
    assert record.status == "complete", record.error
    is_energy = record.record_type == "singlepoint"
    return float(record.return_result if is_energy else record.energies[-1])


if __name__ == "__main__":
    serve(Client)
