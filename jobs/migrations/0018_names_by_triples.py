from django.db import migrations


def remove(apps, schema_editor):
    """Where it is; the extension stays, for others may use it."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX IF EXISTS job_named")
    else:
        schema_editor.execute("DROP TRIGGER IF EXISTS job_is_named")
        schema_editor.execute("DROP TRIGGER IF EXISTS job_is_renamed")
        schema_editor.execute("DROP TABLE IF EXISTS names_of_jobs")


class Migration(migrations.Migration):
    """`jobs.names.mend` makes what finds names after each migration, and so after this one."""

    dependencies = [("jobs", "0017_names_found")]

    operations = [migrations.RunPython(migrations.RunPython.noop, remove)]
