"""What a run does with a GPU that PySCF may use, and without.

Of a GPU's own numbers only the first test says something, which needs one. In the others PySCF
stands in for it, and how its share is taken is tested.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from simulations import Cancelled
from simulations.execution import execute
from simulations.quantum import gpu

from .recording import RecordingContext

WATER: dict[str, Any] = {
    "structure": "3\n\nO 0 0 0.1173\nH 0 0.7572 -0.4692\nH 0 -0.7572 -0.4692",
    "basis": "6-31g",
    "grid_level": 1,
}
OXYGEN: dict[str, Any] = {**WATER, "structure": "2\n\nO 0 0 0\nO 0 0 1.2", "multiplicity": 3}
Stand = Callable[[Any], Any]


@pytest.fixture
def stands_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[Stand], None]:
    """Lets something else be what PySCF takes to a GPU."""

    def install(to_gpu: Stand) -> None:
        found = gpu.Device(name="Stand-in", version="1.9")
        monkeypatch.setattr(gpu, "device", lambda: found)
        monkeypatch.setattr(gpu, "to_gpu", to_gpu)

    return install


def single_point(context: RecordingContext, **params: Any) -> Any:
    return execute("dft_single_point", {**WATER, **params}, context)


def codes(outcome: Any) -> set[str]:
    return {note["code"] for note in outcome.result["notes"]}


KINDS = pytest.mark.parametrize(
    "params",
    [{}, {"density_fit": False}, OXYGEN, {**OXYGEN, "reference": "ROKS"}, {"solvent": "water"}],
    ids=["fitted", "exact integrals", "open shell", "shared orbitals", "in a solvent"],
)


@pytest.mark.slow
@pytest.mark.engine
@KINDS
def test_on_a_gpu_it_is_the_same(params: dict[str, Any], tmp_path_factory: Any) -> None:
    """By GPU4PySCF itself."""
    if gpu.device() is None:
        pytest.skip("there is no GPU here that GPU4PySCF can use")
    plain = single_point(RecordingContext(workdir=tmp_path_factory.mktemp("alone")), **params)
    context = RecordingContext(workdir=tmp_path_factory.mktemp("helped"), gpu=True)

    outcome = single_point(context, **params)

    energy = plain.result["energy_hartree"]
    assert outcome.result["energy_hartree"] == pytest.approx(energy, abs=1e-7)
    assert gpu.SOLVED in codes(outcome)
    cycles = [each["message"].endswith("(GPU)") for each in context.points if "scf_cycle" in each]
    # What it found is good enough: the processor has next to nothing to do.
    assert cycles.count(False) <= 3


@pytest.mark.slow
@pytest.mark.engine
@KINDS
def test_the_processor_ends_what_a_gpu_began_and_has_the_last_word(
    params: dict[str, Any], tmp_path_factory: Any, stands_in: Callable[[Stand], None]
) -> None:
    alone = RecordingContext(workdir=tmp_path_factory.mktemp("alone"))
    plain = single_point(alone, **params)
    helped = RecordingContext(workdir=tmp_path_factory.mktemp("helped"), gpu=True)
    stands_in(lambda mf: mf.copy())

    outcome = single_point(helped, **params)

    energy = plain.result["energy_hartree"]
    assert outcome.result["energy_hartree"] == pytest.approx(energy, abs=1e-7)
    told = [point["message"] for point in helped.points if "scf_cycle" in point]
    on_gpu = [message for message in told if message.endswith("(GPU)")]
    assert len(on_gpu) == len(alone.series("scf_cycle"))
    assert 1 <= len(told) - len(on_gpu) <= 3
    assert gpu.SOLVED in codes(outcome)
    assert outcome.result["versions"]["gpu4pyscf"] == "1.9"
    assert outcome.provenance["software"]["gpu4pyscf"] == "1.9"
    assert "on a GPU with GPU4PySCF" in outcome.methods["text"]
    assert "gpu4pyscf" in {each["key"] for each in outcome.methods["references"]}


@pytest.mark.slow
@pytest.mark.engine
def test_what_a_gpu_cannot_do_the_processor_does(
    context: RecordingContext, stands_in: Callable[[Stand], None]
) -> None:
    context.gpu = True

    def refuses(mf: Any) -> Any:
        raise NotImplementedError("ROKS")

    stands_in(refuses)

    outcome = single_point(context)

    (note,) = [each for each in outcome.result["notes"] if each["code"] == "gpu_gave_up"]
    assert "NotImplementedError: ROKS" in note["message"]
    assert gpu.SOLVED not in codes(outcome)
    assert "gpu4pyscf" not in outcome.result["versions"]
    assert "GPU4PySCF" not in outcome.methods["text"]
    assert outcome.result["converged"]
    assert "Traceback" in context.log.getvalue()  # type: ignore[attr-defined]


@pytest.mark.slow
@pytest.mark.engine
def test_a_density_that_is_no_good_costs_cycles_and_nothing_else(
    tmp_path_factory: Any, stands_in: Callable[[Stand], None]
) -> None:
    plain = single_point(RecordingContext(workdir=tmp_path_factory.mktemp("alone")))

    def far_off(mf: Any) -> Any:
        on_gpu = mf.copy()
        on_gpu.max_cycle = 1
        return on_gpu

    stands_in(far_off)
    context = RecordingContext(workdir=tmp_path_factory.mktemp("helped"), gpu=True)

    outcome = single_point(context)

    assert outcome.result["energy_hartree"] == pytest.approx(
        plain.result["energy_hartree"], abs=1e-7
    )
    by_processor = [point for point in context.points if point["message"].endswith("cycle 2")]
    assert by_processor, "the processor had to go on"


@pytest.mark.slow
@pytest.mark.engine
def test_a_run_is_stopped_on_a_gpu_as_anywhere(
    context: RecordingContext, stands_in: Callable[[Stand], None]
) -> None:
    context.gpu = True
    context.stop_when = lambda point: point["message"].endswith("cycle 2 (GPU)")
    stands_in(lambda mf: mf.copy())

    with pytest.raises(Cancelled):
        single_point(context)


@pytest.mark.slow
@pytest.mark.engine
def test_a_run_that_may_use_a_gpu_and_has_none_says_so(
    context: RecordingContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu, "device", lambda: None)
    context.gpu = True

    outcome = single_point(context)

    assert "no_gpu" in codes(outcome)
    context.gpu = False
    assert "no_gpu" not in codes(single_point(context))


def test_no_gpu_is_found_where_its_library_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    gpu.device.cache_clear()
    try:
        assert gpu.device() is None
    finally:
        gpu.device.cache_clear()
