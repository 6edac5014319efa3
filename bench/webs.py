"""What do more web processes behind one port add? `python -m bench.webs --webs 1,2,3`.

Sites with so many of them, open at once and asked the same by turns, each by sixteen connections
that are shared out by the system as they come. Who asks computes on the same cores.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

from tests.stack import Stack, until

from . import circumstances
from .load import Answers, Load, put
from .sites import CONNECTIONS, SUM, has_none_waiting
from .watchers import database

PACKAGES = ("django", "daphne", "redis", "psycopg")
WITHIN_S = 300
Ask = Callable[[Stack, str, float], Answers]


def read(site: Stack, job: str, seconds: float) -> Answers:
    """With a word more than is known by heart, so that the answer is made each time."""
    path = f"/api/v1/jobs/{job}?view=full"
    return _put(site, seconds, paths=[path], expected=200)


def read_by_heart(site: Stack, job: str, seconds: float) -> Answers:
    return _put(site, seconds, paths=[f"/api/v1/jobs/{job}"], expected=200)


def submit(site: Stack, job: str, seconds: float) -> Answers:
    """Its worker takes them meanwhile, as on any site; before the next question all are done."""
    found = _put(site, seconds, paths=["/api/v1/jobs"], bodies=[SUM], expected=202)
    until(lambda: has_none_waiting(site), "all of them are done", WITHIN_S)
    return found


QUESTIONS: dict[str, Ask] = {
    "read, made anew": read,
    "read, known by heart": read_by_heart,
    "submit": submit,
}


def _put(site: Stack, seconds: float, **asked: Any) -> Answers:
    return put(Load(port=site.port, seconds=seconds, connections=CONNECTIONS, **asked))


def measured(webs: list[int], kind: str, rounds: int, seconds: float) -> list[dict[str, Any]]:
    """By number of web processes, medians over the rounds."""
    with ExitStack() as opened:
        sites = {n: _site(opened, n, kind) for n in webs}
        jobs = {n: site.submit("demo.sum_squares", n=1) for n, site in sites.items()}
        for n, site in sites.items():
            site.wait(jobs[n])
        found: dict[int, dict[str, list[Answers]]] = {n: {} for n in webs}
        for number in range(rounds):
            order = webs if number % 2 else webs[::-1]
            for name, ask in QUESTIONS.items():
                for n in order:
                    found[n].setdefault(name, []).append(ask(sites[n], jobs[n], seconds))
    return [{"webs": n, "asked": _told(found[n], found[webs[0]])} for n in webs]


def _site(opened: ExitStack, web: int, kind: str) -> Stack:
    url = opened.enter_context(database(kind))
    return opened.enter_context(Stack(workers=1, web=web, database_url=url))


def _told(
    asked: Mapping[str, list[Answers]], by_the_first: Mapping[str, list[Answers]]
) -> dict[str, Any]:
    """With ratios to the first number of processes, of each round."""
    told = {}
    for name, rounds in asked.items():
        pairs = zip(rounds, by_the_first[name], strict=True)
        ratios = [each.per_s / first.per_s for each, first in pairs]
        told[name] = {
            "per_s": statistics.median(each.per_s for each in rounds),
            "p99_ms": statistics.median(each.p99_ms for each in rounds),
            "ratio": statistics.median(ratios),
            "least": min(ratios),
            "most": max(ratios),
        }
    return told


def main() -> None:
    asks = argparse.ArgumentParser(description=__doc__)
    asks.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    asks.add_argument("--webs", default="1,2,3")
    asks.add_argument("--rounds", type=int, default=5)
    asks.add_argument("--seconds", type=float, default=2.0)
    asks.add_argument("--save", default="", help="under this name in bench/measured/")
    words = asks.parse_args()
    webs = [int(each) for each in words.webs.split(",")]
    steps = measured(webs, words.database, words.rounds, words.seconds)
    print("| web processes | asked | 1/s | p99, ms | ratio | least to most |")
    print("|---|---|---|---|---|---|")
    for step in steps:
        for name, told in step["asked"].items():
            cells = [str(step["webs"]), name, f"{told['per_s']:.0f}", f"{told['p99_ms']:.0f}"]
            cells += [f"{told['ratio']:.2f}", f"{told['least']:.2f} to {told['most']:.2f}"]
            print(f"| {' | '.join(cells)} |")
    if words.save:
        told = circumstances.told(PACKAGES)
        circumstances.save(words.save, {**told, **vars(words), "steps": steps})


if __name__ == "__main__":
    main()
