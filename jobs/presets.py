"""Settings under a name: those of the simulations, and those that people keep for themselves."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

import simulations

from .preset_models import Preset

MOST = 50
"""Of one person for one simulation; more are no help in choosing."""
MAX_NAME_CHARS = 60


class TooMany(Exception):
    """They have as many as there may be."""

    def __init__(self) -> None:
        super().__init__(f"You have {MOST} presets here, the most that there may be. Remove one.")


class Nameless(Exception):
    """A preset is found again by its name."""

    def __init__(self) -> None:
        super().__init__(f"Give the preset a name of at most {MAX_NAME_CHARS} characters.")


def of(owner: Any, simulation: simulations.Simulation) -> QuerySet[Preset]:
    return Preset.objects.filter(owner=owner, simulation=simulation.name).order_by("name", "id")


def offered_to(owner: Any, simulation: simulations.Simulation) -> QuerySet[Preset]:
    """Their own, and those of others that an operator has put on everybody's form."""
    of_simulation = Preset.objects.filter(simulation=simulation.name)
    theirs = of_simulation.filter(Q(owner=owner) | Q(for_everybody=True))
    return theirs.order_by("name", "id")


def find(
    owner: Any, simulation: simulations.Simulation, key: str
) -> simulations.Preset | Preset | None:
    """By the word that stands for it in an address."""
    if known := next((each for each in simulation.presets if each.key == key), None):
        return known
    try:
        return offered_to(owner, simulation).filter(pk=UUID(key)).first()
    except ValueError:
        return None


def save(
    owner: Any, simulation: simulations.Simulation, name: str, params: dict[str, Any]
) -> Preset:
    """Keep what differs from the defaults; one of the same name is replaced.

    :raises Nameless: without a name, or with too long a one.
    :raises TooMany: there are enough.
    """
    called = " ".join(name.split())
    if not 0 < len(called) <= MAX_NAME_CHARS:
        raise Nameless
    mine = of(owner, simulation)
    if not mine.filter(name=called).exists() and mine.count() >= MOST:
        raise TooMany
    kept, _ = Preset.objects.update_or_create(
        owner=owner, simulation=simulation.name, name=called, defaults={"params": params}
    )
    return kept


def remove(preset: Preset) -> None:
    preset.delete()
