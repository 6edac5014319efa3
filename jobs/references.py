"""Files in a job's params: `{"file": "sha256:…"}` stands for a text.

Simulations see texts only: `unfold` puts them in before anything is checked, `fold` takes them out
before a job is stored, and `texts` puts them back where it runs.
"""

from __future__ import annotations

import hashlib
import logging
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, get_args

from pydantic import BaseModel

from simulations import FieldError, InvalidParams
from simulations.structures import StructureInput
from simulations.structures.formats import BY_SUFFIX, of_file

from . import contents
from .files import keep, plain_name, share
from .models import StoredFile

logger = logging.getLogger(__name__)

FOLD_ABOVE_CHARS = 16_000
"""Longer texts are kept as files: ten thousand jobs against one receptor hold it once."""
PREFIX = "sha256:"
KEYS = {"file", "format", "name"}

REFERENCE_SCHEMA = {
    "type": "object",
    "title": "File",
    "properties": {
        "file": {"type": "string", "description": "Id of an upload, or sha256:… of its content."},
        "name": {"type": "string"},
        "format": {"type": "string", "description": "As of a text; else told by the file's name."},
    },
    "required": ["file"],
    "additionalProperties": False,
}

Params = dict[str, Any]
Reference = dict[str, str]
Place = tuple[str, str]
KeyPath = tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfolded:
    """Params with every text in them, and what stands for those that came from files.

    :param references: by the param's name and the text.
    """

    params: Params
    references: dict[Place, Reference]


def is_reference(value: Any) -> bool:
    return isinstance(value, dict) and "file" in value


def called(reference: dict[str, Any]) -> str:
    """A reference in words: `file 1crn.pdb, sha256 ab12cd34…`."""
    digest = str(reference["file"]).removeprefix(PREFIX)
    name = reference.get("name")
    return f"file {name}, sha256 {digest[:8]}…" if name else f"file, sha256 {digest[:8]}…"


def unfold(params: Params, *, owner: Any, model: type[BaseModel]) -> Unfolded:
    """Params as a user gives them, every reference to a file of theirs replaced by its text.

    :raises InvalidParams: on each field that holds a reference to no file of theirs.
    """
    references: dict[Place, Reference] = {}
    errors: list[FieldError] = []

    def put_in(path: KeyPath, value: Params) -> Any:
        try:
            stored = _row(owner, path, value)
            text = _text(stored, path)
        except InvalidParams as refused:
            errors.extend(refused.errors)
            return value
        told = _said_format(value, stored) if _takes_format(model, path) else ""
        references[path[0], text] = _reference(stored, told)
        return _with_format(text, told)

    plain = {name: _replaced((name,), value, put_in) for name, value in params.items()}
    if errors:
        raise InvalidParams(errors)
    return Unfolded(params=plain, references=references)


def fold(params: Params, references: dict[Place, Reference], *, owner: Any) -> Params:
    """Params as they are stored: what came from a file, and every long text, by reference."""
    # Whoever runs another's job again may use its files from now on.
    for digest in {each["file"] for each in references.values()}:
        share(owner, digest.removeprefix(PREFIX))
    kept = partial(_kept, owner)
    return {name: _taken_out(name, value, references, kept) for name, value in params.items()}


def folded(params: Params, references: dict[Place, Reference]) -> Params:
    """As `fold` would have them, and nothing kept."""
    return {name: _taken_out(name, value, references, _unkept) for name, value in params.items()}


def _taken_out(
    name: str,
    value: Any,
    references: dict[Place, Reference],
    put_away: Callable[[str, bytes], StoredFile],
) -> Any:
    text, told = _text_in(value)
    if (name, text) in references:
        return references[name, text]
    if len(text) > FOLD_ABOVE_CHARS:
        return _reference(put_away(_name_of_text(name, text, told), text.encode()), told)
    if isinstance(value, dict):
        return {key: _taken_out(name, each, references, put_away) for key, each in value.items()}
    if isinstance(value, list):
        return [_taken_out(name, each, references, put_away) for each in value]
    return value


def _kept(owner: Any, name: str, content: bytes) -> StoredFile:
    stored, _ = keep(owner=owner, name=name, content=content)
    return stored


def _unkept(name: str, content: bytes) -> StoredFile:
    return StoredFile(name=plain_name(name), sha256=hashlib.sha256(content).hexdigest())


def texts(params: Params) -> Params:
    """Stored params with their texts, as a simulation takes them.

    :raises OSError: a file is gone, or cannot be had now.
    """

    def put_in(path: KeyPath, value: Params) -> Any:
        content = contents.read(value["file"].removeprefix(PREFIX))
        return _with_format(content.decode("utf-8-sig"), value.get("format", ""))

    return {name: _replaced((name,), value, put_in) for name, value in params.items()}


def _replaced(path: KeyPath, value: Any, put_in: Callable[[KeyPath, Params], Any]) -> Any:
    """The value with each reference in it replaced, wherever it lies."""
    if is_reference(value):
        return put_in(path, value)
    if isinstance(value, dict):
        return {key: _replaced((*path, key), each, put_in) for key, each in value.items()}
    if isinstance(value, list):
        return [_replaced((*path, n), each, put_in) for n, each in enumerate(value)]
    return value


def text_of(reference: dict[str, Any], limit: int) -> str | None:
    """What a stored reference stands for, unless that is longer, gone, or cannot be had now."""
    digest = str(reference["file"]).removeprefix(PREFIX)
    if not StoredFile.objects.filter(sha256=digest, size_bytes__lte=limit).exists():
        return None
    try:
        return contents.read(digest).decode("utf-8-sig")
    except OSError as exc:
        logger.error("the upload %s cannot be read: %s", digest, exc)
        return None


def in_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """A simulation's JSON schema, in which each structure may also be a file."""
    structure = schema.get("$defs", {}).get(StructureInput.__name__)
    if structure:
        structure["anyOf"] = [*structure["anyOf"], REFERENCE_SCHEMA]
    return schema


def _reference(stored: StoredFile, told: str) -> Reference:
    named = {"file": f"{PREFIX}{stored.sha256}", "name": stored.name}
    return {**named, "format": told} if told else named


def _with_format(text: str, told: str) -> Any:
    return {"format": told, "text": text} if told else text


def _text_in(value: Any) -> tuple[str, str]:
    """The text of a value that is one, or a structure's with the format that was said."""
    if isinstance(value, str):
        return value, ""
    if isinstance(value, dict) and value.keys() == {"format", "text"}:
        return str(value["text"]), str(value["format"])
    return "", ""


def _name_of_text(param: str, text: str, told: str) -> str:
    format = told or of_file(param, text)
    suffixes = {form: suffix for suffix, form in reversed(BY_SUFFIX.items())}
    return f"{param}{suffixes.get(format, '.cif' if format == 'cif' else '.txt')}"  # type: ignore[call-overload]


def _row(owner: Any, path: KeyPath, value: Params) -> StoredFile:
    """:raises InvalidParams: it is no reference, or to no file of the owner's."""
    param = path[0]
    if unknown := value.keys() - KEYS:
        detail = (
            f"{param} holds a file and {', '.join(sorted(map(str, unknown)))}; a reference has "
            "file, and may have a format. Give a file or a text, not both."
        )
        raise _refusal(path, "bad_reference", detail)
    wanted = value["file"]
    rows = StoredFile.objects.visible_to(owner)
    found = None
    if isinstance(wanted, str) and wanted.startswith(PREFIX):
        found = rows.filter(sha256=wanted.removeprefix(PREFIX)).order_by("created_at", "pk").first()
    elif isinstance(wanted, str) and _is_uuid(wanted):
        found = rows.filter(pk=wanted).first()
    if found is None:
        detail = (
            f"{param} names the file {str(wanted)[:100]}, and you have none of that id: upload it "
            "first (POST /api/v1/files)."
        )
        raise _refusal(path, "no_such_file", detail)
    return found


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def _text(stored: StoredFile, path: KeyPath) -> str:
    """:raises InvalidParams: it is gone, or no text.
    :raises storage.Unreachable: it cannot be had now.
    """
    try:
        return contents.read(stored.sha256).decode("utf-8-sig")
    except FileNotFoundError:
        detail = f"The file {stored.name} is no longer there: upload it again."
        raise _refusal(path, "file_gone", detail) from None
    except UnicodeDecodeError as exc:
        detail = (
            f"The file {stored.name} is no text (byte {exc.start + 1}): if it is compressed, "
            "unpack it first."
        )
        raise _refusal(path, "not_text", detail) from None


def _said_format(value: Params, stored: StoredFile) -> str:
    """What the user says, or else what the file's name does; what the text looks like comes last,
    and is the library's to judge."""
    if said := value.get("format"):
        return "" if said == "auto" else str(said)
    told = of_file(stored.name, "")
    return "" if told == "auto" else told


def _takes_format(model: type[BaseModel], path: KeyPath) -> bool:
    """A structure does; a list of ligands is a text. What lies deeper are structures."""
    if len(path) > 1:
        return True
    info = model.model_fields.get(path[0])
    kinds = {info.annotation, *get_args(info.annotation)} if info else set()
    return StructureInput in kinds


def digests_in(params: Any) -> Iterator[str]:
    """Of the content that stored params refer to."""
    if is_reference(params):
        yield str(params["file"]).removeprefix(PREFIX)
    elif isinstance(params, dict | list):
        for each in params.values() if isinstance(params, dict) else params:
            yield from digests_in(each)


def _refusal(path: KeyPath, code: str, detail: str) -> InvalidParams:
    return InvalidParams([FieldError(path=(*path, "file"), code=code, detail=detail)])
