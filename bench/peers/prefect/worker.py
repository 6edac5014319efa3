"""A worker of one task at a time: two in one process would share one core of Python."""

from prefect.task_worker import serve

from bench.peers import jobs
from bench.peers.prefect.tasks import molecule, nothing

if __name__ == "__main__":
    jobs.preload()
    serve(nothing, molecule, limit=1)
