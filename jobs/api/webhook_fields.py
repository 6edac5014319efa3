"""What somebody says of a webhook: where to, of what, and signed with what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rest_framework import serializers

from jobs.webhook_models import EventType
from jobs.webhooks import addresses, signing

from .choices import ChoicesField


class WebhookURLField(serializers.CharField):
    """Judged as far as that can be done without asking a name service."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=2000, **options)

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        try:
            addresses.checked(text)
        except addresses.Refused as exc:
            raise serializers.ValidationError(str(exc), "webhook_refused") from None
        return text


class EventsField(ChoicesField):
    """Left out: how a job ends."""

    def __init__(self, known: Sequence[EventType] = tuple(EventType), **options: Any) -> None:
        super().__init__([(str(each), each.label) for each in known], **options)

    def to_internal_value(self, data: Any) -> list[str]:
        return list(dict.fromkeys(super().to_internal_value(data)))


class SecretField(serializers.CharField):
    """One of the receiver's own, by the specification."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=100, **options)

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if not signing.is_secret(text):
            raise serializers.ValidationError(
                f"expected {signing.PREFIX} and the base64 of {signing.LEAST_BYTES} to "
                f"{signing.MOST_BYTES} bytes; leave it out to be given one."
            )
        return text
