"""What an RQ worker calls."""

from .run import run_job

__all__ = ["run_job"]
