"""Where the seconds of a job went, by what the site keeps of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tests.stack import Stack

from .sites import stamp

Answer = dict[str, Any]


def told(site: Stack, done: Answer) -> str:
    """As `begin 0.1, scf 40.2, properties 1.0, end 0.1`."""
    (file,) = (each for each in done["artifacts"] if each["name"] == "provenance.json")
    provenance = site.client.get(file["url"]).raise_for_status().json()
    parts = timeline(done, site.events(done["id"]), provenance)
    return ", ".join(f"{name} {seconds:.1f}" for name, seconds in parts)


def timeline(
    job: Answer, events: Iterable[Answer], provenance: Answer
) -> Iterator[tuple[str, float]]:
    """Until the simulation had it, each of its stages, and from its last word to the result.

    Events tell within half a second when a stage began.
    """
    began, ended = stamp(provenance["started_at"]), stamp(provenance["ended_at"])
    yield "begin", began - stamp(job["started_at"])
    stages = {"": began}
    for event in events:
        stages.setdefault(event["stage"], min(stamp(event["at"]), ended))
    del stages[""]
    names, starts = list(stages), [began, *list(stages.values())[1:], ended]
    for number, name in enumerate(names):
        yield name, starts[number + 1] - starts[number]
    yield "end", stamp(job["finished_at"]) - ended
