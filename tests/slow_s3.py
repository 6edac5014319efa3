"""moto's S3 server, whose uploads can be held back: `python -m tests.slow_s3 PORT FLAG`.

While there is a file FLAG, one upload is let through, and those after it wait until there is none,
and are refused.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import run_simple

App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def holding_back(app: App, flag: Path) -> App:
    let_through: list[str] = []

    def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if not flag.exists():
            let_through.clear()
        if environ["REQUEST_METHOD"] != "PUT" or not flag.exists():
            return app(environ, start)
        let_through.append(environ["PATH_INFO"])
        if len(let_through) == 1:
            return app(environ, start)
        while flag.exists():
            time.sleep(0.05)
        start("503 Service Unavailable", [("Content-Length", "0")])
        return []

    return answer


if __name__ == "__main__":
    run_simple(
        "127.0.0.1",
        int(sys.argv[1]),
        holding_back(DomainDispatcherApplication(create_backend_app), Path(sys.argv[2])),
        threaded=True,
        request_handler=MotoRequestHandler,
    )
