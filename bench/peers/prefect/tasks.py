"""The two jobs as its tasks. Client and workers know them by this file."""

from prefect import task

from bench.peers import jobs

nothing = task(jobs.nothing)
molecule = task(jobs.molecule)
