"""`backplane mcp`: the site's own program for it, told where the site is."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from importlib.util import find_spec
from pathlib import Path

from backplane.client import Client
from backplane.settings import resolve

from . import show, status


def serve(words: Namespace, client: Client) -> int:
    """Becomes that program, so that a client's end ends it."""
    if (found := find_spec("jobs")) and found.origin and find_spec("jobs.mcp"):
        env = {**os.environ, **resolve(words.url).as_environment()}
        where = [str(Path(found.origin).parents[1]), env.get("PYTHONPATH", "")]
        env["PYTHONPATH"] = os.pathsep.join(filter(None, where))
        # Not from the folder that the agent works in: what lies there is not ours to run.
        os.execve(sys.executable, [sys.executable, "-P", "-m", "jobs.mcp"], env)
    show.say(
        "The stdio server comes with the backplane itself: run this in its folder, or point your "
        f"agent at {client.url}/mcp."
    )
    return status.USAGE
