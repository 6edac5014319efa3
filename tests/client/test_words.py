"""Params from the words of a command line, and from the rows of a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from backplane.cli import words
from backplane.cli.parser import parser


def read(*argv: str) -> Any:
    return parser().parse_args(argv)


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("3", 3), ("1e-6", 1e-6), ("true", True), ("null", None), ("[1, 2]", [1, 2]),
        ("6-31G*", "6-31G*"), ("[Li]C", "[Li]C"), ("NaN", "NaN"), ("-Infinity", "-Infinity"),
    ],
)  # fmt: skip
def test_json_where_it_is_some_and_else_a_text(word: str, value: Any) -> None:
    assert words.value_of(word) == value


def test_params_come_from_everywhere_and_the_last_word_counts(tmp_path: Path) -> None:
    params, text = tmp_path / "params.json", tmp_path / "ligand.sdf"
    params.write_text('{"basis": "sto-3g", "grid_level": 3}')
    text.write_text("a mol block")
    given = read(
        "submit", "docking", "--params", str(params), "--structure", "CCO", "--file",
        "receptor_pdb=4ey7.pdb", "-p", "basis=def2-svp", "-p", f"ligand=@{text}",
    )  # fmt: skip

    assert words.params_of(given) == {
        "basis": "def2-svp",
        "grid_level": 3,
        "structure": "CCO",
        "receptor_pdb": Path("4ey7.pdb"),
        "ligand": "a mol block",
    }


@pytest.mark.parametrize(
    "argv",
    [
        ("submit", "x", "-p", "basis"),
        ("submit", "x", "-p", "a=@/nowhere"),
        ("submit", "x", "--params", "/nowhere"),
    ],
)
def test_words_that_cannot_be_understood_are_refused(argv: tuple[str, ...]) -> None:
    with pytest.raises(words.BadWords):
        words.params_of(read(*argv))


def batch(path: Path, *argv: str) -> Any:
    return words.batch_body(read("batch", "submit", str(path), *argv))


def test_the_rows_of_a_table_vary_one_submission(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("name,structure,charge\nwater,O,0\n17,[OH-],-1\n")

    assert batch(path, "--simulation", "xtb_optimization", "-p", "method=GFN1-xTB") == {
        "template": {"simulation": "xtb_optimization", "params": {"method": "GFN1-xTB"}},
        "zip": {
            "name": ["water", "17"],
            "params.structure": ["O", "[OH-]"],
            "params.charge": [0, -1],
        },
    }


def test_a_table_of_excel_s_is_read_without_its_mark(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("\ufeffstructure,charge\nO,0\n", encoding="utf-8")

    found = batch(path, "--simulation", "xtb_optimization")

    assert found["zip"] == {"params.structure": ["O"], "params.charge": [0]}


def test_rows_that_say_different_things_are_merged_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"n": 3}\n\n{"n": 4, "name": "four"}\n')

    assert batch(path, "--simulation", "demo.sum_squares") == {
        "jobs": [
            {"simulation": "demo.sum_squares", "params": {"n": 3}},
            {"simulation": "demo.sum_squares", "name": "four", "params": {"n": 4}},
        ]
    }


def test_without_a_template_each_row_is_a_submission(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"simulation": "demo.sum_squares", "params": {"n": 3}}\n')

    assert batch(path) == {"jobs": [{"simulation": "demo.sum_squares", "params": {"n": 3}}]}


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("rows.csv", "a,b\n1\n", r"rows\.csv:2"),
        ("rows.csv", "a\n1,2\n", r"rows\.csv:2"),
        ("rows.jsonl", '{"a": 1}\n{"a"\n', r"rows\.jsonl:2"),
        ("rows.jsonl", "[1]\n", "an object"),
        ("rows.jsonl", "", "no rows"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(
    name: str, text: str, told: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_text(text)

    with pytest.raises(words.BadWords, match=told):
        batch(path, "--simulation", "demo.sum_squares")
