"""`/metrics` for Prometheus: the jobs, and what they lean on. For operators, or with the token."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from redis.exceptions import RedisError

from jobs import fleet
from jobs.metrics import JobsCollector

from .permissions import is_operator
from .socket_count import SocketCount


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    if not is_operator(request):
        return _refusal(request)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(JobsCollector())
    registry.register(SurroundingsCollector())
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(registry), content_type=content_type)


def _refusal(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        raise PermissionDenied
    answer = HttpResponse(
        "Sign in as a member of the staff, or send the token of BACKPLANE_METRICS_TOKEN.\n",
        content_type="text/plain",
        status=401,
    )
    answer["WWW-Authenticate"] = 'Bearer realm="backplane metrics"'
    return answer


class SurroundingsCollector:
    def collect(self) -> Iterator[Metric]:
        workers = _n_workers()
        told = "Whether Redis answered."
        yield GaugeMetricFamily("backplane_redis_up", told, value=float(workers is not None))
        if workers is not None:
            told = "Workers that listen or work."
            yield GaugeMetricFamily("backplane_workers", told, value=workers)
        told = "Sockets that are open to the web process that answers this."
        yield GaugeMetricFamily("backplane_sockets", told, value=SocketCount.open)
        told = "Free where database and files are kept."
        free = shutil.disk_usage(settings.VAR_DIR).free
        yield GaugeMetricFamily("backplane_disk_free_bytes", told, value=free)


def _n_workers() -> int | None:
    """None: Redis does not answer, so that nothing is known, and no 0 is made up."""
    try:
        return len(fleet.living())
    except (RedisError, OSError):
        return None
