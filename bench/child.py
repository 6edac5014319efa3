"""A process beside the one that measures: told what to do and heard by lines of JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from bench.load import ROOT

ENDS_WITHIN_S = 60


class Child:
    """`python -m MODULE`, which ends once nobody says anything any more.

    :param python: of an environment with other packages than ours.
    """

    def __init__(
        self, module: str, env: Mapping[str, str] = os.environ, python: str = sys.executable
    ) -> None:
        pipe, argv = subprocess.PIPE, [python, "-m", module]
        self._module = module
        self._process = subprocess.Popen(
            argv, stdin=pipe, stdout=pipe, text=True, cwd=ROOT, env=env
        )

    def say(self, words: dict[str, Any]) -> None:
        assert self._process.stdin
        print(json.dumps(words), file=self._process.stdin, flush=True)

    def hear(self) -> Any:
        """:raises RuntimeError: it ended instead."""
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._module} ended with {self._process.wait(ENDS_WITHIN_S)}")
        return json.loads(line)

    def close(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(ENDS_WITHIN_S)
        self._process.stdout.close()
