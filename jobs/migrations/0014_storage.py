from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0011_profiles'),
    ]

    operations = [
        migrations.AddField(
            model_name='artifact',
            name='key',
            field=models.CharField(blank=True, default='', editable=False, max_length=500),
        ),
    ]
