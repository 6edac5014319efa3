"""The molecules of a large batch: filed under their InChIKeys after it was accepted, and as if they
had been before."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone

import simulations
from jobs import lifecycle
from jobs.batch_models import Batch
from jobs.lifecycle import Wanted, preparing
from jobs.models import Job
from jobs.states import FailureKind, JobState
from simulations import bounded
from simulations.reader import Crashed, Reader

pytestmark = pytest.mark.django_db

SMILES = ["OCC", "OC(=O)/C=C\\C(=O)O", "C[C@H](N)C(=O)O", "[Na+].[Cl-]", "water", "[2H]O[2H]"]


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every batch is one."""
    monkeypatch.setattr(preparing, "FEW", 0)


@pytest.fixture
def of(alice: Any) -> Callable[..., Batch]:
    def of(*structures: str, **params: Any) -> Batch:
        wanted = [_wanted(each, **params) for each in structures]
        return lifecycle.submit_batch(owner=alice, wanted=wanted)

    return of


@pytest.fixture
def file_all() -> Iterator[Callable[[], bool]]:
    filer = lifecycle.Filer()
    yield lambda: filer.look(math.inf)
    filer.close()


def _wanted(structure: str, **params: Any) -> Wanted:
    return Wanted(simulation="xtb_optimization", params={"structure": structure, **params})


def test_they_are_filed_as_those_are_that_come_one_by_one(large, of, file_all, submit):
    batch = of(*SMILES)
    assert {job.inchikey for job in batch.jobs.all()} == {""}

    assert file_all()

    for item in batch.items.select_related("job"):
        wanted = _wanted(SMILES[item.index])
        alone = submit(simulation=wanted.simulation, params=wanted.params)
        assert (item.job.inchikey, item.job.structure) == (alone.inchikey, alone.structure)
        assert alone.inchikey


def test_a_small_batch_is_filed_at_once(of):
    batch = of("CCO", "CO")

    assert all(job.inchikey for job in batch.jobs.all())
    assert batch.inchikeys_due_since is None


def test_a_molecule_of_another_charge_is_filed_nowhere(large, of, file_all):
    batch = of("CCO", charge=1, multiplicity=2)

    file_all()

    job = batch.jobs.get()
    assert job.inchikey == ""
    assert "inchikey" not in job.structure
    assert batch.inchikeys_due_since is None


def test_what_is_read_for_a_large_batch_leaves_nothing_unread_elsewhere(monkeypatch):
    monkeypatch.setattr(bounded, "READERS", 1)
    sim = simulations.get("xtb_optimization")
    params = {"structure": "CCCCO"}

    [left] = bounded.check_each(sim, [params], bounded.Effort(), leaves_inchikeys=True)
    whole = bounded.check(sim, params)

    assert left.structure["inchikey"] == ""
    assert whole.structure["inchikey"] == "LRHPLDYGYMQRHN-UHFFFAOYSA-N"


def test_nothing_is_left_to_do_once_all_are_filed(large, of, file_all, django_assert_num_queries):
    of("CCO")
    assert Batch.objects.filter(inchikeys_due_since__isnull=False).exists()

    file_all()

    with django_assert_num_queries(1):
        assert file_all()


def test_whoever_is_interrupted_goes_on_where_it_stopped(large, of, file_all, monkeypatch):
    monkeypatch.setattr(lifecycle.molecules, "AT_ONCE", 1)
    batch = of("CCO", "CO", "O")
    interrupted = lifecycle.Filer(clock=iter([0.0, 0.0, 2.0]).__next__)

    assert not interrupted.look(within_s=1)
    interrupted.close()
    assert batch.jobs.filter(inchikey="").count() == 2

    assert file_all()
    assert not batch.jobs.filter(inchikey="").exists()


def test_a_batch_that_is_resumed_meanwhile_stays_due(large, of, monkeypatch):
    batch = of("CCO")
    later = timezone.now()
    file = lifecycle.Filer._file

    def file_and_resume(self: Any, ids: Any) -> None:
        file(self, ids)
        Batch.objects.filter(pk=batch.pk).update(inchikeys_due_since=later)

    monkeypatch.setattr(lifecycle.Filer, "_file", file_and_resume)

    lifecycle.Filer().look(math.inf)

    batch.refresh_from_db()
    assert batch.inchikeys_due_since == later


def test_what_is_resumed_is_filed_too(large, of, file_all):
    batch = of("CCO")
    file_all()
    ended = {"state": JobState.FAILED, "failure_kind": FailureKind.LOST}
    batch.jobs.update(**ended, finished_at=timezone.now())

    lifecycle.resume_batch(batch, by="alice")
    file_all()

    new = batch.items.get().job
    assert new.inchikey == "LFQSCWFLJHTTHZ-UHFFFAOYSA-N"


def test_one_that_brings_the_reader_down_keeps_none_of_the_others_back(
    large, of, file_all, monkeypatch
):
    batch = of("CCO", "CO")
    name = Reader.inchikeys_of

    def name_all_but_ethanol(self: Reader, smiles: Any, timeout_s: float) -> Any:
        if "CCO" in smiles:
            raise Crashed("it brings the parser down (SIGSEGV)")
        return name(self, smiles, timeout_s)

    monkeypatch.setattr(Reader, "inchikeys_of", name_all_but_ethanol)

    file_all()

    ethanol, methanol = [item.job for item in batch.items.order_by("index").select_related("job")]
    assert (ethanol.inchikey, methanol.inchikey) == ("", "OKKJLVBELUTLKV-UHFFFAOYSA-N")
    assert "inchikey" not in ethanol.structure


def test_where_no_reader_can_be_had_they_wait(large, of, file_all, monkeypatch):
    def dies(*args: Any) -> Any:
        raise Crashed("it brings the parser down (exit status 1)")

    batch = of("CCO", "CO")
    with monkeypatch.context() as without:
        without.setattr(Reader, "inchikeys_of", dies)
        assert file_all()
    assert Job.objects.filter(batch=batch, structure__inchikey="").count() == 2

    file_all()

    assert all(job.inchikey for job in batch.jobs.all())


def test_the_reconciler_files_them(large, of, redis):
    batch = of("CCO")

    call_command("recover_jobs")

    assert batch.jobs.get().inchikey == "LFQSCWFLJHTTHZ-UHFFFAOYSA-N"


def test_a_database_that_is_away_is_not_asked_without_a_pause(db, redis, monkeypatch):
    looks, pauses = iter([False, DatabaseError("it is away")]), []

    def look(self: Any, within_s: float) -> bool:
        if isinstance(found := next(looks), DatabaseError):
            raise found
        return found

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(lifecycle.Filer, "look", look)
    monkeypatch.setattr("jobs.management.commands.recover_jobs.time.sleep", pause)

    with pytest.raises(KeyboardInterrupt):
        call_command("recover_jobs", every=7)

    assert pauses == [0, 7]


def test_a_client_that_knows_the_job_hears_that_it_was_filed(large, of, file_all, alice):
    client = Client()
    client.force_login(alice)
    path = f"/api/v1/jobs/{of('CCO').jobs.get().pk}"
    known = client.get(path)["ETag"]

    file_all()
    answer = client.get(path, headers={"If-None-Match": known})

    assert answer.status_code == 200
    assert answer.json()["structure"]["inchikey"] == "LFQSCWFLJHTTHZ-UHFFFAOYSA-N"
