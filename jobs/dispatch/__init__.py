"""Where a job can run."""

from functools import cache

from .base import Backend, Unreachable
from .rq import RQBackend

__all__ = ["Backend", "Unreachable", "backend"]


@cache
def backend(name: str) -> Backend:
    """:raises KeyError: there is no backend of that name."""
    return {"rq": RQBackend}[name]()
