"""What is said again is what Django would say: the same bytes and headers, to the same people."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.utils import timezone

from backplane_site.handler import Handler
from backplane_site.kept import MOST_OF_ONE, Kept, Shelf
from backplane_site.local_user import local_user
from jobs import keys, lifecycle
from jobs.artifacts import FileOnDisk
from jobs.asking import Answer
from jobs.key_models import ApiKey
from jobs.models import Attempt, Job
from jobs.states import FailureKind, Priority, Scope
from tests.stack import Stack, until

pytestmark = pytest.mark.django_db(transaction=True)

django = Handler()
Headers = dict[str, str]


class Doors:
    """Django as it is, and what stands in front of it."""

    def __init__(self) -> None:
        self.n_asked = 0
        self.kept = Kept(self._counted)

    async def _counted(self, scope: Any, receive: Any, send: Any) -> None:
        self.n_asked += 1
        await django(scope, receive, send)

    def alike(self, path: str, address: str = "127.0.0.1", **headers: str) -> httpx.Response:
        """The answer, twice the same as Django's; `by_django` tells who gave the second."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        expected = ask(django, path, named, address)
        first = ask(self.kept, path, named, address)
        self.n_asked = 0
        second = ask(self.kept, path, named, address)
        assert told(first) == told(expected)
        assert told(second) == told(expected)
        second.by_django = bool(self.n_asked)  # type: ignore[attr-defined]
        return second


def ask(app: Any, path: str, headers: Headers, address: str) -> httpx.Response:
    return async_to_sync(_ask)(app, path, {"X-Request-ID": "the-same"} | headers, address)


async def _ask(app: Any, path: str, headers: Headers, address: str) -> httpx.Response:
    transport = httpx.ASGITransport(app=app, client=(address, 4242))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        return await client.get(path, headers=headers)


def told(answer: httpx.Response) -> tuple[int, list[tuple[str, str]], bytes]:
    return answer.status_code, sorted(answer.headers.multi_items()), answer.content


@pytest.fixture
def doors() -> Doors:
    return Doors()


@pytest.fixture
def local(submit: Callable[..., Job], monkeypatch: Any) -> Callable[..., Job]:
    """A job of the local user, which no worker draws."""
    monkeypatch.setattr("jobs.lifecycle.submission.hand_to_backend", lambda job: None)
    return lambda **options: submit(owner=local_user(), **options)


def address_of(job: Job) -> tuple[str, str]:
    return f"/api/v1/jobs/{job.pk}", f"/job_status/{job.pk}"


def course(job: Job) -> Iterator[str]:
    """All that can happen to it, one after the other, and a name for where it is then."""
    yield "queued"
    lifecycle.set_priority(job, Priority.HIGH, by=job.owner)
    yield "queued"
    lifecycle.start(job, 1, worker="host:1", host="host", pid=1)
    yield "running"
    lifecycle.progress(job, 1, [{"fraction": 0.5, "message": "half", "stage": "sum", "n": 2}])
    yield "running"
    Attempt.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=5))
    yield "running"
    lifecycle.extend_lease(job, 1)
    yield "running"
    job.refresh_from_db()
    lifecycle.doubt(job, 1, "It is silent.")
    yield "running"
    lifecycle.extend_lease(job, 1)
    yield "running"
    lifecycle.record_usage(job, 1, peak_memory_mib=12.5, cpu_seconds=3.0)
    yield "running"
    lifecycle.add_tag(job, "mine", by="local")
    yield "running"
    file = FileOnDisk(name="checkpoint.chk", title="", media_type="", size_bytes=1, sha256="0" * 64)
    lifecycle.succeed(job, 1, {"total": 14, "notes": [{"code": "a", "message": "b"}]}, [file])
    yield "succeeded"
    lifecycle.record_usage(job, 1, peak_memory_mib=13.5, cpu_seconds=4.0)
    yield "succeeded"
    lifecycle.add_tag(job, "late", by="local")
    yield "succeeded"
    lifecycle.remove_files(job, by="local")
    yield "succeeded"


def test_it_is_the_same_at_each_step_of_a_job(doors: Doors, local: Callable[..., Job]) -> None:
    job = local()
    whole, in_seeds_words = address_of(job)
    for state in course(job):
        answer = doors.alike(whole)
        tag = answer.headers["ETag"]
        unchanged = doors.alike(whole, If_None_Match=tag)
        changed = doors.alike(whole, If_None_Match='W/"older"')
        seeds = doors.alike(in_seeds_words)

        assert answer.json()["state"] == state
        assert (unchanged.status_code, changed.status_code) == (304, 200)
        by_django = {each.by_django for each in (answer, unchanged, changed)}  # type: ignore
        assert by_django == {state == "queued"}, state
        assert not seeds.by_django  # type: ignore[attr-defined]


def test_one_that_is_filed_under_its_molecule_later_is_told_anew(
    doors: Doors, local: Callable[..., Job], monkeypatch: Any
) -> None:
    monkeypatch.setattr(lifecycle.preparing, "FEW", 0)
    monkeypatch.setattr(lifecycle.batches, "hand_all_to_backend", lambda jobs: None)
    wanted = lifecycle.Wanted(simulation="xtb_optimization", params={"structure": "CCO"})
    job = lifecycle.submit_batch(owner=local_user(), wanted=[wanted]).jobs.get()
    lifecycle.start(job, 1, worker="host:1", host="host", pid=1)
    whole, _ = address_of(job)

    before = doors.alike(whole)
    known = {"If_None_Match": before.headers["ETag"]}
    assert doors.alike(whole, **known).status_code == 304
    filer = lifecycle.Filer()
    filer.look(60)
    after = doors.alike(whole, **known)

    assert before.json()["structure"]["inchikey"] == ""
    assert after.json()["structure"]["inchikey"] == "LFQSCWFLJHTTHZ-UHFFFAOYSA-N"
    assert not doors.alike(whole).by_django


@pytest.mark.parametrize("how", ["failed", "cancelled", "retried"])
def test_it_is_the_same_however_a_job_ends(
    doors: Doors, local: Callable[..., Job], start: Callable[[Job], Job], how: str
) -> None:
    job = start(local())
    if how == "failed":
        lifecycle.fail(job, 1, FailureKind.SCIENCE, {"detail": "It diverged."})
    elif how == "cancelled":
        lifecycle.cancel(job, 1)
    else:
        lifecycle.lose(job, 1, "Its worker is gone.")
        lifecycle.start(job, 2, worker="host:1", host="host", pid=1)

    whole, in_seeds_words = address_of(job)
    answer = doors.alike(whole)
    unchanged = doors.alike(whole, If_None_Match=answer.headers["ETag"])

    assert answer.by_django  # type: ignore[attr-defined]
    assert unchanged.status_code == 304
    assert not unchanged.by_django  # type: ignore[attr-defined]
    assert not doors.alike(in_seeds_words).by_django  # type: ignore[attr-defined]


def done(job: Job) -> Job:
    lifecycle.start(job, 1, worker="host:1", host="host", pid=1)
    lifecycle.succeed(job, 1, {"total": 14})
    return job


FOR_DJANGO: dict[str, tuple[str, Headers, str]] = {
    "a query": ("?view=summary", {}, "127.0.0.1"),
    "an unknown parameter": ("?colour=red", {}, "127.0.0.1"),
    "another type": ("", {"Accept": "text/html"}, "127.0.0.1"),
    "a type with a parameter": ("", {"Accept": "application/json; indent=4"}, "127.0.0.1"),
    "a cookie": ("", {"Cookie": "sessionid=0123456789"}, "127.0.0.1"),
    "a page of another site": ("", {"Origin": "http://evil.example"}, "127.0.0.1"),
    "a browser elsewhere": ("", {"Sec-Fetch-Site": "cross-site"}, "127.0.0.1"),
    "through a proxy": ("", {"X-Forwarded-For": "203.0.113.7"}, "127.0.0.1"),
    "from elsewhere": ("", {}, "203.0.113.7"),
    "another host": ("", {"Host": "evil.example"}, "127.0.0.1"),
    "a password": ("", {"Authorization": "Basic unreadable"}, "127.0.0.1"),
    "no key": ("", {"Authorization": "Bearer "}, "127.0.0.1"),
    "a key that is none": ("", {"Authorization": "Bearer bp_00000000_" + 43 * "x"}, "127.0.0.1"),
    "a wish": ("", {"Prefer": "wait=1"}, "127.0.0.1"),
    "a part": ("", {"Range": "bytes=0-9"}, "127.0.0.1"),
}


@pytest.mark.parametrize("why", FOR_DJANGO)
def test_what_is_asked_for_in_another_way_goes_to_django(
    doors: Doors, local: Callable[..., Job], why: str
) -> None:
    query, headers, address = FOR_DJANGO[why]
    whole, in_seeds_words = address_of(done(local()))
    for path in (whole, in_seeds_words):
        assert not doors.alike(path).by_django  # type: ignore[attr-defined]

        assert doors.alike(path + query, address, **headers).by_django  # type: ignore[attr-defined]


def test_what_is_not_theirs_is_not_there(
    doors: Doors, local: Callable[..., Job], submit: Callable[..., Job], bob: Any
) -> None:
    done(local())
    theirs = done(submit(owner=bob))

    for path in (*address_of(theirs), f"/api/v1/jobs/{uuid4()}", f"/job_status/{uuid4()}"):
        assert doors.alike(path).status_code == 404


@pytest.fixture
def by_key(doors: Doors) -> Callable[..., httpx.Response]:
    def by_key(path: str, text: str, **headers: str) -> httpx.Response:
        # From elsewhere, through our proxy: a key needs no trust in the machine.
        named = {"Authorization": f"Bearer {text}", "X_Forwarded_For": "203.0.113.7", **headers}
        return doors.alike(path, "203.0.113.7", **named)

    return by_key


def test_a_key_that_may_look_is_answered(
    by_key: Callable[..., httpx.Response], submit: Callable[..., Job], alice: Any, redis: Any
) -> None:
    whole, in_seeds_words = address_of(done(submit()))
    _, text = keys.issue(owner=alice, name="crawler", scopes=[Scope.READ])

    for path in (whole, in_seeds_words):
        answer = by_key(path, text)
        assert answer.status_code == 200
        assert not answer.by_django  # type: ignore[attr-defined]
    tag = by_key(whole, text).headers["ETag"]
    assert by_key(whole, text, If_None_Match=tag).status_code == 304


def revoked(key: ApiKey) -> None:
    keys.revoke(key)


def expired(key: ApiKey) -> None:
    ApiKey.objects.filter(pk=key.pk).update(expires_at=timezone.now() - timedelta(seconds=1))


def blind(key: ApiKey) -> None:
    keys.change(key, scopes=[Scope.SUBMIT])


def without_an_owner(key: ApiKey) -> None:
    get_user_model().objects.filter(pk=key.owner_id).update(is_active=False)


@pytest.mark.parametrize(
    ("end", "code"), [(revoked, 401), (expired, 401), (without_an_owner, 401), (blind, 403)]
)
def test_a_key_that_has_ended_opens_nothing_from_then_on(
    by_key: Callable[..., httpx.Response],
    submit: Callable[..., Job],
    alice: Any,
    redis: Any,
    end: Callable[[ApiKey], None],
    code: int,
) -> None:
    paths = address_of(done(submit()))
    key, text = keys.issue(owner=alice, name="crawler", scopes=[Scope.READ, Scope.SUBMIT])
    assert [by_key(path, text).status_code for path in paths] == [200, 200]

    end(key)

    assert [by_key(path, text).status_code for path in paths] == [code, code]


def test_a_key_opens_nobody_elses_jobs(
    by_key: Callable[..., httpx.Response],
    submit: Callable[..., Job],
    alice: Any,
    bob: Any,
    redis: Any,
) -> None:
    job = done(submit())
    _, of_alice = keys.issue(owner=alice, name="crawler", scopes=[Scope.READ])
    _, of_bob = keys.issue(owner=bob, name="crawler", scopes=[Scope.READ])
    prefix_of_alice = of_alice[:11] + of_bob[11:]

    for path in address_of(job):
        assert by_key(path, of_alice).status_code == 200
        assert by_key(path, of_bob).status_code == 404
        assert by_key(path, prefix_of_alice).status_code == 401


def test_the_use_of_a_key_is_noted_all_the_same(
    by_key: Callable[..., httpx.Response], submit: Callable[..., Job], alice: Any, redis: Any
) -> None:
    path, _ = address_of(done(submit()))
    key, text = keys.issue(owner=alice, name="crawler", scopes=[Scope.READ])
    by_key(path, text)
    long_ago = timezone.now() - timedelta(minutes=2)
    ApiKey.objects.filter(pk=key.pk).update(last_used_at=long_ago)

    by_key(path, text)

    key.refresh_from_db()
    assert key.last_used_at
    assert key.last_used_at > long_ago


def test_it_is_in_the_log_as_ever(
    doors: Doors, local: Callable[..., Job], caplog: pytest.LogCaptureFixture, monkeypatch: Any
) -> None:
    path, _ = address_of(done(local()))
    monkeypatch.setattr(logging.getLogger("backplane_site"), "propagate", True)
    with caplog.at_level(logging.INFO, "backplane_site.access"):
        doors.alike(path)

    lines = [each for each in caplog.records if each.name == "backplane_site.access"]
    said = {(each.getMessage(), each.user_id) for each in lines}  # type: ignore[attr-defined]
    assert len(lines) == 3
    assert said == {(f"GET {path} 200", None)}


def test_a_request_without_an_id_is_given_one_of_its_own(
    doors: Doors, local: Callable[..., Job]
) -> None:
    path, _ = address_of(done(local()))
    doors.alike(path)

    ids = [
        ask(doors.kept, path, {"X-Request-ID": given}, "127.0.0.1").headers["X-Request-ID"]
        for given in ("", "two words", "mine")
    ]

    assert ids[2] == "mine"
    assert len({*ids, "two words", ""}) == 5


def answer_of(n_bytes: int) -> Answer:
    return Answer(200, [], b"x" * n_bytes)


def test_a_shelf_holds_no_more_than_it_may() -> None:
    shelf = Shelf(most_bytes=3 * 5096)
    for name in "abc":
        shelf.put(name, (1,), answer_of(1000))
    assert shelf.get("a", (1,))

    shelf.put("d", (1,), answer_of(1000))

    assert [bool(shelf.get(name, (1,))) for name in "abcd"] == [True, False, True, True]
    shelf.put("a", (2,), answer_of(MOST_OF_ONE + 1))
    assert shelf.get("a", (1,)) is None
    assert shelf.get("a", (2,)) is None


@pytest.mark.stack
def test_daphne_sends_at_once_what_django_would(stack: Stack) -> None:
    job = stack.submit("demo.sum_squares", n=3)
    stack.wait(job)
    # The worker writes it down when the process is gone, a moment after the job's end.
    until(lambda: stack.job(job)["attempts"][0]["cpu_seconds"] is not None, "what it used")
    path = f"/api/v1/jobs/{job}"
    named = {"X-Request-ID": "the-same"}

    made = stack.client.get(path, params={"view": "full"}, headers=named)
    again = [stack.client.get(path, headers=named) for _ in range(3)]
    known = {**named, "If-None-Match": made.headers["ETag"]}
    unchanged = [stack.client.get(path, headers=known) for _ in range(3)]
    unread = stack.client.head(path, headers=named)

    assert {str(told(each)) for each in again} == {str(told(made))}
    assert {each.status_code for each in unchanged} == {304}
    assert len({str(told(each)) for each in unchanged}) == 1
    assert (unread.status_code, unread.content) == (200, b"")
    assert unread.headers["ETag"] == made.headers["ETag"]
