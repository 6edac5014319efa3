"""RQ's own dashboard by the name that operators read; django-rq calls it by its own."""

from __future__ import annotations

from django_rq.apps import DjangoRqAdminConfig

NAME = "Queues"
CRUMB = b">Django RQ</a>"
"""How each of its pages begins its way back, in words of its template."""


class QueuesConfig(DjangoRqAdminConfig):
    verbose_name = NAME

    def ready(self) -> None:
        super().ready()
        # Beside what the model was declared with, which its migrations are compared with.
        meta = self.get_model("Dashboard")._meta
        meta.verbose_name = meta.verbose_name_plural = "RQ’s own dashboard"


def named(page: bytes) -> bytes:
    return page.replace(CRUMB, f">{NAME}</a>".encode(), 1)
