"""What a log line looks like: for people, or one JSON object for machines. Never a secret."""

from __future__ import annotations

import logging
import os
import re
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

from jobs import log_context

HIDDEN = "***"
KEPT_OUT = ("request", "response", "server_time", "taskName")
"""What Django hangs on a record and is no figure for a log."""

_REPLACED = (
    # postgres://user:password@host, redis://:password@host
    (re.compile(r"(://[^\s/:@]*:)[^\s@]+@"), rf"\1{HIDDEN}@"),
    # Our own keys, of which the beginning says whose they are, and the secrets of webhooks.
    (re.compile(r"\b(bp_[0-9a-f]{8}_)[\w-]{43}"), rf"\1{HIDDEN}"),
    (re.compile(r"\b(whsec_)[\w+/=-]{20,}"), rf"\1{HIDDEN}"),
    # Links that open a file without a key.
    (re.compile(r"(?i)([?&]signature=)[\w.~%-]+"), rf"\1{HIDDEN}"),
    # Whole headers: what comes after the scheme is the secret.
    (
        re.compile(r"(?i)((?:authorization|cookie)['\"]?\s*[=:]\s*['\"]?)[^'\"\r\n}]+"),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"(?i)\b(basic|bearer|digest)\s+[\w.~+/=-]{12,}"), rf"\1 {HIDDEN}"),
    (
        re.compile(
            r"(?i)((?:password|passwd|secret|secret_key|token|api[_-]?key|sessionid)"
            r"['\"]?\s*[=:]\s*['\"]?)[^\s'\",;&]+"
        ),
        rf"\1{HIDDEN}",
    ),
)


def redacted(text: str) -> str:
    for secret in _own_secrets():
        text = text.replace(secret, HIDDEN)
    for pattern, replacement in _REPLACED:
        text = pattern.sub(replacement, text)
    return text


def _own_secrets() -> list[str]:
    """The very words that must not be seen, in whatever disguise they come."""
    database = str(settings.DATABASES["default"].get("PASSWORD") or "")
    of_bucket = os.environ.get("AWS_SECRET_ACCESS_KEY", "")
    # A password of three letters would blacken half of every line.
    return [
        s for s in (settings.SECRET_KEY, settings.METRICS_TOKEN, database, of_bucket) if len(s) >= 6
    ]


def _redacted(value: Any) -> Any:
    """In every text of it, however deep."""
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, dict):
        return {name: _redacted(each) for name, each in value.items()}
    return [*map(_redacted, value)] if isinstance(value, list | tuple) else value


class ContextFilter(logging.Filter):
    """Gives each record the request and the job that it is about, where there is one."""

    def filter(self, record: logging.LogRecord) -> bool:
        for name, value in log_context.current().items():
            if not hasattr(record, name):
                setattr(record, name, value)
        return True


class PlainFormatter(logging.Formatter):
    """`WARNING jobs.reconciler: text [job=…, request_id=…]`"""

    def __init__(self) -> None:
        super().__init__("{levelname} {name}: {message}", style="{")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802, RUF100
        named = ("job_id", "attempt", "request_id")
        about = [f"{name}={getattr(record, name)}" for name in named if hasattr(record, name)]
        text = super().formatMessage(record)
        return f"{text} [{', '.join(about)}]" if about else text

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))


class JsonLines(JsonFormatter):
    """One object a line: time, level, logger, message, service, and what the record carries."""

    def __init__(self) -> None:
        super().__init__(
            ["levelname", "name", "message", "process"],
            rename_fields={"levelname": "level", "name": "logger", "process": "pid"},
            reserved_attrs=[*RESERVED_ATTRS, *KEPT_OUT],
            static_fields={"service": service()},
        )

    def add_fields(
        self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]
    ) -> None:
        at = datetime.fromtimestamp(record.created, UTC)
        log_data["time"] = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        super().add_fields(log_data, record, message_dict)

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        return {name: _redacted(value) for name, value in log_data.items()}


def service() -> str:
    """Which of our processes this is; the supervisor tells it."""
    return os.environ.get("BACKPLANE_SERVICE", "manage")
