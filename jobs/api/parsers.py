"""JSON in, up to a size that one job can need."""

from __future__ import annotations

import codecs
import io
import json
import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser, JSONParser

from .problems import BodyTooLarge, too_large

A_NULL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
"""As JSON has it, and no backslash that such letters follow."""


class BoundedJSONParser(JSONParser):
    """Refuses a body that is too large before it is parsed."""

    @property
    def limit(self) -> int:
        return settings.MAX_BODY_BYTES

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        raw = stream.read(self.limit + 1)
        if len(raw) > self.limit:
            raise BodyTooLarge(too_large(self.limit))
        try:
            # What Windows writes before a text that it saves as UTF-8.
            text = raw.removeprefix(codecs.BOM_UTF8)
            data = super().parse(io.BytesIO(text), media_type, parser_context)
        except RecursionError:
            raise ParseError("The JSON is nested too deeply.") from None
        if b"\\u" in raw:
            _refuse_what_is_no_text(data)
        return data


class RoomierJSONParser(BoundedJSONParser):
    @property
    def limit(self) -> int:
        return settings.MAX_BATCH_BYTES


class BatchJSONParser(BaseParser):
    """For ten thousand jobs in one body.

    No JSONParser by birth: for one REST framework reads the body itself, up to the limit of a form.
    """

    media_type = JSONParser.media_type

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        return RoomierJSONParser().parse(stream, media_type, parser_context)


def _refuse_what_is_no_text(data: Any) -> None:
    """Half a surrogate pair cannot be written down, and a null not stored."""
    try:
        text = json.dumps(data, ensure_ascii=False)
        text.encode()
    except UnicodeEncodeError:
        raise ParseError("The JSON has half of a surrogate pair in it.") from None
    if A_NULL.search(text):
        raise ParseError("The JSON has a null character in it.")
