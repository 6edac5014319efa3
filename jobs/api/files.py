"""Uploads: what a structure in params may name instead of holding it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.http import parse_header_parameters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from jobs import downloads, lifecycle
from jobs.files import NoText, TooLarge, keep
from jobs.models import StoredFile
from jobs.states import Scope
from simulations import FieldError

from .base import KnownQuery
from .problems import BodyTooLarge, InvalidSubmission

FORM_OVERHEAD_BYTES = 100_000
"""What a multipart body may have around the file."""


class StoredFileSerializer(serializers.ModelSerializer[StoredFile]):
    format = serializers.SerializerMethodField()
    links = serializers.SerializerMethodField()

    class Meta:
        model = StoredFile
        fields = ["id", "sha256", "name", "size_bytes", "format", "created_at", "links"]
        read_only_fields = fields

    def get_format(self, stored: StoredFile) -> str | None:
        """How a structure in it would be read, where its name or its look tells."""
        return stored.format or None

    def get_links(self, stored: StoredFile) -> dict[str, str]:
        request = self.context["request"]
        return {
            "self": reverse("api:file", [stored.pk], request=request),
            "content": reverse("api:file-content", [stored.pk], request=request),
        }


class BoundedMultiPartParser(MultiPartParser):
    """Refuses a form by its declared length, before a byte of it is written to a disk."""

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        declared = stream.META.get("CONTENT_LENGTH") or "0"
        if int(declared) > settings.MAX_FILE_BYTES + FORM_OVERHEAD_BYTES:
            raise _too_large()
        return super().parse(stream, media_type, dict(parser_context or {}))


class RawParser(BaseParser):
    """The body is the file, whatever the client calls it."""

    media_type = "*/*"

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        content: bytes = stream.read(settings.MAX_FILE_BYTES + 1)
        if len(content) > settings.MAX_FILE_BYTES:
            raise _too_large()
        return content


class FilesView(KnownQuery, generics.ListAPIView[StoredFile]):
    serializer_class = StoredFileSerializer
    parser_classes = [BoundedMultiPartParser, RawParser]
    scopes = {"POST": Scope.SUBMIT}

    def get_queryset(self) -> QuerySet[StoredFile]:
        return StoredFile.objects.visible_to(self.request.user)

    @extend_schema(operation_id="list_files")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Those that you uploaded, newest first."""
        return self.list(request, *args, **kwargs)

    @extend_schema(
        operation_id="upload_file",
        request={
            "multipart/form-data": {
                "type": "object",
                "properties": {"file": {"type": "string", "format": "binary"}},
                "required": ["file"],
            },
            "application/octet-stream": OpenApiTypes.BINARY,
        },
        parameters=[
            OpenApiParameter("name", str, description="What a raw body is called, `1crn.pdb`.")
        ],
        responses={
            201: StoredFileSerializer,
            200: OpenApiResponse(StoredFileSerializer, "You have a file of this content already."),
        },
    )
    def post(self, request: Request) -> Response:
        """Keep a file: the form field `file`, or the body itself, named by `?name=` or by its
        `Content-Disposition`."""
        name, content = _given(request)
        if not content:
            raise _refusal("empty_file", "The file is empty: give at least one byte.")
        try:
            stored, is_new = keep(owner=request.user, name=name, content=content)
        except TooLarge as exc:
            raise BodyTooLarge(str(exc)) from None
        except NoText as exc:
            raise _refusal("no_text", str(exc)) from None
        answer = self.get_serializer(stored).data
        code = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
        return Response(answer, code, headers={"Location": answer["links"]["self"]})


class FileView(KnownQuery):
    scopes = {"DELETE": Scope.SUBMIT}

    @extend_schema(operation_id="get_file", responses=StoredFileSerializer)
    def get(self, request: Request, file_id: UUID) -> Response:
        """Its name, format, size and checksum, and where its content is."""
        stored = _visible_file(request, file_id)
        return Response(StoredFileSerializer(stored, context={"request": request}).data)

    @extend_schema(operation_id="delete_file", responses={204: None})
    def delete(self, request: Request, file_id: UUID) -> Response:
        """Remove an upload, unless a job that has not ended refers to it. What such a job of before
        has found stays; to run that again takes the file."""
        lifecycle.remove_file(_visible_file(request, file_id))
        return Response(status=status.HTTP_204_NO_CONTENT)


class FileContentView(KnownQuery):
    @extend_schema(operation_id="get_file_content", responses={(200, "*/*"): OpenApiTypes.BINARY})
    def get(self, request: Request, file_id: UUID) -> HttpResponseBase:
        """The file as it was uploaded."""
        return downloads.answer_upload(_visible_file(request, file_id), request._request)


def _visible_file(request: Request, file_id: UUID) -> StoredFile:
    return get_object_or_404(StoredFile.objects.visible_to(request.user), pk=file_id)


def _given(request: Request) -> tuple[str, bytes]:
    """The file's name and content, from a form or from the body."""
    data = request.data
    if isinstance(data, bytes):
        return request.query_params.get("name") or _disposed_name(request), data
    files = request.FILES.getlist("file")
    if len(files) != 1:
        detail = "Give one file, as the form field file or as the body."
        raise _refusal("one_file", detail)
    return files[0].name or "", files[0].read()


def _disposed_name(request: Request) -> str:
    """`attachment; filename="1crn.pdb"`, its RFC 5987 form included."""
    _, parameters = parse_header_parameters(request.headers.get("Content-Disposition", ""))
    return str(parameters.get("filename", ""))


def _refusal(code: str, detail: str) -> InvalidSubmission:
    return InvalidSubmission([FieldError(path=("file",), code=code, detail=detail)])


def _too_large() -> BodyTooLarge:
    return BodyTooLarge(str(TooLarge()))
