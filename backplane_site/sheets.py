"""Several of our stylesheets in one answer, so that the first paint waits for one request."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import condition, require_safe

FOLDER = Path(settings.BASE_DIR) / "static" / "css"
JOINT = "+"


@cache
def _sheet(name: str, changed_ns: int) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def joined(names: str) -> str:
    """:raises Http404: one of them is none of ours."""
    ours = {path.stem: path for path in FOLDER.glob("*.css")}
    wanted = names.split(JOINT)
    if not ours.keys() >= {*wanted} or len({*wanted}) < len(wanted):
        raise Http404(names)
    return "\n".join(_sheet(ours[name].name, ours[name].stat().st_mtime_ns) for name in wanted)


def _tag(request: HttpRequest, names: str) -> str:
    return f'"{sha256(joined(names).encode()).hexdigest()[:20]}"'


@require_safe
@condition(etag_func=_tag)
def sheets(request: HttpRequest, names: str) -> HttpResponse:
    # Beside `static/css/`, so that what they name by its place is found.
    answer = HttpResponse(joined(names), content_type="text/css; charset=utf-8")
    answer.headers["Cache-Control"] = "max-age=60, public"
    return answer
