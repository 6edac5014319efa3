import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0010_molecules'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Profile',
            fields=[
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='profile', serialize=False, to=settings.AUTH_USER_MODEL)),
                ('theme', models.CharField(choices=[('system', 'As my system is'), ('light', 'Light'), ('dark', 'Dark')], default='system', max_length=10, verbose_name='Colours')),
                ('energy_unit', models.CharField(choices=[('kcal/mol', 'kcal/mol'), ('kJ/mol', 'kJ/mol'), ('eV', 'eV')], default='kcal/mol', help_text='Total energies stay in hartree.', max_length=10, verbose_name='Differences of energies')),
                ('has_keys', models.BooleanField(default=True, help_text='As j and k in a list. Ctrl K, or ⌘ K, opens the palette all the same.', verbose_name='Single letters are keys')),
            ],
        ),
    ]
