"""The names of what may be asked for on a grid: densities, and orbitals near the frontier."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

MAX_CUBES = 10
MAX_OFFSET = 20
"""How far from the frontier an orbital may lie."""

_ORBITAL = re.compile(r"(homo|lumo)(?:([+-])(\d{1,2}))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontierOrbital:
    """:param offset: 0 is the frontier itself, 1 the next one away from the gap."""

    side: Literal["homo", "lumo"]
    offset: int


def orbital_of(name: str) -> FrontierOrbital | None:
    """What `homo`, `homo-1` or `lumo+2` means; None if it is not of this form."""
    found = _ORBITAL.fullmatch(name)
    if found is None:
        return None
    side, sign, digits = found.groups()
    away = "-" if side == "homo" else "+"
    if sign not in (None, away) or int(digits or 0) > MAX_OFFSET:
        return None
    return FrontierOrbital(side=side, offset=int(digits or 0))  # type: ignore[arg-type]


def _known(name: str) -> str:
    if name in ("density", "spin_density") or orbital_of(name):
        return name
    raise ValueError(
        f"{name!r} is no cube that can be written; expected density, spin_density, or an orbital: "
        f"homo, homo-1 … homo-{MAX_OFFSET}, lumo, lumo+1 … lumo+{MAX_OFFSET}."
    )


def _listed(given: Any) -> Any:
    """`homo, lumo` means the list of both."""
    return (
        [name for name in re.split(r"[\s,]+", given) if name] if isinstance(given, str) else given
    )


def _each_once(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


CubeName = Annotated[
    str,
    BeforeValidator(lambda name: name.strip().lower() if isinstance(name, str) else name),
    AfterValidator(_known),
]
CubesField = Annotated[
    tuple[CubeName, ...],
    BeforeValidator(_listed),
    AfterValidator(_each_once),
    Field(
        max_length=MAX_CUBES,
        title="Cube files",
        description="What to write on a grid, as Gaussian cube files: density, spin_density, homo, "
        "lumo, homo-1, lumo+1 and so on.",
        json_schema_extra={"examples": ["homo, lumo, density"]},
    ),
]
