"""Webhooks by REST and by page: made, tried, replayed, and nobody else's business."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from jobs import keys
from jobs.models import Job, JobWebhook, WebhookDelivery, WebhookEndpoint
from jobs.states import Scope
from jobs.webhooks import endpoints, signing

from .receiver import Receiver

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("server_mode")]
API, PAGES = "/api/v1/webhooks", "/me/webhooks/"
URL = "https://example.org/hook"
JOB = {"simulation": "demo.sum_squares", "params": {"n": 3}}
Post = Callable[..., Any]


@pytest.fixture
def server_mode(settings: Any) -> None:
    settings.LOCAL_MODE = False
    settings.ALLOWED_HOSTS = ["testserver"]


@pytest.fixture
def browser(alice: Any) -> Client:
    client = Client()
    client.force_login(alice)
    return client


@pytest.fixture
def agent(alice: Any) -> Callable[..., Client]:
    def agent(*scopes: Scope) -> Client:
        _, text = keys.issue(owner=alice, name="agent", scopes=scopes)
        return Client(headers={"Authorization": f"Bearer {text}"})

    return agent


def send(client: Client, method: str, path: str, body: Any = None) -> Any:
    text = "" if body is None else json.dumps(body)
    return client.generic(method, path, text, "application/json")


def test_one_is_made_and_its_secret_shown_once(browser: Client) -> None:
    answer = send(browser, "POST", API, {"url": URL, "events": ["job.failed"]})

    assert answer.status_code == 201
    body = answer.json()
    assert signing.is_secret(body["secret"])
    assert (body["url"], body["events"], body["active"]) == (URL, ["job.failed"], True)
    for path in (answer["Location"], API):
        assert body["secret"] not in browser.get(path).content.decode()
    assert browser.get(API).json() == [{k: v for k, v in body.items() if k != "secret"}]


def test_a_secret_of_ones_own_is_taken(browser: Client) -> None:
    own = signing.new_secret()

    assert send(browser, "POST", API, {"url": URL, "secret": own}).json()["secret"] == own


@pytest.mark.parametrize(
    ("body", "pointer", "detail"),
    [
        ({}, "/url", "required"),
        ({"url": "http://127.0.0.1/"}, "/url", "not a public address"),
        ({"url": "http://example.org/"}, "/url", "expected https"),
        ({"url": "https://[::1"}, "/url", "no URL"),
        ({"url": 7}, "/url", "expected a URL"),
        ({"url": URL, "events": []}, "/events", "at least 1"),
        ({"url": URL, "events": ["job.exploded"]}, "/events/0", "job.exploded"),
        ({"url": URL, "secret": "guess"}, "/secret", "whsec_"),
        ({"url": URL, "colour": "red"}, "/colour", "no such field"),
    ],
)
def test_what_is_wrong_is_named(
    browser: Client, body: dict[str, Any], pointer: str, detail: str
) -> None:
    answer = send(browser, "POST", API, body)

    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["pointer"] == pointer
    assert detail in error["detail"]
    assert not WebhookEndpoint.objects.exists()


def test_they_are_not_too_many(browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "MOST", 1)
    send(browser, "POST", API, {"url": URL})

    answer = send(browser, "POST", API, {"url": URL})

    assert (answer.status_code, answer.json()["code"]) == (409, "webhook_refused")


def test_there_is_one_for_single_jobs(browser: Client) -> None:
    made = send(browser, "POST", API, {"url": None})
    again = send(browser, "POST", API, {"url": None})

    assert (made.status_code, made.json()["url"], again.status_code) == (201, None, 409)
    path = f"{API}/{made.json()['id']}"
    assert send(browser, "POST", f"{path}/test").status_code == 409
    assert send(browser, "PATCH", path, {"url": URL}).status_code == 409


def test_one_is_changed_switched_off_and_on_and_removed(browser: Client) -> None:
    path = f"{API}/{send(browser, 'POST', API, {'url': URL}).json()['id']}"

    changed = send(browser, "PATCH", path, {"url": f"{URL}/2", "events": ["job.started"]})
    off = send(browser, "PATCH", path, {"active": False})
    refused = send(browser, "POST", f"{path}/test")
    on = send(browser, "PATCH", path, {"active": True})

    assert (changed.json()["url"], changed.json()["events"]) == (f"{URL}/2", ["job.started"])
    assert (off.json()["active"], refused.status_code, on.json()["active"]) == (False, 409, True)
    assert send(browser, "DELETE", path).status_code == 204
    assert browser.get(path).status_code == 404


def test_one_that_has_changed_meanwhile_is_left_alone(browser: Client) -> None:
    path = f"{API}/{send(browser, 'POST', API, {'url': URL}).json()['id']}"
    before = browser.get(path)["ETag"]

    changed = send(browser, "PATCH", path, {"active": False})
    refused = [
        browser.generic(method, path, "{}", "application/json", headers={"If-Match": before})
        for method in ("PATCH", "DELETE")
    ]
    removed = browser.delete(path, headers={"If-Match": changed["ETag"]})

    assert changed["ETag"] not in {before, ""}
    assert [each.status_code for each in refused] == [412, 412]
    assert refused[0].json()["code"] == "changed_meanwhile"
    assert "The webhook has changed" in refused[0].json()["detail"]
    assert removed.status_code == 204


def test_a_test_is_sent_and_what_came_of_it_told(
    browser: Client, receiver: Receiver, deliver: Post
) -> None:
    made = send(browser, "POST", API, {"url": receiver.url}).json()

    tested = send(browser, "POST", f"{API}/{made['id']}/test")
    deliver()
    (sent,) = browser.get(made["links"]["deliveries"]).json()["results"]
    replayed = send(browser, "POST", sent["links"]["replay"])
    deliver()

    assert (tested.status_code, tested.json()["state"]) == (202, "pending")
    assert (sent["state"], [each["status"] for each in sent["tries"]]) == ("delivered", [200])
    assert (replayed.status_code, replayed.json()["state"]) == (202, "pending")
    first, second = receiver.received
    assert first.verified(made["secret"])["type"] == "webhook.test"
    assert first.id == second.id


def test_a_new_secret_is_shown_once(browser: Client) -> None:
    made = send(browser, "POST", API, {"url": URL}).json()

    rotated = send(browser, "POST", f"{API}/{made['id']}/rotate", {"overlap_s": 60})

    assert rotated.status_code == 200
    assert rotated.json()["secret"] != made["secret"]
    assert rotated.json()["old_secret_until"]


def test_the_log_is_filtered_and_paged(browser: Client, succeeded: Callable[..., Job]) -> None:
    made = send(browser, "POST", API, {"url": URL}).json()
    jobs = [succeeded(params={"n": n}) for n in (3, 4, 5)]
    path = made["links"]["deliveries"]

    first = browser.get(path, {"limit": 2}).json()
    rest = browser.get(first["next"]).json()
    of_job = browser.get(path, {"job": str(jobs[0].pk), "state": "pending"}).json()

    told = [each["job"] for each in first["results"] + rest["results"]]
    assert told == [str(job.pk) for job in reversed(jobs)]
    assert [each["job"] for each in of_job["results"]] == [str(jobs[0].pk)]
    assert browser.get(path, {"state": "failed"}).json()["results"] == []
    assert browser.get(path, {"colour": "red"}).status_code == 422
    assert send(browser, "POST", f"{API}/{made['id']}/replay").json() == {"replayed": 0}


def test_a_submission_may_name_where_to_tell_of_it(browser: Client) -> None:
    webhook = {"url": URL, "events": ["job.started", "job.started", "job.failed"]}

    answer = send(browser, "POST", "/api/v1/jobs", JOB | {"webhook": webhook})

    assert answer.status_code == 202, answer.content
    wanted = JobWebhook.objects.get(job=answer.json()["id"])
    assert (wanted.url, wanted.events) == (URL, ["job.started", "job.failed"])


@pytest.mark.parametrize("webhook", [{"url": "https://10.0.0.1/"}, {}, "https://example.org", 7])
def test_a_submission_with_a_wrong_one_is_refused(browser: Client, webhook: Any) -> None:
    answer = send(browser, "POST", "/api/v1/jobs", JOB | {"webhook": webhook})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith("/webhook")
    assert not Job.objects.exists()


def test_an_answer_that_was_there_already_is_told_as_well(
    browser: Client, succeeded: Callable[..., Job]
) -> None:
    succeeded()

    answer = send(browser, "POST", "/api/v1/jobs", JOB | {"webhook": {"url": URL}})

    assert answer.status_code == 200
    assert [each.type for each in WebhookDelivery.objects.all()] == ["job.succeeded"]


def test_an_agent_makes_its_own_and_sees_no_other(
    browser: Client, agent: Callable[..., Client]
) -> None:
    of_person = send(browser, "POST", API, {"url": URL}).json()
    client = agent(Scope.READ, Scope.SUBMIT)

    of_key = send(client, "POST", API, {"url": f"{URL}/agent"}).json()

    assert [each["id"] for each in client.get(API).json()] == [of_key["id"]]
    path = f"{API}/{of_person['id']}"
    asked = [("GET", path), ("PATCH", path), ("DELETE", path), ("POST", f"{path}/rotate")]
    assert {send(client, method, each, {}).status_code for method, each in asked} == {404}
    assert len(browser.get(API).json()) == 2


def test_an_agent_that_may_only_read_makes_none(agent: Callable[..., Client]) -> None:
    answer = send(agent(Scope.READ), "POST", API, {"url": URL})

    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")


def test_the_page_makes_one_and_shows_its_secret_once(browser: Client) -> None:
    made = browser.post(PAGES, {"url": URL, "events": ["job.failed"]})

    endpoint = WebhookEndpoint.objects.get()
    assert endpoint.secret in made.content.decode()
    assert (endpoint.url, endpoint.events) == (URL, ["job.failed"])
    for path in (PAGES, f"{PAGES}{endpoint.pk}/"):
        html = browser.get(path).content.decode()
        assert URL in html
        assert endpoint.secret not in html


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"url": "https://127.0.0.1/", "events": ["job.failed"]}, "not a public address"),
        ({"url": URL, "events": []}, "required"),
        ({"url": URL, "events": ["job.exploded"]}, "not one of the available choices"),
    ],
)
def test_the_page_names_what_is_wrong(browser: Client, form: dict[str, Any], told: str) -> None:
    answer = browser.post(PAGES, form)

    assert answer.status_code == 422
    assert told in answer.content.decode()
    assert not WebhookEndpoint.objects.exists()


def test_the_page_shows_what_was_sent_and_sends_it_again(
    browser: Client,
    alice: Any,
    receiver: Receiver,
    succeeded: Callable[..., Job],
    deliver: Post,
) -> None:
    receiver.answers.extend([500] * 4)
    endpoint = endpoints.create(owner=alice, url=receiver.url)
    job = succeeded()
    deliver()
    page = f"{PAGES}{endpoint.pk}/"

    html = browser.get(page).content.decode()
    browser.post(f"{page}switch/")
    sent = WebhookDelivery.objects.get()
    browser.post(f"{page}deliveries/{sent.pk}/replay/")
    browser.post(f"{page}test/")
    deliver()

    assert job.short_id in html
    assert "Given up" in html
    assert re.search(r"off since .*Nothing that was sent arrived", html, re.DOTALL)
    assert len(receiver.received) == 6
    assert "Delivered" in browser.get(page).content.decode()


def test_the_page_rotates_replays_and_removes(browser: Client, alice: Any) -> None:
    endpoint = endpoints.create(owner=alice, url=URL)
    page = f"{PAGES}{endpoint.pk}/"

    rotated = browser.post(f"{page}rotate/").content.decode()
    old = endpoint.secret
    endpoint.refresh_from_db()
    replayed = browser.post(f"{page}replay/")
    removed = browser.post(f"{page}remove/")

    assert endpoint.secret in rotated
    assert old not in rotated
    assert (replayed.status_code, removed.status_code) == (302, 302)
    assert not WebhookEndpoint.objects.exists()


def test_a_stranger_finds_nothing(bob: Any, alice: Any, succeeded: Callable[..., Job]) -> None:
    endpoint = endpoints.create(owner=alice, url=URL)
    succeeded()
    sent = WebhookDelivery.objects.get()
    client = Client()
    client.force_login(bob)

    answers = [
        send(client, method, f"{base}{rest}").status_code
        for method, base, rest in [
            ("GET", f"{API}/{endpoint.pk}", "/deliveries"),
            ("POST", f"{API}/{endpoint.pk}", "/replay"),
            ("POST", f"{API}/{endpoint.pk}", f"/deliveries/{sent.pk}/replay"),
            ("GET", f"{PAGES}{endpoint.pk}/", ""),
            ("POST", f"{PAGES}{endpoint.pk}/", "rotate/"),
            ("POST", f"{PAGES}{endpoint.pk}/", "remove/"),
            ("GET", f"{PAGES}{uuid4()}/", ""),
        ]
    ]

    assert set(answers) == {404}
    assert client.get(API).json() == []


def test_operators_see_the_log_and_no_secret(
    admin_client: Client, alice: Any, succeeded: Callable[..., Job]
) -> None:
    endpoint = endpoints.create(owner=alice, url=URL)
    succeeded()

    pages = [
        admin_client.get(f"/admin/jobs/{model}/{rest}").content.decode()
        for model, rest in [
            ("webhookendpoint", ""),
            ("webhookendpoint", f"{endpoint.pk}/change/"),
            ("webhookdelivery", ""),
            ("webhookdelivery", f"{WebhookDelivery.objects.get().pk}/change/"),
        ]
    ]

    assert all(URL in page for page in pages)
    assert not any(endpoint.secret in page for page in pages)


def test_operators_switch_one_off(admin_client: Client, alice: Any) -> None:
    endpoint = endpoints.create(owner=alice, url=URL)

    data = {"action": "switch_off", "_selected_action": [str(endpoint.pk)]}
    admin_client.post("/admin/jobs/webhookendpoint/", data)

    endpoint.refresh_from_db()
    assert "operator" in endpoint.disabled_because


def test_a_batch_that_is_over_is_one_message(
    browser: Client, alice: Any, receiver: Receiver, deliver: Post
) -> None:
    endpoint = endpoints.create(owner=alice, url=receiver.url, events=["batch.finished"])
    body = {"name": "three", "template": JOB, "grid": {"params.n": [3, 4, 5]}}
    batch = send(browser, "POST", "/api/v1/batches", body).json()
    assert not WebhookDelivery.objects.exists()

    cancelled = send(browser, "POST", f"/api/v1/batches/{batch['id']}/cancel", {})
    deliver()

    assert cancelled.status_code == 202, cancelled.content
    (received,) = receiver.received
    told = received.verified(endpoint.secret)
    assert (told["type"], told["data"]["batch_id"]) == ("batch.finished", batch["id"])
    assert told["data"]["counts"]["cancelled"] == 3
    assert told["data"]["links"]["self"].endswith(f"/api/v1/batches/{batch['id']}")


def test_of_a_single_job_nobody_is_told_when_a_batch_is_over(browser: Client) -> None:
    webhook = {"url": URL, "events": ["batch.finished"]}

    answer = send(browser, "POST", "/api/v1/jobs", JOB | {"webhook": webhook})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/webhook/events/0"
