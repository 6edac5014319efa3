from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0013_placement'),
    ]

    operations = [
        migrations.AddField(
            model_name='artifact',
            name='key',
            field=models.CharField(blank=True, default='', editable=False, max_length=500),
        ),
    ]
