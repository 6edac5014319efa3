from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("jobs", "0015_deliveries")]

    operations = [
        # The new one first: the old one is asked until then.
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                fields=["owner", "fingerprint", "created_at", "id"], name="job_equal"
            ),
        ),
        migrations.RemoveIndex(model_name="job", name="job_fingerprint"),
    ]
