from django.db import migrations, models
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Substr


def fill(apps, schema_editor):
    # As text: what is compared with a JSON value would be taken for JSON.
    known = Cast(KT("structure__formula"), models.TextField())
    jobs = apps.get_model("jobs", "Job").objects.annotate(known=known)
    jobs.filter(known__gt="").update(formula=Substr(known, 1, 500))


class Migration(migrations.Migration):
    dependencies = [("jobs", "0018_names_by_triples")]

    operations = [
        migrations.AddField(
            model_name="job",
            name="formula",
            field=models.CharField(blank=True, default="", editable=False, max_length=500),
            preserve_default=False,
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                fields=["owner", "formula", "-created_at", "id"], name="job_of_formula"
            ),
        ),
    ]
