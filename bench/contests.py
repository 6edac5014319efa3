"""The queues that `bench.others` asks the same, and what each has done when its turn is over.

One is up at a time: what one does while it has nothing to do costs no other anything.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from rdkit import Chem

from . import here
from .child import Child
from .peers import installed
from .peers.aiida import site as aiida
from .peers.prefect import site as prefect
from .peers.rq import site as rq
from .peers.snowflake import site as snowflake
from .peers.timing import MOLECULE, NOTHING, Told
from .science import in_three_dimensions

WORKERS = 2
ALONE = 3
TOGETHER = 4
FEW = 5
SHARE_ONE_BY_ONE = 10
ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"
SAME_HARTREE = 1e-5
SUBMIT = "submit one by one, 1/s"
AT_ONCE = "submit by one call, 1/s"
DRAIN = "drain no-op jobs, 1/s"
RESULT = "submit to result of the molecule, s"
DRAIN_MOLECULES = "drain four molecules, 1/s"
Figures = dict[str, float]
Site = Callable[[str, int, Path], AbstractContextManager[Child]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """:param pins: what is installed for it, where our own packages are not enough.
    :param most: no-op jobs in a round, where more would take too long.
    """

    name: str
    title: str
    site: Site
    pins: tuple[str, ...] = ()
    most: int = 1_000_000

    def python(self, folder: Path) -> str | None:
        return installed.python_of(folder / self.name, self.pins)


HERE = Contender(name="here", title="this site", site=here.site)
PEERS = (
    Contender(name="rq", title="RQ", site=rq.site),
    Contender(name="prefect", title="Prefect", site=prefect.site, pins=installed.PREFECT, most=50),
    Contender(
        name="snowflake", title="QCFractal", site=snowflake.site, pins=installed.SNOWFLAKE, most=6
    ),
    Contender(name="aiida", title="AiiDA", site=aiida.site, pins=installed.AIIDA, most=6),
)


@dataclass(frozen=True, slots=True)
class Turn:
    figures: Figures
    energy_hartree: float


def aspirin() -> str:
    return str(Chem.MolToXYZBlock(in_three_dimensions(Chem.MolFromSmiles(ASPIRIN))))


def turn(contender: Contender, python: str, jobs: int) -> Turn:
    """What it does from its start to its end, with all workers warm."""
    with (
        tempfile.TemporaryDirectory(prefix="peer") as name,
        contender.site(python, WORKERS, Path(name)) as client,
    ):
        client.say({"xyz": aspirin()})
        client.hear()
        _ask(client, "at_once", MOLECULE, 2 * WORKERS)
        return _timed(client, min(jobs, contender.most))


def _timed(client: Child, jobs: int) -> Turn:
    few = max(FEW, jobs // SHARE_ONE_BY_ONE)
    one_by_one = _ask(client, "one_by_one", NOTHING, few)
    at_once = _ask(client, "at_once", NOTHING, jobs)
    alone = [_ask(client, "one_by_one", MOLECULE, 1) for _ in range(ALONE)]
    together = _ask(client, "at_once", MOLECULE, TOGETHER)
    figures = {
        SUBMIT: few / one_by_one.sent_s,
        DRAIN: jobs / at_once.seconds,
        RESULT: statistics.median(each.seconds for each in alone),
        DRAIN_MOLECULES: TOGETHER / together.seconds,
    }
    if at_once.at_once:
        figures[AT_ONCE] = jobs / at_once.sent_s
    return Turn(figures, _only(together))


def _ask(client: Child, asked: str, job: str, n: int) -> Told:
    client.say({"asked": asked, "job": job, "n": n})
    return Told(**client.hear())


def _only(told: Told) -> float:
    (figure,) = told.found
    return figure


def insist_on_the_same(turns: list[Turn]) -> None:
    """Whoever computes something else is not compared."""
    found = [each.energy_hartree for each in turns]
    assert max(found) - min(found) < SAME_HARTREE, f"not the same calculation: {found}"
