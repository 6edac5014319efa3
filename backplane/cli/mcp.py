"""`backplane mcp`: the site's own program for it, told where the site is."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from importlib.util import find_spec

from backplane.client import Client
from backplane.settings import resolve

from . import show, status


def serve(words: Namespace, client: Client) -> int:
    """Becomes that program, so that a client's end ends it."""
    if find_spec("jobs") and find_spec("jobs.mcp"):
        env = {**os.environ, **resolve(words.url).as_environment()}
        os.execve(sys.executable, [sys.executable, "-m", "jobs.mcp"], env)
    show.say(
        "The stdio server comes with the backplane itself: run this in its folder, or point your "
        f"agent at {client.url}/mcp."
    )
    return status.USAGE
