"""How late is an event where a thousand watch? `python -m bench.watchers --sockets 1000`.

A real site with one web process. Who watches are sockets in a process of their own; who reports are
processes that write what a hundred workers would, and in the same way. From the event, before its
commit, to its last byte at each of those who watch it, at one rate of events after the other.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict
from typing import Any

import psutil

from tests.postgres import Postgres
from tests.stack import Stack

from . import circumstances
from .circumstances import cpu_s, own_mib, share_mib
from .reporting import Reporting
from .sockets import Sockets

PACKAGES = ("django", "channels", "channels-redis", "daphne")
RATES = "10,25,50,100,200"
"""Events a second of all jobs. A worker writes two a second at most."""
SETTLED_S = 3


@contextmanager
def database(kind: str) -> Iterator[str]:
    """An empty one; returns its address, blank for SQLite."""
    if kind == "sqlite":
        yield ""
        return
    with Postgres() as server:
        yield server.create("bench")


def at_rate(
    web: psutil.Process,
    sockets: Sockets,
    reporters: Sequence[Reporting],
    per_s: float,
    seconds: float,
) -> dict[str, Any]:
    before, load = cpu_s(web), circumstances.load()
    # Until the last event has come, or is very late.
    sockets.listen(seconds + SETTLED_S)
    sent = _report(reporters, per_s, seconds)
    heard = sockets.heard()
    return {
        "wanted_per_s": per_s,
        "events_per_s": sent["per_s"],
        "sent": sent["n"],
        "expected": sent["n"] * sockets.n / sum(len(each.jobs) for each in reporters),
        **asdict(heard),
        "deliveries_per_s": heard.n / seconds,
        "web_cpu_s_per_s": (cpu_s(web) - before) / (seconds + SETTLED_S),
        "reporters_cpu_s_per_s": sent["cpu_s"] / seconds,
        "load": load,
    }


def _report(reporters: Sequence[Reporting], per_s: float, seconds: float) -> dict[str, float]:
    """Together so many a second."""
    for each in reporters:
        each.begin(per_s / len(reporters), seconds)
    told = [each.told() for each in reporters]
    return {name: sum(each[name] for each in told) for name in told[0]}


def memory(web: psutil.Process, stack: Stack) -> dict[str, float]:
    workers = stack.processes("work")
    return {
        "web_mib": own_mib(web),
        "worker_mib": sum(map(own_mib, workers)) / len(workers),
        "worker_with_its_part_mib": sum(map(share_mib, workers)) / len(workers),
    }


def measured(words: argparse.Namespace) -> dict[str, Any]:
    with ExitStack() as opened:
        url = opened.enter_context(database(words.database))
        stack = opened.enter_context(Stack(workers=1, database_url=url))
        stack.wait(stack.submit("demo.sum_squares", n=1))
        (web,) = stack.processes("daphne")
        reporters = [
            opened.enter_context(closing(Reporting(stack.env, words.jobs // words.reporters)))
            for _ in range(words.reporters)
        ]
        jobs = [job for each in reporters for job in each.jobs]
        before = memory(web, stack)
        sockets = opened.enter_context(closing(Sockets(stack.port, jobs, words.sockets)))
        began = time.perf_counter()
        sockets.until_open()
        opened_in_s = time.perf_counter() - began
        after = memory(web, stack)
        rates = []
        for rate in map(float, words.rates.split(",")):
            rates.append(at_rate(web, sockets, reporters, rate, words.seconds))
            print(line(rates[-1]), flush=True)
        return {
            "memory": after,
            "socket_kib": 1024 * (after["web_mib"] - before["web_mib"]) / words.sockets,
            "opened_in_s": opened_in_s,
            "rates": rates,
        }


def line(found: Mapping[str, Any]) -> str:
    return (
        f"{found['events_per_s']:6.1f} events/s, {found['deliveries_per_s']:7.0f} deliveries/s: "
        f"p50 {found['p50_ms']:6.0f} ms, p99 {found['p99_ms']:6.0f} ms, "
        f"most {found['most_ms']:6.0f} ms, {found['n']} of {found['expected']:.0f} came; "
        f"web {found['web_cpu_s_per_s']:.2f} cores, load {found['load']:.1f}"
    )


def main() -> None:
    asks = argparse.ArgumentParser(description=__doc__)
    asks.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    asks.add_argument("--sockets", type=int, default=1000)
    asks.add_argument("--jobs", type=int, default=100)
    asks.add_argument("--reporters", type=int, default=1, help="processes")
    asks.add_argument("--rates", default=RATES, help="events a second of all jobs together")
    asks.add_argument("--seconds", type=float, default=20, help="at each rate")
    asks.add_argument("--save", default="", help="under this name in bench/measured/")
    words = asks.parse_args()
    known = {**circumstances.told(PACKAGES), **vars(words)}
    found = {**known, **measured(words)}
    print(
        f"an idle socket {found['socket_kib']:.0f} KiB; a worker "
        f"{found['memory']['worker_mib']:.0f} MiB; all open in {found['opened_in_s']:.0f} s"
    )
    if words.save:
        circumstances.save(words.save, found)


if __name__ == "__main__":
    main()
