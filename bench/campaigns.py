"""How long is the one request that submits 10,000 jobs? By kind of campaign and database.

Each figure comes from a site that was started for it, at whose door nothing else knocks; nothing
of a campaign runs before it is accepted, for then the answer is there.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from rdkit import Chem

from tests.postgres import Postgres
from tests.stack import Stack

Body = dict[str, Any]
AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"
RESIDUES = 8
GROUPS = ("O", "N", "F", "Cl", "Br", "S", "C#N", "C=O", "OC", "N(C)C")
RINGS = (
    "c1ccc({0})cc1", "c1cccc({0})c1", "c1ccnc({0})c1", "c1csc({0})c1", "c1coc({0})c1",
    "c1ccc2cc({0})ccc2c1", "c1ccc(-c2ccc({0})cc2)cc1", "C1CCC({0})CC1", "C1CCN(C({0}))CC1",
    "Cc1ccc({0})cc1",
)  # fmt: skip
ROUNDS = 5


def demo(n: int) -> Body:
    """The cheapest job there is: what the door itself costs."""
    return _campaign("demo.sum_squares", grid={"params.n": list(range(1, n + 1))})


def alkanes_by_method(n: int) -> Body:
    """A tenth as many structures as jobs, each by ten methods."""
    chains = itertools.product(range(1, 11), range(1, 11), GROUPS)
    structures = [f"{'C' * left}C({group}){'C' * right}" for left, right, group in chains]
    grid = {
        "params.structure": structures[: n // 10],
        "params.functional": ["SVWN", "PBE", "BLYP", "B3LYP", "PBE0"],
        "params.basis": ["sto-3g", "def2-svp"],
    }
    return _campaign("dft_single_point", grid=grid)


def amides(n: int) -> Body:
    """As many distinct structures as jobs, of the size of a drug: every acid with every amine."""
    parts = [ring.format(group) for ring, group in itertools.product(RINGS, GROUPS)]
    pairs = itertools.islice(itertools.product(parts, parts), n)
    smiles = [f"O=C({acid})N{amine}" for acid, amine in pairs]
    return _campaign("xtb_optimization", zip={"params.structure": smiles})


def peptides(n: int) -> Body:
    """As many distinct structures as jobs, of some 118 atoms each."""
    draw = random.Random(0)
    seen: dict[str, None] = {}
    while len(seen) < n:
        seen["".join(draw.choices(AMINO_ACIDS, k=RESIDUES))] = None
    smiles = [Chem.MolToSmiles(Chem.MolFromSequence(each)) for each in seen]
    return _campaign("xtb_optimization", zip={"params.structure": smiles})


KINDS: tuple[Callable[[int], Body], ...] = (demo, alkanes_by_method, amides, peptides)


def _campaign(simulation: str, **varied: Any) -> Body:
    return {"template": {"simulation": simulation}, "reuse": False, **varied}


def accepted_in_s(body: Body, database_url: str) -> float:
    with Stack(workers=1, database_url=database_url) as stack:
        began = time.perf_counter()
        answer = stack.client.post("/api/v1/batches", json=body, timeout=300)
        took_s = time.perf_counter() - began
        assert answer.status_code == 202, answer.text[:2000]
    return took_s


@contextmanager
def databases() -> Iterator[dict[str, Callable[[], str]]]:
    """How to get the URL of an empty one, by kind."""
    with ExitStack() as opened:
        server = opened.enter_context(Postgres())
        numbers = itertools.count()
        yield {"SQLite": lambda: "", "PostgreSQL": lambda: server.create(f"bench{next(numbers)}")}


def main() -> None:
    asks = argparse.ArgumentParser(description=__doc__)
    asks.add_argument("--jobs", type=int, default=10_000)
    asks.add_argument("--rounds", type=int, default=ROUNDS)
    words = asks.parse_args()
    print(f"{words.jobs} jobs in one request, {words.rounds} rounds, {os.cpu_count()} cores")
    bodies = {kind: kind(words.jobs) for kind in KINDS}
    with databases() as of:
        took: dict[tuple[str, str], list[float]] = {}
        for _, kind, name in itertools.product(range(words.rounds), KINDS, of):
            took.setdefault((kind.__name__, name), []).append(
                accepted_in_s(bodies[kind], of[name]())
            )
    print(f"{'campaign':20} {'database':12} {'median':>8} {'least':>8} {'most':>8}")
    for (kind, name), each in took.items():
        middle = statistics.median(each)
        print(f"{kind:20} {name:12} {middle:7.2f}s {min(each):7.2f}s {max(each):7.2f}s")


if __name__ == "__main__":
    main()
