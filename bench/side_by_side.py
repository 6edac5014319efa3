"""The same questions to this site and to its peer, by turns: `make bench`.

On a machine with other work to do no figure stands for itself; the ratio of two that were taken
one after the other does, and how much it varies from round to round is told beside it. Writes its
table into docs/performance.md, which a test reads.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from .sites import SITES, Measured, Run, Site

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
HEADING = "## Beside the seed's architecture"
PACKAGES = ("django", "daphne", "rq", "fastapi", "uvicorn", "celery", "redis")
WORKERS = 2
ROUNDS = 5
CPU = "CPU of web, ms"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What one site did in one round.

    :param value: by which they are compared.
    :param also: told beside it.
    """

    value: float
    also: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    title: str
    ask: Callable[[Site, float, int], Figure]
    more_is_better: bool = True

    def ratio(self, ours: Figure, theirs: Figure) -> float:
        """Above 1 we are the better one."""
        quotient = ours.value / theirs.value
        return quotient if self.more_is_better else 1 / quotient


def rate(found: Measured) -> Figure:
    also = {"p99, ms": found.answers.p99_ms, CPU: found.cpu_ms}
    return Figure(value=found.answers.per_s, also=also)


def drained(runs: Sequence[Run]) -> Figure:
    took_s = max(run.finished_at for run in runs) - min(run.started_at for run in runs)
    return Figure(value=len(runs) / took_s, also={})


def _waited(runs: Sequence[Run]) -> Figure:
    waits_ms = sorted(1e3 * (run.started_at - run.sent_at) for run in runs)
    return Figure(value=statistics.median(waits_ms), also={"longest, ms": waits_ms[-1]})


QUESTIONS = (
    Question(title="submit, 1/s", ask=lambda site, s, n: rate(site.submit(s))),
    Question(title="read a job, 1/s", ask=lambda site, s, n: rate(site.read(s))),
    Question(
        title="read it, the answer made anew, 1/s",
        ask=lambda site, s, n: rate(site.read_anew(s)),
    ),
    Question(
        title="read it unchanged (304), 1/s", ask=lambda site, s, n: rate(site.read_unchanged(s))
    ),
    Question(title="drain no-op jobs, 1/s", ask=lambda site, s, n: drained(site.run_many(n))),
    Question(
        title="submit to start, median ms",
        ask=lambda site, s, n: _waited([site.run_one() for _ in range(max(2, n // 4))]),
        more_is_better=False,
    ),
)
GUARDED = (
    "submit, 1/s", "read a job, 1/s", "read it, the answer made anew, 1/s",
    "read it unchanged (304), 1/s",
)  # fmt: skip
"""The test suite looks at these: they take a second each."""
Rounds = list[dict[str, Figure]]


def measured(
    rounds: int, seconds: float, jobs: int, questions: Sequence[Question] = QUESTIONS
) -> dict[str, Rounds]:
    """By question, what each site did in each round; who comes first changes."""
    found: dict[str, Rounds] = {question.title: [] for question in questions}
    with ExitStack() as opened:
        sites = {name: opened.enter_context(make(WORKERS)) for name, make in SITES.items()}
        for n in range(rounds):
            order = list(sites) if n % 2 else list(reversed(sites))
            for question in questions:
                told = {name: question.ask(sites[name], seconds, jobs) for name in order}
                found[question.title].append(told)
    return found


def ratios(found: Mapping[str, Rounds]) -> dict[str, list[float]]:
    return {
        question.title: [question.ratio(**told) for told in found[question.title]]
        for question in QUESTIONS
    }


def of_processor(rounds: Rounds) -> float:
    """By what the web process computes for an answer: nearly the same on an idle machine and on a
    busy one."""
    return median_of(rounds, "theirs", CPU) / median_of(rounds, "ours", CPU)


def recorded() -> dict[str, float]:
    """The ratios of processor time that were written down."""
    rows = (line.split("|") for line in DOCUMENT.read_text().splitlines())
    tables = [[cell.strip() for cell in cells] for cells in rows if len(cells) > 5]
    return {cells[1]: float(cells[6]) for cells in tables if cells[1] in GUARDED}


def table(found: Mapping[str, Rounds]) -> Iterator[str]:
    yield (
        "| question | here | peer | ratio (above 1: better here) | least to most | "
        "ratio of CPU | beside it |"
    )
    yield "|---|---|---|---|---|---|---|"
    for title, each in ratios(found).items():
        here, peer = (median_of(found[title], name) for name in SITES)
        spread = f"{min(each):.2f} to {max(each):.2f}"
        cells = [title, f"{here:.3g}", f"{peer:.3g}", f"{statistics.median(each):.2f}", spread]
        cpu = f"{of_processor(found[title]):.3f}" if title in GUARDED else ""
        yield f"| {' | '.join([*cells, cpu, _beside(found[title])])} |"


def median_of(rounds: Rounds, site: str, also: str = "") -> float:
    figures = [told[site] for told in rounds]
    return statistics.median(each.also[also] if also else each.value for each in figures)


def _beside(rounds: Rounds) -> str:
    names = rounds[0]["ours"].also
    told = ((name, *(median_of(rounds, site, name) for site in SITES)) for name in names)
    return "; ".join(f"{name}: {ours:.3g}, peer {theirs:.3g}" for name, ours, theirs in told)


def circumstances(
    rounds: int, seconds: float, jobs: int, bench: str = "side_by_side"
) -> Iterator[str]:
    """What a reader has to know to judge the figures."""
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    load = os.getloadavg()[1]
    cores = os.cpu_count() or 1
    yield f"`python -m bench.{bench} --rounds {rounds} --seconds {seconds:g} --jobs {jobs}`,"
    yield f"{time.strftime('%Y-%m-%d')}, {cores} cores, Python {platform.python_version()},"
    yield f"{versions}. One web process and {WORKERS} workers each, SQLite here. The load of the"
    yield f"machine was {load:.1f} at the end of it" + (
        ": others worked on it too, so that only the ratios count." if load > 2 * cores else "."
    )


def write(lines: Sequence[str], heading: str = HEADING) -> None:
    """Put them under their heading, in place of those of the run before."""
    text = DOCUMENT.read_text()
    before, _, rest = text.partition(f"{heading}\n")
    _, mark, after = rest.partition("\n## ")
    DOCUMENT.write_text(f"{before}{heading}\n\n" + "\n".join(lines) + "\n" + mark + after)


def main() -> None:
    asks = argparse.ArgumentParser(description=__doc__)
    asks.add_argument("--rounds", type=int, default=ROUNDS)
    asks.add_argument("--seconds", type=float, default=5)
    asks.add_argument("--jobs", type=int, default=100, help="that are drained")
    words = vars(asks.parse_args())
    rows = list(table(measured(**words)))
    lines = [*circumstances(**words), "", *rows]
    print("\n".join(lines))
    write(lines)


if __name__ == "__main__":
    main()
