"""Where a job is to run: what a submission may say of it, and what a job tells."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from rest_framework import serializers

from jobs.placement import AUTO
from jobs.states import Queue

from .choices import ChoiceField


class BackendField(ChoiceField):
    """One of those that the site has, or left to its rules."""

    def __init__(self, **options: Any) -> None:
        super().__init__([AUTO, *settings.BACKENDS], **options)


class QueueField(ChoiceField):
    def __init__(self, **options: Any) -> None:
        super().__init__([AUTO, *Queue.values], **options)


class NeedsSerializer(serializers.Serializer[Any]):
    queue = serializers.CharField()
    engines = serializers.ListField(child=serializers.CharField())
    cores = serializers.IntegerField(allow_null=True)
    memory_mib = serializers.IntegerField(allow_null=True)
    gpu = serializers.BooleanField()


class PlacementSerializer(serializers.Serializer[Any]):
    backend = serializers.CharField()
    queue = serializers.CharField()
    why = serializers.CharField(allow_blank=True)
    needs = NeedsSerializer()
