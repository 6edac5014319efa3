"""This site beside other queues that its users might have picked: `python -m bench.others`.

Plain RQ runs by the packages that are here. Prefect, QCFractal's snowflake and AiiDA are installed
by `--install`, each in an environment of its own; those that are not there are named as missing.
The same jobs by turns: one that does nothing, and the geometry of aspirin by GFN2-xTB, a second of
computing on one core. Writes its table into docs/performance.md.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .circumstances import load, save, told
from .contests import (
    AT_ONCE,
    DRAIN,
    DRAIN_MOLECULES,
    HERE,
    PEERS,
    RESULT,
    SUBMIT,
    WORKERS,
    Contender,
    Figures,
    insist_on_the_same,
    turn,
)
from .peers.installed import PINNED, install
from .side_by_side import write

HEADING = "## Beside other queues"
FOLDER = Path(__file__).resolve().parent.parent / "var" / "peers"
PACKAGES = ("rq", "redis", "tblite", "geometric")
ROUNDS = 5
QUESTIONS = (SUBMIT, AT_ONCE, DRAIN, RESULT, DRAIN_MOLECULES)
LESS_IS_BETTER = {RESULT}
NONE = "—"
Round = dict[str, Figures]


def measured(rounds: int, jobs: int, pythons: dict[str, str]) -> list[tuple[Round, float]]:
    """What each has done in each round, and the load at its end; who comes first changes.

    :param pythons: of those that take part, by name.
    """
    asked = [each for each in (HERE, *PEERS) if each.name in pythons]
    found = []
    for n in range(rounds):
        order = asked if n % 2 else [*reversed(asked)]
        turns = {each.name: turn(each, pythons[each.name], jobs) for each in order}
        insist_on_the_same([*turns.values()])
        found.append(({name: each.figures for name, each in turns.items()}, load()))
        print(f"round {n + 1} of {rounds}: {found[-1]}", flush=True)
    return found


def ratio(question: str, ours: Figures, theirs: Figures) -> float:
    """Above 1 we are the better one."""
    quotient = ours[question] / theirs[question]
    return 1 / quotient if question in LESS_IS_BETTER else quotient


def table(found: Sequence[Round]) -> Iterator[str]:
    yield "| question | peer | here | peer's | ratio (above 1: better here) | least to most |"
    yield "|---|---|---|---|---|---|"
    for question in QUESTIONS:
        for peer in PEERS:
            if peer.name in found[0]:
                cells = [question, peer.title, *_cells(question, peer.name, found)]
                yield f"| {' | '.join(cells)} |"


def _cells(question: str, peer: str, found: Sequence[Round]) -> list[str]:
    here = statistics.median(figures[HERE.name][question] for figures in found)
    if question not in found[0][peer]:
        return [f"{here:.3g}", NONE, NONE, NONE]
    theirs = statistics.median(figures[peer][question] for figures in found)
    each = [ratio(question, figures[HERE.name], figures[peer]) for figures in found]
    spread = f"{min(each):.2g} to {max(each):.2g}"
    return [f"{here:.3g}", f"{theirs:.3g}", f"{statistics.median(each):.2g}", spread]


def circumstances(
    rounds: int, jobs: int, loads: Sequence[float], wanted: dict[str, str | None]
) -> Iterator[str]:
    """What a reader has to know to judge the figures.

    :param wanted: by name, the Python of each that was to take part.
    """
    known = told(PACKAGES)
    own = ", ".join(f"{name} {version}" for name, version in known["packages"].items())
    yield f"`python -m bench.others --rounds {rounds} --jobs {jobs}`, {known['date']},"
    yield f"{known['cores']} cores, Python {known['python']}, {own}. {WORKERS} workers each, of one"
    yield f"thread. The load of the machine was {min(loads)} to {max(loads)} after a round."
    for peer in PEERS:
        if peer.pins and peer.name in wanted:
            yield _told_of(peer, jobs, is_there=bool(wanted[peer.name]))


def _told_of(peer: Contender, jobs: int, *, is_there: bool) -> str:
    own = ", ".join(pin.replace("==", " ") for pin in peer.pins if pin not in PINNED)
    if is_there:
        return f"{peer.title}: {own}; {min(jobs, peer.most)} no-op jobs in a round."
    return f"{peer.title} was not asked: it is not installed here (`--install`: {own})."


def main() -> None:
    words = _words()
    if words.install:
        for peer in PEERS:
            if peer.pins:
                install(words.peers_folder / peer.name, peer.pins)
    asked = [HERE, *(each for each in PEERS if words.only in (None, each.name))]
    wanted = {each.name: each.python(words.peers_folder) for each in asked}
    pythons = {name: python for name, python in wanted.items() if python}
    found = measured(words.rounds, words.jobs, pythons)
    rounds, loads = [each for each, _ in found], [at_end for _, at_end in found]
    lines = [*circumstances(words.rounds, words.jobs, loads, wanted), "", *table(rounds)]
    print("\n".join(lines))
    if not words.only:
        save("others", {**told(PACKAGES), "loads": loads, "rounds": rounds})
        write(lines, HEADING)


def _words() -> Any:
    asks = argparse.ArgumentParser(description=__doc__)
    asks.add_argument("--rounds", type=int, default=ROUNDS)
    asks.add_argument("--jobs", type=int, default=1000, help="that do nothing, in a round")
    asks.add_argument("--only", choices=[peer.name for peer in PEERS], help="and write nothing")
    asks.add_argument("--install", action="store_true", help="what peers need, first")
    asks.add_argument("--peers-folder", type=Path, default=FOLDER)
    return asks.parse_args()


if __name__ == "__main__":
    main()
