"""How long a run still takes that has run for a while: by those of its kind that took as long."""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, log
from statistics import NormalDist

QUANTILES = {"p10": 0.1, "p50": 0.5, "p90": 0.9}
NORMAL = NormalDist()
FROM_MIDDLE = NORMAL.inv_cdf(QUANTILES["p90"])
NARROWEST = 1e-6
"""What stands for no spread at all."""


def remaining_s(expected: Mapping[str, float], ran_s: float) -> dict[str, float] | None:
    """Its p10, p50 and p90. None once it has run past the p90: what it does then, nothing tells.

    The longer it has run, the fewer of its kind would still be at it, and the longer they took.

    :param expected: the quantiles of the whole, as an estimate has them.
    """
    if ran_s <= 0:
        return {name: expected[name] for name in QUANTILES}
    if ran_s > expected["p90"]:
        return None
    over = NORMAL.cdf(log(ran_s / expected["p50"]) / _spread(expected, ran_s > expected["p50"]))
    return {
        name: max(_time(expected, over + share * (1 - over)) - ran_s, 0.0)
        for name, share in QUANTILES.items()
    }


def _time(expected: Mapping[str, float], share: float) -> float:
    """By when so many are over."""
    return expected["p50"] * exp(NORMAL.inv_cdf(share) * _spread(expected, share > 0.5))


def _spread(expected: Mapping[str, float], is_above: bool) -> float:
    """Times are spread by factors, and further upwards than downwards."""
    middle = expected["p50"]
    factor = expected["p90"] / middle if is_above else middle / expected["p10"]
    return max(log(factor) / FROM_MIDDLE, NARROWEST)
