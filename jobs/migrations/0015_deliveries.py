from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0014_storage'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='webhookdelivery',
            options={'verbose_name_plural': 'webhook deliveries'},
        ),
    ]
