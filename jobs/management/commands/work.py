"""Run one worker: `rqworker` on our queue, without the start-up checks that the site has made."""

from django_rq.management.commands import rqworker


class Command(rqworker.Command):
    help = "Take jobs from the queue, one at a time, and run each in a process of its own."
    requires_system_checks = []
