"""Settings under a name: those of a simulation, and one's own."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

import simulations
from jobs import presets
from jobs.operator_models import AuditEntry
from jobs.preset_models import Preset

DFT = "/jobs/new/dft_single_point/"
CHANGED = {"functional": "PBE0", "basis": "def2-tzvp", "charge": "1", "structure": "C"}


@pytest.fixture
def dft() -> simulations.Simulation:
    return simulations.get("dft_single_point")


@pytest.fixture
def as_alice(client: Client, alice: Any) -> Client:
    client.force_login(alice)
    return client


def answers(page: Any) -> dict[str, str]:
    """What a browser would post of the page as it stands."""
    form = page.context["form"]
    found = {name: form[name].value() for name in form.fields}
    return {name: "on" if text is True else text for name, text in found.items() if text}


def test_a_preset_fills_the_settings_in_and_says_what_it_changes(as_alice: Client) -> None:
    page = as_alice.get(DFT, {"preset": "publication", "structure": "CCO"})

    form = page.context["form"]
    assert form["functional"].value() == "PBE0"
    assert form["structure"].value() == "CCO"
    html = page.content.decode()
    assert "Functional PBE0, Basis set def2-tzvp, Grid level 4" in html
    # Nothing differs from the preset yet; what it set is not folded away.
    assert "data-changed>" not in html
    assert [is_open for _, _, is_open in form.folded] == [True, False]


def test_what_differs_from_the_preset_is_marked(as_alice: Client) -> None:
    page = as_alice.get(DFT, {"preset": "publication", "basis": "def2-svp"})

    drawn = {one.question.name: one for _, some in page.context["form"].groups for one in some}
    assert [name for name, one in drawn.items() if one.is_changed] == ["basis"]
    assert drawn["basis"].base_words == "def2-tzvp"
    assert drawn["functional"].preset_words == "B3LYP"


def test_an_unknown_preset_is_none(as_alice: Client) -> None:
    page = as_alice.get(DFT, {"preset": "no-such"})

    assert page.context["start"].preset is None
    assert page.context["form"]["functional"].value() == "B3LYP"


def test_ones_own_keeps_the_settings_and_not_the_molecule(
    as_alice: Client, alice: Any, dft: simulations.Simulation
) -> None:
    filled = {**answers(as_alice.get(DFT)), **CHANGED, "preset_name": "  My   way "}

    page = as_alice.post(f"{DFT}presets/", filled)

    kept = Preset.objects.get()
    assert (kept.owner, kept.name) == (alice, "My way")
    assert kept.params == {"functional": "PBE0", "basis": "def2-tzvp"}
    assert page.status_code == 200
    assert page.context["form"]["structure"].value() == "C"
    assert "Kept as your preset My way." in page.content.decode()
    again = as_alice.get(DFT, {"preset": str(kept.pk)})
    assert again.context["form"]["functional"].value() == "PBE0"


def test_the_same_name_replaces_and_no_name_is_refused(
    as_alice: Client, alice: Any, dft: simulations.Simulation
) -> None:
    presets.save(alice, dft, "Mine", {"basis": "sto-3g"})
    filled = {**answers(as_alice.get(DFT)), "functional": "PBE", "preset_name": "Mine"}

    as_alice.post(f"{DFT}presets/", filled)
    nameless = as_alice.post(f"{DFT}presets/", {**filled, "preset_name": " "})

    assert Preset.objects.get().params == {"functional": "PBE"}
    assert "Give the preset a name" in nameless.content.decode()


def test_there_is_an_end_to_them(
    alice: Any, dft: simulations.Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presets, "MOST", 1)
    presets.save(alice, dft, "One", {})

    presets.save(alice, dft, "One", {"functional": "PBE"})
    with pytest.raises(presets.TooMany, match="Remove one"):
        presets.save(alice, dft, "Two", {})


def test_they_are_seen_used_and_removed_by_their_owner_alone(
    as_alice: Client, bob: Any, dft: simulations.Simulation
) -> None:
    of_bob = presets.save(bob, dft, "Of Bob", {"functional": "PBE"})
    remove = f"{DFT}presets/{of_bob.pk}/remove/"

    page = as_alice.get(DFT, {"preset": str(of_bob.pk)})

    assert "Of Bob" not in page.content.decode()
    assert page.context["form"]["functional"].value() == "B3LYP"
    assert as_alice.post(remove).status_code == 404
    as_alice.force_login(bob)
    assert as_alice.post(remove).url == DFT
    assert not Preset.objects.exists()


def test_an_operator_puts_a_preset_on_everybodys_form(
    admin_client: Client, client: Client, alice: Any, bob: Any, dft: simulations.Simulation
) -> None:
    preset = presets.save(alice, dft, "House rules", {"functional": "PBE0"})
    client.force_login(bob)
    before = client.get(DFT, {"preset": str(preset.pk)})
    change = f"/admin/jobs/preset/{preset.pk}/change/"

    shown = admin_client.get(change).content.decode()
    admin_client.post(change, {"for_everybody": "on"})

    after = client.get(DFT, {"preset": str(preset.pk)})
    assert "PBE0" in shown
    assert "House rules" not in before.content.decode()
    assert before.context["form"]["functional"].value() != "PBE0"
    assert after.context["form"]["functional"].value() == "PBE0"
    assert "Remove your preset House rules" not in after.content.decode()
    assert client.post(f"{DFT}presets/{preset.pk}/remove/").status_code == 404
    assert AuditEntry.objects.get(action="preset: changed").by_id
