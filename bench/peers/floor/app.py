"""A Django site that keeps what it is told, and does nothing else that ours does.

No middleware, nobody who asks, no check of anything, one row of two columns, no event: what is left
is what every Django view takes that stores a job and puts it on a queue.
"""

from __future__ import annotations

import json
import os
import uuid
from typing import Any

import django
from django.conf import settings
from django.db import connection, transaction
from django.http import HttpRequest, JsonResponse
from django.urls import path

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    DATABASES={
        "default": {
            "ENGINE": "backplane_site.sqlite",
            "NAME": os.environ["FLOOR_DATABASE"],
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                "timeout": 20,
                "transaction_mode": "IMMEDIATE",
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            },
        }
    },
    INSTALLED_APPS=["rest_framework"],
    MIDDLEWARE=[],
    REST_FRAMEWORK={"UNAUTHENTICATED_USER": None},
    ROOT_URLCONF=__name__,
    SECRET_KEY="it signs nothing",
)
django.setup(set_prefix=False)

# Only importable once Django is set up.
from redis import Redis  # noqa: E402
from rest_framework.request import Request  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402
from rq import Queue  # noqa: E402

from backplane_site.handler import Handler  # noqa: E402

queue = Queue(connection=Redis(unix_socket_path=os.environ["PEER_REDIS"]))


def create_table() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS job (id TEXT PRIMARY KEY, asked TEXT NOT NULL)")
    connection.close()


def stored(asked: Any) -> str:
    job_id = str(uuid.uuid4())
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("INSERT INTO job VALUES (%s, %s)", [job_id, json.dumps(asked)])
    return job_id


def queued(job_id: str) -> str:
    queue.enqueue("bench.peers.floor.jobs.nothing", 1, job_id=job_id)
    return job_id


def told(job_id: str) -> dict[str, str]:
    return {"job_id": job_id, "status": "QUEUED"}


def answered(request: HttpRequest) -> JsonResponse:
    json.loads(request.body)
    return JsonResponse(told("none"))


def row(request: HttpRequest) -> JsonResponse:
    return JsonResponse(told(stored(json.loads(request.body))))


def ticket(request: HttpRequest) -> JsonResponse:
    return JsonResponse(told(queued(stored(json.loads(request.body)))))


class RestView(APIView):
    authentication_classes = ()
    permission_classes = ()

    def post(self, request: Request) -> Response:
        return Response(told(queued(stored(request.data))))


urlpatterns = [
    path("answered", answered),
    path("row", row),
    path("ticket", ticket),
    path("rest", RestView.as_view()),
]
create_table()
application = Handler()
