"""A process that checks params, one line of JSON in and one out, and the handle to it."""

from __future__ import annotations

import contextlib
import gc
import json
import math
import os
import resource
import select
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import psutil
from pydantic import TypeAdapter

from .base import Checked, Note
from .errors import FieldError, InvalidParams
from .preview import Preview, preview
from .structures.inchikeys import left_for_later, of_smiles

MEMORY_BYTES = 2 << 30
OUT_OF_MEMORY = 70
"""The exit status that tells of it."""
STARTS_WITHIN_S = 15
ON_A_BUSY_MACHINE = 4
"""The limit is on the reader's own computing time; on a clock it may take so many times as long."""
ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ("dft_single_point", {"structure": "O"})
"""What warms a reader up: the first molecule costs a second of imports."""

_checked = TypeAdapter(Checked)
_preview = TypeAdapter(Preview)
_errors = TypeAdapter(list[FieldError])


class Crashed(Exception):
    """The reader died of its input."""


class TimedOut(Exception):
    """The reader took too long, and was ended."""


class Starved(Exception):
    """The machine had no time for the reader, and it was ended; its input is not to blame."""


class Defect(RuntimeError):
    """The check raised what no check should: an error of ours, with its traceback."""


class Reader:
    """A child process that reads structures. Not for two callers at once."""

    def __init__(self) -> None:
        env = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        argv = [sys.executable, "-m", "simulations.reader"]
        self._process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, cwd=ROOT
        )
        self._ready = False
        self._had_computed_s = 0.0

    @property
    def is_well(self) -> bool:
        return self._process.poll() is None

    @property
    def computed_s(self) -> float:
        """Since it was last asked; no end of it where it is dead, which is told by other means."""
        try:
            used = psutil.Process(self._process.pid).cpu_times()
        except psutil.NoSuchProcess:
            return math.inf
        return float(used.user + used.system) - self._had_computed_s

    def check(self, simulation: str, params: dict[str, Any], timeout_s: float) -> Checked:
        """:raises InvalidParams: naming each field that is wrong.

        See `check_each` for the rest.
        """
        [found] = self.check_each(simulation, [params], timeout_s)
        if isinstance(found, InvalidParams):
            raise found
        return found

    def check_each(
        self,
        simulation: str,
        params: Sequence[dict[str, Any]],
        timeout_s: float,
        *,
        leaves_inchikeys: bool = False,
    ) -> list[Checked | InvalidParams]:
        """What each was understood as, or what is wrong with it.

        :raises Crashed: the reader died; it cannot be used again.
        :raises TimedOut, Starved: it was killed; it cannot be used again.

        :param timeout_s: of computing, for all of them.
        :param leaves_inchikeys: see `structures.inchikeys.left_for_later`.
        """
        question = {"simulation": simulation, "params": params, "leaves": leaves_inchikeys}
        return [_understood(reply) for reply in self._replies(question, timeout_s)]

    def preview(
        self, simulation: str, field: str, params: dict[str, Any], timeout_s: float
    ) -> Preview:
        """As `simulations.preview.preview`; it raises what `check` does."""
        question = {"simulation": simulation, "params": [params], "preview": field}
        [reply] = self._replies(question, timeout_s)
        return _drawn(reply)

    def draw_each(self, smiles: Sequence[str], timeout_s: float) -> list[dict[str, Any]]:
        """Each as `structures.drawing.drawn` draws it.

        :raises Crashed: as `check_each`.
        :raises TimedOut: as `check_each`.
        """
        question = {"draw": list(smiles)}
        return [_defect_or(reply) for reply in self._replies(question, timeout_s)]

    def inchikeys_of(self, smiles: Sequence[str], timeout_s: float) -> list[str | None]:
        """As `structures.inchikeys.of_smiles`; it raises what `draw_each` does."""
        question = {"name": list(smiles)}
        replies = self._replies(question, timeout_s)
        return [_defect_or(reply)["inchikey"] for reply in replies]

    def _replies(self, question: dict[str, Any], timeout_s: float) -> list[dict[str, Any]]:
        if not self._ready:
            self._answer(STARTS_WITHIN_S)
            self._ready = True
        self._ask({**question, "timeout_s": timeout_s})
        replies: list[dict[str, Any]] = json.loads(self._answer(timeout_s))
        return replies

    def replacement(self) -> Reader:
        self.close()
        return Reader()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe
            with contextlib.suppress(BrokenPipeError):  # half a question, that nobody will read
                pipe.close()

    def _ask(self, question: dict[str, Any]) -> None:
        assert self._process.stdin
        self._had_computed_s += self.computed_s
        try:
            self._process.stdin.write(json.dumps(question).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise Crashed(self._how_it_died()) from None

    def _answer(self, timeout_s: float) -> bytes:
        """One line, or the end of the reader."""
        assert self._process.stdout
        pipe = self._process.stdout.fileno()
        poll = select.poll()
        poll.register(pipe, select.POLLIN)
        deadline = time.monotonic() + timeout_s * ON_A_BUSY_MACHINE
        too_long = f"it takes longer than the {timeout_s:g} s that reading may take"
        line = bytearray()
        while not line.endswith(b"\n"):
            left_s = deadline - time.monotonic()
            if left_s <= 0 or not poll.poll(left_s * 1000):
                computed_s = self.computed_s
                self._process.kill()
                self._process.wait()
                raise TimedOut(too_long) if computed_s >= timeout_s else Starved
            chunk = os.read(pipe, 1 << 16)
            if not chunk and -self._process.wait() == signal.SIGXCPU:
                raise TimedOut(too_long)
            if not chunk:
                raise Crashed(self._how_it_died())
            line += chunk
        return bytes(line)

    def _how_it_died(self) -> str:
        status = self._process.wait()
        if status == OUT_OF_MEMORY:
            return "it takes more memory than reading may take"
        name = signal.Signals(-status).name if status < 0 else f"exit status {status}"
        return f"it brings the parser down ({name})"


def _understood(reply: dict[str, Any]) -> Checked | InvalidParams:
    if "errors" in reply:
        return InvalidParams(_errors.validate_python(reply["errors"]))
    return _checked.validate_python(_defect_or(reply)["checked"])


def _defect_or(reply: dict[str, Any]) -> dict[str, Any]:
    if "defect" in reply:
        raise Defect(reply["defect"])
    return reply


def _drawn(reply: dict[str, Any]) -> Preview:
    if "errors" in reply:
        raise InvalidParams(_errors.validate_python(reply["errors"]))
    return _preview.validate_python(_defect_or(reply)["drawn"])


def _serve(questions: BinaryIO, answers: BinaryIO) -> None:
    _reply(answers, {"ready": True})
    for line in questions:
        question = json.loads(line)
        _limit_cpu(question["timeout_s"])
        _reply(answers, list(_answers(question)))


def _answers(question: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "draw" in question:
        yield from (_of_smiles(_draw, smiles) for smiles in question["draw"])
        return
    if "name" in question:
        yield from (_of_smiles(_name, smiles) for smiles in question["name"])
        return
    look = partial(_look_at, question["simulation"], field=question.get("preview"))
    with left_for_later() if question.get("leaves") else contextlib.nullcontext():
        yield from (look(each) for each in question["params"])


def _look_at(
    simulation: str, params: dict[str, Any], *, field: str | None = None
) -> dict[str, Any]:
    """Check the params, or draw the structure in one of them."""
    from .registry import get

    try:
        if field:
            return {"drawn": asdict(preview(simulation, field, params))}
        checked = get(simulation).check(params)
        # Deep down it is JSON already, and no dataclass.
        return {"checked": _told(checked) | {"notes": [_told(note) for note in checked.notes]}}
    except InvalidParams as exc:
        return {"errors": [error.as_dict() for error in exc.errors]}
    except MemoryError:
        sys.exit(OUT_OF_MEMORY)
    except Exception:
        return {"defect": traceback.format_exc()}


def _told(found: Checked | Note) -> dict[str, Any]:
    return {each.name: getattr(found, each.name) for each in fields(found)}


def _draw(smiles: str) -> dict[str, Any]:
    from .structures.drawing import drawn

    return drawn(smiles)


def _name(smiles: str) -> dict[str, Any]:
    return {"inchikey": of_smiles(smiles)}


def _of_smiles(find: Callable[[str], dict[str, Any]], smiles: str) -> dict[str, Any]:
    try:
        return find(smiles)
    except MemoryError:
        sys.exit(OUT_OF_MEMORY)
    except Exception:
        return {"defect": traceback.format_exc()}


def _reply(answers: BinaryIO, body: Any) -> None:
    answers.write(json.dumps(body).encode() + b"\n")
    answers.flush()


def _limit_cpu(timeout_s: float) -> None:
    """One that its parent forgot, or left behind, ends by itself."""
    used_s = time.process_time()
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used_s + timeout_s) + 1, hard))


def _main() -> None:
    """Serve until the parent closes the pipe, as it does by dying."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent to act upon
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    # Whatever a library prints must not get between the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _look_at(*SAMPLE)
    gc.freeze()  # what it has imported need not be looked through for rubbish
    try:
        _serve(sys.stdin.buffer, answers)
    except BrokenPipeError:
        os._exit(0)  # the parent died while we read: nobody is there to be told, or to tell


if __name__ == "__main__":
    _main()
