"""A file over HTTP: whole or in parts, only if it is not known already, never all in memory."""

from __future__ import annotations

import secrets
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any, BinaryIO

from asgiref.sync import sync_to_async
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import parse_etags

from . import ranges
from .ranges import Excerpt

READ_BYTES = 256 * 1024


class Download(FileResponse):
    """Read piece by piece: Django would take in the whole of it before it sends the first byte."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        stream: Any = self.file_to_stream
        read = sync_to_async(stream.read)
        while piece := await read(READ_BYTES):
            yield piece


def send(
    stream: BinaryIO, asked: HttpRequest, *, name: str, media_type: str, sha256: str, size: int
) -> HttpResponseBase:
    """What the request asks of the file: it, parts of it, or whether it is still the same."""
    tag = f'"{sha256}"'
    headers = _headers(tag, sha256)
    if _is_known(asked, tag):
        stream.close()
        return HttpResponse(status=304, headers=headers)
    try:
        parts = ranges.wanted(_range(asked, tag), size)
    except ranges.Unsatisfiable:
        stream.close()
        return HttpResponse(status=416, headers=headers | {"Content-Range": f"bytes */{size}"})
    pieces, more = _picked(parts, size, media_type)
    body = Excerpt(stream, pieces)
    more["Content-Length"] = str(body.length)
    if asked.method == "HEAD":
        body = Excerpt(stream, [])
    kind = more.pop("Content-Type", media_type)
    return Download(
        body,
        as_attachment=True,
        filename=name,
        content_type=kind,
        status=206 if parts else 200,
        headers=headers | more,
    )


def _headers(tag: str, sha256: str) -> dict[str, str]:
    return {
        "Accept-Ranges": "bytes",
        # What others wrote is not ours: should a browser show it all the same, it can do nothing.
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "ETag": tag,
        "Repr-Digest": f"sha-256=:{b64encode(bytes.fromhex(sha256)).decode()}:",
        "X-Content-Type-Options": "nosniff",
    }


def _is_known(asked: HttpRequest, tag: str) -> bool:
    known = parse_etags(asked.headers.get("If-None-Match", ""))
    return bool({"*", tag} & {each.removeprefix("W/") for each in known})


def _range(asked: HttpRequest, tag: str) -> str:
    """What counts of `Range`: nothing where the client has parts of another file."""
    has_same = asked.headers.get("If-Range", tag) == tag
    return asked.headers.get("Range", "") if asked.method == "GET" and has_same else ""


def _picked(
    parts: list[range], size: int, media_type: str
) -> tuple[list[bytes | range], dict[str, Any]]:
    if not parts:
        return [range(size)], {}
    if len(parts) == 1:
        return [parts[0]], {"Content-Range": ranges.content_range(parts[0], size)}
    boundary = secrets.token_hex(16)
    kind = f"multipart/byteranges; boundary={boundary}"
    return ranges.multipart(parts, size, media_type, boundary), {"Content-Type": kind}
