"""Draws what was measured: `python -m bench.curves` writes docs/curves/ from bench/measured/.

Small drawings whose ink follows the reader's theme, light or dark.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .circumstances import MEASURED, saved
from .load import ROOT
from .scale import FEW

FOLDER = ROOT / "docs" / "curves"
MOST_BYTES = 60_000
INK = "#0a0b0c"
"""Stands for the reader's: no curve has it."""
THEMES = (
    "svg{color:#3d4450}@media (prefers-color-scheme:dark){svg{color:#c4cad4}}"
    "text{font-family:system-ui,sans-serif}"
)
# Okabe and Ito's that are seen on white and on black, and by the colour-blind.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b07d00", "#56b4e9")
DATABASES = {"sqlite": "SQLite", "postgres": "PostgreSQL"}
SHOWN = ("job page", "list", "search by id", "search by name", "submit", "job, REST")
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "curves",
    "font.size": 10,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "lines.marker": "o",
    "lines.markersize": 4,
    "axes.prop_cycle": mpl.cycler(color=COLOURS),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """:param needs: what has to have been measured."""

    name: str
    needs: Sequence[str]
    draw: Callable[[Figure, Sequence[dict[str, Any]]], None]


def jobs(figure: Figure, found: Sequence[dict[str, Any]]) -> None:
    """How much longer than with a first page of jobs."""
    axes = _beside(figure, found)
    for each, one in zip(axes, found, strict=True):
        there = [FEW, *(step["jobs"] for step in one["steps"])]
        for name in SHOWN:
            ratios = [1, *(step["asked"][name]["ratio"] for step in one["steps"])]
            each.plot(there, ratios, label=name)
        _aim(each, 1.5)
        each.set(xscale="log", ylim=(0, None), xlabel="jobs in the table")
        each.set_title(DATABASES[one["database"]], fontsize=10)
    axes[0].set_ylabel(f"time, as a multiple of that with {FEW} jobs")
    axes[0].legend(fontsize=8)


def lateness(figure: Figure, found: Sequence[dict[str, Any]]) -> None:
    axes = _beside(figure, found)
    for each, one in zip(axes, found, strict=True):
        rates = [step["events_per_s"] for step in one["rates"]]
        for word, name in (("p50_ms", "median"), ("p99_ms", "p99")):
            each.plot(rates, [step[word] for step in one["rates"]], label=name)
        _aim(each, 250)
        each.set(xlabel="events a second, of all jobs", yscale="log")
        each.set_title(f"{DATABASES[one['database']]}, {one['sockets']:,} sockets", fontsize=10)
    axes[0].set_ylabel("from the event to its clients, ms")
    axes[0].legend(fontsize=8)


def watchers(figure: Figure, found: Sequence[dict[str, Any]]) -> None:
    """At one rate of events, to more and more of those who watch."""
    axes = figure.subplots()
    sockets = [one["sockets"] for one in found]
    for word, name in (("p50_ms", "median"), ("p99_ms", "p99")):
        axes.plot(sockets, [one["rates"][0][word] for one in found], label=name)
    _aim(axes, 250)
    axes.set(xlabel="sockets on one web process", yscale="log")
    axes.set_ylabel("from the event to its clients, ms")
    axes.legend(fontsize=8)


def workers(figure: Figure, found: Sequence[dict[str, Any]]) -> None:
    axes = figure.subplots()
    for one in found:
        steps = one["steps"]
        there = [step["workers"] for step in steps]
        axes.plot(there, [step["jobs_per_s"] for step in steps], label=DATABASES[one["database"]])
        axes.set_xticks(there)
    axes.set(xlabel="workers on one machine", ylabel="jobs that do nothing, 1/s", ylim=(0, None))
    axes.legend(fontsize=8)


def webs(figure: Figure, found: Sequence[dict[str, Any]]) -> None:
    """How much more is answered than by one process."""
    (one,) = found
    axes = figure.subplots()
    there = [step["webs"] for step in one["steps"]]
    for name in one["steps"][0]["asked"]:
        axes.plot(there, [step["asked"][name]["ratio"] for step in one["steps"]], label=name)
    axes.set_xticks(there)
    axes.set(xlabel="web processes behind one port", ylim=(0, None))
    axes.set_ylabel("answers a second, as a multiple of one's")
    axes.legend(fontsize=8)


def _aim(axes: Axes, at: float) -> None:
    axes.axhline(at, color=INK, linewidth=0.8, linestyle=":", marker="")


def _beside(figure: Figure, found: Sequence[Any]) -> list[Axes]:
    return [*figure.subplots(1, len(found), sharey=True, squeeze=False)[0]]


CURVES = (
    Curve(name="jobs", needs=("scale-sqlite", "scale-postgres"), draw=jobs),
    Curve(name="lateness", needs=("watchers-sqlite", "watchers-postgres"), draw=lateness),
    Curve(
        name="watchers",
        needs=("watchers-250", "watchers-500", "watchers-1000", "watchers-2000"),
        draw=watchers,
    ),
    Curve(name="workers", needs=("workers-sqlite", "workers-postgres"), draw=workers),
    Curve(name="webs", needs=("webs-sqlite",), draw=webs),
)


def drawn(curve: Curve) -> str:
    """As SVG."""
    found = [saved(name) for name in curve.needs if (MEASURED / f"{name}.json").exists()]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8, 3.6), layout="constrained")
        figure.patch.set_alpha(0)
        curve.draw(figure, found)
        for each in figure.axes:
            each.patch.set_alpha(0)
        return themed(_as_svg(figure))


def _as_svg(figure: Figure) -> str:
    written = StringIO()
    figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None})
    return written.getvalue()


def themed(svg: str) -> str:
    """With the ink of whoever reads it, and no more than is seen."""
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<\?xml.*?<svg", "<svg", svg, count=1, flags=re.DOTALL)
    head, mark, rest = svg.partition(">")
    return f"{head}{mark}\n <style>{THEMES}</style>{rest}".replace(INK, "currentColor")


def written() -> Iterator[str]:
    FOLDER.mkdir(exist_ok=True)
    for curve in CURVES:
        if not any((MEASURED / f"{name}.json").exists() for name in curve.needs):
            continue
        text = drawn(curve)
        assert len(text) < MOST_BYTES, (curve.name, len(text))
        (FOLDER / f"{curve.name}.svg").write_text(text)
        yield curve.name


if __name__ == "__main__":
    print(f"drawn in {FOLDER}: {', '.join(written())}")
