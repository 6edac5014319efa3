"""Every door as everybody: a new URL without an entry in the table fails.

What is somebody else's does not exist: 404, in the same words as for what there never was.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import get_resolver
from django.urls.resolvers import URLResolver

import simulations
from jobs import files, keys, presets
from jobs.batch_models import Batch
from jobs.models import Artifact, Job, StoredFile, WebhookDelivery
from jobs.routing import websocket_urlpatterns
from jobs.webhooks import endpoints as webhooks

from .conftest import ROLES, WATER

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("server_mode")]

JOB = {"simulation": "demo.sum_squares", "params": {"n": 3}}
SEED_JOB = {"molecule_smiles": "O", "simulation_type": "dft_single_point"}
JOBS = "api/v1/jobs"
ONE = f"{JOBS}/<uuid:job_id>"
FILES = "api/v1/files"
BATCHES = "api/v1/batches"
BATCH = f"{BATCHES}/<uuid:batch_id>"
PAGE = "jobs/<uuid:job_id>/"
HOOKS = "api/v1/webhooks"
HOOK = f"{HOOKS}/<uuid:webhook_id>"
KEY_PAGE = "me/keys/<uuid:key_id>/"
HOOK_PAGE = "me/webhooks/<uuid:webhook_id>/"

# For anonymous, stranger, owner, admin.
EVERYBODY = (200, 200, 200, 200)
SIGNED_IN = (401, 200, 200, 200)
MINE = (401, 404, 200, 200)
SIGNED_IN_PAGE = (302, 200, 200, 200)
MY_PAGE = (302, 404, 200, 200)
MY_BUTTON = (302, 404, 302, 302)

DOORS: dict[tuple[str, str], tuple[int, int, int, int]] = {
    ("GET", ""): EVERYBODY,
    ("POST", "seen/"): (302, 302, 302, 302),
    ("GET", "static/sheets/<str:names>.css"): EVERYBODY,
    ("GET", "healthz"): EVERYBODY,
    # There is no Redis here, and it says so to whoever asks.
    ("GET", "readyz"): (503, 503, 503, 503),
    ("GET", "metrics"): (401, 403, 403, 200),
    ("GET", "login/"): EVERYBODY,
    ("POST", "login/"): EVERYBODY,
    ("POST", "logout/"): (302, 302, 302, 302),
    ("GET", "api/schema"): EVERYBODY,
    ("GET", "api/v1/me"): SIGNED_IN,
    ("GET", "api/v1/simulations"): SIGNED_IN,
    ("GET", "api/v1/simulations/<str:name>"): SIGNED_IN,
    ("POST", "submit_job"): (401, 200, 200, 200),
    ("GET", "job_status/<str:job_id>"): MINE,
    ("GET", JOBS): SIGNED_IN,
    ("POST", JOBS): (401, 202, 202, 202),
    ("GET", ONE): MINE,
    ("PATCH", ONE): MINE,
    ("POST", f"{ONE}/cancel"): (401, 404, 202, 202),
    ("GET", f"{ONE}/events"): MINE,
    ("GET", f"{ONE}/artifacts/<uuid:artifact_id>"): MINE,
    ("GET", FILES): SIGNED_IN,
    ("POST", FILES): (401, 201, 201, 201),
    ("GET", f"{FILES}/<uuid:file_id>"): MINE,
    ("DELETE", f"{FILES}/<uuid:file_id>"): (401, 404, 204, 204),
    ("GET", f"{FILES}/<uuid:file_id>/content"): MINE,
    ("GET", f"{ONE}/nearest"): MINE,
    ("GET", f"{ONE}/explain"): MINE,
    ("GET", f"{ONE}/result"): (401, 404, 202, 202),
    ("POST", f"{JOBS}/check"): SIGNED_IN,
    ("GET", "openapi.json"): EVERYBODY,
    ("GET", "api/docs"): EVERYBODY,
    ("POST", f"{ONE}/run-again"): (401, 404, 202, 202),
    ("POST", f"{ONE}/restart"): (401, 404, 409, 409),
    ("GET", "llms.txt"): EVERYBODY,
    ("GET", "docs/"): EVERYBODY,
    ("GET", "docs/<path:slug>.md"): EVERYBODY,
    ("GET", "docs/curves/<slug:name>.svg"): EVERYBODY,
    ("GET", "docs/<path:slug>/"): EVERYBODY,
    ("GET", "jobs/"): SIGNED_IN_PAGE,
    ("GET", "jobs/rows/"): SIGNED_IN_PAGE,
    ("POST", "jobs/bulk/"): (302, 302, 302, 302),
    ("GET", "jobs/new/"): SIGNED_IN_PAGE,
    ("GET", "jobs/new/<str:name>/"): SIGNED_IN_PAGE,
    ("POST", "jobs/new/<str:name>/"): (302, 302, 302, 302),
    ("POST", "jobs/new/<str:name>/as/"): SIGNED_IN_PAGE,
    # What there is to draw is asked for with a structure, and this simulation has none.
    ("POST", "jobs/new/<str:name>/preview/"): (302, 404, 404, 404),
    ("GET", "jobs/new/<str:name>/presets/"): (302, 302, 302, 302),
    ("POST", "jobs/new/<str:name>/presets/"): SIGNED_IN_PAGE,
    # Presets are one's own: an administrator has no business with those of others.
    ("POST", "jobs/new/<str:name>/presets/<uuid:preset_id>/remove/"): (302, 404, 302, 404),
    ("GET", PAGE): MY_PAGE,
    ("POST", f"{PAGE}cancel/"): MY_BUTTON,
    ("POST", f"{PAGE}again/"): MY_BUTTON,
    ("POST", f"{PAGE}restart/"): MY_BUTTON,
    ("GET", f"{PAGE}files/<uuid:artifact_id>/"): MY_PAGE,
    # A sum of squares is about no molecule.
    ("GET", f"{PAGE}drawings/<int:place>.svg"): (302, 404, 404, 404),
    # A sum of squares has no frames either.
    ("GET", f"{PAGE}frames/"): (302, 404, 404, 404),
    ("GET", f"{PAGE}files/"): MY_PAGE,
    ("GET", f"{PAGE}files/all.zip"): MY_PAGE,
    ("GET", f"{PAGE}files/<uuid:artifact_id>/view/"): MY_PAGE,
    ("GET", f"{PAGE}log/"): MY_PAGE,
    ("GET", f"{PAGE}provenance/"): MY_PAGE,
    ("GET", f"{PAGE}report/"): MY_PAGE,
    ("GET", "compare/"): SIGNED_IN_PAGE,
    ("GET", "queue/"): SIGNED_IN_PAGE,
    ("GET", "search/"): SIGNED_IN_PAGE,
    ("GET", "me/"): SIGNED_IN_PAGE,
    ("POST", "me/"): (302, 302, 302, 302),
    ("GET", "molecules/"): SIGNED_IN_PAGE,
    ("GET", "molecules/<str:inchikey>/"): (302, 404, 200, 404),
    ("GET", "status/"): EVERYBODY,
    ("GET", HOOKS): SIGNED_IN,
    ("POST", HOOKS): (401, 201, 201, 201),
    ("GET", HOOK): MINE,
    ("PATCH", HOOK): MINE,
    ("DELETE", HOOK): (401, 404, 204, 204),
    ("POST", f"{HOOK}/rotate"): MINE,
    ("POST", f"{HOOK}/test"): (401, 404, 202, 202),
    ("POST", f"{HOOK}/replay"): (401, 404, 202, 202),
    ("GET", f"{HOOK}/deliveries"): MINE,
    ("POST", f"{HOOK}/deliveries/<uuid:delivery_id>/replay"): (401, 404, 202, 202),
    ("POST", f"{ONE}/approve"): (401, 404, 409, 409),
    ("POST", f"{ONE}/reject"): (401, 404, 409, 409),
    ("POST", f"{PAGE}approve/"): MY_BUTTON,
    ("POST", f"{PAGE}reject/"): MY_BUTTON,
    ("GET", "api/v1/events"): SIGNED_IN,
    ("POST", "api/v1/events/ack"): SIGNED_IN,
    ("POST", "api/v1/tickets"): (401, 201, 201, 201),
    ("GET", "api/v1/keys"): SIGNED_IN,
    ("POST", "api/v1/keys"): (401, 201, 201, 201),
    ("GET", "api/v1/keys/<uuid:key_id>"): MINE,
    ("PATCH", "api/v1/keys/<uuid:key_id>"): MINE,
    ("DELETE", "api/v1/keys/<uuid:key_id>"): (401, 404, 204, 204),
    # An administrator's place for the keys of others is the admin.
    ("GET", "me/keys/"): SIGNED_IN_PAGE,
    ("GET", "me/keys/new/"): SIGNED_IN_PAGE,
    ("POST", "me/keys/new/"): SIGNED_IN_PAGE,
    ("GET", KEY_PAGE): (302, 404, 200, 404),
    ("POST", KEY_PAGE): (302, 404, 302, 404),
    ("POST", f"{KEY_PAGE}revoke/"): (302, 404, 302, 404),
    ("GET", "me/webhooks/"): SIGNED_IN_PAGE,
    ("POST", "me/webhooks/"): SIGNED_IN_PAGE,
    ("GET", HOOK_PAGE): MY_PAGE,
    ("POST", f"{HOOK_PAGE}rotate/"): MY_PAGE,
    ("POST", f"{HOOK_PAGE}switch/"): MY_BUTTON,
    ("POST", f"{HOOK_PAGE}remove/"): MY_BUTTON,
    ("POST", f"{HOOK_PAGE}test/"): MY_BUTTON,
    ("POST", f"{HOOK_PAGE}replay/"): MY_BUTTON,
    ("POST", f"{HOOK_PAGE}deliveries/<uuid:delivery_id>/replay/"): MY_BUTTON,
    ("GET", BATCHES): SIGNED_IN,
    ("POST", BATCHES): (401, 202, 202, 202),
    ("GET", BATCH): MINE,
    ("GET", f"{BATCH}/items"): MINE,
    ("GET", f"{BATCH}/events"): MINE,
    ("GET", f"{BATCH}/events/stream"): MINE,
    ("GET", f"{BATCH}/results"): MINE,
    ("POST", f"{BATCH}/cancel"): (401, 404, 202, 202),
    ("POST", f"{BATCH}/resume"): (401, 404, 409, 409),
    ("GET", "batches/"): SIGNED_IN_PAGE,
    ("GET", "batches/<uuid:batch_id>/"): MY_PAGE,
    ("GET", "batches/<uuid:batch_id>/items/<int:index>/"): MY_BUTTON,
    ("POST", "batches/<uuid:batch_id>/approve/"): MY_BUTTON,
    ("POST", "batches/<uuid:batch_id>/reject/"): MY_BUTTON,
    ("POST", "batches/<uuid:batch_id>/cancel/"): MY_BUTTON,
    ("POST", "batches/<uuid:batch_id>/resume/"): MY_BUTTON,
    ("GET", f"{ONE}/events/stream"): MINE,
    ("GET", f"{ONE}/log"): MINE,
    ("POST", f"{ONE}/artifacts/<uuid:artifact_id>/url"): (401, 404, 201, 201),
    # Without its signature it is no link.
    ("GET", "api/v1/signed/<uuid:artifact_id>"): (404, 404, 404, 404),
}
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", JOBS): JOB,
    ("POST", f"{JOBS}/check"): JOB,
    ("POST", "submit_job"): SEED_JOB,
    ("PATCH", ONE): {"priority": "low"},
    ("POST", "api/v1/events/ack"): {"cursor": "oldest"},
    ("POST", "api/v1/keys"): {"name": "crawler", "scopes": ["read"]},
    ("POST", "me/keys/new/"): {"name": "crawler", "scopes": "read"},
    ("POST", KEY_PAGE): {"approval": "never"},
    ("POST", "me/"): {"theme": "dark", "energy_unit": "eV"},
    ("POST", BATCHES): {"jobs": [JOB]},
    ("POST", "jobs/new/<str:name>/"): {"n": "3"},
    ("POST", "jobs/new/<str:name>/presets/"): {"n": "3", "preset_name": "Three"},
    ("POST", HOOKS): {"url": "https://example.org/hook"},
    ("POST", "me/webhooks/"): {"url": "https://example.org/hook", "events": ["job.failed"]},
}
PUBLIC_ADMIN = {"admin/login/", "admin/logout/"}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE")


def routes(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern, route)
        else:
            yield route


ROUTES = sorted(set(routes(get_resolver())))
ADMIN_ROUTES = [route for route in ROUTES if route.startswith("admin/")]


def test_every_url_is_in_the_table() -> None:
    own = {route for route in ROUTES if not route.startswith("admin/")}

    assert own == {route for _, route in DOORS}


def key_of(owner: Any) -> Any:
    key, _ = keys.issue(owner=owner, name="hidden treasure", scopes=[])
    return key.pk


def preset_of(owner: Any) -> Any:
    sum_squares = simulations.get("demo.sum_squares")
    return presets.save(owner, sum_squares, "hidden treasure", {"n": 5}).pk


def upload_of(owner: Any) -> StoredFile:
    stored, _ = files.keep(owner=owner, name="treasure.xyz", content=b"hidden treasure")
    return stored


def sent_to(owner: Any) -> WebhookDelivery:
    """What went to a webhook of theirs."""
    endpoint = owner.webhooks.first() or webhooks.create(owner=owner, url="https://example.org/")
    sent = endpoint.deliveries.first() or webhooks.test(endpoint)
    endpoint.deliveries.update(state="delivered", next_at=None)
    return sent


def batch_of(job: Job) -> Batch:
    """One that the job answers, and that has none of its own."""
    told = {"name": "hidden treasure", "n_items": 1}
    batch, _ = Batch.objects.get_or_create(owner=job.owner, defaults=told)
    batch.items.get_or_create(index=0, defaults={"job": job, "outcome": "reused"})
    return batch


def address(route: str, artifact: Artifact) -> str:
    """The route for this job and file of alice's; any other argument gets what it can take."""
    known = {
        "uuid:job_id": artifact.job_id,
        "str:job_id": artifact.job_id,
        "uuid:artifact_id": artifact.pk,
        "uuid:batch_id": batch_of(artifact.job).pk,
        "uuid:file_id": upload_of(artifact.job.owner).pk,
        "uuid:webhook_id": sent_to(artifact.job.owner).endpoint_id,
        "uuid:delivery_id": sent_to(artifact.job.owner).pk,
        "uuid:preset_id": preset_of(artifact.job.owner),
        "uuid:key_id": key_of(artifact.job.owner),
        "int:index": 0,
        "str:name": "demo.sum_squares",
        "str:inchikey": WATER,
        "path:object_id": artifact.job_id,
        "path:slug": "quickstart",
        "slug:name": "jobs",
        "str:names": "tokens+base",
    }
    route = re.sub(r"\(\?P<url>\.\*\)\$", "no/such/page", route)
    route = re.sub(r"\^?\(\?P<app_label>.*\)/\$", "jobs/", route)
    route = re.sub(r"\(\?P<token>\[\\w\]\+\)\?", "guess", route)
    route = re.sub(r"[\^$?]", "", route)
    return "/" + re.sub(r"<([^>]+)>", lambda match: str(known.get(match[1], 1)), route)


def ask(client: Client, method: str, path: str, body: Any = None) -> Any:
    """The answer, read to its end into `words`."""
    if method == "POST" and path.startswith(
        ("/jobs/", "/batches/", "/me/", "/login/", "/logout/", "/admin/", "/seen/")
    ):
        answer: Any = client.post(path, body or {})
    elif method in {"GET", "HEAD", "TRACE"}:
        answer = client.generic(method, path)
    else:
        answer = client.generic(method, path, json.dumps(body or {}), "application/json")
    answer.words = answer.getvalue().decode(errors="replace")
    return answer


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("method", "route"), DOORS, ids=lambda each: each or "home")
def test_each_door_opens_for_whom_it_should(
    method: str, route: str, role: str, hidden: Artifact, browser_of: Callable[[str], Client]
) -> None:
    path = address(route, hidden)

    answer = ask(browser_of(role), method, path, BODIES.get((method, route)))

    assert answer.status_code == DOORS[method, route][ROLES.index(role)], answer.words[:500]
    if role in {"anonymous", "stranger"}:
        assert "hidden treasure" not in answer.words
        assert str(hidden.job_id) in path or str(hidden.job_id) not in answer.words
    if answer.status_code in {401, 404} and path.startswith(("/api/", "/submit_job", "/job_st")):
        assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("route", sorted({route for _, route in DOORS}))
def test_no_door_takes_a_method_that_is_not_in_the_table(
    route: str, hidden: Artifact, browser_of: Callable[[str], Client]
) -> None:
    known = {method for method, known in DOORS if known == route}
    known |= {"HEAD"} if "GET" in known else set()
    path = address(route, hidden)
    browsers = {role: browser_of(role) for role in ROLES}

    codes = {
        (role, method): ask(client, method, path).status_code
        for role, client in browsers.items()
        for method in METHODS
        if method not in known
    }

    # A page that redirects to the sign-in has done nothing; `login/` and the home page redirect
    # and draw whatever the method.
    harmless = {405, 401, 404, 403, 302}
    drawn = {"batches/", "batches/<uuid:batch_id>/"}
    drawn |= {"me/keys/", "me/keys/new/", KEY_PAGE}
    drawn |= {"", "login/", "healthz", "jobs/", "jobs/new/", "jobs/new/<str:name>/", PAGE}
    harmless |= {200} if route in drawn | {f"{PAGE}files/<uuid:artifact_id>/"} else set()
    harmless |= {503} if route == "readyz" else set()
    assert set(codes.values()) <= harmless, codes
    hidden.job.refresh_from_db()
    assert hidden.job.cancel_requested_at is None
    assert type(hidden.job).objects.count() == 1


@pytest.mark.parametrize("route", [route for _, route in DOORS if "_id" in route])
def test_what_is_not_yours_is_told_apart_from_nothing_by_nobody(
    route: str, hidden: Artifact, browser_of: Callable[[str], Client]
) -> None:
    client = browser_of("stranger")
    method = next(method for method, known in DOORS if known == route)
    path = address(route, hidden)
    nowhere = re.sub(r"[0-9a-f-]{36}", lambda _: str(uuid4()), path)

    foreign, none = ask(client, method, path), ask(client, method, nowhere)

    def words(answer: Any) -> str:
        return re.sub(r"[0-9a-f-]{32,36}", "*", answer.words)

    assert foreign.status_code == none.status_code == 404
    assert words(foreign) == words(none)


@pytest.mark.parametrize("role", ["anonymous", "stranger", "owner"])
def test_the_admin_is_closed(
    role: str, hidden: Artifact, browser_of: Callable[[str], Client]
) -> None:
    client = browser_of(role)
    paths = [address(route, hidden) for route in ADMIN_ROUTES if route not in PUBLIC_ADMIN]

    answers = [ask(client, method, path) for path in paths for method in ("GET", "POST")]

    assert len(answers) > 100
    opened = [answer.request["PATH_INFO"] for answer in answers if not _is_refused(answer)]
    assert opened == []


def _is_refused(answer: Any) -> bool:
    if "hidden treasure" in answer.words:
        return False
    to_sign_in = answer.status_code == 302 and "login" in answer["Location"]
    return to_sign_in or answer.status_code in {401, 403, 404}


def test_no_admin_page_does_anything_on_a_mere_link(
    hidden: Artifact, browser_of: Callable[[str], Client], people: dict[str, Any]
) -> None:
    client = browser_of("admin")

    # The pages of RQ need its Redis, which is not here.
    for route in [each for each in ADMIN_ROUTES if "django_rq" not in each]:
        answer = ask(client, "GET", address(route, hidden) + "?action=cancel&post=yes")
        assert answer.status_code < 500, (route, answer.words[:300])

    hidden.job.refresh_from_db()
    assert hidden.job.cancel_requested_at is None
    assert type(people["owner"]).objects.count() == 3


def test_every_socket_is_in_the_walk_of_sockets() -> None:
    known = {"ws/v1/jobs/<uuid:job_id>/", "ws/v1/jobs/", ""}

    assert {str(each.pattern) for each in websocket_urlpatterns} == known
