"""What a simulation may complain of, told so that its user can mend it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldError:
    """One thing wrong with the input: where, what was expected, and how to mend it.

    :param path: keys from the params' root to the field, `("structure", "text")`.
    :param code: a stable word for programs, `"multiplicity_parity"`.
    :param detail: a sentence for people.
    :param fix: new values for params that would mend it, `{"multiplicity": 1}`.
    :param position: the character of the field's text that is wrong, counted from 1, blanks
        before the text left out.
    """

    path: tuple[str | int, ...]
    code: str
    detail: str
    fix: dict[str, Any] | None = None
    position: int | None = None

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "path": list(self.path)}


class InvalidParams(Exception):
    """The parameters do not describe a simulation that can run; nothing was started."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        self.errors = tuple(errors)
        super().__init__("; ".join(error.detail for error in self.errors))


class Busy(Exception):
    """Everything that reads input is at work on something slow; this one was not looked at."""


class UnknownSimulation(Exception):
    """No simulation of that name can run here."""

    def __init__(self, name: str, detail: str) -> None:
        self.name = name
        super().__init__(detail)


class ScienceError(Exception):
    """The engine ran, and the science did not work out: an SCF that will not converge, say.

    :param hints: what a colleague would try next, one sentence each.
    :param fix: new values for params that would likely help, `{"scf_max_cycles": 300}`.
    :param cause: a stable word for what went wrong, by which a list of failures is grouped.
    """

    def __init__(
        self,
        message: str,
        *,
        hints: Sequence[str] = (),
        fix: dict[str, Any] | None = None,
        cause: str = "",
    ) -> None:
        self.hints = tuple(hints)
        self.fix = fix
        self.cause = cause
        super().__init__(message)


class Cancelled(BaseException):
    """Raised inside a running simulation, by `Context.report`, once it was asked to stop.

    No `Exception`, so that an engine's own `except Exception` does not swallow it.
    """
