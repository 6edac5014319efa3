"""The count of basis functions, without PySCF, against PySCF."""

import subprocess
import sys
from importlib.util import find_spec

import pytest

from simulations.quantum.basis_size import FILES, count_functions, n_basis_functions
from simulations.quantum.methods import COVERAGE, core_potential
from simulations.structures.elements import SYMBOLS

TWO_CARBON_BLOCKS = """
C    SP
      2.9412494             -0.09996723             0.15591627
      0.6834831              0.39951283             0.60768372
C    D
      0.8                    1.0
#  comment
H    S
      3.4                    0.15       0.0
      0.6                    0.53       1.0
END
"""


def test_each_column_is_a_shell_and_sp_is_an_s_and_a_p() -> None:
    assert count_functions(TWO_CARBON_BLOCKS) == {"C": 1 + 3 + 5, "H": 2}


@pytest.mark.skipif(not find_spec("pyscf"), reason="needs PySCF's files")
def test_counting_loads_no_pyscf() -> None:
    code = (
        "import sys\n"
        "from simulations.quantum.basis_size import n_basis_functions\n"
        "assert n_basis_functions({'C': 6, 'H': 6}, 'def2-svp') == 114\n"
        "sys.exit('pyscf' in sys.modules)"
    )

    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.skipif(not find_spec("pyscf"), reason="needs PySCF's files")
def test_an_element_that_the_basis_lacks_has_no_count() -> None:
    assert n_basis_functions({"U": 1}, "def2-svp") is None


@pytest.mark.engine
@pytest.mark.slow
@pytest.mark.parametrize("basis", sorted(FILES))
def test_every_count_is_the_one_that_pyscf_makes(basis) -> None:
    gto = pytest.importorskip("pyscf.gto")
    elements = [SYMBOLS[n - 1] for first, last in COVERAGE[basis] for n in range(first, last + 1)]

    for symbol in elements:
        mol = gto.M(
            atom=[(symbol, (0, 0, 0))],
            basis=basis,
            ecp=core_potential(basis, {symbol}),
            spin=None,
            verbose=0,
        )
        assert n_basis_functions({symbol: 1}, basis) == mol.nao, symbol
