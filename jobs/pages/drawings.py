"""Molecules drawn flat: by a process of its own, so that one that brings it down spoils a picture
and no page."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import simulations
from simulations import bounded

logger = logging.getLogger(__name__)

KEPT = 500
AT_ONCE = 60
LONGEST_SMILES = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """:param paths: each `d`, and `stroke_px`, 0 for one to fill. None: it could not be drawn."""

    paths: list[dict[str, Any]] = field(default_factory=list)
    inchi: str = ""
    mass_dalton: float | None = None


_kept: OrderedDict[str, Drawing] = OrderedDict()
_lock = Lock()


def drawings(smiles: Iterable[str]) -> dict[str, Drawing]:
    """Of each, by its SMILES; drawn once, and kept as long as others are not asked for more."""
    wanted = [text for text in dict.fromkeys(smiles) if text and len(text) <= LONGEST_SMILES]
    with _lock:
        found = {text: _kept[text] for text in wanted if text in _kept}
    missing = [text for text in wanted if text not in found][:AT_ONCE]
    if missing:
        found |= _drawn(missing)
    return found


def _drawn(smiles: list[str]) -> dict[str, Drawing]:
    try:
        new = [Drawing(**each) for each in bounded.draw_each(smiles)]
    except simulations.Busy as exc:
        if len(smiles) == 1:
            logger.warning("a molecule is shown without its picture: %s", exc)
            return {}
        # One of them is to blame; the others have their pictures.
        return {text: each for one in smiles for text, each in _drawn([one]).items()}
    found = dict(zip(smiles, new, strict=True))
    with _lock:
        _kept.update(found)
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    return found
