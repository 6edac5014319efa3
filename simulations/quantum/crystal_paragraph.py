"""What a calculation of a crystal did, in sentences for a paper."""

from __future__ import annotations

from simulations.structures import Crystal

from .crystal_params import DftCrystalParams, DftCrystalResult, understand
from .crystal_rescue import LADDER
from .paragraph import codes, program, rescued
from .vacuum import vacuum_along

BASIS_TITLES = {"gth-szv-molopt-sr": "SZV-MOLOPT-SR", "gth-dzvp-molopt-sr": "DZVP-MOLOPT-SR"}


def crystal(params: DftCrystalParams, result: DftCrystalResult) -> str:
    return " ".join([_theory(params, result), _settings(params, result), _cells(params, result)])


def _theory(params: DftCrystalParams, result: DftCrystalResult) -> str:
    dispersion = ", the D3(BJ) dispersion correction [@d3, d3bj]"
    return (
        f"Periodic density functional theory calculations of {result.formula} (space group "
        f"{result.space_group}) were carried out with "
        f"{program('PySCF', result.versions, 'pyscf')} [@pyscf] and Libxc [@libxc], using the PBE "
        f"functional [@pbe]{dispersion if params.dispersion == 'd3bj' else ''}, "
        f"Goedecker-Teter-Hutter pseudopotentials for PBE [@gth, krack] and the "
        f"{BASIS_TITLES[params.basis]} basis set [@molopt]."
    )


def _settings(params: DftCrystalParams, result: DftCrystalResult) -> str:
    mesh = "×".join(map(str, result.k_mesh))
    grid = "×".join(map(str, result.fft_mesh))
    return (
        f"The Brillouin zone was sampled on a Γ-centred {mesh} mesh with a Fermi smearing of "
        f"{result.smearing_hartree:g} hartree, and the density on a uniform grid of {grid} points "
        f"({result.ke_cutoff_hartree:g} hartree); energies are electronic free energies, converged "
        f"to {params.scf_convergence_hartree:g} hartree{rescued(codes(result), LADDER)}."
    )


def _cells(params: DftCrystalParams, result: DftCrystalResult) -> str:
    source = f" of {result.literature_source}" if result.literature_source else " that was given"
    count = len(result.stages)
    if params.task == "single_point":
        return f"The cell{source} was computed as it is; its atoms were not relaxed."
    crystal = understand(params)[0]
    held = "with the atoms at their fractional coordinates"
    if params.task == "equation_of_state" and result.equation_of_state:
        has_shape = len(crystal.constants) > 1
        relaxed = params.relax_shape and has_shape
        shape = " and relaxing its shape at each volume" if relaxed else ""
        return (
            f"Bulk modulus and equilibrium volume come from a third-order Birch-Murnaghan "
            f"equation of state [@birch] fitted to {len(result.equation_of_state)} volumes, "
            f"starting from the cell{source}{shape}, {held}."
        )
    return (
        "The lattice constants are those of least energy in a quadratic model of the energy, "
        f"confirmed by a calculation there, from {count} single points around the cell{source}, "
        f"{held}{_across_vacuum(crystal)}."
    )


def _across_vacuum(crystal: Crystal) -> str:
    empty = " and ".join(name[0] for name in vacuum_along(crystal))
    return f" and {empty}, across a vacuum, as given" if empty else ""
