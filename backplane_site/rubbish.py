"""How often Python looks for objects that refer to each other in circles.

By itself it does so for every 700 new ones, and now and then looks through all there are: a third
of the time that a batch of ten thousand takes, and all but nothing is found.
"""

from __future__ import annotations

import gc

NEW_OBJECTS = 50_000
"""Some ten megabytes of them, should every one be rubbish."""


def let_lie() -> None:
    """Until `collect_seldom`: while a site is imported, a sixth of the time went into looking."""
    gc.disable()


def collect_seldom() -> None:
    """To be called once all is imported: what is there now is never looked through again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, 20, 20)
    gc.enable()
