"""The audit log is only ever added to, and takes what the admin changes."""

from __future__ import annotations

import csv
import io

import pytest
from django.contrib.auth import get_user_model
from django.db import transaction

from jobs import audit, keys
from jobs.models import Allowance, Announcement, AuditEntry
from jobs.operator_models import NeverChanges
from jobs.states import Scope
from jobs.webhooks import endpoints

LOG = "/admin/jobs/auditentry/"


@pytest.fixture
def entry(admin_user):
    return audit.note(admin_user, "jobs: cancel", target="of=alice", n=3, reason="Too many.")


@pytest.mark.parametrize(
    "tamper",
    [
        lambda entry: entry.save(),
        lambda entry: entry.delete(),
        lambda entry: AuditEntry.objects.filter(pk=entry.pk).update(reason="Another."),
        lambda entry: AuditEntry.objects.all().delete(),
        lambda entry: AuditEntry.objects.bulk_update([entry], ["reason"]),
    ],
)
def test_what_is_written_stays(entry, tamper):
    entry.reason = "Another."

    with pytest.raises(NeverChanges), transaction.atomic():
        tamper(entry)

    assert AuditEntry.objects.get().reason == "Too many."


def test_not_even_a_superuser_changes_it(admin_client, entry):
    assert admin_client.get(LOG).status_code == 200
    assert admin_client.get(f"{LOG}{entry.pk}/change/").status_code == 200
    for address in (f"{LOG}{entry.pk}/change/", f"{LOG}{entry.pk}/delete/", f"{LOG}add/"):
        assert admin_client.post(address, {"reason": "Another."}).status_code == 403


def test_it_is_exported_as_csv_and_no_cell_is_a_formula(admin_client, admin_user, entry):
    audit.note(admin_user, "key: revoked", target="=HYPERLINK(1)", reason="Left.")

    answer = admin_client.get(f"{LOG}csv/")

    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode())))
    assert [row["action"] for row in rows] == ["jobs: cancel", "key: revoked"]
    assert (rows[0]["by"], rows[0]["n"], rows[0]["reason"]) == ("admin", "3", "Too many.")
    assert rows[1]["target"] == "'=HYPERLINK(1)"
    assert answer["Content-Disposition"].startswith("attachment")


def test_the_export_is_of_what_the_search_finds(admin_client, entry, admin_user):
    audit.note(admin_user, "key: revoked")

    told = admin_client.get(f"{LOG}csv/", {"q": "revoked"}).getvalue().decode()

    assert "revoked" in told
    assert "jobs: cancel" not in told


def test_nothing_is_exported_of_a_search_that_cannot_be_understood(admin_client, entry):
    assert admin_client.get(f"{LOG}csv/", {"nosuch": "1"}).status_code == 302


def last() -> tuple[str, str]:
    newest = AuditEntry.objects.order_by("id").last()
    assert newest
    return newest.action, newest.target


def test_an_announcement_is_noted(admin_client):
    form = {"text": "New disks on Monday", "level": "info"}
    moments = {"starts_at_0": "2026-11-23", "starts_at_1": "10:00"}
    admin_client.post("/admin/jobs/announcement/add/", form | moments)
    found = Announcement.objects.get()
    assert last() == ("announcement: added", f"New disks on Monday ({found.pk})")

    admin_client.post(f"/admin/jobs/announcement/{found.pk}/delete/", {"post": "yes"})

    assert last()[0] == "announcement: deleted"


def test_an_allowance_is_noted_with_what_was_changed(admin_client, alice):
    Allowance.objects.create(user=alice)

    admin_client.post(
        f"/admin/jobs/allowance/{alice.pk}/change/", {"user": alice.pk, "max_running": "3"}
    )

    assert last()[0] == "allowance: changed"
    changes = AuditEntry.objects.get().details["changes"]
    assert "Max running" in str(changes)


def test_a_key_that_is_revoked_is_noted(admin_client, alice):
    key, _ = keys.issue(owner=alice, name="crawler", scopes=[Scope.READ])

    admin_client.post(
        "/admin/jobs/apikey/", {"action": "revoke", "_selected_action": [str(key.pk)]}
    )

    action, target = last()
    assert action == "API key: revoked"
    assert key.prefix in target


def test_a_user_that_is_changed_is_noted(admin_client, alice):
    admin_client.post(f"/admin/auth/user/{alice.pk}/delete/", {"post": "yes"})

    assert last() == ("user: deleted", f"alice ({alice.pk})")
    assert not get_user_model().objects.filter(pk=alice.pk).exists()


def test_webhooks_are_switched_on_again_and_what_was_missed_is_sent(admin_client, alice):
    endpoint = endpoints.create(owner=alice, url="https://example.org/hook")
    sent = endpoints.test(endpoint)
    endpoints.disable(endpoint, "It was down.")

    for action in ("switch_on", "replay_missed"):
        admin_client.post(
            "/admin/jobs/webhookendpoint/",
            {"action": action, "_selected_action": [str(endpoint.pk)]},
        )

    endpoint.refresh_from_db()
    sent.refresh_from_db()
    assert endpoint.is_active
    assert sent.next_at
    assert last()[0] == "webhook endpoint: sent again what was missed"
