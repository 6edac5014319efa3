"""What a work-horse puts on itself before it runs: a bound on memory, its threads, its scratch.

The bound is the backstop. The gauge measures, and its limit is the one that counts; but between
two looks of it a program may ask for fifty gigabytes at once. There is none on the size of files:
it would hold for the database too, which this process writes.
"""

from __future__ import annotations

import logging
import os
import resource
import sys
import tempfile
from functools import lru_cache
from pathlib import Path

from threadpoolctl import ThreadpoolController

from jobs.budget import Budget
from jobs.heritage import SCRATCH_NAME

logger = logging.getLogger(__name__)

MIB = 1024**2
SLACK_MIB = 512
"""Of memory that is reserved and never touched: thread stacks, the buffers of a BLAS."""
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def confine(budget: Budget, workdir: Path) -> None:
    """For this process and its children, before an engine is loaded."""
    assert budget.memory_mib is not None
    _at_most(resource.RLIMIT_DATA, _data_mib() + budget.memory_mib + SLACK_MIB)
    # A core dump of an engine is gigabytes that nobody reads.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    give_scratch(workdir)
    assert budget.threads is not None
    take_threads(budget.threads)


def take_threads(threads: int) -> None:
    """Engines that are not loaded yet read the environment, those that are have to be told.

    No core is reserved: whoever pins jobs without knowing of each other puts two on one core.
    """
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))
    set_pools(threads)


def set_pools(threads: int) -> None:
    """Tell those that are loaded, unless they have as many already.

    OpenBLAS, told anything at all after a fork, starts as many threads as it had before it. So
    whoever forks tells it before, and then there is nothing to tell in the work-horse.
    """
    for pool in _pools_with(len(sys.modules)).lib_controllers:
        if pool.num_threads != threads:
            pool.set_num_threads(threads)


def find_pools() -> None:
    """Look for those that are loaded, so that processes forked from here know them."""
    _pools_with(len(sys.modules))


@lru_cache(maxsize=1)
def _pools_with(n_modules: int) -> ThreadpoolController:
    """Looks through all libraries of this process; none comes to them but with a module.

    :param n_modules: how many are imported: with one more, what was found may not be all.
    """
    return ThreadpoolController()


def _at_most(what: int, mib: int) -> None:
    _, hard = resource.getrlimit(what)
    wanted = mib * MIB
    limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(what, (limit, limit))


def _data_mib() -> int:
    """What we have of our parent, who has loaded the engines, is not counted against the job."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    sizes = [line.split()[1] for line in lines if line.startswith("VmData:")]
    return int(sizes[0]) // 1024 if sizes else 1024


def give_scratch(workdir: Path) -> None:
    """Temporary files count against the job's disk, and go with it."""
    scratch = workdir / SCRATCH_NAME
    try:
        scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        # The run will meet the same, and can tell of it.
        logger.warning("no scratch folder in %s: %s", workdir, exc)
        return
    os.environ["TMPDIR"] = os.environ["PYSCF_TMPDIR"] = tempfile.tempdir = str(scratch)
