"""Where a form begins: at the defaults, a preset, another job, or what stands in its address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import simulations
from jobs import presets
from jobs.models import Job
from jobs.preset_models import Preset

from .fields import FORMAT_SUFFIX
from .formats import plain
from .forms import JobForm, initial_from
from .questions import Question, as_text

TRUE = {"1", "true", "on", "yes"}
BESIDE = ("job_name", "job_tags", "job_backend", "job_queue")
"""What an address may fill in beside the params."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """:param values: what the fields show.
    :param base: what changes are marked against, as texts.
    :param preset: the one that was chosen.
    :param dropped: params of the other job that there are no longer, and what they were.
    """

    values: dict[str, Any]
    base: dict[str, Any]
    source: Job | None = None
    preset: simulations.Preset | Preset | None = None
    dropped: list[tuple[str, str]] = field(default_factory=list)

    @property
    def preset_key(self) -> str:
        return key_of(self.preset) if self.preset else ""


def start(
    simulation: simulations.Simulation,
    asking: type[JobForm],
    query: Mapping[str, str],
    *,
    owner: Any,
    source: Job | None = None,
) -> Start:
    preset = presets.find(owner, simulation, query.get("preset", ""))
    chosen = texts(asking.asked, preset.params) if preset else {}
    before = _texts_of(simulation, asking.asked, source)
    return Start(
        values={**before, **chosen, **told(asking, query)},
        base={name: text for name, text in (before or chosen).items() if name in asking.asked},
        source=source,
        preset=preset,
        dropped=_dropped(simulation, asking, source),
    )


def key_of(preset: simulations.Preset | Preset) -> str:
    return str(preset.pk) if isinstance(preset, Preset) else preset.key


def texts(asked: Mapping[str, Question], params: Mapping[str, Any]) -> dict[str, Any]:
    """Params as fields show them; of those that there are no questions for, none."""
    return {name: as_text(asked[name], params[name]) for name in params if name in asked}


def told(asking: type[JobForm], query: Mapping[str, str]) -> dict[str, Any]:
    """What stands in the address is shown, and sent by nobody but the reader."""
    asked = asking.asked
    found: dict[str, Any] = {}
    for name, question in asked.items():
        if name in query:
            text = query[name]
            found[name] = text.lower() in TRUE if question.kind == "bool" else text
        if query.get(name + FORMAT_SUFFIX):
            found[name + FORMAT_SUFFIX] = query[name + FORMAT_SUFFIX]
    subject = next((each.name for each in asked.values() if each.kind == "structure"), "")
    for word in ("smiles", "structure"):
        if subject and word in query and word not in asked:
            found[subject] = query[word]
    return found | {name: query[name] for name in BESIDE if name in query}


def _texts_of(
    simulation: simulations.Simulation, asked: Mapping[str, Question], source: Job | None
) -> dict[str, Any]:
    """What the other job had; what it left to a default of then is the default of now, and what
    another simulation left open is no answer here."""
    initial = initial_from(source)
    if source and source.simulation != simulation.name:
        initial = {name: value for name, value in initial.items() if value is not None}
    return {**initial, **texts(asked, initial)}


def _dropped(
    simulation: simulations.Simulation, asking: type[JobForm], source: Job | None
) -> list[tuple[str, str]]:
    if source is None:
        return []
    unused = simulation.Params.model_fields.keys() - asking.asked.keys()
    return [
        (name, plain(value))
        for name, value in source.params.items()
        if name not in asking.asked and not (name in unused and value is None)
    ]
