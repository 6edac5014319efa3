"""What is put about a peptide in explicit water is told: whole molecules, and whole ions."""

import pytest

from simulations.dynamics.params import MdParams
from simulations.dynamics.protein import prepare_protein

from .recording import RecordingContext
from .test_md_input import ALANINE_DIPEPTIDE


def told_of(text: str, molar: float, context: RecordingContext) -> tuple[str, dict[str, int]]:
    """The note, and how many of each residue there are."""
    params = MdParams(
        structure=text,  # type: ignore[arg-type]
        environment="explicit",
        padding_angstrom=10,
        ionic_strength_molar=molar,
    )
    prepared = prepare_protein(params, context)
    (note,) = [note for note in prepared.notes if note.code == "solvated"]
    names = [residue.name for residue in prepared.topology.residues()]
    return note.message, {name: names.count(name) for name in ("HOH", "NA", "CL")}


def lysine() -> str:
    """Lys-Ala-Gly, which has a charge of +1 at pH 7."""
    from rdkit import Chem
    from rdkit.Chem import AllChem

    mol = Chem.AddHs(Chem.MolFromSequence("KAG"))
    AllChem.EmbedMolecule(mol, randomSeed=1)
    lines = Chem.MolToPDBBlock(Chem.RemoveHs(mol)).splitlines()
    return "\n".join(line for line in lines if line.startswith("ATOM"))


@pytest.mark.engine
@pytest.mark.parametrize(
    ("molar", "pairs", "words"),
    [
        (0, 0, ""),
        (0.01, 0, " That is 0 mol/L of salt, 0.01 was asked."),
        (0.5, 2, " mol/L of salt, 0.5 was asked."),
    ],
)
def test_water_and_salt_are_counted(
    context: RecordingContext, molar: float, pairs: int, words: str
) -> None:
    """0.01 mol/L was no ion at all, and nobody was told."""
    message, counts = told_of(ALANINE_DIPEPTIDE, molar, context)

    assert message.startswith("Added in a box of 20.0 × 20.0 × 20.0 Å: ")
    assert f"{counts['HOH']} water molecules" in message
    assert counts["NA"] == counts["CL"] == pairs
    assert (f"{pairs} Na⁺, {pairs} Cl⁻" in message) == bool(pairs)
    assert ("was asked" in message) == bool(words)
    assert message.endswith(words)


@pytest.mark.engine
def test_a_charge_is_neutralised_and_that_is_no_salt(context: RecordingContext) -> None:
    message, counts = told_of(lysine(), 0.01, context)

    assert (counts["NA"], counts["CL"]) == (0, 1)
    assert "1 Cl⁻" in message
    assert "That is 0 mol/L of salt, 0.01 was asked." in message
