"""The rules of the house that an import graph cannot see."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

import simulations
from tests.stack import ROOT

TABLES = {"Job", "JobEvent", "Attempt", "Artifact", "Batch", "BatchEvent", "BatchItem"}
WRITES = {"create", "bulk_create", "update", "bulk_update", "get_or_create", "update_or_create"}
WRITES |= {"delete", "save"}
ENGINES = ("pyscf", "openmm", "tblite", "vina", "geometric", "meeko")


def writes_in(source: str) -> Iterator[str]:
    """Calls that change our tables, told by the name of the model or of a job's relation."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            called, before = node.func.attr, ast.unparse(node.func.value)
            of_ours = re.match(rf"({'|'.join(TABLES)})\.objects|jobs?\b", before)
            if called in WRITES and of_ours:
                yield f"{before}.{called}"
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Attribute) and ast.unparse(target.value) == "job":
                    yield ast.unparse(target)


def test_only_the_lifecycle_writes_the_tables() -> None:
    found = {
        str(path.relative_to(ROOT)): [*writes_in(path.read_text())]
        for path in (ROOT / "jobs").rglob("*.py")
        if not {"migrations", "lifecycle"} & set(path.parts)
    }

    assert {path: writes for path, writes in found.items() if writes} == {}


def test_only_the_module_of_files_writes_what_is_uploaded() -> None:
    """What is uploaded belongs to no job, so that its table has a writer of its own."""
    writing = re.compile(rf"StoredFile\.objects\b[^\n]*\.({'|'.join(WRITES)})\(")
    sources = (ROOT / "jobs").rglob("*.py")
    found = {path.name for path in sources if writing.search(path.read_text())}

    assert found == {"files.py"}


def test_only_webhooks_write_their_tables() -> None:
    tables = r"((WebhookEndpoint|WebhookDelivery|JobWebhook)\.objects|\.(deliveries|of_jobs)\b)"
    writing = re.compile(rf"{tables}[^\n]*\.({'|'.join(WRITES)})\(")
    sources = (ROOT / "jobs").rglob("*.py")
    found = {path.parent.name for path in sources if writing.search(path.read_text())}

    assert found == {"webhooks"}


@pytest.mark.parametrize(
    "planted",
    [
        "job.state = 'failed'",
        "job.save()",
        "Job.objects.filter(pk=1).update(state='x')",
        "job.events.create(seq=1)",
    ],
)
def test_that_rule_catches_a_planted_write(planted: str) -> None:
    assert [*writes_in(planted)]


def test_the_web_process_loads_no_engine() -> None:
    probe = f"""
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
from backplane_site.asgi import application
import jobs.api.urls, jobs.pages.urls, simulations
for name, params in {{
    "dft_optimization": {{"structure": "CCO"}},
    "dft_crystal": {{"structure": "LiC6"}},
}}.items():
    simulations.get(name).check(params)
sys.exit(", ".join(name for name in {ENGINES} if name in sys.modules) or 0)
"""
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


def test_the_web_process_is_whole_before_its_first_request() -> None:
    probe = """
import gc, os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
from backplane_site.asgi import application
missing = [name for name in ("jobs.api.views", "jobs.pages.urls") if name not in sys.modules]
rubbish = [] if gc.isenabled() and gc.get_freeze_count() else ["rubbish lies for good"]
sys.exit(", ".join([*missing, *rubbish]) or 0)
"""
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


def test_the_readme_names_every_simulation_and_every_make_target() -> None:
    readme = (ROOT / "README.md").read_text()
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^([a-z]+):.*##", makefile, re.MULTILINE)

    missing = [sim.name for sim in simulations.all_simulations() if sim.name not in readme]
    missing += [f"make {target}" for target in targets if f"make {target}" not in readme]

    assert missing == []


def test_the_readme_shows_the_smallest_simulation_as_it_is() -> None:
    readme = (ROOT / "README.md").read_text()

    assert (ROOT / "simulations/catalog/sum_squares.py").read_text() in readme


def test_every_pinned_version_is_only_a_name_and_a_version() -> None:
    pins = (ROOT / "deploy/constraints.txt").read_text().splitlines()

    assert pins
    assert all(re.fullmatch(r"[a-z0-9._-]+==[\w.+!-]+( ; .+)?", pin) for pin in pins), pins
