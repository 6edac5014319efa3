"""The command line's one entry: words in, exit status out."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Sequence

from backplane import errors
from backplane.client import Client
from backplane.settings import BadSettings

from . import show, status
from .parser import parser
from .words import BadWords


def main(argv: Sequence[str] | None = None) -> int:
    words = parser().parse_args(argv)
    try:
        return _run(words)
    except KeyboardInterrupt:
        return _interrupted(words)
    except BrokenPipeError:
        # Whoever read us has had enough; nothing is to be written at the end either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return status.SUCCEEDED


def _run(words: Namespace) -> int:
    try:
        with Client(words.url, patience_s=words.patience, on_retry=_tell_retry) as client:
            found: int = words.verb(words, client)
            return found
    except (BadWords, BadSettings) as exc:
        show.say(str(exc))
        return status.USAGE
    except errors.BackplaneError as exc:
        return _failed(words, exc)


def _failed(words: Namespace, error: errors.BackplaneError) -> int:
    if isinstance(error, errors.Refused):
        if words.json:
            show.answer({"problem": error.problem})
        show.refusal(error)
    elif isinstance(error, errors.JobFailed):
        show.say(str(error))
        show.failure(error)
    else:
        show.say(str(error))
    return status.of_error(error)


def _tell_retry(why: str, pause_s: float) -> None:
    show.say(f"{why}; trying again in {pause_s:.0f} s (Ctrl-C stops)")


def _interrupted(words: Namespace) -> int:
    """What was accepted goes on; how to come back to it."""
    ids = getattr(words, "ids", [])
    among = f"backplane watch {' '.join(ids)}" if ids else "backplane list"
    back = getattr(words, "back", among)
    show.say(f"\nJobs go on without this program. To come back: {back}")
    return status.INTERRUPTED
