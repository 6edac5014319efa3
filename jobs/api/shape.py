"""How much of an answer a reader wants, so that no answer floods a context.

What is left out is told, with its size and the address that gives it: an answer is never quietly
less than it looks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast
from urllib.parse import urlencode

from rest_framework.renderers import JSONRenderer

Tree = dict[str, Any]
Path = tuple[str, ...]

WORTH_LEAVING_OUT = 100
"""Bytes: to say that it is left out takes about as many."""
ALWAYS = frozenset({"id", "state", "reuse"})


def tree_of(fields: Sequence[str]) -> Tree:
    """Dotted paths by their first name; an empty tree stands for all that is below."""
    tree: Tree = {}
    for path in fields:
        node, *rest = path.split(".")
        known = tree.get(node)
        if known == {}:
            continue  # all of it is wanted already
        below = tree_of([".".join(rest)]) if rest else {}
        tree[node] = _joined(known, below) if known and below else below
    return tree


def _joined(here: Tree, there: Tree) -> Tree:
    """Both; where one wants all of a name, all of it."""
    both = {**here, **there}
    for name in here.keys() & there.keys():
        known = here[name], there[name]
        both[name] = _joined(*known) if all(known) else {}
    return both


def picked(value: Any, tree: Tree) -> Any:
    """What the tree names of the value; in a list, of each of its entries."""
    if not tree or value is None:
        return value
    if isinstance(value, list):
        return [picked(each, tree) for each in value]
    if isinstance(value, dict):
        return {name: picked(value[name], below) for name, below in tree.items() if name in value}
    return value


def size(value: Any) -> int:
    """In bytes, as it goes over the wire."""
    return len(cast(bytes, JSONRenderer().render(value)))


def fitted(data: dict[str, Any], max_bytes: int, here: str) -> dict[str, Any]:
    """The data with its largest values left out, as many as it takes.

    :param here: the address that gives all of it, or what its `fields` names.
    """
    total = size(data)
    if total <= max_bytes:
        return data
    # Whole objects only where their parts are too small or too many to be named one by one.
    for values in (list(_leaves(data)), list(_columns(data))):
        if answer := _without_the_largest(data, values, max_bytes - total, here):
            return answer
    return _as_much_as_fits(data, max_bytes, _note([{"path": "*", "bytes": total}], here))


def _without_the_largest(
    data: dict[str, Any], values: list[tuple[int, Path]], room: int, here: str
) -> dict[str, Any] | None:
    """:param room: by how much the data is smaller than it may be; below zero it is larger."""
    max_bytes = size(data) + room
    rest, told = _copied(data), []
    for n_bytes, path in sorted(values, key=lambda leaf: leaf[0], reverse=True):
        if n_bytes < WORTH_LEAVING_OUT:
            break
        told.append(_told(_take_out(rest, path), n_bytes, path))
        room += n_bytes
        if room >= 0 and size(answer := rest | {"left_out": _note(told, here)}) <= max_bytes:
            return answer
    return None


def _as_much_as_fits(data: dict[str, Any], max_bytes: int, note: dict[str, Any]) -> dict[str, Any]:
    """Where leaving out the largest is not enough: the smallest values, and a note on the rest."""
    kept = {name: data[name] for name in ALWAYS if name in data}
    room = max_bytes - size(kept | {"left_out": note})
    for n_bytes, name in sorted((size({name: data[name]}), name) for name in data.keys() - kept):
        room -= n_bytes
        if room < 0:
            break
        kept[name] = data[name]
    return kept | {"left_out": note}


def _leaves(value: dict[str, Any], above: Path = ()) -> Iterator[tuple[int, Path]]:
    """The data's lists, texts and numbers with their sizes, and objects that no path enters."""
    for name, each in value.items():
        path = (*above, name)
        if not above and name in ALWAYS:
            continue
        if isinstance(each, dict) and each and not any("." in key for key in each):
            yield from _leaves(each, path)
        else:
            yield size(each), path


def _columns(data: dict[str, Any]) -> Iterator[tuple[int, Path]]:
    return ((size(each), (name,)) for name, each in data.items() if name not in ALWAYS)


def _copied(value: dict[str, Any]) -> dict[str, Any]:
    """Its objects anew, so that what is taken out of them stays where it came from."""
    return {name: _copied(each) if isinstance(each, dict) else each for name, each in value.items()}


def _take_out(value: dict[str, Any], path: Path) -> Any:
    for name in path[:-1]:
        value = value[name]
    return value.pop(path[-1])


def _told(value: Any, n_bytes: int, path: Path) -> dict[str, Any]:
    told: dict[str, Any] = {"path": ".".join(path), "bytes": n_bytes}
    return told | {"entries": len(value)} if isinstance(value, list) else told


def _note(told: list[dict[str, Any]], here: str) -> dict[str, Any]:
    paths = ",".join(each["path"] for each in told)
    get = here if paths == "*" else f"{here}?{urlencode({'fields': paths}, safe=',')}"
    return {"values": told, "get": get}
