"""Streams that arrive in any pieces, and break anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from backplane import Client
from backplane.flows import streams
from backplane.flows.streams import EventStream
from backplane.wire import Patience, asking

from .scripted import Site, job

TOLD = (
    "retry: 1\nid: 0\n\n"
    'id: 1\ndata: {"seq": 1, "message": "Å"}\n\n'
    ": still here\n\n"
    'id: 2\r\ndata: {"seq": 2, "message": "b"}\r\n\r\n'
    'event: end\ndata: {"seq": 2}\n\n'
).encode()


@pytest.mark.parametrize("size", [1, 2, 7, 30, 1000])
def test_events_are_read_from_pieces_of_any_size(size: int) -> None:
    stream = EventStream()
    pieces = [TOLD[at : at + size] for at in range(0, len(TOLD), size)]

    found = [event for piece in pieces for event in stream.feed(piece)]

    assert found == [{"seq": 1, "message": "Å"}, {"seq": 2, "message": "b"}]
    assert (stream.is_over, stream.seq, stream.retry_s) == (True, 2, 0.001)


def test_half_an_event_is_read_again_and_not_twice() -> None:
    first, second = TOLD[:-60], TOLD[TOLD.index(b"id: 2") :]
    assert b'"seq": 1' in first
    site = Site(
        httpx.Response(200, json=job()),
        httpx.Response(200, content=first[: first.index(b"id: 2") + 20]),
        httpx.Response(200, content=second),
    )
    with Client("http://site", http_transport=httpx.MockTransport(site)) as client:
        client.ask = asking(Patience(total_s=5, first_s=0.001))

        found = [event["seq"] for event in client.job("1").events()]

    assert found == [1, 2]
    assert [each.headers["Last-Event-ID"] for each in site.asked[1:]] == ["0", "1"]


def test_nothing_new_of_a_job_that_has_ended_ends_it() -> None:
    site = Site(httpx.Response(200, json=job()), httpx.Response(204))
    with Client("http://site", http_transport=httpx.MockTransport(site)) as client:
        assert [*client.job("1").events(after=9)] == []


def test_results_that_break_off_are_gone_on_with_at_the_next_line() -> None:
    class Breaks(httpx.SyncByteStream):
        def __iter__(self):  # type: ignore[no-untyped-def]
            yield b'{"index": 0}\n{"ind'
            raise httpx.ReadError("broken pipe")

    batch = {"id": "b1", "state": "finished"}
    site = Site(
        httpx.Response(200, json=batch),
        httpx.Response(200, stream=Breaks()),
        httpx.Response(200, content=b'{"index": 0}\n{"index": 1}\n'),
    )
    with Client("http://site", http_transport=httpx.MockTransport(site)) as client:
        found = [*client.batch("b1").results()]

    assert found == [{"index": 0}, {"index": 1}]


@pytest.mark.parametrize("names", ["final.xyz", Path("final.xyz"), ["final.xyz"]])
def test_one_file_is_named_as_it_is(names: Any) -> None:
    there = [{"name": name, "attempt": 1, "expired_at": None} for name in ("final.xyz", "a.log")]

    ((found, place),) = streams.wanted({"id": "1", "artifacts": there}, names, Path("to"))

    assert (found["name"], place) == ("final.xyz", Path("to/final.xyz"))
