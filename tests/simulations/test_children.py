"""How a search that ended badly is told: by what it died of, not as the fault of the docking."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulations.errors import ScienceError
from simulations.pockets import vina_child
from simulations.pockets.children import Children
from tests.stack import until

ENDS = {
    "killed": ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", OSError, "signal 9"),
    "no memory": ("raise MemoryError('std::bad_alloc')", MemoryError, "bad_alloc"),
    "refused": ("raise SystemExit('no such atom type')", ScienceError, "no such atom type"),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_search_that_ends_badly_says_of_what(
    end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, error, words = ENDS[end]
    script = tmp_path / "ends.py"
    script.write_text(code)
    monkeypatch.setattr(vina_child, "__file__", str(script))

    with Children([{}], tmp_path) as children, pytest.raises(error, match=words):
        until(lambda: children.are_done, "it has ended")
