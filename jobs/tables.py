"""Whether the database has the tables that this release reads and writes."""

from __future__ import annotations

from django.db import connection
from django.db.migrations.executor import MigrationExecutor


def not_applied() -> list[str]:
    """The migrations that it lacks, in their order.

    :raises DatabaseError: it does not answer.
    """
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [str(migration) for migration, _ in plan]
