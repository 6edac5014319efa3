"""One submission times lists of values: what `template`, `grid` and `zip` of a batch stand for."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expansion:
    """:param grid: every combination of these, the last name fastest.
    :param zipped: lists of one length, taken in step; each combination with each of their rows.
    """

    template: Mapping[str, Any]
    grid: Mapping[str, Sequence[Any]]
    zipped: Mapping[str, Sequence[Any]]

    @property
    def n_rows(self) -> int:
        return len(next(iter(self.zipped.values()))) if self.zipped else 1

    @property
    def n_items(self) -> int:
        return self.n_rows * prod(len(values) for values in self.grid.values())

    @property
    def names(self) -> list[str]:
        return [*self.zipped, *self.grid]

    def bodies(self) -> Iterator[dict[str, Any]]:
        for row, *choice in self._choices():
            body = copy.deepcopy(dict(self.template))
            for name, values in self.zipped.items():
                _put(body, name, values[row])
            for (name, values), n in zip(self.grid.items(), choice, strict=True):
                _put(body, name, values[n])
            yield body

    def origin(self, item: int, path: Path) -> Path:
        """Where in the request that was written which the item has at this path."""
        row, *choice = next(each for n, each in enumerate(self._choices()) if n == item)
        for where, names, at in (
            ("zip", list(self.zipped), [row] * len(self.zipped)),
            ("grid", list(self.grid), choice),
        ):
            for name, n in zip(names, at, strict=True):
                steps = tuple(name.split("."))
                if tuple(map(str, path[: len(steps)])) == steps:
                    return (where, name, n, *path[len(steps) :])
        return ("template", *path)

    def _choices(self) -> Iterator[tuple[int, ...]]:
        return product(range(self.n_rows), *(range(len(each)) for each in self.grid.values()))


def _put(body: dict[str, Any], name: str, value: Any) -> None:
    *above, last = name.split(".")
    for step in above:
        inner = body.get(step)
        # Whatever stood there is replaced: the lists say what is wanted.
        body[step] = inner if isinstance(inner, dict) else {}
        body = body[step]
    body[last] = value
