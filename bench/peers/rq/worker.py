"""A worker that imports what its jobs need before it forks, as RQ's page on performance advises."""

import os

from redis import Redis
from rq import Worker

from bench.peers import jobs

if __name__ == "__main__":
    jobs.preload()
    redis = Redis(unix_socket_path=os.environ["PEER_REDIS"])
    Worker(["default"], connection=redis).work(logging_level="ERROR")
