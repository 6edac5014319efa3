"""Which texts there are: those in `docs/`, and one for each simulation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

import simulations

from . import rest_page, simulation_pages

FOLDER = settings.BASE_DIR / "docs"
OF_SIMULATIONS = "simulations/"
SKILL = "skill/SKILL"
REST = "rest"
SUMMARIES = {
    "quickstart": "From nothing to a result with curl, Python or MCP.",
    "submitting": "The body of a submission, checking it first, reuse, idempotency, priority.",
    "structures": "SMILES, names, XYZ, CIF, PDB and uploaded files.",
    "waiting": "Prefer: wait, polling, events as a stream or socket, webhook, inbox.",
    "results": "The result, key figures, methods, logs, files, signed links.",
    "errors": "Every code and failure kind, with cause and mend.",
    "limits": "Limits, retries, restart, run again.",
    "campaigns": "Up to 10,000 jobs as one batch.",
    "keys": "API keys, scopes, budgets, approval, the inbox.",
    "webhooks": "Signed messages to a URL of yours.",
    "mcp": "The tools of the Model Context Protocol, over HTTP and stdio.",
    "client": "The Python package and its command line.",
    "hosts": "Workers on several hosts, queues, GPUs, and where a job runs.",
    "slurm": "For administrators: jobs on a Slurm cluster, its settings, what happens when.",
    "guarantees": "What is promised, and how it is tested.",
    "deploy-laptop": "Run it on your own machine.",
    "deploy-lab-server": "Run it for a group: nginx, systemd, PostgreSQL, new versions.",
    "deploy-login-node": "Run it on a cluster's login node, without root.",
    "deploy-cloud": "Run it in containers, with artifacts in a bucket.",
    "scaling": "Where each part saturates, and what replaces it.",
    "performance": "How fast it is beside its peers, and where the time goes.",
}
"""In the order in which they are read. A text that is not here comes after these."""
OPTIONAL = {"guarantees", "performance", "scaling"} | {
    f"deploy-{place}" for place in ("laptop", "lab-server", "login-node", "cloud")
}
"""Whose reading nobody needs to use the site."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """:param slug: its path without the ending, `simulations/docking`."""

    slug: str
    title: str
    summary: str

    @property
    def path(self) -> str:
        return f"{self.slug}.md"


def all_topics() -> list[Topic]:
    return [*guides(), *of_simulations()]


def topics() -> list[Topic]:
    known = [*SUMMARIES]
    there = {path.stem for path in FOLDER.glob("*.md")}
    return [_topic(slug) for slug in [*known, *sorted(there - {*known})] if slug in there]


def guides() -> list[Topic]:
    """All that is no single simulation's, in the order in which it is offered."""
    return [*topics(), _rest(), skill()]


def _rest() -> Topic:
    return Topic(slug=REST, title=rest_page.TITLE, summary="Every operation, from its OpenAPI.")


def skill() -> Topic:
    return Topic(
        slug=SKILL,
        title="Skill: simulations as jobs",
        summary="A skill file for agents, with worked flows.",
    )


def of_simulations() -> list[Topic]:
    return [
        Topic(slug=f"{OF_SIMULATIONS}{sim.name}", title=sim.title, summary=sim.summary)
        for sim in simulation_pages.all_pages()
    ]


def find(slug: str) -> Topic:
    """:raises KeyError: there is no such text."""
    return {topic.slug: topic for topic in all_topics()}[slug]


def text_of(slug: str) -> str:
    """:param slug: of one that there is."""
    if slug.startswith(OF_SIMULATIONS):
        return simulation_pages.page(simulations.get(slug.removeprefix(OF_SIMULATIONS)))
    if slug == REST:
        return rest_page.page()
    return (FOLDER / f"{slug}.md").read_text()


def drawing(name: str) -> Path:
    """:raises KeyError: there is no such drawing."""
    return {path.stem: path for path in (FOLDER / "curves").glob("*.svg")}[name]


def _topic(slug: str) -> Topic:
    return Topic(slug=slug, title=_title(slug), summary=SUMMARIES.get(slug, ""))


def _title(slug: str) -> str:
    lines = (FOLDER / f"{slug}.md").read_text().splitlines()
    heading = next((line for line in lines if line.startswith("# ")), f"# {slug}")
    return heading.removeprefix("# ")


def llms(url: str) -> Iterator[str]:
    """The lines of /llms.txt (llmstxt.org): what the site is, and where each text is."""
    yield "# Scientific AI Backplane"
    yield ""
    yield "> Runs real simulations (DFT, xTB, molecular dynamics, docking) as jobs: submit one and"
    yield "> get its id at once, then wait, be told, or come back another day; nothing is lost."
    yield ""
    yield f"Begin with the quickstart. The REST API is described at {url}/openapi.json, tools for"
    yield f"agents are at {url}/mcp. Quantities carry their unit in their name (`energy_hartree`)."
    optional = [topic for topic in topics() if topic.slug in OPTIONAL]
    for heading, found in (
        ("Docs", [topic for topic in guides() if topic.slug not in OPTIONAL]),
        ("Simulations", of_simulations()),
        ("Optional", optional),
    ):
        yield ""
        yield f"## {heading}"
        yield ""
        for topic in found:
            yield f"- [{topic.title}]({url}/docs/{topic.path}): {topic.summary}"
