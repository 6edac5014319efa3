"""The real command in a process of its own: what it prints, leaves and exits with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import simulations
from simulations.dynamics.checkpoint import read_state
from tests.stack import ROOT

WATER = "3\n\nO 0.0 0.0 0.1173\nH 0.0 0.7572 -0.4692\nH 0.0 -0.7572 -0.4692\n"
MD = ["md", "--smiles", "CCO", "-p", "equilibration_ps=0", "-p", "report_interval_ps=0.5"]
LONG = [*MD, "-p", "length_ps=4000"]
"""A minute or two."""
SHORT = [*MD, "-p", "length_ps=800"]
"""Seconds, yet longer than a signal takes."""


def command(*words: str | Path) -> list[str]:
    return [sys.executable, "-m", "simulations", *map(str, words)]


def call(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*words), cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )


def stopped_by(
    number: signal.Signals, *words: str | Path, ready: Callable[[], bool] = lambda: True
) -> int:
    """Start it, and send it the signal once it has told of its production three times.

    :param ready: and once this is so, too; it tells once a second.
    """
    process = subprocess.Popen(command(*words), cwd=ROOT, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    told = 0
    while told < 3 or not ready():
        line = process.stderr.readline()
        assert line, "it ended too early"
        told += "produce" in line
    process.send_signal(number)
    process.communicate(timeout=60)
    return process.returncode


def read(path: Path) -> Any:
    return json.loads(path.read_text())


def test_a_run_leaves_its_record_and_prints_its_summary(tmp_path: Path) -> None:
    done = call("run", "demo.sum_squares", "-p", "n=3", "--workdir", tmp_path / "new")

    assert done.returncode == 0, done.stderr
    assert "Sum of the squares               14" in done.stdout
    assert "100%  term 3 of 3" in done.stderr
    assert read(tmp_path / "new" / "result.json") == {"total": 14}
    assert read(tmp_path / "new" / "summary.json") == {"total": 14}
    assert read(tmp_path / "new" / "provenance.json")["outcome"] == "succeeded"


@pytest.mark.slow
@pytest.mark.engine
@pytest.mark.parametrize("how", ["file", "smiles", "structure"])
def test_a_structure_may_be_given_in_many_ways(tmp_path: Path, how: str) -> None:
    (tmp_path / "water.xyz").write_text(WATER)
    given = {
        "file": ["--file", str(tmp_path / "water.xyz")],
        "smiles": ["--smiles", "O"],
        "structure": ["--structure", "water"],
    }[how]

    done = call("run", "xtb", *given, "--json", "--workdir", tmp_path / "run")

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["result"]["energy_hartree"] == pytest.approx(-5.0705444, abs=1e-6)
    assert told["methods"]["references"][0]["key"] == "gfn2"
    assert "@article{gfn2," in (tmp_path / "run" / "references.bib").read_text()


def test_bad_input_is_told_by_field_with_its_mend_and_without_a_traceback(tmp_path: Path) -> None:
    done = call(
        "run", "dft", "--smiles", "O", "-p", "multiplicity=2", "--workdir", tmp_path / "new"
    )

    assert done.returncode == 2
    assert "multiplicity: 10 electrons" in done.stderr
    assert "mend: -p multiplicity=1" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["run", "no_such"], "There is no simulation 'no_such'"),
        (["run", "demo.sum_squares", "-p", "n"], "-p n has no value"),
        (["run", "demo.sum_squares", "--smiles", "O"], "takes no structure"),
        (["run", "demo.sum_squares", "--params", "/no/such"], "No such file"),
        (["schema", "no_such"], "There is no simulation"),
        (["self-test", "no_such"], ""),
        (["fly"], "invalid choice"),
    ],
)
def test_what_cannot_be_understood_is_bad_input(words: list[str], complaint: str) -> None:
    done = call(*words)

    assert done.returncode == 2
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr


def test_params_come_from_a_file_and_single_ones_win(tmp_path: Path) -> None:
    (tmp_path / "params.json").write_text('{"n": 3}')

    done = call(
        "run", "demo.sum_squares", "--params", tmp_path / "params.json", "-p", "n=2",
        "--workdir", tmp_path / "run",
    )  # fmt: skip

    assert done.returncode == 0
    assert read(tmp_path / "run" / "result.json") == {"total": 5}


def test_a_directory_with_another_run_is_left_alone(tmp_path: Path) -> None:
    words = ["run", "demo.sum_squares", "--workdir", str(tmp_path / "run")]
    assert call(*words).returncode == 0

    again = call(*words)

    assert again.returncode == 2
    assert "holds a run that has finished" in again.stderr
    (tmp_path / "mine.txt").touch()
    assert call("run", "demo.sum_squares", "--workdir", tmp_path).returncode == 2
    assert (tmp_path / "mine.txt").exists()


@pytest.mark.engine
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_as_cancelled_and_keeps_its_files(
    tmp_path: Path, number: signal.Signals
) -> None:
    words = ["run", *LONG, "--workdir", tmp_path / "run"]

    assert stopped_by(number, *words) == 130

    assert read(tmp_path / "run" / "provenance.json")["outcome"] == "cancelled"
    assert not (tmp_path / "run" / "result.json").exists()


@pytest.mark.engine
@pytest.mark.slow
def test_a_run_goes_on_from_what_an_unfinished_one_left(tmp_path: Path) -> None:
    place = tmp_path / "run"
    words = ["run", *SHORT, "--workdir", str(place)]

    def is_underway() -> bool:
        # One is written at the beginning too, of which nothing could be gone on from.
        return read_state(place).getStepCount() > 0

    assert stopped_by(signal.SIGTERM, *words, ready=is_underway) == 130

    other = call(*words, "-p", "seed=7")
    done = call(*words)

    assert other.returncode == 2
    assert "other params" in other.stderr
    assert done.returncode == 0, done.stderr
    assert "Going on from what an unfinished attempt left" in done.stderr
    assert read(place / "result.json")["resumed_at_step"] > 0
    first = read(place / ".previous" / "provenance.json")
    assert read(place / "provenance.json")["previous_attempt"]["started_at"] == first["started_at"]


def test_a_node_runs_what_its_directory_asks_for_without_django(tmp_path: Path) -> None:
    (tmp_path / "params.json").write_text('{"n": 3}')
    code = (
        "import sys; from simulations.__main__ import main; "
        f"status = main(['exec', 'demo.sum_squares', {str(tmp_path)!r}]); "
        "assert 'django' not in sys.modules; sys.exit(status)"
    )

    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, cwd=ROOT)

    assert read(tmp_path / "result.json") == {"total": 14}
    assert read(tmp_path / "methods.json") == {"text": "", "references": []}
    points = (tmp_path / "progress.jsonl").read_text().splitlines()
    assert json.loads(points[-1])["fraction"] == 1


def test_a_node_says_in_a_file_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "params.json").write_text('{"n": 0}')

    done = call("exec", "demo.sum_squares", tmp_path)

    assert done.returncode == 2
    error = read(tmp_path / "error.json")
    assert error["kind"] == "input"
    assert error["errors"][0]["path"] == ["n"]


def test_a_node_stops_when_a_file_asks_it_to(tmp_path: Path) -> None:
    (tmp_path / "params.json").write_text('{"n": 3}')
    (tmp_path / "cancel").touch()

    assert call("exec", "demo.sum_squares", tmp_path).returncode == 130
    assert not (tmp_path / "error.json").exists()


def test_the_list_names_every_simulation() -> None:
    rows = json.loads(call("list", "--json").stdout)

    assert {row["name"] for row in rows} == {sim.name for sim in simulations.all_simulations()}
    plain = call("list").stdout
    assert all(row["title"] in plain for row in rows)


def test_the_schemas_of_both_ends_are_told() -> None:
    schemas = json.loads(call("schema", "md").stdout)

    assert schemas["simulation"] == "md_simulation"
    assert "length_ps" in schemas["params"]["properties"]
    assert "mean_temperature_k" in schemas["result"]["properties"]


@pytest.mark.slow
@pytest.mark.engine
def test_an_engine_is_tested_against_what_it_should_give() -> None:
    done = call("self-test", "backplane", "tblite")

    assert done.returncode == 0, done.stdout
    assert len(done.stdout.splitlines()) == 2
    assert done.stdout.count(" ok ") == 2


@pytest.mark.engine
@pytest.mark.slow
def test_all_engines_compute_what_they_should() -> None:
    done = call("self-test")

    assert done.returncode == 0, done.stdout
    assert "WRONG" not in done.stdout


def test_a_reader_that_goes_away_is_no_fault_of_ours() -> None:
    """As `| head` does."""
    reads, writes = os.pipe()
    os.close(reads)

    done = subprocess.run(
        command("list"), cwd=ROOT, stdout=writes, stderr=subprocess.PIPE, check=False
    )

    os.close(writes)
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, b"")
