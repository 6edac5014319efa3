from django.conf import settings
from django.db import migrations, models
from django.db.models.fields.json import KT
from django.db.models.functions import Cast


def fill(apps, schema_editor):
    # As text: what is compared with a JSON value would be taken for JSON.
    known = Cast(KT("structure__inchikey"), models.CharField())
    jobs = apps.get_model("jobs", "Job").objects.annotate(known=known)
    jobs.filter(known__gt="").update(inchikey=known)


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0009_operators'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='job',
            name='inchikey',
            field=models.CharField(blank=True, default='', editable=False, max_length=27),
            preserve_default=False,
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(fields=['owner', 'inchikey', '-created_at', 'id'], name='job_of_molecule'),
        ),
    ]
