"""Whose work a log line is about: the request and the job, known to every line below."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import partial
from types import MappingProxyType
from typing import Any

_bound: ContextVar[MappingProxyType[str, Any]] = ContextVar(
    "log_context", default=MappingProxyType({})
)


def current() -> MappingProxyType[str, Any]:
    return _bound.get()


def bind(**names: Any) -> None:
    """From here to the end of this task or process; what is empty is left out."""
    _bound.set(MappingProxyType({**_bound.get(), **{k: v for k, v in names.items() if v}}))


def bind_afresh(**names: Any) -> None:
    """As `bind`, in place of all that was known."""
    _bound.set(MappingProxyType({}))
    bind(**names)


@contextmanager
def bound(**names: Any) -> Iterator[None]:
    before = _bound.get()
    bind(**names)
    try:
        yield
    finally:
        # By value, no token: a work-horse leaves this block in another context than it came in.
        _bound.set(before)


@contextmanager
def about(job: Any) -> Iterator[None]:
    """:param job: a `Job`, its attempt the one that now is."""
    with bound(job_id=str(job.pk), attempt=job.attempt, request_id=job.request_id):
        yield


def carried(work: Callable[..., Any]) -> Callable[..., Any]:
    """For a thread of ours: a new one starts without what its parent has bound."""
    return partial(copy_context().run, work)
