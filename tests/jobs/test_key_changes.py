"""A key becomes less, and with it what it made; nobody gets past that in the moment between."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from jobs import key_bounds, keys, lifecycle
from jobs.key_models import ApiKey
from jobs.keys import Origin
from jobs.states import Approval, Scope

from .meanwhile import meanwhile

pytestmark = pytest.mark.django_db

KEYS = "/api/v1/keys"
ALL = [Scope.READ, Scope.SUBMIT, Scope.APPROVE, Scope.KEYS]

Family = list[ApiKey]


def bearer(text: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {text}"})


def patch(client: Client, key: ApiKey, body: dict[str, Any], **headers: str) -> Any:
    return client.patch(f"{KEYS}/{key.pk}", body, "application/json", headers=headers)


@pytest.fixture
def family(alice: Any) -> Family:
    """A key, the one that it made, and the one that this made."""
    first, _ = keys.issue(owner=alice, name="first", scopes=ALL)
    second, _ = keys.issue(owner=alice, name="second", scopes=ALL, made_by=first)
    third, _ = keys.issue(owner=alice, name="third", scopes=ALL, made_by=second)
    return [first, second, third]


def fresh(key: ApiKey) -> ApiKey:
    return ApiKey.objects.get(pk=key.pk)


SOON = timezone.now() + timedelta(hours=1)
LATER = timezone.now() + timedelta(days=1)


@pytest.mark.parametrize(
    "less",
    [
        {"scopes": ["read", "keys"]},
        {"expires_at": SOON},
        {"max_queued": 3},
        {"max_running": 0},
        {"core_hours": 0.5},
        {"core_hours_per_day": 0.5},
        {"deadline": SOON},
        {"approval": "always"},
        {"approval": "above", "approval_above_core_hours": 2.0},
    ],
)
def test_what_a_key_loses_those_that_it_made_lose(family: Family, less: dict[str, Any]) -> None:
    keys.change(family[0], **less)

    for key in map(fresh, family):
        assert {name: getattr(key, name) for name in less} == less


def test_what_was_less_already_stays_and_what_was_taken_is_gone(family: Family) -> None:
    first, _, third = family
    keys.change(third, core_hours=1.0, approval=Approval.ALWAYS)
    keys.change(first, core_hours=5.0, approval=Approval.ABOVE, approval_above_core_hours=2.0)
    keys.change(first, core_hours=None, approval=Approval.NEVER, approval_above_core_hours=None)

    assert [fresh(key).core_hours for key in family] == [None, 5.0, 1.0]
    assert [fresh(key).approval for key in family] == ["never", "above", "always"]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"max_running": 3}, "max_running"),
        ({"max_running": None}, "max_running"),
        ({"expires_at": LATER}, "expires_at"),
        ({"expires_at": None}, "expires_at"),
        ({"approval": Approval.NEVER}, "approval"),
    ],
)
def test_no_key_is_given_more_than_its_maker_has(
    family: Family, more: dict[str, Any], told: str
) -> None:
    keys.change(family[0], max_running=2, expires_at=SOON, approval=Approval.ALWAYS)

    with pytest.raises(keys.TooPowerful, match=told):
        keys.change(family[1], **more)

    keys.change(family[1], max_running=1)
    assert fresh(family[1]).max_running == 1


def test_a_key_that_another_made_does_not_approve_the_jobs_of_that_one(
    family: Family, submit: Callable[..., Any]
) -> None:
    first, second, third = family
    keys.change(first, approval=Approval.ALWAYS)
    job = submit(origin=Origin(key=first))

    for key in (first, second, third):
        with pytest.raises(lifecycle.NotAllowed):
            lifecycle.approve(job, by="alice", origin=Origin(key=key))

    of_third = submit(origin=Origin(key=third))
    lifecycle.approve(of_third, by="alice", origin=Origin(key=first))


# --- In the same moment ---


@pytest.mark.django_db(transaction=True)
def test_a_key_that_is_being_revoked_makes_none_in_that_moment(alice: Any) -> None:
    maker, _ = keys.issue(owner=alice, name="maker", scopes=ALL)

    with meanwhile(
        lambda: keys.issue(owner=alice, name="late", scopes=[Scope.READ], made_by=maker)
    ) as outcome:
        keys.revoke(ApiKey.objects.get(pk=maker.pk))

    assert isinstance(outcome[0], keys.TooPowerful)
    assert not ApiKey.objects.filter(revoked_at=None).exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("verb", ["revoke", "change"])
def test_a_key_that_is_being_made_is_not_missed_by_what_comes_after(alice: Any, verb: str) -> None:
    maker, _ = keys.issue(owner=alice, name="maker", scopes=ALL)
    verbs: dict[str, Callable[[], None]] = {
        "revoke": lambda: keys.revoke(ApiKey.objects.get(pk=maker.pk)),
        "change": lambda: keys.change(ApiKey.objects.get(pk=maker.pk), max_running=1),
    }

    with meanwhile(verbs[verb]) as outcome:
        keys.issue(owner=alice, name="early", scopes=[Scope.READ], made_by=maker)

    assert outcome == [None]
    made = ApiKey.objects.get(name="early")
    assert made.revoked_at is not None if verb == "revoke" else made.max_running == 1


# --- Over REST ---


@pytest.fixture
def as_alice(client: Client, alice: Any) -> Client:
    client.force_login(alice)
    return client


@pytest.fixture
def key(alice: Any) -> ApiKey:
    options: dict[str, Any] = {"approval": Approval.ABOVE, "approval_above_core_hours": 2.0}
    return keys.issue(owner=alice, name="a", scopes=ALL, core_hours=5.0, **options)[0]


def test_what_is_left_out_stays(as_alice: Client, key: ApiKey) -> None:
    body = {"name": "b", "scopes": ["submit", "read"], "budget": {"max_running": 2}}
    body |= {"purpose": "screening"}

    told = patch(as_alice, key, body)

    assert told.status_code == 200, told.content
    changed = fresh(key)
    assert (changed.name, changed.scopes) == ("b", ["read", "submit"])
    assert (changed.purpose, told.json()["purpose"]) == ("screening", "screening")
    assert (changed.max_running, changed.core_hours, changed.approval) == (2, 5.0, "above")
    assert told.json()["budget"]["approval_above_core_hours"] == 2.0
    assert told["ETag"] == as_alice.get(f"{KEYS}/{key.pk}")["ETag"]


def test_null_is_no_limit_and_another_approval_takes_its_threshold_along(
    as_alice: Client, key: ApiKey
) -> None:
    told = patch(as_alice, key, {"budget": {"core_hours": None, "approval": "never"}}).json()

    assert told["budget"]["core_hours"] is None
    assert told["budget"]["approval_above_core_hours"] is None


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({"scopes": ["read", "admin"]}, 403, None),
        ({"scopes": []}, 422, "/scopes"),
        ({"scope": ["read"]}, 422, "/scope"),
        ({"name": ""}, 422, "/name"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, 422, "/expires_at"),
        ({"budget": {"cores": 1}}, 422, "/budget/cores"),
        (
            {"budget": {"approval_above_core_hours": None}},
            422,
            "/budget/approval_above_core_hours",
        ),
    ],
)
def test_what_it_cannot_become_is_refused_and_nothing_is_changed(
    as_alice: Client, key: ApiKey, body: dict[str, Any], status: int, pointer: str | None
) -> None:
    answer = patch(as_alice, key, {"name": "b"} | body)

    assert answer.status_code == status, answer.content
    errors = answer.json().get("errors", [{}])
    assert errors[0].get("pointer") == pointer
    assert fresh(key).name == "a"


def test_if_match_takes_the_version_that_was_read(as_alice: Client, key: ApiKey) -> None:
    known = as_alice.get(f"{KEYS}/{key.pk}")["ETag"]
    ApiKey.objects.filter(pk=key.pk).update(last_used_at=timezone.now())

    assert patch(as_alice, key, {"name": "b"}, If_Match=known).status_code == 200
    late = patch(as_alice, key, {"name": "c"}, If_Match=known)

    assert (late.status_code, late.json()["code"]) == (412, "changed_meanwhile")
    assert fresh(key).name == "b"


def test_a_key_changes_those_that_it_made_and_not_itself(alice: Any) -> None:
    maker, text = keys.issue(owner=alice, name="maker", scopes=ALL)
    child, _ = keys.issue(owner=alice, name="child", scopes=ALL, made_by=maker)
    other, _ = keys.issue(owner=alice, name="other", scopes=ALL)
    client = bearer(text)

    assert patch(client, child, {"scopes": ["read"]}).status_code == 200
    assert patch(client, other, {"scopes": ["read"]}).status_code == 404
    itself = patch(client, maker, {"name": "more"})
    assert (itself.status_code, itself.json()["code"]) == (403, "too_powerful")
    assert fresh(child).scopes == ["read"]


def test_a_page_and_the_admin_say_why_a_key_gets_no_more(
    as_alice: Client, admin_client: Client, family: Family
) -> None:
    keys.change(family[0], max_running=1)
    form = {"max_running": "9", "approval": "never"}

    page = as_alice.post(f"/me/keys/{family[1].pk}/", form)
    operator = admin_client.post(f"/admin/jobs/apikey/{family[1].pk}/change/", form)

    assert page.status_code == 422
    for answer in (page, operator):
        assert f"more than the key {family[0].prefix}" in answer.content.decode()
    assert fresh(family[1]).max_running == 1


def test_the_bounds_know_every_limit_of_a_key() -> None:
    """A new column of a key that limits it has to be one of them."""
    own = {field.name for field in ApiKey._meta.concrete_fields}
    of_itself = {
        "id", "owner", "name", "purpose", "prefix", "secret_sha256", "made_by", "created_at",
        "last_used_at", "revoked_at", "acknowledged",
    }  # fmt: skip

    bounded = {*key_bounds.LIMITS, "scopes", "approval", "approval_above_core_hours"}

    assert own == bounded | of_itself
