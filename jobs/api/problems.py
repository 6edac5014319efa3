"""Every refusal in one form: RFC 9457 problem JSON that names the field and how to mend it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from rest_framework import exceptions, status
from rest_framework.response import Response

from jobs import lifecycle
from simulations import FieldError, InvalidParams, UnknownSimulation

CONTENT_TYPE = "application/problem+json"
MACHINE_PATHS = ("/api/", "/submit_job", "/job_status/")


class BodyTooLarge(exceptions.APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "body_too_large"


class Conflict(exceptions.APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "illegal_transition"


class DatabaseBusy(exceptions.APIException):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "database_busy"
    default_detail = "The database is busy; nothing was changed. Try again."
    wait = 5


DJANGO_S_OWN: dict[type[Exception], type[exceptions.APIException]] = {
    Http404: exceptions.NotFound,
    PermissionDenied: exceptions.PermissionDenied,
}


class InvalidSubmission(exceptions.APIException):
    """The submission as a whole is wrong: paths start at its root."""

    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_code = "invalid_submission"

    def __init__(self, errors: Sequence[FieldError]) -> None:
        self.errors = errors
        super().__init__("; ".join(error.detail for error in errors))


def handle(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler. None means: not foreseen, so a defect of ours."""
    request = context["request"]
    translated = _translate(exc)
    if translated is None:
        return None
    body = problem(
        translated.status_code,
        _code(translated),
        _sentence(translated),
        request,
        errors=[_as_json(error) for error in getattr(translated, "errors", ())],
    )
    headers = {}
    if challenge := getattr(translated, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait_s := getattr(translated, "wait", None):
        headers["Retry-After"] = str(int(wait_s))
    return Response(body, body["status"], headers=headers, content_type=CONTENT_TYPE)


def problem(
    code: int,
    name: str,
    detail: str,
    request: HttpRequest,
    *,
    errors: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    body: dict[str, Any] = {
        "type": f"urn:backplane:problem:{name}",
        "title": name.replace("_", " ").capitalize(),
        "status": code,
        "detail": detail,
        "instance": request.path,
        "code": name,
        "retryable": code in {429, 503},
        "request_id": getattr(request, "request_id", ""),
    }
    if errors:
        body["errors"] = list(errors)
    return body


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if not request.path.startswith(MACHINE_PATHS):
        return render(request, "404.html", status=404)
    return _json(problem(404, "not_found", f"There is nothing at {request.path}.", request))


def server_error(request: HttpRequest) -> HttpResponse:
    """No traceback reaches a user; the request id leads an operator to it in the log."""
    if not request.path.startswith(MACHINE_PATHS):
        return render(request, "500.html", status=500)
    detail = "A defect of ours. Nothing that was accepted is lost; the id below is in our log."
    return _json(problem(500, "internal", detail, request))


def _json(body: dict[str, Any]) -> JsonResponse:
    return JsonResponse(body, status=body["status"], content_type=CONTENT_TYPE)


def _translate(exc: Exception) -> exceptions.APIException | None:
    match exc:
        case exceptions.ValidationError():
            return InvalidSubmission([*_serializer_errors(exc.detail, ())])
        case exceptions.APIException():
            return exc
        case InvalidParams():
            return InvalidSubmission([_below("params", error) for error in exc.errors])
        case UnknownSimulation():
            error = FieldError(path=("simulation",), code="unknown_simulation", detail=str(exc))
            return InvalidSubmission([error])
        case lifecycle.IllegalTransition():
            return Conflict(str(exc))
        case OperationalError():
            return DatabaseBusy()
    return DJANGO_S_OWN[type(exc)]() if type(exc) in DJANGO_S_OWN else None


def _serializer_errors(detail: Any, path: tuple[str | int, ...]) -> Iterator[FieldError]:
    """DRF's nested dicts and lists of messages, flattened."""
    if isinstance(detail, dict):
        for key, inner in detail.items():
            below = path if key == "non_field_errors" else (*path, key)
            yield from _serializer_errors(inner, below)
    elif isinstance(detail, list):
        for inner in detail:
            yield from _serializer_errors(inner, path)
    else:
        where = str(path[-1]) if path else "The body"
        yield FieldError(path=path, code=detail.code, detail=f"{where}: {detail}")


def _below(root: str, error: FieldError) -> FieldError:
    return FieldError(path=(root, *error.path), code=error.code, detail=error.detail, fix=error.fix)


def _as_json(error: FieldError) -> dict[str, Any]:
    body: dict[str, Any] = {
        "pointer": "".join(f"/{_escape(part)}" for part in error.path),
        "code": error.code,
        "detail": error.detail,
    }
    if error.fix is not None:
        body["fix"] = error.fix
    return body


def _escape(part: str | int) -> str:
    """A JSON Pointer's own two escapes (RFC 6901)."""
    return str(part).replace("~", "~0").replace("/", "~1")


def _code(exc: exceptions.APIException) -> str:
    return str(getattr(exc.detail, "code", exc.default_code))


def _sentence(exc: exceptions.APIException) -> str:
    return str(exc.detail)
