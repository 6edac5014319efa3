"""The texts: all there, none behind the code, their links lead somewhere, their pages are light."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

import simulations
from jobs.api.described import REFUSALS
from jobs.docs import rendering, simulation_pages, topics
from jobs.docs.topics import Topic
from jobs.mcp.tools import all_tools
from jobs.states import FailureKind
from simulations import Simulation

from .codes import codes_in_source

ALL = topics.all_topics()
EVERY = pytest.mark.parametrize("topic", ALL, ids=lambda topic: topic.slug)
EVERY_SIMULATION = pytest.mark.parametrize(
    "sim", simulations.all_simulations(), ids=lambda sim: sim.name
)
HREF = re.compile(r'href="([^"]+)"')
COMPUTED = {"no_d3_parameters", "no_d4_parameters", "job_failed", "job_cancelled", "no_threshold"}
"""Codes that are put together where they are used."""


@EVERY
def test_every_text_says_what_it_is(topic: Topic) -> None:
    assert topic.title
    assert topic.summary


@pytest.mark.django_db
@EVERY
def test_every_text_is_there_for_programs_and_for_people(client: Client, topic: Topic) -> None:
    text = client.get(f"/docs/{topic.path}")
    page = client.get(f"/docs/{topic.slug}/")

    assert (text.status_code, page.status_code) == (200, 200)
    assert text["Content-Type"] == "text/markdown; charset=utf-8"
    assert "\n# " in f"\n{text.content.decode()}"


@pytest.mark.django_db
@EVERY
def test_a_page_is_light_and_keeps_to_the_content_policy(client: Client, topic: Topic) -> None:
    html = client.get(f"/docs/{topic.slug}/").content.decode()

    assert len(html) < 60_000
    assert "<script>" not in html
    assert not re.search(r"<[^>]+\s(style|on\w+)=", html)


@pytest.mark.django_db
@EVERY
def test_its_drawings_are_there(client: Client, topic: Topic) -> None:
    html = rendering.as_html(topics.text_of(topic.slug), topic.path)
    for source in re.findall(r'<img src="([^"]+)"', html):
        answer = client.get(source)
        assert (answer.status_code, answer["Content-Type"]) == (200, "image/svg+xml"), source


@EVERY
def test_its_links_lead_to_other_texts(topic: Topic) -> None:
    known = {f"/docs/{each.slug}/": each.slug for each in ALL}
    links = HREF.findall(rendering.as_html(topics.text_of(topic.slug), topic.path))
    for link in links:
        place, _, part = link.partition("#")
        if not place.startswith("http"):
            assert place in known, link
        if part and place in known:
            html = rendering.as_html(topics.text_of(known[place]), "")
            assert f'id="{part}"' in html, link


@pytest.mark.django_db
def test_what_a_page_refers_to_is_there(client: Client) -> None:
    html = client.get("/docs/quickstart/").content.decode()
    pages = {href for href in HREF.findall(html) if re.match("/(?!static)", href)}

    assert len(pages) > 20
    assert [href for href in pages if client.get(href).status_code not in {200, 302}] == []


@pytest.mark.django_db
def test_llms_txt_lists_every_text(client: Client) -> None:
    told = client.get("/llms.txt")

    assert told["Content-Type"] == "text/plain; charset=utf-8"
    lines = told.content.decode()
    assert lines.startswith("# Scientific AI Backplane\n\n> ")
    assert [t.slug for t in ALL if f"(http://testserver/docs/{t.path}): " not in lines] == []


@pytest.mark.django_db
def test_the_index_lists_every_page(client: Client) -> None:
    html = client.get("/docs/").content.decode()

    assert [t.slug for t in ALL if f'href="/docs/{t.slug}/"' not in html] == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    "slug", ["nothing", "../README", "simulations/nothing", "simulations/dft", "skill/other"]
)
def test_there_is_no_other_text(client: Client, slug: str) -> None:
    assert client.get(f"/docs/{slug}.md").status_code == 404
    assert client.get(f"/docs/{slug}/").status_code == 404


@pytest.mark.django_db
def test_a_page_is_its_text_to_who_asks_for_that(client: Client) -> None:
    answer = client.get("/docs/errors/", headers={"Accept": "text/markdown, text/html;q=0.9"})

    assert answer["Content-Type"] == "text/markdown; charset=utf-8"
    assert "Accept" in answer["Vary"]


@pytest.mark.django_db
def test_a_text_calls_the_site_as_its_reader_does(client: Client) -> None:
    text = client.get("/docs/quickstart.md", headers={"Host": "localhost:9000"}).content.decode()

    assert "curl -X POST http://localhost:9000/api/v1/jobs" in text
    assert "127.0.0.1:8000" not in text


def test_on_a_server_curl_sends_a_key() -> None:
    text = rendering.addressed(
        f"```sh\ncurl {rendering.HERE}/x\n```", "https://lab.example", asks_for_key=True
    )

    assert 'curl -H "Authorization: Bearer $BACKPLANE_KEY" https://lab.example/x' in text


def test_no_html_of_a_text_gets_through() -> None:
    html = rendering.as_html("<script>x</script> [a](javascript:x) <b onclick=x>", "a.md")

    assert "<script" not in html
    assert "<b " not in html
    assert "href" not in html


@EVERY_SIMULATION
def test_a_simulations_page_has_all_of_its_schema(sim: Simulation) -> None:
    text = simulation_pages.page(sim)
    named = [*sim.Params.model_fields, *sim.Result.model_fields]

    assert [name for name in named if f"| `{name}`" not in text] == []
    assert [alias for alias in sim.aliases if f"`{alias}`" not in text] == []


@EVERY_SIMULATION
def test_a_simulations_example_can_be_sent(sim: Simulation) -> None:
    example = simulation_pages.example(sim)
    if simulation_pages.FILE_ID in json.dumps(example):
        # What is in the file decides the rest.
        assert example.keys() <= sim.Params.model_fields.keys()
    else:
        assert sim.check(example).params


def test_every_engine_that_is_to_be_cited_is() -> None:
    needed = {engine for sim in simulations.all_simulations() for engine in sim.requires}

    assert needed - simulation_pages.CITED.keys() <= {"pdbfixer", "pyscf.dispersion", "qcelemental"}


def test_every_code_of_the_source_is_explained() -> None:
    params = {name for sim in simulations.all_simulations() for name in sim.Params.model_fields}
    used = codes_in_source() - params | COMPUTED | {code for code, _ in REFUSALS.values()}

    assert sorted(used - _explained()) == []


def test_every_failure_kind_is_explained() -> None:
    text = topics.text_of("errors")

    assert [kind for kind in FailureKind.values if f"\n| `{kind}` |" not in text] == []


def test_every_operation_is_on_the_page_of_rest() -> None:
    text = topics.text_of(topics.REST)

    for path, methods in SchemaGenerator().get_schema(request=None, public=True)["paths"].items():
        for method in methods:
            assert text.count(f"| `{method.upper()} {path}` |") == 1


def test_every_tool_is_named() -> None:
    text = topics.text_of("mcp")
    plain = [name for name in all_tools() if not name.startswith("submit_") or "batch" in name]

    assert [name for name in plain if f"`{name}`" not in text] == []


def test_the_skill_begins_as_skills_do() -> None:
    header = re.match(
        r"---\nname: ([a-z0-9-]+)\ndescription: (.+)\n---\n", topics.text_of(topics.SKILL)
    )

    assert header
    assert len(header[1]) <= 64
    assert len(header[2]) <= 1024


@pytest.mark.django_db
def test_the_skills_header_is_not_on_its_page(client: Client) -> None:
    html = unescape(client.get("/docs/skill/SKILL/").content.decode())

    assert "name: scientific-ai-backplane" not in html


def _explained() -> set[str]:
    """The codes in the first two columns of the tables."""
    rows = re.findall(r"^\| ([^|]*)\|([^|]*)\|", topics.text_of("errors"), re.MULTILINE)
    only_mcp = topics.text_of("errors").partition("Only over MCP:")[2].partition(".\n")[0]
    return set(re.findall(r"`(\w+)`", " ".join([f"{a} {b}" for a, b in rows] + [only_mcp])))
