"""A job in a notebook: a bar and its key figures; alive and in 3D where IPython and py3Dmol are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from importlib import import_module
from pathlib import PurePosixPath
from typing import Any

from .errors import BackplaneError

Json = Mapping[str, Any]
COLOURS = {"succeeded": "#2e7d32", "failed": "#c62828", "cancelled": "#757575"}
GOING = "#1565c0"
FORMATS = {".sdf": "sdf", ".xyz": "xyz", ".pdb": "pdb", ".cif": "cif"}
LIKELY = ("final", "optimized", "best", "poses", "structure")
MOST_BYTES = 5_000_000


def html_of(job: Json) -> str:
    """As of its last answer; every text of it is escaped."""
    colour = COLOURS.get(job["state"], GOING)
    share = 1.0 if job["finished_at"] else float(job["progress"])
    said = job["reason_text"] or job["message"] or ""
    title = escape(str(job["name"] or job["simulation"]))
    return (
        f'<div style="font-family:sans-serif;max-width:40em">'
        f"<b>{title}</b> <code>{escape(str(job['id']))}</code> "
        f'<span style="color:{colour}">{escape(str(job["state"]))}</span>'
        f'<div style="background:#8883;height:6px;border-radius:3px;margin:4px 0">'
        f'<div style="background:{colour};width:{share:.1%};height:6px;border-radius:3px"></div>'
        f"</div><small>{share:.0%} {escape(str(said))}</small>{_figures(job)}</div>"
    )


def _figures(job: Json) -> str:
    figures = job["summary"] or job["metrics"] or {}
    plain = {name: each for name, each in figures.items() if not isinstance(each, dict | list)}
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td>{escape(_figure(each))}</td></tr>"
        for name, each in plain.items()
    )
    return f"<table>{rows}</table>" if rows else ""


def _figure(value: Any) -> str:
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def display() -> Callable[[str], None]:
    """A place in the notebook whose content may be replaced.

    :raises BackplaneError: there is no IPython.
    """
    ipython = _optional("IPython.display", "IPython")
    place = ipython.display(ipython.HTML(""), display_id=True)

    def show(html: str) -> None:
        if place is None:  # in a plain IPython, nothing can be replaced
            ipython.display(ipython.HTML(html))
        else:
            place.update(ipython.HTML(html))

    return show


def geometry_among(artifacts: Sequence[Json]) -> Json:
    """The file that shows best what came out.

    :raises BackplaneError: none can be shown.
    """
    found = [
        each
        for each in artifacts
        if PurePosixPath(each["name"]).suffix in FORMATS
        and each["size_bytes"] <= MOST_BYTES
        and not each["expired_at"]
    ]
    if not found:
        raise BackplaneError("The job has no file with a geometry that can be shown.")
    return min(found, key=_rank)


def _rank(artifact: Json) -> tuple[int, int]:
    """The newest attempt first, then the likeliest name."""
    return -(artifact["attempt"] or 0), _unlikeliness(artifact)


def _unlikeliness(artifact: Json) -> int:
    stem = PurePosixPath(artifact["name"]).stem.lower()
    return next((n for n, word in enumerate(LIKELY) if word in stem), len(LIKELY))


def view3d(name: str, text: str) -> Any:
    """:raises BackplaneError: there is no py3Dmol."""
    view = _optional("py3Dmol", "py3Dmol").view(width=480, height=360)
    view.addModel(text, FORMATS[PurePosixPath(name).suffix])
    view.setStyle({"stick": {}, "sphere": {"scale": 0.25}})
    view.zoomTo()
    return view


def _optional(module: str, package: str) -> Any:
    try:
        return import_module(module)
    except ImportError:
        raise BackplaneError(f"This needs {package}: pip install {package}") from None
