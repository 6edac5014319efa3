"""What is written while atoms move: one thing after the other, in a thread that waits for disks."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self


class Aside:
    """Done in the order in which it is given; when its block is left, all of it is done.

    What goes wrong is raised where the next thing would be given, or when the block is left. A run
    that ends badly does so for its own reason.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="aside")
        self._given: deque[Future[None]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._pool.shutdown()
        if error is None:
            self.wait()

    def do(self, work: Callable[[], None]) -> None:
        self._given.append(self._pool.submit(work))

    @property
    def is_idle(self) -> bool:
        """:raises Exception: whatever went wrong since this was asked."""
        while self._given and self._given[0].done():
            self._given.popleft().result()
        return not self._given

    def wait(self) -> None:
        """:raises Exception: as `is_idle`."""
        while self._given:
            self._given.popleft().result()
