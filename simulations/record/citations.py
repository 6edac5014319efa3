"""Whom to cite: programs, methods and models, each as its publisher registered it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """:param authors: short, as a sentence names them: `Sun et al.`"""

    key: str
    authors: str
    title: str
    journal: str
    year: int
    doi: str

    @property
    def url(self) -> str:
        return f"https://doi.org/{self.doi}"


JCP = "J. Chem. Phys."
JCTC = "J. Chem. Theory Comput."
JCIM = "J. Chem. Inf. Model."
JCC = "J. Comput. Chem."
PRL = "Phys. Rev. Lett."

# Key, authors, title, journal, year, DOI. Each DOI and title was looked up, none recalled.
PROGRAMS = (
    ("pyscf", "Sun et al.", "Recent developments in the PySCF program package", JCP, 2020,
     "10.1063/5.0006074"),
    ("gpu4pyscf", "Li et al.", "Introducing GPU Acceleration into the Python-Based Simulations of "
     "Chemistry Framework", "J. Phys. Chem. A", 2025, "10.1021/acs.jpca.4c05876"),
    ("gpu4pyscf_dft", "Wu et al.", "Enhancing GPU-Acceleration in the Python-Based Simulations of "
     "Chemistry Frameworks", "WIREs Comput. Mol. Sci.", 2025, "10.1002/wcms.70008"),
    ("libxc", "Lehtola et al.", "Recent developments in libxc — A comprehensive library of "
     "functionals for density functional theory", "SoftwareX", 2018,
     "10.1016/j.softx.2017.11.002"),
    ("geometric", "Wang, Song", "Geometry optimization made simple with translation and rotation "
     "coordinates", JCP, 2016, "10.1063/1.4952956"),
    ("ase", "Larsen et al.", "The atomic simulation environment—a Python library for working with "
     "atoms", "J. Phys.: Condens. Matter", 2017, "10.1088/1361-648X/aa680e"),
    ("etkdg3", "Wang et al.", "Improving Conformer Generation for Small Rings and Macrocycles "
     "Based on Distance Geometry and Experimental Torsional-Angle Preferences", JCIM, 2020,
     "10.1021/acs.jcim.0c00025"),
    ("openmm", "Eastman et al.", "OpenMM 8: Molecular Dynamics Simulation with Machine Learning "
     "Potentials", "J. Phys. Chem. B", 2024, "10.1021/acs.jpcb.3c06662"),
    ("vina12", "Eberhardt et al.", "AutoDock Vina 1.2.0: New Docking Methods, Expanded Force "
     "Field, and Python Bindings", JCIM, 2021, "10.1021/acs.jcim.1c00203"),
    ("meeko", "Santos-Martins et al.", "Meeko: Molecule Parametrization and Software "
     "Interoperability for Docking and Beyond", JCIM, 2025, "10.1021/acs.jcim.5c02271"),
    ("prolif", "Bouysset, Fiorucci", "ProLIF: a library to encode molecular interactions as "
     "fingerprints", "J. Cheminform.", 2021, "10.1186/s13321-021-00548-6"),
)  # fmt: skip
FUNCTIONALS = (
    ("vwn", "Vosko, Wilk, Nusair", "Accurate spin-dependent electron liquid correlation energies "
     "for local spin density calculations: a critical analysis", "Can. J. Phys.", 1980,
     "10.1139/p80-159"),
    ("pbe", "Perdew, Burke, Ernzerhof", "Generalized Gradient Approximation Made Simple", PRL,
     1996, "10.1103/PhysRevLett.77.3865"),
    ("revpbe", "Zhang, Yang", "Comment on “Generalized Gradient Approximation Made Simple”", PRL,
     1998, "10.1103/PhysRevLett.80.890"),
    ("b88", "Becke", "Density-functional exchange-energy approximation with correct asymptotic "
     "behavior", "Phys. Rev. A", 1988, "10.1103/PhysRevA.38.3098"),
    ("lyp", "Lee, Yang, Parr", "Development of the Colle-Salvetti correlation-energy formula into "
     "a functional of the electron density", "Phys. Rev. B", 1988, "10.1103/PhysRevB.37.785"),
    ("p86", "Perdew", "Density-functional approximation for the correlation energy of the "
     "inhomogeneous electron gas", "Phys. Rev. B", 1986, "10.1103/PhysRevB.33.8822"),
    ("tpss", "Tao et al.", "Climbing the Density Functional Ladder: Nonempirical Meta–Generalized "
     "Gradient Approximation Designed for Molecules and Solids", PRL, 2003,
     "10.1103/PhysRevLett.91.146401"),
    ("r2scan", "Furness et al.", "Accurate and Numerically Efficient r2SCAN Meta-Generalized "
     "Gradient Approximation", "J. Phys. Chem. Lett.", 2020, "10.1021/acs.jpclett.0c02405"),
    ("m06l", "Zhao, Truhlar", "A new local density functional for main-group thermochemistry, "
     "transition metal bonding, thermochemical kinetics, and noncovalent interactions", JCP, 2006,
     "10.1063/1.2370993"),
    ("b3lyp", "Stephens et al.", "Ab Initio Calculation of Vibrational Absorption and Circular "
     "Dichroism Spectra Using Density Functional Force Fields", "J. Phys. Chem.", 1994,
     "10.1021/j100096a001"),
    ("pbe0", "Adamo, Barone", "Toward reliable density functional methods without adjustable "
     "parameters: The PBE0 model", JCP, 1999, "10.1063/1.478522"),
    ("bhandhlyp", "Becke", "A new mixing of Hartree–Fock and local density-functional theories",
     JCP, 1993, "10.1063/1.464304"),
    ("tpssh", "Staroverov et al.", "Comparative assessment of a new nonempirical density "
     "functional: Molecules and hydrogen-bonded complexes", JCP, 2003, "10.1063/1.1626543"),
    ("m06", "Zhao, Truhlar", "The M06 suite of density functionals for main group "
     "thermochemistry, thermochemical kinetics, noncovalent interactions, excited states, and "
     "transition elements: two new functionals and systematic testing of four M06-class "
     "functionals and 12 other functionals", "Theor. Chem. Acc.", 2008,
     "10.1007/s00214-007-0310-x"),
    ("hse03", "Heyd, Scuseria, Ernzerhof", "Hybrid functionals based on a screened Coulomb "
     "potential", JCP, 2003, "10.1063/1.1564060"),
    ("hse06", "Krukau et al.", "Influence of the exchange screening parameter on the performance "
     "of screened hybrid functionals", JCP, 2006, "10.1063/1.2404663"),
    ("camb3lyp", "Yanai, Tew, Handy", "A new hybrid exchange–correlation functional using the "
     "Coulomb-attenuating method (CAM-B3LYP)", "Chem. Phys. Lett.", 2004,
     "10.1016/j.cplett.2004.06.011"),
    ("wb97x", "Chai, Head-Gordon", "Systematic optimization of long-range corrected hybrid "
     "density functionals", JCP, 2008, "10.1063/1.2834918"),
)  # fmt: skip
QUANTUM = (
    ("d3", "Grimme et al.", "A consistent and accurate ab initio parametrization of density "
     "functional dispersion correction (DFT-D) for the 94 elements H-Pu", JCP, 2010,
     "10.1063/1.3382344"),
    ("d3bj", "Grimme, Ehrlich, Goerigk", "Effect of the damping function in dispersion corrected "
     "density functional theory", JCC, 2011, "10.1002/jcc.21759"),
    ("d4", "Caldeweyher et al.", "A generally applicable atomic-charge dependent London "
     "dispersion correction", JCP, 2019, "10.1063/1.5090222"),
    ("cpcm", "Barone, Cossi", "Quantum calculation of molecular energies and energy gradients in "
     "solution by a conductor solvent model", "J. Phys. Chem. A", 1998, "10.1021/jp9716997"),
    ("iefpcm", "Cancès, Mennucci, Tomasi", "A new integral equation formalism for the polarizable "
     "continuum model: Theoretical background and applications to isotropic and anisotropic "
     "dielectrics", JCP, 1997, "10.1063/1.474659"),
    ("cosmo", "Klamt, Schüürmann", "COSMO: a new approach to dielectric screening in solvents "
     "with explicit expressions for the screening energy and its gradient",
     "J. Chem. Soc., Perkin Trans. 2", 1993, "10.1039/P29930000799"),
    ("smd", "Marenich, Cramer, Truhlar", "Universal Solvation Model Based on Solute Electron "
     "Density and on a Continuum Model of the Solvent Defined by the Bulk Dielectric Constant and "
     "Atomic Surface Tensions", "J. Phys. Chem. B", 2009, "10.1021/jp810292n"),
    ("iao", "Knizia", "Intrinsic Atomic Orbitals: An Unbiased Bridge between Quantum Theory and "
     "Chemical Concepts", JCTC, 2013, "10.1021/ct400687b"),
    ("gth", "Goedecker, Teter, Hutter", "Separable dual-space Gaussian pseudopotentials",
     "Phys. Rev. B", 1996, "10.1103/PhysRevB.54.1703"),
    ("krack", "Krack", "Pseudopotentials for H to Kr optimized for gradient-corrected "
     "exchange-correlation functionals", "Theor. Chem. Acc.", 2005, "10.1007/s00214-005-0655-y"),
    ("molopt", "VandeVondele, Hutter", "Gaussian basis sets for accurate calculations on "
     "molecular systems in gas and condensed phases", JCP, 2007, "10.1063/1.2770708"),
    ("birch", "Birch", "Finite Elastic Strain of Cubic Crystals", "Phys. Rev.", 1947,
     "10.1103/PhysRev.71.809"),
    ("gfn1", "Grimme, Bannwarth, Shushkov", "A Robust and Accurate Tight-Binding Quantum Chemical "
     "Method for Structures, Vibrational Frequencies, and Noncovalent Interactions of Large "
     "Molecular Systems Parametrized for All spd-Block Elements (Z = 1–86)", JCTC, 2017,
     "10.1021/acs.jctc.7b00118"),
    ("gfn2", "Bannwarth, Ehlert, Grimme", "GFN2-xTB—An Accurate and Broadly Parametrized "
     "Self-Consistent Tight-Binding Quantum Chemical Method with Multipole Electrostatics and "
     "Density-Dependent Dispersion Contributions", JCTC, 2019, "10.1021/acs.jctc.8b01176"),
    ("alpb", "Ehlert et al.", "Robust and Efficient Implicit Solvation Model for Fast "
     "Semiempirical Methods", JCTC, 2021, "10.1021/acs.jctc.1c00471"),
)  # fmt: skip
BASIS_SETS = (
    ("sto3g", "Hehre, Stewart, Pople", "Self-Consistent Molecular-Orbital Methods. I. Use of "
     "Gaussian Expansions of Slater-Type Atomic Orbitals", JCP, 1969, "10.1063/1.1672392"),
    ("631g", "Hehre, Ditchfield, Pople", "Self-Consistent Molecular Orbital Methods. XII. Further "
     "Extensions of Gaussian-Type Basis Sets for Use in Molecular Orbital Studies of Organic "
     "Molecules", JCP, 1972, "10.1063/1.1677527"),
    ("631gd", "Hariharan, Pople", "The influence of polarization functions on molecular orbital "
     "hydrogenation energies", "Theor. Chim. Acta", 1973, "10.1007/BF00533485"),
    ("6311g", "Krishnan et al.", "Self-consistent molecular orbital methods. XX. A basis set for "
     "correlated wave functions", JCP, 1980, "10.1063/1.438955"),
    ("def2", "Weigend, Ahlrichs", "Balanced basis sets of split valence, triple zeta valence and "
     "quadruple zeta valence quality for H to Rn: Design and assessment of accuracy",
     "Phys. Chem. Chem. Phys.", 2005, "10.1039/b508541a"),
    ("ccpvxz", "Dunning", "Gaussian basis sets for use in correlated molecular calculations. I. "
     "The atoms boron through neon and hydrogen", JCP, 1989, "10.1063/1.456153"),
    ("augccpvxz", "Kendall, Dunning, Harrison", "Electron affinities of the first-row atoms "
     "revisited. Systematic basis sets and wave functions", JCP, 1992, "10.1063/1.462569"),
)  # fmt: skip
DYNAMICS = (
    ("mmff94", "Halgren", "Merck molecular force field. I. Basis, form, scope, parameterization, "
     "and performance of MMFF94", JCC, 1996,
     "10.1002/(SICI)1096-987X(199604)17:5/6<490::AID-JCC1>3.0.CO;2-P"),
    ("mmff_rdkit", "Tosco, Stiefl, Landrum", "Bringing the MMFF force field to the RDKit: "
     "implementation and validation", "J. Cheminform.", 2014, "10.1186/s13321-014-0037-3"),
    ("ff14sb", "Maier et al.", "ff14SB: Improving the Accuracy of Protein Side Chain and Backbone "
     "Parameters from ff99SB", JCTC, 2015, "10.1021/acs.jctc.5b00255"),
    ("tip3p", "Jorgensen et al.", "Comparison of simple potential functions for simulating liquid "
     "water", JCP, 1983, "10.1063/1.445869"),
    ("ions", "Joung, Cheatham", "Determination of Alkali and Halide Monovalent Ion Parameters for "
     "Use in Explicitly Solvated Biomolecular Simulations", "J. Phys. Chem. B", 2008,
     "10.1021/jp8001614"),
    ("pme", "Essmann et al.", "A smooth particle mesh Ewald method", JCP, 1995,
     "10.1063/1.470117"),
    ("obc", "Onufriev, Bashford, Case", "Exploring protein native states and large-scale "
     "conformational changes with a modified generalized Born model", "Proteins", 2004,
     "10.1002/prot.20033"),
    ("gbn2", "Nguyen, Roe, Simmerling", "Improved Generalized Born Solvent Model Parameters for "
     "Protein Simulations", JCTC, 2013, "10.1021/ct3010485"),
    ("langevin", "Zhang et al.", "Unified Efficient Thermostat Scheme for the Canonical Ensemble "
     "with Holonomic or Isokinetic Constraints via Molecular Dynamics", "J. Phys. Chem. A", 2019,
     "10.1021/acs.jpca.9b02771"),
    ("barostat", "Åqvist et al.", "Molecular dynamics simulations of water and biomolecules with "
     "a Monte Carlo constant pressure algorithm", "Chem. Phys. Lett.", 2004,
     "10.1016/j.cplett.2003.12.039"),
)  # fmt: skip
DOCKING = (
    ("vina", "Trott, Olson", "AutoDock Vina: Improving the speed and accuracy of docking with a "
     "new scoring function, efficient optimization, and multithreading", JCC, 2010,
     "10.1002/jcc.21334"),
    ("vinardo", "Quiroga, Villarreal", "Vinardo: A Scoring Function Based on Autodock Vina "
     "Improves Scoring, Docking, and Virtual Screening", "PLOS ONE", 2016,
     "10.1371/journal.pone.0155183"),
)  # fmt: skip

REFERENCES = {
    key: Reference(key=key, authors=authors, title=title, journal=journal, year=year, doi=doi)
    for table in (PROGRAMS, FUNCTIONALS, QUANTUM, BASIS_SETS, DYNAMICS, DOCKING)
    for key, authors, title, journal, year, doi in table
}
