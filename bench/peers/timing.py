"""How a client of any queue is timed: in a process of its own, asked by lines of JSON.

Only the standard library, for it also runs where a peer is installed and nothing of ours.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

NOTHING = "nothing"
MOLECULE = "molecule"
WITHIN_S = 900


class Client(Protocol):
    """What a user of the queue holds. `job` is one of the two words above."""

    def send(self, job: str) -> Any: ...
    def send_many(self, job: str, n: int) -> Any:
        """As many in one call; `NotImplemented` where there is none for it."""

    def results(self, sent: Any) -> list[float]:
        """The figure that each found, once all are there.

        :param sent: a list of what `send` gave, or what `send_many` did.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """:param sent_s: until they were handed over.
    :param seconds: from then on until the last result was in hand, the handing over included.
    :param found: the figures that the results hold, each once.
    """

    sent_s: float
    seconds: float
    found: Sequence[float]
    at_once: bool = False


def one_by_one(client: Client, job: str, n: int) -> Told:
    """One call a job, each after the answer to the one before."""
    return _timed(client, lambda: [client.send(job) for _ in range(n)])


def at_once(client: Client, job: str, n: int) -> Told:
    """By one call for all of them, or one by one where a queue has no such call."""
    if client.send_many is NotImplemented:
        return one_by_one(client, job, n)
    return _timed(client, lambda: client.send_many(job, n), at_once=True)


def _timed(client: Client, send: Callable[[], Any], **also: Any) -> Told:
    began = time.perf_counter()
    sent = send()
    sent_s = time.perf_counter() - began
    found = client.results(sent)
    seconds = time.perf_counter() - began
    figures = sorted({round(figure, 8) for figure in found})
    return Told(sent_s=sent_s, seconds=seconds, found=figures, **also)


ASKED: dict[str, Callable[[Client, str, int], Told]] = {
    "one_by_one": one_by_one,
    "at_once": at_once,
}


def serve(make: Callable[[str], Client]) -> None:
    """Answer until nobody asks any more.

    :param make: a client, from the molecule of the job in it, as XYZ.
    """
    # Others print too; only answers go where answers are awaited.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    client = make(json.loads(sys.stdin.readline())["xyz"])
    print(json.dumps("ready"), file=answers, flush=True)
    for line in sys.stdin:
        words = json.loads(line)
        told = ASKED[words["asked"]](client, words["job"], words["n"])
        print(json.dumps(asdict(told)), file=answers, flush=True)
