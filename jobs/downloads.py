"""How a job's file is handed to a browser or an agent: by id, as a file, never as a page."""

from __future__ import annotations

from django.http import FileResponse, Http404

from .models import Artifact


def answer(artifact: Artifact) -> FileResponse:
    """:raises Http404: the file itself has been removed since."""
    try:
        stream = artifact.path.open("rb")
    except FileNotFoundError:
        raise Http404(f"{artifact.name} is no longer on disk") from None
    response = FileResponse(
        stream, as_attachment=True, filename=artifact.name, content_type=artifact.media_type
    )
    response["X-Content-Type-Options"] = "nosniff"
    # What a job wrote is not ours: should a browser show it all the same, it can do nothing.
    response._csp_replace = {"default-src": "'none'", "sandbox": ""}  # type: ignore[attr-defined]
    response["ETag"] = f'"{artifact.sha256}"'
    return response
