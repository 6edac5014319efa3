"""Every refusal in one form: RFC 9457 problem JSON that names the field and how to mend it."""

from __future__ import annotations

import errno
import logging
import math
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from rest_framework import exceptions, status
from rest_framework.response import Response

from jobs import downloads, keys, lifecycle, limits, mending, storage
from jobs.webhooks import endpoints as webhooks
from simulations import Busy, FieldError, InvalidParams, UnknownSimulation

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
DEFECT = "A defect of ours. Nothing that was accepted is lost; the id below is in our log."
FULL_IN_POSTGRESQL = "53100"
MACHINE_PATHS = ("/api/", "/openapi.json", "/submit_job", "/job_status/")


class BodyTooLarge(exceptions.APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "body_too_large"


class Conflict(exceptions.APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "illegal_transition"


class OverQuota(exceptions.APIException):
    status_code = status.HTTP_429_TOO_MANY_REQUESTS
    default_code = "over_quota"
    wait = 60


class ReadersBusy(exceptions.APIException):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "busy"
    wait = 5


class UnderMaintenance(exceptions.APIException):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "maintenance"

    def __init__(self, exc: lifecycle.Closed) -> None:
        self.wait = exc.wait_s
        super().__init__(str(exc))


class TooSlowToCheck(exceptions.APIException):
    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_code = "too_slow_to_check"


class Gone(exceptions.APIException):
    status_code = status.HTTP_410_GONE


class DatabaseBusy(exceptions.APIException):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "database_busy"
    default_detail = "The database is busy; nothing was changed. Try again."
    wait = 5


class DiskFull(exceptions.APIException):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "disk_full"
    default_detail = (
        "The disk of this site is full; nothing was changed. Whoever runs it has to make room."
    )
    wait = 60


class StorageAway(exceptions.APIException):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "storage_away"
    default_detail = "What keeps the files does not answer; nothing was changed. Try again."
    wait = 5


DJANGO_S_OWN: dict[type[Exception], type[exceptions.APIException]] = {
    Http404: exceptions.NotFound,
    PermissionDenied: exceptions.PermissionDenied,
}


class InvalidSubmission(exceptions.APIException):
    """The submission as a whole is wrong: paths start at its root."""

    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_code = "invalid_submission"

    def __init__(self, errors: Sequence[FieldError], patch: mending.Patch | None = None) -> None:
        self.errors = errors
        self.patch = patch
        super().__init__("; ".join(error.detail for error in errors))


class InvalidQuery(exceptions.APIException):
    """What stands after the question mark is wrong: each error names a parameter."""

    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_code = "invalid_query"

    def __init__(self, errors: Sequence[FieldError]) -> None:
        self.errors = errors
        super().__init__("; ".join(error.detail for error in errors))


def handle(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler. None means: not foreseen, so a defect of ours."""
    request = context["request"]
    translated = translate(exc)
    if translated is None:
        return None
    body = problem(
        translated.status_code,
        code_of(translated),
        _sentence(translated),
        request,
        errors=items(translated),
    )
    # Whoever is told when to come back may do so with the same request.
    body["retryable"] = body["retryable"] or getattr(translated, "wait", None) is not None
    if patch := getattr(translated, "patch", None):
        body["patch"] = patch
    headers = {}
    if challenge := getattr(translated, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait_s := getattr(translated, "wait", None):
        headers["Retry-After"] = str(max(1, math.ceil(wait_s)))
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


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """What Django refuses before any view: a host that is none of ours, a form too large."""
    large = isinstance(exception, RequestDataTooBig)
    code, name = (413, "body_too_large") if large else (400, "bad_request")
    detail = too_large() if large else "The request could not be understood."
    if request.path.startswith(MACHINE_PATHS):
        return _json(problem(code, name, detail, request))
    return render(request, f"{code}.html", {"detail": detail}, status=code)


def too_large(limit: int | None = None) -> str:
    most = limit or settings.MAX_BODY_BYTES
    return f"The body is larger than {most:,} bytes, the most that is taken."


def too_many(request: HttpRequest, exc: limits.TooMany) -> HttpResponse:
    if request.path.startswith(MACHINE_PATHS):
        answer: HttpResponse = _json(problem(429, "throttled", str(exc), request))
    else:
        answer = render(request, "429.html", {"wait_s": exc.wait_s}, status=429)
    answer["Retry-After"] = str(exc.wait_s)
    return answer


def storage_away(request: HttpRequest) -> HttpResponse:
    return _away(request, StorageAway, "503.html", {})


def server_error(request: HttpRequest) -> HttpResponse:
    """No traceback reaches a user; the request id leads an operator to it in the log."""
    exc = sys.exception()
    if is_full_disk(exc):
        return _away(request, DiskFull, "503_disk.html", {"theme": ""})
    if isinstance(exc, OperationalError | InterfaceError):
        return database_away(request)
    if not request.path.startswith(MACHINE_PATHS):
        return render(request, "500.html", status=500)
    return _json(problem(500, "internal", DEFECT, request))


def database_away(request: HttpRequest) -> HttpResponse:
    # The colours that somebody chose are in the database, too.
    return _away(request, DatabaseBusy, "503_database.html", {"theme": ""})


def _away(
    request: HttpRequest,
    what: type[StorageAway | DatabaseBusy | DiskFull],
    template: str,
    on_page: dict[str, str],
) -> HttpResponse:
    if request.path.startswith(MACHINE_PATHS):
        told = problem(503, what.default_code, what.default_detail, request)
        answer: HttpResponse = _json(told)
    else:
        answer = render(request, template, {"wait_s": what.wait, **on_page}, status=503)
    answer["Retry-After"] = str(what.wait)
    return answer


def _json(body: dict[str, Any]) -> JsonResponse:
    return JsonResponse(body, status=body["status"], content_type=CONTENT_TYPE)


def translate(exc: Exception) -> exceptions.APIException | None:
    if isinstance(exc, exceptions.APIException) and not isinstance(exc, exceptions.ValidationError):
        return exc
    for kind, translate in TRANSLATIONS.items():
        if isinstance(exc, kind):
            return translate(exc)
    return DJANGO_S_OWN[type(exc)]() if type(exc) in DJANGO_S_OWN else None


def _unknown_simulation(exc: UnknownSimulation) -> InvalidSubmission:
    error = FieldError(path=("simulation",), code="unknown_simulation", detail=str(exc))
    return InvalidSubmission([error])


def _database_busy(exc: OperationalError) -> DatabaseBusy | DiskFull:
    logger.warning("The database did not do what was asked of it: %s", exc)
    return DiskFull() if is_full_disk(exc) else DatabaseBusy()


def _disk_full(exc: OSError) -> DiskFull | None:
    if not is_full_disk(exc):
        return None
    logger.warning("What was sent could not be kept: %s", exc)
    return DiskFull()


def is_full_disk(exc: BaseException | None) -> bool:
    """Whether it is what a disk without room makes of a file, or of a row."""
    if isinstance(exc, OSError):
        return exc.errno in {errno.ENOSPC, errno.EDQUOT}
    said = exc.__cause__ if isinstance(exc, OperationalError) else None
    if isinstance(said, sqlite3.Error):
        return getattr(said, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    return getattr(said, "sqlstate", None) == FULL_IN_POSTGRESQL


TRANSLATIONS: dict[type[Exception], Callable[[Any], exceptions.APIException | None]] = {
    exceptions.ValidationError: lambda exc: InvalidSubmission(field_errors(exc)),
    InvalidParams: lambda exc: InvalidSubmission(
        [_below("params", each) for each in exc.errors], mending.of_errors(exc.errors)
    ),
    UnknownSimulation: _unknown_simulation,
    lifecycle.IllegalTransition: lambda exc: Conflict(str(exc)),
    lifecycle.CannotRestart: lambda exc: Conflict(str(exc), "cannot_restart"),
    lifecycle.BatchIsOver: lambda exc: Conflict(str(exc), "batch_over"),
    lifecycle.NothingToResume: lambda exc: Conflict(str(exc), "nothing_to_resume"),
    lifecycle.FileInUse: lambda exc: Conflict(str(exc), "file_in_use"),
    lifecycle.FileRemoved: lambda exc: Conflict(str(exc), "file_removed"),
    lifecycle.TooSlow: lambda exc: TooSlowToCheck(str(exc)),
    lifecycle.Closed: UnderMaintenance,
    lifecycle.OverQuota: lambda exc: OverQuota(str(exc)),
    lifecycle.BudgetSpent: lambda exc: exceptions.PermissionDenied(str(exc), "budget_spent"),
    keys.TooPowerful: lambda exc: exceptions.PermissionDenied(str(exc), "too_powerful"),
    lifecycle.NotAllowed: lambda exc: exceptions.PermissionDenied(str(exc)),
    RequestDataTooBig: lambda exc: BodyTooLarge(too_large()),
    limits.TooMany: lambda exc: exceptions.Throttled(exc.wait_s),
    Busy: lambda exc: ReadersBusy(str(exc)),
    webhooks.Unacceptable: lambda exc: Conflict(str(exc), "webhook_refused"),
    downloads.Away: lambda exc: StorageAway(str(exc)),
    storage.Unreachable: lambda exc: StorageAway(),
    downloads.Unservable: lambda exc: Gone(str(exc), exc.code),
    OperationalError: _database_busy,
    # After those of ours that are made of it.
    OSError: _disk_full,
}
"""What each exception of ours, or of the database, is to a client."""


def field_errors(exc: exceptions.ValidationError) -> list[FieldError]:
    return [*_serializer_errors(exc.detail, ())]


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
        where = _last_name(path) or "The body"
        yield FieldError(path=path, code=detail.code, detail=f"{where}: {detail}")


def _last_name(path: tuple[str | int, ...]) -> str:
    """With the places of a list behind it: a number alone says nothing."""
    places = ""
    for part in reversed(path):
        if isinstance(part, str):
            return f"{part}{places}"
        places = f"[{part}]{places}"
    return places


def _below(root: str, error: FieldError) -> FieldError:
    return replace(error, path=(root, *error.path))


def items(exc: exceptions.APIException) -> list[dict[str, Any]]:
    """Each thing that is wrong: where, what was expected, and the mend where there is one."""
    errors: Sequence[FieldError] = getattr(exc, "errors", ())
    if isinstance(exc, InvalidQuery):
        return [{"parameter": str(error.path[0]), **_as_json(error)} for error in errors]
    return [{"pointer": pointer(error.path), **_as_json(error)} for error in errors]


def pointer(path: Sequence[str | int]) -> str:
    return "".join(f"/{_escape(part)}" for part in path)


def _as_json(error: FieldError) -> dict[str, Any]:
    body: dict[str, Any] = {"code": error.code, "detail": error.detail}
    if error.fix is not None:
        body["fix"] = error.fix
    if error.position is not None:
        body["position"] = error.position
    return body


def _escape(part: str | int) -> str:
    """A JSON Pointer's own two escapes (RFC 6901)."""
    return str(part).replace("~", "~0").replace("/", "~1")


def code_of(exc: exceptions.APIException) -> str:
    return str(getattr(exc.detail, "code", exc.default_code))


def _sentence(exc: exceptions.APIException) -> str:
    return str(exc.detail)
