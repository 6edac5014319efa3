"""JSON in, up to a size that one job can need."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from rest_framework.parsers import JSONParser

from .problems import BodyTooLarge


class BoundedJSONParser(JSONParser):
    """Refuses a body that is too large before it is parsed."""

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        limit = settings.MAX_BODY_BYTES
        raw = stream.read(limit + 1)
        if len(raw) > limit:
            raise BodyTooLarge(f"The body is larger than {limit:,} bytes, the most that is taken.")
        return super().parse(io.BytesIO(raw), media_type, parser_context)
