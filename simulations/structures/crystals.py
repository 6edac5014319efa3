"""Crystals we know: the literature's cell, cited, for each that `dft_crystal` was seen to run."""

from __future__ import annotations

from . import formula
from .model import Crystal

_THIRD, _TWO_THIRDS = 1 / 3, 2 / 3
_WYCKOFF = "R. W. G. Wyckoff, Crystal Structures, vol. 1, 2nd ed., Interscience (1963)"

CRYSTALS = (
    Crystal(
        key="LiC6",
        title="lithium-intercalated graphite",
        formula="LiC6",
        aliases=("lithiated graphite", "lithium graphite"),
        space_group="P6/mmm (191)",
        lattice="hexagonal",
        system="hexagonal",
        a_angstrom=4.305,
        c_angstrom=3.706,
        sites=(
            ("Li", (0.0, 0.0, 0.0)),
            ("C", (_THIRD, 0.0, 0.5)),
            ("C", (_TWO_THIRDS, 0.0, 0.5)),
            ("C", (0.0, _THIRD, 0.5)),
            ("C", (0.0, _TWO_THIRDS, 0.5)),
            ("C", (_THIRD, _THIRD, 0.5)),
            ("C", (_TWO_THIRDS, _TWO_THIRDS, 0.5)),
        ),
        source="D. Guérard and A. Hérold, Carbon 13 (1975) 337",
    ),
    Crystal(
        key="graphite",
        title="graphite",
        formula="C",
        aliases=("hexagonal graphite",),
        space_group="P6₃/mmc (194)",
        lattice="hexagonal",
        system="hexagonal",
        a_angstrom=2.464,
        c_angstrom=6.711,
        sites=(
            ("C", (0.0, 0.0, 0.25)),
            ("C", (0.0, 0.0, 0.75)),
            ("C", (_THIRD, _TWO_THIRDS, 0.25)),
            ("C", (_TWO_THIRDS, _THIRD, 0.75)),
        ),
        source="P. Trucano and R. Chen, Nature 258 (1975) 136",
    ),
    Crystal(
        key="diamond",
        title="diamond",
        formula="C",
        aliases=(),
        space_group="Fd-3m (227)",
        lattice="fcc",
        system="cubic",
        a_angstrom=3.567,
        c_angstrom=None,
        sites=(("C", (0.0, 0.0, 0.0)), ("C", (0.25, 0.25, 0.25))),
        source=_WYCKOFF,
    ),
    Crystal(
        key="silicon",
        title="silicon",
        formula="Si",
        aliases=(),
        space_group="Fd-3m (227)",
        lattice="fcc",
        system="cubic",
        a_angstrom=5.431,
        c_angstrom=None,
        sites=(("Si", (0.0, 0.0, 0.0)), ("Si", (0.25, 0.25, 0.25))),
        source=_WYCKOFF,
    ),
    Crystal(
        key="LiF",
        title="lithium fluoride",
        formula="LiF",
        aliases=(),
        space_group="Fm-3m (225)",
        lattice="fcc",
        system="cubic",
        a_angstrom=4.017,
        c_angstrom=None,
        sites=(("Li", (0.0, 0.0, 0.0)), ("F", (0.5, 0.5, 0.5))),
        source=_WYCKOFF,
    ),
)


def find(text: str) -> list[Crystal]:
    """The crystals of that name, or else of that formula in any order of its elements."""
    key = " ".join(text.lower().split())
    named = [c for c in CRYSTALS if key in {c.key.lower(), c.title.lower(), *c.aliases}]
    if named or any(text.count(pair[0]) != text.count(pair[1]) for pair in ("[]", "()", "{}")):
        return named  # `C[` is a slip, not carbon
    counts = formula.parse_bracketed(text)
    written = formula.plain(text).lower()
    return [
        c for c in CRYSTALS if formula.parse(c.formula) == counts or c.formula.lower() == written
    ]


def known_names() -> list[str]:
    return [name for c in CRYSTALS for name in (c.key, c.title, *c.aliases)]
