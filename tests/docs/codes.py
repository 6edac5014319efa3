"""Which codes the source may answer with, read from the source itself."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from tests.stack import ROOT

Node = TypeVar("Node", bound=ast.AST)

PACKAGES = ("jobs", "simulations", "backplane_site")
ELSEWHERE = ("migrations", "command", "pages", "worker")
"""Folders whose codes go into no answer of the REST door or of the agents' one."""
OF_DRF = {"PermissionDenied", "ValidationError", "NotFound", "ErrorDetail", "APIException"}
"""Its exceptions: the detail first, then the code."""
OTHER = {"Note", "MdNote", "NoteInResult", "Rung"}
"""Have a code too, and are no refusal."""
CODE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
NAMES = {"default_code", "code"}
Takers = dict[str, set[int]]


def codes_in_source() -> set[str]:
    trees = [ast.parse(path.read_text()) for path in _files()]
    takers: Takers = defaultdict(set, {name: {1} for name in OF_DRF})
    for node in _nodes(trees, ast.FunctionDef):
        _note_function(node, takers)
    found: set[str] = set()
    for node in _nodes(trees, ast.ClassDef):
        found |= _of_class(node)
        if any(_is_refusal(ast.unparse(base)) for base in node.bases):
            takers[node.name].add(1)
    for call in _nodes(trees, ast.Call):
        found |= _of_call(call, takers)
    return {code for code in found if CODE.fullmatch(code)}


def _files() -> Iterator[Path]:
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            if not {*path.parts} & {*ELSEWHERE}:
                yield path


def _nodes(trees: list[ast.Module], kind: type[Node]) -> Iterator[Node]:
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, kind):
                yield node


def _is_refusal(base: str) -> bool:
    return base.startswith("exceptions.") or base in OF_DRF


def _note_function(node: ast.FunctionDef, takers: Takers) -> None:
    """One of ours with a parameter `code`, and the how-manieth it is."""
    names = [each.arg for each in node.args.args if each.arg not in {"self", "cls"}]
    if "code" in names:
        takers[node.name].add(names.index("code"))


def _of_call(call: ast.Call, takers: Takers) -> set[str]:
    name = getattr(call.func, "id", getattr(call.func, "attr", ""))
    if name in OTHER:
        return set()
    # An exception of DRF's, from within.
    places = {1} if ast.unparse(call.func) == "super().__init__" else takers.get(name, set())
    given = [each.value for each in call.keywords if each.arg == "code"]
    given += [call.args[place] for place in places if place < len(call.args)]
    return {word for each in given for word in _words(each)}


def _of_class(node: ast.ClassDef) -> set[str]:
    found: set[str] = set()
    for line in node.body:
        if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) in {
            "default_code",
            "code",
        }:
            found |= set(_words(line.value))
    return found


def _words(node: ast.expr) -> Iterator[str]:
    """The texts that an expression may be: `"a" if b else "c"` is two."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _words(node.body)
        yield from _words(node.orelse)
