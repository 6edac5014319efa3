"""A request to copy: for a terminal, for Python, and as the tool call of an agent."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pprint import pformat
from textwrap import indent
from typing import Any
from urllib.parse import urlencode

from django.conf import settings

import simulations

from . import moments
from .batch_models import Batch
from .budget import Budget
from .finding import Wanted
from .models import Job
from .states import FINAL, Priority

WIDTH = 84
LONGEST_ARGUMENT = 100_000
"""In characters; the system takes 128 KiB."""
WAIT_S = 50
OF_A_TOOL = ("name", "tags", "purpose", "priority", "backend", "queue", "limits", "reuse")
"""Of a submission what the tools of agents take beside the params."""
LISTED = 50
LISTED_BY_A_TOOL = (
    "simulation", "tag", "batch", "agent", "text", "created_after", "finished_after",
)  # fmt: skip
CAMPAIGN = {
    "name": "Alcohols",
    "template": {"simulation": "xtb_optimization", "params": {}},
    "grid": {"params.structure": ["CO", "CCO", "CCCO"]},
}

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """:param url: as its reader calls it.
    :param asks_for_key: nobody is let in without one.
    """

    url: str
    asks_for_key: bool = False

    @property
    def curl(self) -> str:
        return 'curl -H "Authorization: Bearer $BACKPLANE_KEY"' if self.asks_for_key else "curl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """:param language: what a text is to be read as, `sh`."""

    title: str
    language: str
    text: str


def of_submission(body: Json, site: Site) -> list[Snippet]:
    """Ways to submit this."""
    return [_curl(_post(body, site)), _python(_submit(body), site), _tool(*_call(body))]


def of_job(job: Job, site: Site) -> list[Snippet]:
    """Ways to wait for this job and read what it found."""
    where = f"{site.url}/api/v1/jobs/{job.pk}"
    line = f'{site.curl} -H "Prefer: wait={WAIT_S}" {where}'
    code = f'job = client.job("{job.pk}")\nprint(job.result())'
    name = "get_job" if job.state in FINAL else "wait_for_job"
    return [_curl(line), _python(code, site), _tool(name, {"job_id": str(job.pk)})]


def of_files(job: Job, site: Site) -> list[Snippet]:
    """Ways to have this job's files."""
    where = f"{site.url}/api/v1/jobs/{job.pk}"
    lines = f'{site.curl} "{where}?fields=artifacts"\n{site.curl} -OJ {where}/artifacts/ID'
    code = f'for path in client.job("{job.pk}").download(to="{job.short_id}"):\n    print(path)'
    return [_curl(lines), _python(code, site), _tool("get_job", {"job_id": str(job.pk)})]


def of_log(job: Job, site: Site) -> list[Snippet]:
    """Ways to read this job's log, to its end while it runs. The tools of agents read none."""
    line = f'{site.curl} "{site.url}/api/v1/jobs/{job.pk}/log?offset=-20000"'
    code = f'for text in client.job("{job.pk}").logs(follow=True):\n    print(text, end="")'
    return [_curl(line), _python(code, site)]


def of_results(jobs: Sequence[Job], site: Site) -> list[Snippet]:
    """Ways to read what these found, one after the other."""
    ids = [str(job.pk) for job in jobs]
    lines = "\n".join(f"{site.curl} {site.url}/api/v1/jobs/{each}/result" for each in ids)
    code = f"for job_id in {_literal(ids)}:\n    print(client.job(job_id).result())"
    calls = "\n".join(_tool("get_result", {"job_id": each}).text for each in ids)
    return [_curl(lines), _python(code, site), Snippet(title="MCP", language="json", text=calls)]


def of_batch(batch: Batch, site: Site) -> list[Snippet]:
    """Ways to see how this batch stands, and to read what it found."""
    where = f"{site.url}/api/v1/batches/{batch.pk}"
    lines = f'{site.curl} {where}\n{site.curl} "{where}/results?format=csv"'
    code = f'batch = client.batch("{batch.pk}").wait()\nfor row in batch.results():\n    print(row)'
    return [
        _curl(lines),
        _python(code, site),
        _tool("get_batch", {"batch_id": str(batch.pk), "wait_seconds": WAIT_S}),
    ]


def of_list(wanted: Wanted, site: Site) -> list[Snippet]:
    """Ways to list these jobs."""
    query = {name: value for name, value in _query(wanted).items() if value}
    asked = urlencode({**query, "limit": LISTED}, doseq=True)
    given = "".join(f"{name}={_literal(value)}, " for name, value in query.items())
    code = f"for job in client.jobs({given}most={LISTED}):\n    print(job.id, job.state, job.name)"
    # A tool takes lists where an address has commas.
    states = {"state": list(wanted.states)} if wanted.states else {}
    call = {name: value for name, value in query.items() if name in LISTED_BY_A_TOOL} | states
    return [
        _curl(f"{site.curl} {shlex.quote(f'{site.url}/api/v1/jobs?{asked}')}"),
        _python(code, site),
        _tool("list_jobs", {**call, "limit": LISTED}),
    ]


def _query(wanted: Wanted) -> dict[str, Any]:
    """As REST and the Python client have it."""
    moments_of = ("created_after", "created_before", "finished_after", "finished_before")
    return {
        "state": ",".join(wanted.states),
        "simulation": ",".join(wanted.simulations),
        "tag": list(wanted.tags),
        "batch": str(wanted.batch or ""),
        "agent": wanted.agent,
        "text": wanted.text,
        **{
            name: at and moments.written(at) for name in moments_of if (at := getattr(wanted, name))
        },
    }


def of_batches(site: Site) -> list[Snippet]:
    """Ways to send a batch, and to list those that there are."""
    body = dict(CAMPAIGN)
    line = f"{_post(body, site, 'batches')}\n{site.curl} {site.url}/api/v1/batches"
    given = "".join(f"    {name}={_literal(value)},\n" for name, value in body.items())
    code = (
        f"batch = client.submit_batch(\n{given})\nprint(batch.id)\n"
        "for each in client.batches(most=20):\n    print(each.id, each.state, each.name)"
    )
    return [_curl(line), _python(code, site), _tool("submit_batch", body)]


def of_simulations(site: Site) -> list[Snippet]:
    """Ways to see what can be computed."""
    code = 'for each in client.simulations():\n    print(each["name"], each["summary"])'
    return [
        _curl(f'{site.curl} "{site.url}/api/v1/simulations?fields=name,title,summary"'),
        _python(code, site),
        _tool("list_simulations", {}),
    ]


def of_health(site: Site) -> list[Snippet]:
    """Ways to see whether the site can run jobs, without a key; an agent sees what it can run."""
    where = f"{site.url}/readyz"
    code = (
        "import json\nfrom urllib.error import HTTPError\nfrom urllib.request import urlopen\n\n"
        f'try:\n    answer = urlopen("{where}")\nexcept HTTPError as not_ready:  # 503\n'
        "    answer = not_ready\nprint(json.load(answer))"
    )
    return [
        _curl(f"curl {where}"),
        Snippet(title="Python", language="python", text=code),
        _tool("list_simulations", {}),
    ]


def of_inbox(site: Site) -> list[Snippet]:
    """Ways to hear what has happened since one last asked."""
    code = 'for event in client.inbox():\n    print(event["kind"], event["job"]["id"])'
    return [
        _curl(f"{site.curl} {site.url}/api/v1/events"),
        _python(code, site),
        _tool("read_inbox", {}),
    ]


def of_keys(site: Site) -> list[Snippet]:
    """Ways to make a key for an agent, and to use it."""
    body = {"name": "crawler", "scopes": ["read", "submit"], "budget": {"core_hours": 20}}
    line = f"{_post(body, site, 'keys')}\n{site.curl} {site.url}/api/v1/keys"
    code = (
        "import os\n\nfrom backplane import Client\n\n"
        f'with Client("{site.url}", key=os.environ["BACKPLANE_KEY"]) as client:\n'
        "    print(next(client.jobs(), None))"
    )
    headers = {"Authorization": "Bearer ${BACKPLANE_KEY}"}
    served = {"type": "http", "url": f"{site.url}/mcp", "headers": headers}
    server = _json({"mcpServers": {"backplane": served}})
    return [
        _curl(line),
        Snippet(title="Python", language="python", text=code),
        Snippet(title="MCP", language="json", text=server),
    ]


def of_webhooks(site: Site) -> list[Snippet]:
    """Ways to be told: of all jobs, or of one. The tools of agents wait instead."""
    body = {"url": "https://example.org/hook", "events": ["job.succeeded", "job.failed"]}
    line = f"{_post(body, site, 'webhooks')}\n{site.curl} {site.url}/api/v1/webhooks"
    one = {
        "simulation": "xtb_optimization",
        "params": {"structure": "CCO"},
        "webhook": {"url": body["url"]},
    }
    return [_curl(line), _python(_submit(one), site)]


def submission_of(job: Job) -> Json:
    """What makes the same job again, without what goes without saying."""
    defaults = _defaults(job.simulation)
    params = {
        name: value
        for name, value in job.params.items()
        if name not in defaults or value != defaults[name]
    }
    priority = Priority(min(job.priority, Priority.HIGH))
    retry = {"max_attempts": job.max_attempts} if _is_patient(job) else {}
    said = {
        "name": job.name,
        "tags": job.tags,
        "purpose": job.purpose,
        "priority": "" if priority == Priority.NORMAL else priority.name.lower(),
        **(job.placement.get("asked") or {}),
        "limits": _differing(job.budget),
        "retry": retry | ({"on": job.retry_on} if job.retry_on else {}),
    }
    return {"simulation": job.simulation, "params": params, **_said(said)}


def draft(simulation: str, params: Mapping[str, Any], budget: Budget, **said: Any) -> Json:
    """What somebody is about to submit."""
    limits = {name: value for name, value in asdict(budget).items() if value is not None}
    defaults = _defaults(simulation)
    given = {
        name: value
        for name, value in params.items()
        if name not in defaults or value != defaults[name]
    }
    return {"simulation": simulation, "params": given, **_said({**said, "limits": limits})}


def _said(values: Mapping[str, Any]) -> Json:
    return {name: value for name, value in values.items() if value}


def _is_patient(job: Job) -> bool:
    return job.max_attempts != settings.JOB_MAX_ATTEMPTS


def _differing(budget: Budget) -> dict[str, int]:
    usual = asdict(Budget().settled())
    return {name: value for name, value in asdict(budget).items() if value != usual[name]}


@cache
def _defaults(simulation: str) -> Json:
    """Of its params; of a simulation that is no longer installed none is known."""
    try:
        schema = simulations.get(simulation).Params.model_json_schema()
    except KeyError:
        return {}
    told = schema["properties"].items()
    return {name: each["default"] for name, each in told if "default" in each}


# --- each in its language -----------------------------------------------------------------------


def _curl(line: str) -> Snippet:
    return Snippet(title="curl", language="sh", text=line)


def _python(code: str, site: Site) -> Snippet:
    body = indent(code, "    ")
    text = f'from backplane import Client\n\nwith Client("{site.url}") as client:\n{body}'
    return Snippet(title="Python", language="python", text=text)


def _tool(name: str, arguments: Json) -> Snippet:
    call = {"name": name, "arguments": arguments}
    return Snippet(title="MCP", language="json", text=_json(call))


def _post(body: Json, site: Site, to: str = "jobs") -> str:
    head = f'{site.curl} {site.url}/api/v1/{to} -H "Content-Type: application/json" \\\n  '
    text = _json(body)
    if len(text) > LONGEST_ARGUMENT:
        return f"{head}--data-binary @- <<'JSON'\n{text}\nJSON"
    return f"{head}-d {shlex.quote(text)}"


def _json(body: Json) -> str:
    text = json.dumps(body, ensure_ascii=False)
    return text if len(text) < WIDTH else json.dumps(body, ensure_ascii=False, indent=2)


def _submit(body: Json) -> str:
    beside = {name: value for name, value in body.items() if name not in {"simulation", "params"}}
    arguments = [repr(body["simulation"]), _literal(body["params"])]
    arguments += [f"{name}={_literal(value)}" for name, value in beside.items()]
    call = f"job = client.submit({', '.join(arguments)})"
    if len(call) > WIDTH or "\n" in call:
        lines = "".join(indent(f"{each},\n", "    ") for each in arguments)
        call = f"job = client.submit(\n{lines})"
    return f"{call}\nprint(job.id)\nprint(job.result())"


def _literal(value: Any) -> str:
    return pformat(value, width=WIDTH, sort_dicts=False)


def _call(body: Json) -> tuple[str, Json]:
    name = f"submit_{body['simulation'].replace('.', '_')}"
    options = {each: body[each] for each in OF_A_TOOL if each in body}
    return name, {**body["params"], **({"job": options} if options else {})}
