"""The presets of a form as its page offers them, and what its script has to know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.urls import reverse

import simulations
from jobs import presets
from jobs.preset_models import Preset
from simulations.units import table, units_like

from .forms import JobForm
from .questions import HOW, Question, as_text
from .starting import Start, key_of, texts


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A preset to choose.

    :param differs: what it sets that the defaults do not, in words.
    :param values: the same for the script: texts by name.
    :param is_mine: so that it may be removed.
    """

    key: str
    title: str
    words: str
    differs: str
    values: dict[str, Any]
    is_mine: bool = False
    is_chosen: bool = False


def offers(
    simulation: simulations.Simulation, asking: type[JobForm], started: Start, *, owner: Any
) -> list[Offer]:
    known: list[simulations.Preset | Preset] = [
        *simulation.presets,
        *presets.offered_to(owner, simulation),
    ]
    return [_offer(each, asking.asked, started.preset_key, owner) for each in known]


def _offer(
    preset: simulations.Preset | Preset, asked: Mapping[str, Question], chosen: str, owner: Any
) -> Offer:
    values = texts(asked, preset.params)
    is_mine = isinstance(preset, Preset) and preset.owner_id == owner.pk
    return Offer(
        key=key_of(preset),
        title=preset.name if isinstance(preset, Preset) else preset.title,
        words="" if isinstance(preset, Preset) else preset.words,
        differs=_differs(values, asked),
        values=values,
        is_mine=is_mine,
        is_chosen=key_of(preset) == chosen,
    )


def _differs(values: Mapping[str, Any], asked: Mapping[str, Question]) -> str:
    told = [
        f"{asked[name].label} {asked[name].in_words(text)}"
        + (f" {asked[name].unit}" if asked[name].unit else "")
        for name, text in values.items()
        if not asked[name].is_same(text, as_text(asked[name], asked[name].default))
    ]
    return ", ".join(told) or "All at their defaults"


def spec(
    simulation: simulations.Simulation, form: JobForm, started: Start, offered: list[Offer]
) -> dict[str, Any]:
    """What the page's script reads the fields by, and where it asks."""
    return {
        "simulation": simulation.name,
        "available": simulation.available,
        "units": {unit: table(unit) for unit in _units(form)},
        "questions": [_told(each) for each in form.asked.values()],
        "base": form.base,
        "presets": {each.key: each.values for each in offered},
        "from_source": started.source is not None,
        "check": reverse("api:check"),
        "files": reverse("api:files"),
        "preview": reverse("jobs:preview", args=[simulation.name]),
        "jobs": reverse("jobs:list"),
        "forms": reverse("jobs:new"),
        "confirm_core_hours": settings.CONFIRM_CORE_HOURS,
    }


def _units(form: JobForm) -> set[str]:
    return {each.unit for each in form.asked.values() if units_like(each.unit)} | {"s", "MiB"}


def _told(question: Question) -> dict[str, Any]:
    return {
        "name": question.name,
        "label": question.label,
        "kind": question.kind,
        "required": question.required,
        "takes_none": question.takes_none,
        "choices": question.choices,
        "labels": question.labels,
        "default": as_text(question, question.default),
        "unit": question.unit,
        "is_setting": question.group == HOW,
    }
