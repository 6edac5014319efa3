"""Where a job can run."""

from functools import cache

from .base import Backend, Unreachable
from .rq import RQBackend
from .slurm import SlurmBackend

__all__ = ["FOLLOWED", "Backend", "Unreachable", "backend"]

FOLLOWED = ("slurm",)
"""Where no worker of ours speaks for a job that runs: a watcher follows it, and judges it."""


@cache
def backend(name: str) -> Backend:
    """:raises KeyError: there is no backend of that name."""
    found: dict[str, type[Backend]] = {"rq": RQBackend, "slurm": SlurmBackend}
    return found[name]()
