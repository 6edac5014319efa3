"""The pages and the admin of keys, and the buttons of who is asked for approval."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client

from jobs import keys
from jobs.key_models import ApiKey
from jobs.keys import Origin
from jobs.models import Job
from jobs.states import Approval, Consent, JobState, Scope

pytestmark = pytest.mark.django_db

TOKEN = re.compile(r"bp_[0-9a-f]{8}_[\w-]{43}")


@pytest.fixture
def browser(client: Client, alice: Any) -> Client:
    client.force_login(alice)
    return client


@pytest.fixture
def key(alice: Any) -> ApiKey:
    options: dict[str, Any] = {"approval": Approval.ALWAYS, "max_running": 2}
    return keys.issue(owner=alice, name="crawler", scopes=[Scope.SUBMIT], **options)[0]


@pytest.fixture
def asks(submit: Callable[..., Job], key: ApiKey) -> Job:
    """A job that waits for approval."""
    return submit(origin=Origin(key=key, agent="crawler", purpose="A wide net"))


def test_a_key_is_made_and_its_text_shown_once(browser: Client) -> None:
    made = browser.post("/me/keys/new/", {"name": "crawler", "scopes": ["read", "submit"]})

    (text,) = set(TOKEN.findall(made.content.decode()))
    assert "no-store" in made["Cache-Control"]
    asked = Client().get("/api/v1/jobs", headers={"Authorization": f"Bearer {text}"})
    assert asked.status_code == 200
    listed = browser.get("/me/keys/").content.decode()
    assert "crawler" in listed
    assert text not in listed


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"name": "", "scopes": ["read"]}, "required"),
        ({"name": "a"}, "required"),
        ({"name": "a", "scopes": ["admin"]}, "not one of the available choices"),
        ({"name": "a", "scopes": ["read"], "expires_at": "2020-01-01T00:00"}, "over already"),
        ({"name": "a", "scopes": ["read"], "approval": "above"}, "above how many"),
        ({"name": "a", "scopes": ["read"], "core_hours": "-1"}, "greater than or equal to 0"),
    ],
)
def test_a_key_that_cannot_be_is_told_by_its_field(
    browser: Client, form: dict[str, Any], told: str
) -> None:
    answer = browser.post("/me/keys/new/", form)

    assert answer.status_code == 422
    assert told in answer.content.decode()
    assert not ApiKey.objects.exists()


def test_its_owner_changes_what_a_key_may_use_and_not_what_it_opens(
    browser: Client, key: ApiKey
) -> None:
    form = {"core_hours": "5", "approval": "never", "scopes": ["read"], "max_running": ""}

    assert browser.post(f"/me/keys/{key.pk}/", form).status_code == 302

    key.refresh_from_db()
    assert (key.core_hours, key.max_running, key.approval) == (5.0, None, "never")
    assert key.scopes == ["submit"]


def test_its_owner_ends_a_key(browser: Client, key: ApiKey) -> None:
    told = browser.post(f"/me/keys/{key.pk}/revoke/", follow=True).content.decode()

    key.refresh_from_db()
    assert not key.is_usable
    assert "opens nothing any more" in told


@pytest.mark.parametrize("path", ["/me/keys/{}/", "/me/keys/{}/revoke/"])
def test_to_a_stranger_there_is_no_such_key(
    client: Client, bob: Any, key: ApiKey, path: str
) -> None:
    client.force_login(bob)

    assert client.post(path.format(key.pk)).status_code == 404
    key.refresh_from_db()
    assert key.is_usable


def test_the_list_tells_what_waits_for_approval(browser: Client, asks: Job) -> None:
    html = browser.get("/jobs/").content.decode()

    assert "1 job waits for your approval" in html
    assert "A wide net" in html


def test_what_an_agent_calls_itself_turns_no_other_word_around(
    browser: Client, submit: Callable[..., Job], key: ApiKey
) -> None:
    turned = "\u202ereviled"
    job = submit(name=turned, origin=Origin(key=key, agent=turned, purpose=turned))

    for address, n_told in (("/jobs/", 3), (job.get_absolute_url(), 4)):
        html = browser.get(address).content.decode()
        assert html.count(f"<bdi>{turned}</bdi>") == n_told


def test_its_page_says_who_sent_it_and_takes_a_yes(browser: Client, asks: Job) -> None:
    html = browser.get(asks.get_absolute_url()).content.decode()
    assert "sent by <bdi>crawler</bdi>" in html
    assert "Approve" in html

    browser.post(f"{asks.get_absolute_url()}approve/")

    asks.refresh_from_db()
    assert asks.consent == Consent.GIVEN
    assert "Approve" not in browser.get(asks.get_absolute_url()).content.decode()
    twice = browser.post(f"{asks.get_absolute_url()}approve/", follow=True).content.decode()
    assert "no longer waits" in twice


def test_its_page_takes_a_no_with_a_reason(browser: Client, asks: Job) -> None:
    browser.post(f"{asks.get_absolute_url()}reject/", {"why": "Too wide."})

    asks.refresh_from_db()
    assert asks.state == JobState.CANCELLED
    assert "Too wide." in browser.get("/jobs/").content.decode()


# --- The admin ---


def test_an_operator_makes_a_key_for_somebody(admin_client: Client, alice: Any) -> None:
    form = {"owner": alice.pk, "name": "crawler", "scopes": ["read"], "approval": "never"}

    html = admin_client.post("/admin/jobs/apikey/add/", form).content.decode()

    (text,) = set(TOKEN.findall(html))
    assert keys.recognise(text).owner == alice
    key = ApiKey.objects.get()
    page = admin_client.get(f"/admin/jobs/apikey/{key.pk}/change/").content.decode()
    assert not TOKEN.search(page)
    assert key.secret_sha256 not in page


def test_an_operator_gives_another_budget_and_no_other_scope(
    admin_client: Client, key: ApiKey
) -> None:
    form = {"max_running": "7", "approval": "never", "scopes": ["read", "keys"], "name": "x"}

    answer = admin_client.post(f"/admin/jobs/apikey/{key.pk}/change/", form)

    assert answer.status_code == 302, answer.content.decode()
    key.refresh_from_db()
    assert (key.max_running, key.scopes, key.name) == (7, ["submit"], "crawler")


def test_an_operator_ends_keys_and_deletes_none(admin_client: Client, key: ApiKey) -> None:
    form = {"action": "revoke", "_selected_action": [str(key.pk)]}
    admin_client.post("/admin/jobs/apikey/", form)

    key.refresh_from_db()
    assert not key.is_usable
    assert admin_client.post(f"/admin/jobs/apikey/{key.pk}/delete/").status_code == 403


@pytest.fixture
def staff(client: Client) -> Client:
    """Of an operator who may do all with keys, and is no superuser."""
    user = get_user_model().objects.create_user("operator", is_staff=True)
    of_keys = Permission.objects.filter(content_type__app_label="jobs")
    user.user_permissions.set(of_keys.filter(content_type__model="apikey"))
    client.force_login(user)
    return client


def test_only_a_superuser_makes_a_key_for_somebody_else(staff: Client, alice: Any) -> None:
    root = get_user_model().objects.create_superuser("root")
    operator = get_user_model().objects.get(username="operator")

    def make(owner: Any, *scopes: str) -> Any:
        form = {"owner": owner.pk, "name": "a", "scopes": scopes, "approval": "never"}
        return staff.post("/admin/jobs/apikey/add/", form)

    for other in (root, alice):
        assert "Select a valid choice" in make(other, "admin").content.decode()
    assert not ApiKey.objects.exists()
    assert TOKEN.search(make(operator, "read").content.decode())
    assert ApiKey.objects.get().owner == operator


def test_other_staff_see_and_revoke_keys_and_give_them_nothing(staff: Client, key: ApiKey) -> None:
    page = f"/admin/jobs/apikey/{key.pk}/change/"

    assert key.prefix in staff.get(page).content.decode()
    assert staff.post(page, {"max_running": "9", "approval": "never"}).status_code == 403
    key.refresh_from_db()
    assert (key.max_running, key.approval) == (2, "always")

    staff.post("/admin/jobs/apikey/", {"action": "revoke", "_selected_action": [str(key.pk)]})
    key.refresh_from_db()
    assert not key.is_usable


def test_who_sent_these_jobs_is_answered_by_a_count_that_leads_to_them(
    admin_client: Client, key: ApiKey, submit: Any
) -> None:
    for _ in range(3):
        submit(origin=Origin(key=key, agent="crawler", purpose="screening"))
    submit(name="own")

    listed = admin_client.get("/admin/jobs/apikey/").content.decode()
    filtered = admin_client.get(f"/admin/jobs/job/?key__id__exact={key.pk}").content.decode()

    assert f'key__id__exact={key.pk}">3</a>' in listed
    assert "own" not in re.findall(r'class="field-name[^>]*>(.*?)<', filtered)
    assert "screening" in admin_client.get("/admin/jobs/job/?q=screening").content.decode()
