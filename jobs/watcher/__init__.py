"""Follows the jobs that wait and run on a cluster: one process for all of them, however many.

It sends to Slurm what may start, asks once a look how everything stands, reads what the nodes wrote
into the directories that they share with us, and tells the lifecycle. What a run wrote counts
first: its result, or why it failed. Then what Slurm says of its end, then its accounting; and of
what nobody knows anything a job is not sure to run, and after a while is tried again.

Nothing is asked of it that it would have to remember: what was sent stands in the database before
Slurm is told, with a token by which it is found again should the answer be lost.
"""

from .watcher import Watcher

__all__ = ["Watcher"]
