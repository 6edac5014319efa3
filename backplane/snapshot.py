"""What is known of a job or a batch, as of the last answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import notebook
from .flows import batches, jobs

Json = dict[str, Any]


class JobSnapshot:
    """A job as it was last told of; `data` has all of it.

    Nothing here asks the site: `refresh` does.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data: Json = dict(data)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.simulation} {self.state}>"

    @property
    def id(self) -> str:
        return str(self.data["id"])

    @property
    def simulation(self) -> str:
        return str(self.data["simulation"])

    @property
    def name(self) -> str:
        return str(self.data["name"])

    @property
    def state(self) -> str:
        """`queued`, `running`, `succeeded`, `failed` or `cancelled`."""
        return str(self.data["state"])

    @property
    def is_final(self) -> bool:
        return jobs.is_final(self.data)

    @property
    def progress(self) -> float:
        """From 0 to 1."""
        return float(self.data["progress"])

    @property
    def message(self) -> str:
        """What it does, why it waits, or why nobody knows whether it still runs."""
        return str(self.data["reason_text"] or self.data["message"] or "")

    @property
    def is_cancelling(self) -> bool:
        """Asked to stop, and not yet known to have."""
        return not self.is_final and bool(self.data.get("cancelling"))

    @property
    def metrics(self) -> Json:
        """The newest value of each quantity, its unit in its name."""
        return dict(self.data["metrics"] or {})

    @property
    def summary(self) -> Json:
        """The key figures of the result; empty before there is one."""
        return dict(self.data["summary"] or {})

    @property
    def page(self) -> str:
        """Where to look at it in a browser."""
        return str(self.data["links"]["page"])

    def _update(self, told: Mapping[str, Any]) -> None:
        """A summary says less than the whole job, and what it says is newer."""
        self.data |= told

    def _repr_html_(self) -> str:
        return notebook.html_of(self.data)


class BatchSnapshot:
    """A batch as it was last told of; `data` has all of it."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data: Json = dict(data)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.state} {self.progress:.0%}>"

    @property
    def id(self) -> str:
        return str(self.data["id"])

    @property
    def state(self) -> str:
        """`running`, `cancelling`, `finished`, `cancelled`, or `stopped` by too many failures."""
        return str(self.data["state"])

    @property
    def is_over(self) -> bool:
        return self.state not in batches.GOING

    @property
    def progress(self) -> float:
        """The mean of its jobs, from 0 to 1."""
        return float(self.data["progress"])

    @property
    def name(self) -> str:
        return str(self.data["name"])

    @property
    def n_items(self) -> int:
        return int(self.data["n_items"])

    @property
    def counts(self) -> dict[str, int]:
        """How many of its items are in which state."""
        return dict(self.data["counts"])

    @property
    def page(self) -> str:
        """Where to look at it in a browser."""
        return str(self.data["links"]["page"])
