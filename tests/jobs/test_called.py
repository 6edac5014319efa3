"""A job without a name is called by what it simulates and of which molecule, on every page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from jobs import lifecycle
from jobs.batch_models import Batch, BatchItem
from jobs.models import Job
from jobs.pages.tables import rows
from jobs.states import FailureKind
from simulations.pockets.params import DockingResult

RAW = "xtb_optimization"
SHOWN = "xTB geometry optimisation, H<sub>2</sub>O"
XTB = {"simulation": RAW, "params": {"structure": "O"}}


@pytest.fixture
def water(submit: Callable[..., Job], client: Any, alice: Any) -> Job:
    client.force_login(alice)
    return submit(**XTB)


@pytest.mark.parametrize("page", ["/jobs/", "/queue/", "/search/", "/compare/?ids={job}"])
def test_it_has_no_raw_name_and_its_id_once(client, water, page):
    html = client.get(page.format(job=water.pk)).content.decode()

    assert f"{SHOWN}</a>" in html
    assert f"{RAW} {water.short_id}" not in html.replace(f"Mark {RAW} {water.short_id}", "")


def test_of_a_batch_neither(client, water, alice, django_assert_max_num_queries):
    batch = Batch.objects.create(owner=alice, simulations=[RAW], n_items=1)
    BatchItem.objects.create(batch=batch, index=0, job=water, outcome="accepted")

    with django_assert_max_num_queries(20):
        html = client.get(batch.get_absolute_url()).content.decode()

    assert f"{SHOWN}</a>" in html
    assert f"{RAW} {water.short_id}" not in html


def test_nor_on_the_operators_screen(admin_client, submit, start, redis):
    lifecycle.fail(start(submit(**XTB)), 1, FailureKind.SCIENCE, {"detail": "No convergence."})

    assert f"{SHOWN}</a>: No convergence." in admin_client.get("/admin/ops/").content.decode()


def test_two_without_a_name_are_told_apart(submit):
    job = submit(**XTB)

    assert job.told_apart == f"xTB geometry optimisation, H2O ({job.short_id})"
    assert submit(name="Mine").told_apart == "Mine"


def test_what_is_within_a_result_is_called_as_its_own_model_says():
    within = rows({"receptor": {"n_atoms": 9, "odd": 1}, "n_left": 2}, DockingResult)

    assert [row.label for row in within] == ["Receptor, atoms docked into", "Receptor, odd", "Left"]
