"""The command line: run a simulation, list them, and see whether the engines compute rightly.

    python -m simulations run dft_optimization --smiles O --workdir water
    python -m simulations list
    python -m simulations schema dft_optimization
    python -m simulations self-test
    python -m simulations exec dft_optimization /scratch/job-42

`exec` is for a cluster's node or a debugger. It reads params.json in the directory; appends
progress.jsonl and job.log; writes artifacts.json and provenance.json, and in the end result.json
(with summary.json and methods.json) or error.json. A file named `cancel` there asks it to stop at
its next report; a folder .previous holds what a lost attempt had written.

Exit status: 0 succeeded, 1 failed, 2 bad input, 130 cancelled (also by Ctrl-C or SIGTERM).
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(prog="python -m simulations", description="Run simulations.")
    commands = root.add_subparsers(dest="command", required=True)
    _add_run(commands.add_parser("run", help="run one here and now"))
    node = commands.add_parser("exec", help="run what params.json in a directory asks for")
    node.add_argument("name")
    node.add_argument("directory", type=Path)
    listing = commands.add_parser("list", help="the simulations that there are")
    listing.add_argument("--json", action="store_true")
    schema = commands.add_parser("schema", help="JSON schemas of params and result")
    schema.add_argument("name")
    test = commands.add_parser("self-test", help="run each engine's smallest real case")
    test.add_argument("engines", nargs="*", metavar="ENGINE", help="only these")
    return root


def _add_run(run: argparse.ArgumentParser) -> None:
    run.add_argument("name", help="a name or alias, see `list`")
    run.add_argument("--smiles", help="the molecule, as SMILES")
    run.add_argument("--structure", metavar="TEXT", help="SMILES, InChI, a name or a formula")
    run.add_argument(
        "--file", type=Path, help="SMILES, InChI, XYZ, SDF, CIF, POSCAR, PDB or mmCIF file"
    )
    run.add_argument("--params", type=Path, metavar="FILE", help="a JSON object of params")
    run.add_argument(
        "-p", dest="param", action="append", default=[], metavar="KEY=VALUE",
        help="one param, as JSON or text; @FILE takes a file's text",
    )  # fmt: skip
    run.add_argument("--workdir", type=Path, help="new, or of an unfinished run to go on with")
    run.add_argument("--threads", type=int, default=1)
    run.add_argument("--json", action="store_true", help="print all of the result as JSON")


def main(argv: Sequence[str] | None = None) -> int:
    words = parser().parse_args(argv)
    match words.command:
        case "run":
            # Read by the engines' libraries when they are loaded, so before any is.
            os.environ["OMP_NUM_THREADS"] = str(max(words.threads, 1))
            from .command.run import run

            return run(words)
        case "exec":
            from .command.node import run_in

            return run_in(words.name, words.directory)
        case "schema":
            from .command.listing import schema

            return schema(words.name)
        case "self-test":
            from .command.self_test import self_test

            return self_test(words.engines)
    from .command.listing import list_all

    return list_all(as_json=words.json)


def piped(argv: Sequence[str] | None = None) -> int:
    """As `main`, for a reader who may go away before the end, as `head` does."""
    try:
        status = main(argv)
        sys.stdout.flush()
    except BrokenPipeError:
        # Python writes what is left once more as it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    return status


if __name__ == "__main__":
    sys.exit(piped())
