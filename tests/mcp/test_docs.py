"""What the documentation says of the agents' door is so."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from jobs.mcp.tools import all_tools
from tests.stack import ROOT

TEXT = (ROOT / "docs/mcp.md").read_text()


def test_every_tool_is_named_in_it() -> None:
    plain = [tool.name for tool in all_tools().values() if not tool.simulation]

    assert [name for name in plain if f"`{name}`" not in TEXT] == []


def test_its_configurations_can_be_copied() -> None:
    found = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)]

    assert len(found) == 2
    assert found[1]["mcpServers"]["backplane"]["args"] == ["-P", "-m", "jobs.mcp"]


def test_no_module_of_the_folder_it_works_in_is_taken(tmp_path: Path) -> None:
    (tmp_path / "anyio.py").write_text("raise SystemExit('a stray module was imported')")
    configuration = json.loads(re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)[1])
    args = configuration["mcpServers"]["backplane"]["args"]

    def started(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *words, "--help"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=60,
        )

    done = started(*args)
    assert done.returncode == 0, done.stderr
    assert "a stray module" in started("-m", "jobs.mcp").stderr
