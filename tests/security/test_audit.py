"""What is installed is what was pinned: `make audit`, which CI runs with the other lints."""

from __future__ import annotations

import importlib.util
from types import ModuleType

import pytest

from tests.stack import ROOT


@pytest.fixture(scope="module")
def audit() -> ModuleType:
    spec = importlib.util.spec_from_file_location("audit", ROOT / "deploy" / "audit.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_line_pins_one_version(audit: ModuleType) -> None:
    assert len(audit.pinned(audit.CONSTRAINTS.read_text())) > 100


@pytest.mark.parametrize("line", ["a", "a>=1", "a==1.*", "a==1,<2"])
def test_a_line_that_pins_nothing_is_told(line: str, audit: ModuleType) -> None:
    with pytest.raises(ValueError, match="does not pin"):
        audit.pinned(line)


def test_a_pin_for_another_system_is_none_of_ours(audit: ModuleType) -> None:
    assert audit.pinned("a==1 ; sys_platform == 'nowhere'\nA_b==2  # why") == {"a-b": "2"}


def test_each_way_to_differ_is_told(audit: ModuleType) -> None:
    told = audit.complaints(
        {"a": "1", "b": "1", "c": "1"}, {"a": "1", "b": "2", "d": "1", "pip": "9"}
    )

    assert told == [
        "d 1 is installed and not pinned",
        "c 1 is pinned and not installed",
        "b 2 is installed, and 1 is pinned",
    ]


def test_the_makefile_s_lint_audits() -> None:
    lint = (ROOT / "Makefile").read_text().split("\nlint:")[1].split("\n\n")[0]

    assert "deploy/audit.py" in lint
