"""The solvents of the continuum models, as data that needs no engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from .methods import ignoring_case

SolventName = Literal[
    "none", "water", "methanol", "ethanol", "octanol", "acetone", "acetonitrile", "dmso", "dmf",
    "thf", "ether", "dioxane", "ethyl acetate", "dichloromethane", "chloroform", "nitromethane",
    "aniline", "toluene", "benzene", "hexane", "cyclohexane",
]  # fmt: skip
SolventModel = Literal["C-PCM", "IEF-PCM", "COSMO", "SMD"]
XtbSolventModel = Literal["ALPB", "GBSA"]

AnyCaseSolvent = Annotated[SolventName, ignoring_case(SolventName)]
AnyCaseSolventModel = Annotated[SolventModel, ignoring_case(SolventModel)]
AnyCaseXtbSolventModel = Annotated[XtbSolventModel, ignoring_case(XtbSolventModel)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Solvent:
    """:param epsilon: static dielectric constant at 298 K, as in the Minnesota database.
    :param smd: its name in PySCF's SMD.
    :param alpb: its name in tblite's ALPB, for both GFN1-xTB and GFN2-xTB.
    :param gbsa: the methods whose GBSA has parameters for it.
    """

    epsilon: float
    smd: str
    alpb: str | None = None
    gbsa: tuple[str, ...] = ()


_BOTH = ("GFN1-xTB", "GFN2-xTB")
_GFN2 = ("GFN2-xTB",)

SOLVENTS: dict[SolventName, Solvent] = {
    "water": Solvent(epsilon=78.355, smd="water", alpb="water", gbsa=_BOTH),
    "methanol": Solvent(epsilon=32.613, smd="methanol", alpb="methanol", gbsa=_BOTH),
    "ethanol": Solvent(epsilon=24.852, smd="ethanol", alpb="ethanol"),
    "octanol": Solvent(epsilon=9.8629, smd="1-octanol", alpb="octanol"),
    "acetone": Solvent(epsilon=20.493, smd="acetone", alpb="acetone", gbsa=_BOTH),
    "acetonitrile": Solvent(epsilon=35.688, smd="acetonitrile", alpb="acetonitrile", gbsa=_BOTH),
    "dmso": Solvent(epsilon=46.826, smd="dimethylsulfoxide", alpb="dmso", gbsa=_BOTH),
    "dmf": Solvent(epsilon=37.219, smd="N,N-dimethylformamide", alpb="dmf", gbsa=_GFN2),
    "thf": Solvent(epsilon=7.4257, smd="tetrahydrofuran", alpb="thf", gbsa=_BOTH),
    "ether": Solvent(epsilon=4.2400, smd="diethylether", alpb="ether", gbsa=_BOTH),
    "dioxane": Solvent(epsilon=2.2099, smd="1,4-dioxane", alpb="dioxane"),
    "ethyl acetate": Solvent(epsilon=5.9867, smd="ethylethanoate", alpb="ethylacetate"),
    "dichloromethane": Solvent(
        epsilon=8.93, smd="dichloromethane", alpb="dichloromethane", gbsa=_BOTH
    ),
    "chloroform": Solvent(epsilon=4.7113, smd="chloroform", alpb="chloroform", gbsa=_BOTH),
    "nitromethane": Solvent(epsilon=36.562, smd="nitromethane", alpb="nitromethane"),
    "aniline": Solvent(epsilon=6.8882, smd="aniline", alpb="aniline"),
    "toluene": Solvent(epsilon=2.3741, smd="toluene", alpb="toluene", gbsa=_BOTH),
    "benzene": Solvent(epsilon=2.2706, smd="benzene", alpb="benzene", gbsa=_BOTH),
    "hexane": Solvent(epsilon=1.8819, smd="n-hexane", alpb="hexane", gbsa=_GFN2),
    "cyclohexane": Solvent(epsilon=2.0165, smd="cyclohexane"),
}


def solvents_of(model: XtbSolventModel, method: str) -> list[SolventName]:
    """The solvents that this model has parameters for with this method."""
    return [
        name
        for name, solvent in SOLVENTS.items()
        if (solvent.alpb if model == "ALPB" else method in solvent.gbsa)
    ]
