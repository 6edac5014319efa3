"""How the cost of a simulation grows with its size, as far as is known before anything ran."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Size = dict[str, Any]
"""Figures by name, what they count in the name; `kind` tells apart what is not to be compared."""


@dataclass(frozen=True, slots=True)
class Term:
    """How one figure of the size enters: cost ∝ figure**power, or ∝ exp(power · figure).

    :param spread: by how much the power may be off, one standard deviation.
    :param is_exponent: for switches and levels, which have no ratio.
    """

    name: str
    power: float
    spread: float
    is_exponent: bool = False

    def value(self, size: Size) -> float | None:
        """The figure as the law takes it; None if it is not known."""
        figure = size.get(self.name)
        if figure is None or (not self.is_exponent and figure <= 0):
            return None
        return float(figure) if self.is_exponent else math.log(figure)


@dataclass(frozen=True, slots=True)
class Law:
    """:param noise: spread of the log of the cost among runs of one and the same size."""

    terms: tuple[Term, ...]
    noise: float

    def values(self, size: Size) -> list[float] | None:
        """None if a figure that the law needs is not known."""
        found = [value for term in self.terms if (value := term.value(size)) is not None]
        return found if len(found) == len(self.terms) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a simulation declares of its cost.

    :param size: from valid params and the structure as it was checked, without an engine; None
        if it cannot be told.
    """

    size: Callable[[Any, dict[str, Any] | None], Size | None]
    seconds: Law
    memory: Law


def switch(name: str, power: float, spread: float) -> Term:
    """A figure that enters as it is: on or off, or a level."""
    return Term(name, power, spread, is_exponent=True)


def law(noise: float, *terms: Term, more: Sequence[Term] = ()) -> Law:
    return Law((*terms, *more), noise)
