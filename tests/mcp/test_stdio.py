"""The program that a client starts: what it says where something is wrong, and that it says it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from jobs.mcp import stdio
from tests.stack import ROOT, free_port

KEY = "bp_00000000_" + "x" * 43


class Page(BaseHTTPRequestHandler):
    """A proxy whose site is away."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(502)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(b"<!doctype html><html><head><title>Bad gateway</title></head></html>")

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def proxy() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Page) as server:
        Thread(target=server.serve_forever, args=(0.05,)).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    begun: list[subprocess.Popen[str]] = []

    def start(url: str, key: str = "") -> subprocess.Popen[str]:
        env = {"BACKPLANE_URL": url, "BACKPLANE_KEY": key, "PYTHONPATH": str(ROOT)}
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        argv = [sys.executable, "-P", "-m", "jobs.mcp"]
        begun.append(subprocess.Popen(argv, env=env, text=True, **pipes))
        return begun[-1]

    yield start
    for each in begun:
        each.kill()
        each.communicate()


def answer(program: subprocess.Popen[str], line: str) -> dict[str, Any]:
    assert program.stdin
    assert program.stdout
    program.stdin.write(line + "\n")
    program.stdin.flush()
    told: dict[str, Any] = json.loads(program.stdout.readline())
    return told


def call(number: Any, **arguments: Any) -> str:
    params = {"name": "submit", "arguments": arguments}
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params})


@pytest.mark.parametrize("number", [7, "seven"])
@pytest.mark.parametrize(
    "name", ["half \ud83d", json.loads('{"a":' * 250 + "1" + "}" * 250)], ids=["surrogate", "deep"]
)
def test_a_request_that_cannot_be_read_is_answered(
    start: Start, proxy: str, number: Any, name: Any
) -> None:
    """Or else its client waits for it as long as it waits for anything."""
    told = answer(start(proxy), call(number, name=name))

    assert (told["id"], told["error"]["code"]) == (number, -32700)
    assert "cannot be read" in told["error"]["message"]


def test_what_is_no_request_is_passed_over_and_the_next_one_answered(
    start: Start, proxy: str
) -> None:
    lines = "\n".join(["hello", "[]", '{"jsonrpc": "2.0", "id": 1, "result": "\\ud83d"}', call(2)])

    assert answer(start(proxy), lines)["id"] == 2


def test_of_a_page_nothing_is_passed_on_but_that_it_is_one(start: Start, proxy: str) -> None:
    told = answer(start(proxy), call(1))["error"]["message"]

    assert told.startswith(f"502: {proxy}/mcp is a web page")
    assert "<" not in told


def test_a_site_that_is_away_at_the_start_is_told_of_while_the_client_still_listens(
    start: Start,
) -> None:
    """Clients give a program 10 s (Codex) to 30 s (Claude Code) to answer for the first time."""
    told = answer(start(f"http://127.0.0.1:{free_port()}"), call(1))["error"]["message"]

    assert told.endswith("Is the site up?")
    assert stdio.FIRST_S + stdio.TRY_AGAIN_S < 10


@pytest.mark.parametrize("text", ["127.0.0.1:8000", "lab", "http://", "http://lab:x", "ftp://lab"])
def test_an_address_that_is_none_is_said_at_once(start: Start, text: str) -> None:
    program = start(text)
    _, said = program.communicate(timeout=60)

    assert program.returncode == 2
    assert "error: --url or BACKPLANE_URL: " in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "text", ["http://lab:1", "http://lab:1/", "http://lab:1/mcp", " http://lab:1/mcp/ "]
)
def test_the_address_of_the_door_is_taken_for_that_of_the_site(text: str) -> None:
    assert stdio.address(text) == "http://lab:1"


def test_without_an_address_it_is_this_machine() -> None:
    assert stdio.address("") == stdio.DEFAULT_URL


def test_a_key_is_never_said_whatever_is_wrong_with_it(start: Start, proxy: str) -> None:
    program = start(proxy, f"{KEY}\nü")
    _, said = program.communicate(timeout=60)

    assert program.returncode == 2
    assert "BACKPLANE_KEY: it has characters that no key has" in said
    assert "xxx" not in said


def test_the_end_of_its_line_is_no_part_of_a_key() -> None:
    assert stdio.key_in(f"{KEY}\n") == KEY
