from django.db import migrations, models


class Migration(migrations.Migration):
    """The two indexes of the lists, under their names of before: each goes before it comes."""

    dependencies = [("jobs", "0016_job_equal")]

    operations = [
        migrations.RemoveIndex(model_name="job", name="job_owner_created"),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                fields=["owner", "-created_at", "id", "name"], name="job_owner_created"
            ),
        ),
        migrations.RemoveIndex(model_name="job", name="job_created"),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(fields=["-created_at", "id", "name"], name="job_created"),
        ),
    ]
