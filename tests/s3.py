"""An S3 server of the test run's own: moto's (`tests.slow_s3`), in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import boto3
import httpx

from tests.stack import ROOT, free_port, until

BUCKET = "results"
PREFIX = "lab/site-1"
KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing-secret"}


class S3:
    """`with S3() as s3: Stack(**s3.settings)`."""

    def __init__(self) -> None:
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._log = Path(tempfile.mkstemp(prefix="s3-")[1])
        self._flag = self._log.with_suffix(".hold")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        self.make_bucket()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()
        self._log.unlink()

    def start(self) -> None:
        argv = [sys.executable, "-m", "tests.slow_s3", str(self._port), str(self._flag)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(argv, cwd=ROOT, stdout=log, stderr=log)
        until(self._answers, "the S3 server answers")

    def make_bucket(self) -> None:
        self.client.create_bucket(Bucket=BUCKET)

    def stop(self) -> None:
        """What it held is gone with it."""
        if self._process:
            self._process.terminate()
            self._process.wait(60)

    @contextmanager
    def held_after_one(self) -> Iterator[None]:
        """One upload is let through, and those after it wait."""
        self._flag.touch()
        try:
            yield
        finally:
            self._flag.unlink()

    @property
    def settings(self) -> dict[str, str]:
        return {
            "BACKPLANE_S3_BUCKET": BUCKET,
            "BACKPLANE_S3_ENDPOINT": self.url,
            "BACKPLANE_S3_REGION": "us-east-1",
            "BACKPLANE_S3_PREFIX": PREFIX,
            **KEYS,
        }

    @cached_property
    def client(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        )

    def keys(self, job_id: object = "") -> list[str]:
        """Without what all keys of the site begin with."""
        prefix = f"{PREFIX}/{job_id}"
        found = self.client.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
        return [each["Key"].removeprefix(f"{PREFIX}/") for each in found]

    def content(self, key: str) -> bytes:
        answer = self.client.get_object(Bucket=BUCKET, Key=f"{PREFIX}/{key}")
        content: bytes = answer["Body"].read()
        return content

    def put(self, key: str, content: bytes) -> None:
        self.client.put_object(Bucket=BUCKET, Key=f"{PREFIX}/{key}", Body=content)

    def _answers(self) -> bool:
        assert self._process
        if self._process.poll() is not None:
            raise AssertionError(self._log.read_text()[-2000:])
        try:
            return httpx.get(self.url, timeout=2).status_code < 500
        except httpx.TransportError:
            return False
