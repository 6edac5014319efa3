"""Find the simulations: importing a module of `simulations.catalog` declares what it holds."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

from . import catalog
from .base import Simulation, declared, spelling
from .errors import UnknownSimulation

LOADED_WITH = {
    "ase": ("ase.collections", "ase.eos", "ase.io.cif"),
    "pyscf": (
        "pyscf.__all__",
        "pyscf.df.grad.rohf",
        "pyscf.df.grad.roks",
        "pyscf.df.hessian",
        "pyscf.gto.basis.minao",
        "pyscf.lo",
        "pyscf.scf.atom_hf",
        "pyscf.tools.cubegen",
    ),
    "rdkit": ("rdkit.Chem.AllChem", "rdkit.Chem.rdDetermineBonds", "ase.collections"),
}
"""Beside an engine, what its runs would import while they run. PySCF imports all of its methods
when a molecule is asked for what it lacks; names of molecules are looked up in ASE's collections
too."""


@cache
def _discover() -> dict[str, Simulation]:
    for module in pkgutil.iter_modules(catalog.__path__, f"{catalog.__name__}."):
        import_module(module.name)
    return declared


def all_simulations() -> list[Simulation]:
    return sorted(_discover().values(), key=lambda sim: sim.name)


def get(name: str) -> Simulation:
    """By its name, or by any other that it goes by.

    :raises KeyError: no simulation has that name.
    """
    found = _discover()
    return found[name] if name in found else _by_alias()[spelling(name)]


@cache
def _by_alias() -> dict[str, Simulation]:
    return {
        spelling(name): simulation
        for simulation in all_simulations()
        for name in (simulation.name, *simulation.aliases)
    }


def named(name: str) -> Simulation:
    """As `get`, for a name that somebody typed.

    :raises UnknownSimulation: with the names that there are.
    """
    try:
        return get(name)
    except KeyError:
        names = ", ".join(sim.name for sim in all_simulations())
        detail = f"There is no simulation {name!r} here; expected one of {names}."
        raise UnknownSimulation(name, detail) from None


def find(name: str) -> Simulation:
    """As `named`, for one that is to be run.

    :raises UnknownSimulation: there is none, or its engine is not installed.
    """
    found = named(name)
    if not found.available:
        engines = ", ".join(found.requires)
        raise UnknownSimulation(name, f"{name} needs {engines}, not installed on this site.")
    return found


def preload(name: str) -> None:
    """Import the engines of a simulation, so that processes forked from here start at once.

    :raises KeyError: no simulation has that name.
    """
    for engine in get(name).requires:
        for module in (engine, *LOADED_WITH.get(engine, ())):
            import_module(module)
