"""The words of the command line."""

from __future__ import annotations

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import batch_verbs, job_verbs, mcp, status

Verb = Callable[..., int]


def parser() -> ArgumentParser:
    top = ArgumentParser(
        prog="backplane",
        description="Submit simulations, watch them, fetch what they found. A job runs on its "
        "own, whatever becomes of this program: its id is all that is needed to come back.",
        epilog=status.TEXT,
        formatter_class=RawDescriptionHelpFormatter,
    )
    top.add_argument("--url", help="the site; else BACKPLANE_URL, the config file, or this machine")
    top.add_argument(
        "--patience", type=float, default=60, metavar="S", help="seconds to try a site that is away"
    )
    verbs = top.add_subparsers(required=True, metavar="VERB")
    _making(verbs)
    _following(verbs)
    _looking(verbs)
    _batches(verbs)
    _verb(verbs, "mcp", mcp.serve, "be an MCP server over stdio, for agents", json=False)
    return top


def _making(verbs: Any) -> None:
    new = _verb(verbs, "submit", job_verbs.submit, "submit a job; its id goes to the output")
    new.add_argument("simulation")
    _params(new)
    _description(new)
    _limits(new)
    new.add_argument("--priority", choices=["low", "normal", "high", "urgent"])
    new.add_argument("--backend", metavar="NAME", help="where it is to run; else the site decides")
    new.add_argument("--queue", choices=["cpu", "gpu", "long"])
    new.add_argument("--retry", type=int, metavar="N", help="attempts in all, where one is lost")
    new.add_argument("--webhook", metavar="URL", help="is told what becomes of it")
    new.add_argument("--no-reuse", action="store_true", help="compute it even if it is there")
    _waiting(new)
    dry = _verb(verbs, "check", job_verbs.check, "say what submit would do, without doing it")
    dry.add_argument("simulation")
    _params(dry)
    _limits(dry)
    again = _verb(verbs, "run-again", job_verbs.run_again, "a new job, from the beginning")
    again.add_argument("id")
    _params(again)
    _limits(again)
    _waiting(again)
    more = _verb(verbs, "restart", job_verbs.restart, "a new job, from where one was stopped")
    more.add_argument("id")
    _limits(more)
    _waiting(more)


def _following(verbs: Any) -> None:
    for name, verb, told in (
        ("watch", job_verbs.watch, "live bars until all have ended"),
        ("wait", job_verbs.wait, "a line for each job once it has ended"),
    ):
        each = _verb(verbs, name, verb, told)
        each.add_argument("ids", nargs="+", metavar="ID")
        _timeout(each)
    log = _verb(verbs, "logs", job_verbs.logs, "what the engine wrote", json=False)
    log.add_argument("id")
    log.add_argument("-f", "--follow", action="store_true", help="and what it writes from now on")
    end = _verb(verbs, "cancel", job_verbs.cancel, "stop jobs")
    end.add_argument("ids", nargs="+", metavar="ID")
    _waiting(end)


def _looking(verbs: Any) -> None:
    all_ = _verb(verbs, "list", job_verbs.listing, "your jobs, newest first")
    all_.add_argument("--state", help="queued,running,succeeded,failed,cancelled")
    all_.add_argument("--simulation")
    all_.add_argument("--tag", action="append")
    all_.add_argument("--text", help="part of the name, or the beginning of the id")
    all_.add_argument("--batch", metavar="ID")
    all_.add_argument("--limit", type=int, default=20)
    now = _verb(verbs, "status", job_verbs.status_of, "where jobs stand")
    now.add_argument("ids", nargs="+", metavar="ID")
    why = _verb(verbs, "explain", job_verbs.explain, "why it waits or failed, and what may be done")
    why.add_argument("id")
    got = _verb(verbs, "result", job_verbs.result, "what a job found, once it has: as JSON")
    got.add_argument("id")
    got.add_argument("--fields", action="append", default=[], help="only these, dotted, a,b.c")
    _timeout(got)
    files = _verb(verbs, "artifacts", job_verbs.artifacts, "list or download a job's files")
    files.add_argument("id")
    files.add_argument("names", nargs="*", metavar="NAME", help="download these")
    files.add_argument("--download", action="store_true", help="download all, checked by SHA-256")
    files.add_argument("--to", default=".", metavar="FOLDER")
    files.add_argument("--all-attempts", action="store_true", help="a folder for each attempt")
    known = _verb(verbs, "simulations", job_verbs.simulations, "what can be run, and its params")
    known.add_argument("name", nargs="?")


def _batches(verbs: Any) -> None:
    batch = verbs.add_parser("batch", help="many jobs as one")
    below = batch.add_subparsers(required=True, metavar="VERB")
    new = _verb(below, "submit", batch_verbs.submit, "a job for each row of a file")
    new.add_argument(
        "rows", type=Path, metavar="FILE", help="CSV with a header, or JSON Lines: params of the "
        "simulation or template, and `name`; without one of these, whole submissions",
    )  # fmt: skip
    new.add_argument("--simulation", metavar="NAME")
    new.add_argument("--template", type=Path, metavar="FILE", help="a submission as JSON")
    new.add_argument("--fail-fast", type=float, metavar="N", help="a number or fraction of jobs")
    new.add_argument("--skip-invalid", action="store_true", help="run the rest")
    _params(new)
    _description(new)
    _waiting(new)
    all_ = _verb(below, "list", batch_verbs.listing, "your batches, newest first")
    all_.add_argument("--limit", type=int, default=20)
    for name, verb, told in (
        ("status", batch_verbs.show_status, "how many jobs stand where"),
        ("watch", batch_verbs.watch, "a live bar until it is over"),
        ("results", batch_verbs.results, "a line an item"),
        ("cancel", batch_verbs.cancel, "stop all of it"),
        ("resume", batch_verbs.resume, "run what was cancelled or lost"),
    ):
        each = _verb(below, name, verb, told, json=name != "results")
        each.add_argument("id")
        if name == "watch":
            _timeout(each)
        if name == "resume":
            each.add_argument("--also", action="append", default=[], metavar="KIND")
        if name == "results":
            each.add_argument("--format", choices=["jsonl", "csv"], default="jsonl")
            each.add_argument("--fields", action="append", default=[])


def _verb(verbs: Any, name: str, verb: Verb, told: str, *, json: bool = True) -> ArgumentParser:
    found: ArgumentParser = verbs.add_parser(name, help=told, description=f"{told}.".capitalize())
    found.set_defaults(verb=verb, json=False)
    if json:
        found.add_argument("--json", action="store_true", help="one JSON object a line")
    return found


def _params(verb: ArgumentParser) -> None:
    verb.add_argument(
        "-p", "--param", action="append", default=[], metavar="NAME=VALUE",
        help="JSON where it is some, else a text; @FILE for the text of a file",
    )  # fmt: skip
    verb.add_argument("--params", type=Path, metavar="FILE", help="params as JSON")
    verb.add_argument("--structure", help="SMILES, InChI, XYZ, or a name")
    verb.add_argument(
        "--file", action="append", default=[], metavar="[NAME=]PATH",
        help="upload a file, for `structure` or the param that is named",
    )  # fmt: skip


def _description(verb: ArgumentParser) -> None:
    verb.add_argument("--name", default="")
    verb.add_argument("--tag", action="append", default=[])
    verb.add_argument("--purpose", default="", help="what it is for; travels with the job")
    verb.add_argument("--idempotency-key", metavar="KEY", help="the same key makes the same job")


def _limits(verb: ArgumentParser) -> None:
    verb.add_argument(
        "--limit", action="append", default=[], metavar="NAME=N",
        help="wall_time_s, memory_mib, disk_mib or threads",
    )  # fmt: skip


def _waiting(verb: ArgumentParser) -> None:
    verb.add_argument("--wait", action="store_true", help="until it has ended")
    _timeout(verb)


def _timeout(verb: ArgumentParser) -> None:
    verb.add_argument("--timeout", type=float, metavar="S", help="wait no longer; the job goes on")
