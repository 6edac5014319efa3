"""The functionals and basis sets we have checked, as data that needs no engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator

from simulations.structures.elements import ATOMIC_NUMBERS, SYMBOLS

FunctionalName = Literal[
    "SVWN", "PBE", "revPBE", "BLYP", "BP86", "TPSS", "r2SCAN", "M06-L",
    "B3LYP", "PBE0", "BHandHLYP", "TPSSh", "M06-2X", "HSE06", "CAM-B3LYP", "wB97X",
]  # fmt: skip
BasisName = Literal[
    "sto-3g", "6-31g", "6-31g*", "6-31g**", "6-311g**",
    "def2-svp", "def2-tzvp", "def2-tzvpp", "def2-qzvp",
    "cc-pvdz", "cc-pvtz", "cc-pvqz", "aug-cc-pvdz", "aug-cc-pvtz",
]  # fmt: skip
BASIS_SYNONYMS: dict[str, BasisName] = {
    "6-31g(d)": "6-31g*",
    "6-31g(d,p)": "6-31g**",
    "6-311g(d,p)": "6-311g**",
}
"""Other names of the very same sets."""
Dispersion = Literal["auto", "none", "d3bj", "d4"]
Reference = Literal["auto", "rks", "uks", "roks"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Functional:
    """:param d3bj: Grimme's D3(BJ) has parameters that were fitted for it.
    :param d4: PySCF's name of the D4 that was fitted for it, if there is one.
    """

    xc: str
    d3bj: bool
    d4: str | None = None
    family: str


FUNCTIONALS: dict[FunctionalName, Functional] = {
    "SVWN": Functional(xc="svwn", d3bj=False, family="LDA"),
    "PBE": Functional(xc="pbe", d3bj=True, d4="d4", family="GGA"),
    "revPBE": Functional(xc="revpbe", d3bj=True, d4="d4", family="GGA"),
    "BLYP": Functional(xc="blyp", d3bj=True, d4="d4", family="GGA"),
    "BP86": Functional(xc="bp86", d3bj=True, d4="d4", family="GGA"),
    "TPSS": Functional(xc="tpss", d3bj=True, d4="d4", family="meta-GGA"),
    "r2SCAN": Functional(xc="r2scan", d3bj=True, d4="d4", family="meta-GGA"),
    "M06-L": Functional(xc="m06l", d3bj=False, d4="d4", family="meta-GGA"),
    "B3LYP": Functional(xc="b3lyp", d3bj=True, d4="d4", family="hybrid"),
    "PBE0": Functional(xc="pbe0", d3bj=True, d4="d4", family="hybrid"),
    "BHandHLYP": Functional(xc="bhandhlyp", d3bj=True, family="hybrid"),
    "TPSSh": Functional(xc="tpssh", d3bj=True, d4="d4", family="hybrid meta-GGA"),
    "M06-2X": Functional(xc="m06-2x", d3bj=False, family="hybrid meta-GGA"),
    "HSE06": Functional(xc="hse06", d3bj=True, d4="d4", family="range-separated hybrid"),
    "CAM-B3LYP": Functional(xc="cam-b3lyp", d3bj=True, d4="d4", family="range-separated hybrid"),
    # PySCF would answer for its D3 with the parameters of wB97X-V, another functional.
    # The same goes for its D4, whose parameters for wB97X itself go by the year of that functional.
    "wB97X": Functional(
        xc="wb97x", d3bj=False, d4="d4:wb97x-2008", family="range-separated hybrid"
    ),
}

COVERAGE: dict[BasisName, tuple[tuple[int, int], ...]] = {
    "sto-3g": ((1, 53),),
    "6-31g": ((1, 30),),
    "6-31g*": ((1, 36),),
    "6-31g**": ((1, 30),),
    "6-311g**": ((1, 20), (31, 36), (53, 53)),
    "def2-svp": ((1, 57), (72, 86)),
    "def2-tzvp": ((1, 57), (72, 86)),
    "def2-tzvpp": ((1, 57), (72, 86)),
    "def2-qzvp": ((1, 57), (72, 86)),
    "cc-pvdz": ((1, 18), (20, 36)),
    "cc-pvtz": ((1, 18), (20, 36)),
    "cc-pvqz": ((1, 18), (20, 36)),
    "aug-cc-pvdz": ((1, 18), (21, 36)),
    "aug-cc-pvtz": ((1, 18), (21, 36)),
}
"""The atomic numbers that PySCF 2.14 holds each basis for, as ranges."""

LAST_ALL_ELECTRON_DEF2 = 36
"""From rubidium on, def2 replaces the core by an effective potential."""


def ignoring_case(names: Any, synonyms: Mapping[str, str] | None = None) -> BeforeValidator:
    """`b3lyp` means `B3LYP`; what fits no name is left for pydantic to refuse."""
    known = {name.lower(): name for name in get_args(names)} | dict(synonyms or {})
    return BeforeValidator(
        lambda given: known.get(given.lower(), given) if isinstance(given, str) else given
    )


AnyCaseFunctional = Annotated[FunctionalName, ignoring_case(FunctionalName)]
AnyCaseBasis = Annotated[BasisName, ignoring_case(BasisName, BASIS_SYNONYMS)]
AnyCaseDispersion = Annotated[Dispersion, ignoring_case(Dispersion)]
AnyCaseReference = Annotated[Reference, ignoring_case(Reference)]


def covers(basis: BasisName, symbol: str) -> bool:
    number = ATOMIC_NUMBERS[symbol]
    return any(first <= number <= last for first, last in COVERAGE[basis])


def bases_for(symbols: set[str]) -> list[BasisName]:
    """The basis sets that hold all of these elements."""
    return [basis for basis in COVERAGE if all(covers(basis, symbol) for symbol in symbols)]


def core_potential(basis: BasisName, symbols: set[str]) -> dict[str, str]:
    """The effective core potential of each element that the basis expects one for."""
    if not basis.startswith("def2"):
        return {}
    light = set(SYMBOLS[:LAST_ALL_ELECTRON_DEF2])
    return dict.fromkeys(sorted(symbols - light), basis)


def disp_of(functional: FunctionalName, dispersion: Dispersion) -> str | None:
    """PySCF's `mf.disp` for what was asked."""
    if dispersion == "d4":
        return FUNCTIONALS[functional].d4
    wanted = dispersion == "d3bj" or (dispersion == "auto" and FUNCTIONALS[functional].d3bj)
    return "d3bj" if wanted else None


def label(functional: FunctionalName, basis: BasisName, dispersion: Dispersion) -> str:
    """The method as a paper names it: `B3LYP-D3(BJ)/def2-svp`."""
    disp = disp_of(functional, dispersion)
    suffix = "" if disp is None else "-D3(BJ)" if disp == "d3bj" else "-D4"
    return f"{functional}{suffix}/{basis}"


def reference_of(reference: Reference, multiplicity: int) -> str:
    """`RKS`, `UKS` or `ROKS`: auto keeps the spins together where all are paired."""
    if reference == "auto":
        return "RKS" if multiplicity == 1 else "UKS"
    return reference.upper()
