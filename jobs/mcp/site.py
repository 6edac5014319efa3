"""The REST door as one caller sees it: requests that never leave this process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

Scope = dict[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[Any]]

NOT_PASSED_ON = {
    b"accept", b"accept-encoding", b"connection", b"content-length", b"content-type", b"cookie",
    b"idempotency-key", b"if-match", b"if-none-match", b"last-event-id", b"prefer", b"range",
    b"transfer-encoding",
}  # fmt: skip
"""What is said of the outer request alone. Cookies too: no web page acts here for its visitor."""

AGENT = b"x-agent-name"
ONCE = b"idempotency-key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def body(self) -> Any:
        return json.loads(self.content) if self.content else None


class Refused(Exception):
    """The REST door said no; `problem` is its problem JSON."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.problem: dict[str, Any] = _problem(answer)
        super().__init__(self.problem.get("detail", ""))


class Site:
    """Asks the site's own application, as whoever sent the request that `scope` describes."""

    def __init__(self, app: App, scope: Scope) -> None:
        self._app = app
        self._scope = scope
        passed = [pair for pair in scope["headers"] if pair[0] not in NOT_PASSED_ON]
        self._headers = [pair for pair in passed if not pair[0].startswith(b"mcp-")]
        # A request that is sent twice, for its answer was lost, is the same one.
        self._once = next((value for name, value in scope["headers"] if name == ONCE), b"").decode()

    def named(self, agent: str) -> Site:
        """The same, for an agent of that name, if the request names none itself."""
        if not agent or any(name == AGENT for name, _ in self._headers):
            return self
        header = (AGENT, agent.encode("ascii", "ignore"))
        return Site(self._app, {**self._scope, "headers": [*self._headers, header]})

    async def get(self, path: str, query: Mapping[str, Any] | None = None, **headers: str) -> Any:
        """What is at `path`.

        :raises Refused: with the reason.
        """
        return (await self.ask("GET", path, query=query, headers=headers)).body

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """:raises Refused: any answer but a success."""
        answer = await self.knock(method, path, body, query=query, headers=headers)
        if not answer.ok:
            raise Refused(answer)
        return answer

    async def knock(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """The answer, whatever it is."""
        content = b"" if body is None else json.dumps(body).encode()
        said = {"accept": "application/json", "content-length": str(len(content))}
        if body is not None:
            said["content-type"] = "application/json"
        if self._once and method == "POST":
            said["idempotency-key"] = self._once
        said |= {name.lower().replace("_", "-"): v for name, v in (headers or {}).items()}
        scope = {
            **self._scope,
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": urlencode(query or {}, doseq=True).encode(),
            "headers": [*self._headers, *((k.encode(), v.encode()) for k, v in said.items())],
        }
        exchange = _Exchange(content)
        asked = asyncio.ensure_future(self._app(scope, exchange.receive, exchange.send))
        try:
            await asyncio.shield(asked)
        except asyncio.CancelledError:
            # Told as a server would tell it: cancelled, Django would not clear up after itself.
            exchange.hang_up()
            _hung_up.add(asked)
            asked.add_done_callback(_hung_up.discard)
            raise
        return exchange.answer()


_hung_up: set[asyncio.Future[Any]] = set()
"""Those whose caller is gone, until they have noticed."""


class _Exchange:
    """One request and its answer, both in memory."""

    def __init__(self, content: bytes) -> None:
        self._request: bytes | None = content
        self._gone = asyncio.Event()
        self._start: dict[str, Any] = {}
        self._content = bytearray()

    async def receive(self) -> dict[str, Any]:
        if self._request is None:
            await self._gone.wait()
            return {"type": "http.disconnect"}
        content, self._request = self._request, None
        return {"type": "http.request", "body": content, "more_body": False}

    def hang_up(self) -> None:
        self._gone.set()

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self._start = message
        elif message["type"] == "http.response.body":
            self._content += message.get("body", b"")

    def answer(self) -> Answer:
        headers = {k.decode().lower(): v.decode() for k, v in self._start.get("headers", ())}
        return Answer(
            status=self._start.get("status", 500), headers=headers, content=bytes(self._content)
        )


def _problem(answer: Answer) -> dict[str, Any]:
    """Problem JSON, or a sentence of ours where there is none: a redirect to HTTPS, say."""
    try:
        body = answer.body
    except ValueError:
        body = None
    if isinstance(body, dict) and "code" in body:
        return body
    detail = f"The site answered {answer.status} where a job was expected."
    return {"code": "unexpected", "status": answer.status, "detail": detail, "retryable": False}
