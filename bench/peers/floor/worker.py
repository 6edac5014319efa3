"""RQ's worker, which forks for each job, or the one of its workers that does not."""

import os

import rq
from redis import Redis

from bench.peers.floor import jobs  # noqa: F401  before the fork

if __name__ == "__main__":
    make = getattr(rq, os.environ["FLOOR_WORKER"])
    redis = Redis(unix_socket_path=os.environ["PEER_REDIS"])
    make(["default"], connection=redis).work(logging_level="ERROR")
