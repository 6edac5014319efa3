"""What a node executes: one text for a whole array, in which every word of ours is quoted.

Nothing that a user wrote is in it. A member of an array finds its directory as a line of a file;
there lie its params, and the name of its simulation.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from simulations.command.context import CANCEL_NAME
from simulations.workdir import CLAIM_NAME, OUTPUT_NAME, SCRATCH_NAME, SIMULATION_NAME

from .answers import NAME
from .site import Site

MEMBERS_NAME = "members"
WORDS = "{}.out"
"""What a node says of a member beside what the run prints: that it was killed, and why."""
NO_DIRECTORY, TAKEN, NO_SETUP, CANCELLED = 72, 75, 78, 130
"""How it ends where it runs nothing."""

TEXT = """\
#!/bin/bash -l
umask 077
members={members}
workdir=$(sed -n "$((${{SLURM_ARRAY_TASK_ID:-0}} + 1))p" "$members")
[ -n "$workdir" ] && cd -- "$workdir" || exit {no_directory}
exec >>{output} 2>&1
run="${{SLURM_ARRAY_JOB_ID:-$SLURM_JOB_ID}}_${{SLURM_ARRAY_TASK_ID:-0}}.${{SLURM_RESTART_COUNT:-0}}"
if ! (set -o noclobber; printf '%s\\n' "$run" >{claim}) 2>/dev/null; then
    echo "$run runs nothing: $(cat {claim}) has been here."
    exit {taken}
fi
[ ! -e {cancel} ] || exit {cancelled}
mkdir -p {scratch}
export TMPDIR="$workdir/{scratch}" PYSCF_TMPDIR="$workdir/{scratch}"
export OMP_NUM_THREADS="${{SLURM_CPUS_PER_TASK:-1}}"
export MKL_NUM_THREADS="$OMP_NUM_THREADS" OPENBLAS_NUM_THREADS="$OMP_NUM_THREADS"
export PYTHONPATH={source}
{environment}\
exec {command} -m simulations exec "$(cat "$workdir/{simulation}")" "$workdir"
"""


def text(site: Site, bundle: Path) -> str:
    return TEXT.format(
        members=shlex.quote(str(bundle / MEMBERS_NAME)),
        source=shlex.quote(site.source),
        command=shlex.join([*site.container, site.python]),
        environment="".join(f"{line}\n" for line in _environment(site)),
        output=OUTPUT_NAME,
        claim=CLAIM_NAME,
        cancel=CANCEL_NAME,
        scratch=SCRATCH_NAME,
        simulation=SIMULATION_NAME,
        no_directory=NO_DIRECTORY,
        taken=TAKEN,
        cancelled=CANCELLED,
    )


def _environment(site: Site) -> list[str]:
    loaded = [f"module load {shlex.quote(name)} || exit {NO_SETUP}" for name in site.modules]
    exported = [f"export {name}={shlex.quote(value)}" for name, value in site.environment.items()]
    return [*loaded, *site.setup, *exported]


def argv(
    site: Site, *, options: Sequence[str], token: str, bundle: Path, n_members: int
) -> list[str]:
    """The command that hands the text to Slurm; no shell reads it."""
    array = [f"--array=0-{n_members - 1}"] if n_members > 1 else []
    # Slurm puts a job's number, its user and more where a path has `%j`, `%u`, and so on.
    words = f"{str(bundle).replace('%', '%%')}/{WORDS.format('%a' if array else 0)}"
    return [
        *("sbatch", "--parsable", f"--job-name={NAME}", f"--comment={token}"),
        # An attempt that starts anew in the midst of its files is none of ours: the next one goes
        # on from its checkpoint in a directory of its own.
        "--no-requeue",
        *(f"--chdir={bundle}", f"--output={words}", "--open-mode=append"),
        *(*options, *array, *site.sbatch),
    ]
