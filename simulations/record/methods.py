"""What was done, in sentences for a paper, its references numbered as they come."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any

from simulations.base import Simulation

from .citations import REFERENCES, Reference

MARK = re.compile(r"\s*\[@([\w, @-]+)\]")
"""A citation in a text, with the space before it: `PySCF [@pyscf2020]`, or `[@one, @two]`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Methods:
    """:param text: cites by number, `PySCF 2.14.0 [1, 2]`: the first reference is 1."""

    text: str
    references: tuple[Reference, ...]

    def as_dict(self) -> dict[str, Any]:
        """As JSON, each reference with its number and the address of its DOI."""
        return {
            "text": self.text,
            "references": [
                {"number": number, **asdict(reference), "url": reference.url}
                for number, reference in enumerate(self.references, start=1)
            ],
        }


def methods_of(simulation: Simulation, params: dict[str, Any], result: dict[str, Any]) -> Methods:
    """The paragraph on this run; a simulation that tells none has an empty one."""
    if simulation.methods is None:
        return Methods(text="", references=())
    read = simulation.Params.model_validate(params)
    return numbered(simulation.methods(read, simulation.Result.model_validate(result)))


def numbered(marked: str) -> Methods:
    """Numbers for keys, in the order of their first mention.

    :raises KeyError: a key that the table does not have.
    """
    keys: list[str] = []

    def number(mark: re.Match[str]) -> str:
        cited = [key.strip().lstrip("@") for key in mark[1].split(",")]
        keys.extend(key for key in cited if key not in keys)
        return f" [{', '.join(str(keys.index(key) + 1) for key in cited)}]"

    text = MARK.sub(number, marked)
    return Methods(text=text, references=tuple(REFERENCES[key] for key in keys))
