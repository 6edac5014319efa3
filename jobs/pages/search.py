"""`/search/?q=`: one's jobs, molecules, files and pages; the palette shows the same."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from jobs.finding import called
from jobs.models import Job, JobQuerySet, StoredFile
from simulations import Busy, InvalidParams, Simulation, all_simulations, bounded, get
from simulations.structures.formula import hill, parse, plain

from .filters import MOST_COUNTED
from .listing import lean
from .readers import own_jobs
from .today import quick

MOST_SHOWN = 8
LEAST_BEGUN = 3
MOST_READ = 50
"""Jobs, the newest, whose molecules are told: of a common word there is no end."""
LONGEST = 2000
PAGES = (
    ("Today", "home", "what runs, what needs you"),
    ("Jobs", "jobs:list", "all of yours"),
    ("New simulation", "jobs:new", "submit a job"),
    ("Batches", "batches:list", "campaigns and screens"),
    ("Molecules", "molecules:list", "all that was computed of each"),
    ("Compare", "compare", "jobs side by side"),
    ("Queue", "queue", "why is my job waiting"),
    ("Profile", "me", "theme, units, keys on the keyboard, usage"),
    ("Keys", "keys:list", "for agents"),
    ("Webhooks", "webhooks:list", "who is told"),
    ("Docs", "docs:index", "how to use this site"),
    ("Status", "status", "is all well"),
)
INCHIKEY = re.compile(r"[A-Z]{6,14}(-[A-Z]{0,10}(-[A-Z]?)?)?", re.ASCII)
READ_MOST = ("xtb_optimization", "dft_crystal")
"""Of molecules, with most elements and hundreds of atoms; of crystals."""
PATIENCE_S = 0.2
"""Who searches does not wait until a batch of somebody else's is read."""
NOT_IN_A_STRUCTURE = re.compile(r"[\s,;!?\"'<>]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    title: str
    address: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A text that may be a molecule, and what could be computed of it."""

    structure: str
    hits: list[Hit]


@require_safe
@login_required
def search(request: HttpRequest) -> HttpResponse:
    sought = request.GET.get("q", "").replace("\0", "").strip()[:LONGEST]
    mine = own_jobs(request)
    told: dict[str, Any] = {"sought": sought, "pages": [*_pages(sought), *_forms(sought)]}
    if sought:
        structure = _read(sought)
        told |= {
            "jobs": _jobs(mine, sought),
            "molecules": _molecules(mine, sought, structure),
            "files": _files(request.user, sought),
            "start": None if structure is None else _start(sought),
        }
    else:
        told["jobs"] = list(lean(mine).newest_first()[:MOST_SHOWN])
    part = "search_results.html" if request.GET.get("part") == "1" else "search.html"
    return render(request, part, told)


def _pages(sought: str) -> list[Hit]:
    words = sought.casefold()
    return [
        Hit(title=title, address=reverse(name), note=note)
        for title, name, note in PAGES
        if not words or words in f"{title} {note}".casefold()
    ]


def _forms(sought: str) -> list[Hit]:
    """Of the simulations that are called so: each word begins one of theirs, or is one of them."""
    words = sought.casefold().split()
    return [
        Hit(
            title=f"New: {each.title}",
            address=reverse("jobs:create", args=[each.name]),
            note=each.name,
        )
        for each in all_simulations()
        if words and each.available and all(_begins_one(word, each) for word in words)
    ]


def _begins_one(word: str, simulation: Simulation) -> bool:
    """A short word as a whole only: a search for CO or N is one for a molecule."""
    text = f"{simulation.title} {simulation.name} {' '.join(simulation.aliases)}".casefold()
    own = re.split(r"[\s_.]+", text)
    return word in own or (len(word) >= LEAST_BEGUN and any(o.startswith(word) for o in own))


def _jobs(mine: JobQuerySet, sought: str) -> list[Job]:
    """By what they are called: by name or id, and a job without a name by its formula."""
    found = lean(called(mine, sought)).newest_first()[:MOST_SHOWN]
    of_formula = lean(_of_formula(mine, sought)).newest_first()[:MOST_SHOWN]
    return [*dict.fromkeys([*found, *of_formula])][:MOST_SHOWN]


def _of_formula(mine: JobQuerySet, sought: str) -> JobQuerySet:
    """However its elements are ordered: `H2SO4` is kept as `H2O4S`, and `NaCl` of a crystal so."""
    counts = parse(sought)
    if counts is None:
        return mine.none()
    return mine.filter(formula__in={hill(counts.elements()), plain(sought)})


def _read(sought: str) -> dict[str, Any] | None:
    """The molecule or crystal that a SMILES, a formula or a name of one word stands for. Nothing
    is known of it where nobody has the time to read it now: it may be one."""
    if NOT_IN_A_STRUCTURE.search(sought):
        return None
    for simulation in READ_MOST:
        try:
            params = {"structure": sought}
            return bounded.check(get(simulation), params, patience_s=PATIENCE_S).structure
        except InvalidParams:
            continue  # why it is none, the form would tell
        except Busy:
            return {}
    return None


def _molecules(mine: JobQuerySet, sought: str, structure: dict[str, Any] | None) -> list[Hit]:
    """By the beginning of an InChIKey, which an index finds; by what a job was called; by formula;
    and the one that the text stands for, however it was written then."""
    if INCHIKEY.fullmatch(sought):
        found = mine.filter(inchikey__gte=sought, inchikey__lt=f"{sought}~")
    else:
        found = called(mine, sought)
    newest = [*_newest(_of_formula(mine, sought)), *_newest(found)]
    if key := (structure or {}).get("inchikey"):
        newest = [*_newest(mine.filter(inchikey=key), 1), *newest]
    formulas = dict(reversed(newest))
    # Those without one are left out here: in SQL they would be gone through until there are enough.
    keys = [key for key in dict.fromkeys(inchikey for inchikey, _ in newest) if key][:MOST_SHOWN]
    return [_molecule(mine, inchikey, formulas[inchikey]) for inchikey in keys]


def _newest(jobs: JobQuerySet, most: int = MOST_READ) -> list[tuple[str, str]]:
    return list(jobs.newest_first().values_list("inchikey", "formula")[:most])


def _molecule(mine: JobQuerySet, inchikey: str, formula: str) -> Hit:
    n = mine.filter(inchikey=inchikey).order_by()[: MOST_COUNTED + 1].count()
    jobs = f"more than {MOST_COUNTED:,} jobs" if n > MOST_COUNTED else f"{n} job{'s' * (n != 1)}"
    return Hit(
        title=formula or inchikey,
        address=reverse("molecules:detail", args=[inchikey]),
        note=f"{inchikey}, {jobs}",
    )


def _files(user: Any, sought: str) -> list[Hit]:
    found = StoredFile.objects.filter(owner=user, name__icontains=sought)
    return [
        Hit(title=each.name, address=reverse("api:file-content", args=[each.pk]), note="uploaded")
        for each in found.order_by("-created_at", "pk")[:MOST_SHOWN]
    ]


def _start(sought: str) -> Start:
    query = urlencode({"structure": sought})
    return Start(
        structure=sought,
        hits=[
            Hit(title=each.title, address=f"{reverse('jobs:create', args=[each.name])}?{query}")
            for each in quick()
        ],
    )
