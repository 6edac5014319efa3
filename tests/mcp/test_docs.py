"""What the documentation says of the agents' door is so."""

from __future__ import annotations

import json
import re

from jobs.mcp.tools import all_tools
from tests.stack import ROOT

TEXT = (ROOT / "docs/mcp.md").read_text()


def test_every_tool_is_named_in_it() -> None:
    plain = [tool.name for tool in all_tools().values() if not tool.simulation]

    assert [name for name in plain if f"`{name}`" not in TEXT] == []


def test_its_configurations_can_be_copied() -> None:
    found = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)]

    assert len(found) == 2
    assert found[1]["mcpServers"]["backplane"]["args"] == ["-m", "jobs.mcp"]
