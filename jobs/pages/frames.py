"""How the frames of a file that grows are told apart, and read from its end."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

MAX_BYTES = 20_000_000
"""A browser is asked to read no more than this; of a longer file it gets the newest."""
REACHES = (65_536, 1_000_000, MAX_BYTES)
"""How far back a file is read: news are short, and files may be long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frames:
    """Those of one format.

    :param begins: where one does, and its place in the run.
    :param whole: of what begins there the frame, or nothing where it is cut short.
    :param expected: what a place is, for who asks by another.
    """

    begins: re.Pattern[str]
    whole: Callable[[str], str]
    media_type: str
    expected: str

    def newer(self, stream: BinaryIO, after: float = -math.inf) -> str:
        """Those later than that; of PDB with the bonds that stand behind the last."""
        text = _end_of(stream, lambda text: any(at <= after for _, at in self._heads(text)))
        return "".join(frame for at, frame in self._of(text) if at > after)

    def newest(self, stream: BinaryIO) -> str:
        """The last one of which all is there; empty where there is none."""
        frames = [frame for _, frame in self._of(_end_of(stream, lambda text: any(self._of(text))))]
        return frames[-1] if frames else ""

    def _of(self, text: str) -> Iterator[tuple[float, str]]:
        """The whole ones with their places; what stands before the first is none."""
        heads = self._heads(text)
        ends = [*(start for start, _ in heads[1:]), len(text)]
        for (start, at), end in zip(heads, ends, strict=False):
            if frame := self.whole(text[start:end]):
                yield at, frame

    def _heads(self, text: str) -> list[tuple[int, float]]:
        return [(head.start(), float(head.group(1))) for head in self.begins.finditer(text)]


def _end_of(stream: BinaryIO, is_enough: Callable[[str], bool]) -> str:
    """Its last lines, as many as are enough, or all that a browser is asked to read."""
    size = stream.seek(0, io.SEEK_END)
    text = ""
    for reach in REACHES:
        stream.seek(max(0, size - reach))
        text = stream.read(min(size, reach)).decode(errors="replace")
        if reach >= size:
            return text
        # Half a line may look like another: `2` is the end of `12`.
        text = text.partition("\n")[2]
        if is_enough(text):
            break
    return text


def _all_atoms(xyz: str) -> str:
    lines = xyz.splitlines(keepends=True)
    size = int(lines[0]) + 2
    frame = "".join(lines[:size])
    return frame if frame.count("\n") == size else ""


def _to_its_end(cif: str) -> str:
    block, end, _ = cif.partition("\n#END\n")
    return block + end if end else ""


A_STEP = "the number of a step was expected, such as 3"
KINDS = {
    "pdb": Frames(
        begins=re.compile(r"^REMARK time_ps (\S+)", re.MULTILINE),
        # Its file is replaced whole, and never cut short.
        whole=str,
        media_type="chemical/x-pdb",
        expected="a time in ps was expected, such as 1.5",
    ),
    "xyz": Frames(
        begins=re.compile(r"^\d+\nstep (\d+) ", re.MULTILINE),
        whole=_all_atoms,
        media_type="chemical/x-xyz",
        expected=A_STEP,
    ),
    "cif": Frames(
        begins=re.compile(r"^data_step_(\d+)\n", re.MULTILINE),
        whole=_to_its_end,
        media_type="chemical/x-cif",
        expected=A_STEP,
    ),
}
