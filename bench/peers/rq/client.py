"""Puts functions on the queue, and waits for each result as RQ offers it: without asking twice."""

import os
from collections.abc import Sequence

from redis import Redis
from rq import Queue
from rq.job import Job
from rq.results import Result

from bench.peers import jobs
from bench.peers.timing import MOLECULE, NOTHING, WITHIN_S, serve


class Client:
    def __init__(self, xyz: str) -> None:
        self._queue = Queue(connection=Redis(unix_socket_path=os.environ["PEER_REDIS"]))
        self._calls = {NOTHING: (jobs.nothing, 1), MOLECULE: (jobs.molecule, xyz)}

    def send(self, job: str) -> Job:
        return self._queue.enqueue(*self._calls[job])

    def send_many(self, job: str, n: int) -> list[Job]:
        func, argument = self._calls[job]
        return self._queue.enqueue_many([Queue.prepare_data(func, [argument])] * n)

    def results(self, sent: Sequence[Job]) -> list[float]:
        return [_figure(each) for each in sent]


def _figure(job: Job) -> float:
    result = job.latest_result(timeout=WITHIN_S)
    assert result, f"{job.id}: no result"
    assert result.type == Result.Type.SUCCESSFUL, result.exc_string
    return jobs.figure(result.return_value)


if __name__ == "__main__":
    serve(Client)
