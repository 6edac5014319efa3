"""The commands of Slurm's that we use. But for `sinfo` each asks about all jobs at once."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Sequence

from jobs.dispatch.base import Unreachable

from . import answers
from .answers import Seen, Task

TIMEOUT_S = 30
KEPT = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LD_LIBRARY_PATH", "SLURM_CONF", "TZ")
"""Of our environment: what a node is not to see (passwords, say) is not handed on."""
UNANSWERED = (
    "unable to contact", "zero bytes", "timed out", "communication", "authentication",
    "standby mode", "connection", "try again", "munge",
)  # fmt: skip
"""In what `sbatch` says where nobody knows whether its job was accepted."""
REFUSING = ("submission failed", "invalid", "unrecognized option", "is not a valid")
"""In what it says where it was asked for what it does not take; of much it tells by itself, and
asks no controller."""
DISABLED = "storage is disabled"
MOST_ASKED = 5_000
"""Ids in one word of a command: Linux takes none of more than 128 KiB."""
SAYING = {"SLURM_TIME_FORMAT": "%s", "SLURM_BITSTR_LEN": "0"}
"""Times of day as seconds since 1970, whatever the zone; and lists of members to their end."""


class Refused(Exception):
    """Slurm answered, and does not take it."""


def sbatch(argv: Sequence[str], script: str) -> str:
    """Returns the id.

    :raises Refused: it was not accepted.
    :raises Unreachable: nobody knows; it may be found by its token.
    """
    done = _run(argv, script)
    if done.returncode == 0 and (native_id := answers.sbatch(done.stdout)):
        return native_id
    told = _told(done)
    refused = any(word in told.lower() for word in REFUSING)
    if refused and not any(word in told.lower() for word in UNANSWERED):
        raise Refused(told)
    raise Unreachable(told)


def squeue() -> dict[Seen, Task]:
    """:raises Unreachable: it did not answer."""
    columns = f"--Format={answers.COLUMNS}"
    done = _run(["squeue", "--noheader", "--me", "--states=all", "--array", columns])
    if done.returncode != 0:
        raise Unreachable(_told(done))
    return answers.squeue(done.stdout)


def scancel(native_ids: Iterable[str]) -> None:
    """Ask it to end them; whether it did, only `squeue` tells.

    :raises Unreachable: it did not answer.
    """
    done = _run(["scancel", "--quiet", *native_ids])
    if done.returncode != 0:
        raise Unreachable(_told(done))


def sacct(native_ids: Iterable[str]) -> dict[str, Task] | None:
    """What the accounting knows of them. None: this cluster has no accounting.

    :raises Unreachable: it did not answer.
    """
    names = ",".join(answers.SACCT)
    argv = ["sacct", "-X", "--noheader", "--parsable2", f"--format={names}"]
    found: dict[str, Task] = {}
    # A member that never began is not found by its own id.
    arrays = sorted({answers.array_of(each) for each in native_ids})
    for at in range(0, len(arrays), MOST_ASKED):
        done = _run([*argv, f"--jobs={','.join(arrays[at : at + MOST_ASKED])}"])
        if DISABLED in done.stderr:
            return None
        if done.returncode != 0:
            raise Unreachable(_told(done))
        found |= answers.sacct(done.stdout)
    return found


def sinfo(host: str) -> str:
    """Why this node takes no more jobs, if it does not.

    :raises Unreachable: it did not answer.
    """
    done = _run(["sinfo", "--noheader", f"--nodes={host}", "--format=%E"])
    if done.returncode != 0:
        raise Unreachable(_told(done))
    return done.stdout.strip()


def _run(argv: Sequence[str], text: str = "") -> subprocess.CompletedProcess[str]:
    env = {name: os.environ[name] for name in KEPT if name in os.environ}
    try:
        return subprocess.run(
            list(argv),
            input=text,
            env={**env, **SAYING},
            capture_output=True,
            text=True,
            # A comment is cut where it is too wide, be it in the midst of a letter.
            errors="replace",
            check=False,
            timeout=TIMEOUT_S,
        )
    except FileNotFoundError:
        raise Unreachable(f"{argv[0]} is not installed on this host") from None
    except subprocess.TimeoutExpired:
        raise Unreachable(f"{argv[0]} did not answer within {TIMEOUT_S} s") from None


def _told(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    return " ".join(line.removeprefix("sbatch: error: ") for line in lines)[:500] or (
        f"exit status {done.returncode}"
    )
