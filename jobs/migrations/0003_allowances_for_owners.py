"""Whoever has jobs already takes part in the turns."""

from typing import Any

from django.db import migrations


def give_allowances(apps: Any, schema_editor: Any) -> None:
    owners = apps.get_model("jobs", "Job").objects.order_by().values_list("owner", flat=True)
    allowances = apps.get_model("jobs", "Allowance").objects
    allowances.bulk_create(
        [allowances.model(user_id=owner) for owner in owners.distinct()], ignore_conflicts=True
    )


class Migration(migrations.Migration):
    dependencies = [("jobs", "0002_turns_limits_and_records")]

    operations = [migrations.RunPython(give_allowances, migrations.RunPython.noop)]
