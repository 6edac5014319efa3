import django.db.models.deletion
import django.utils.timezone
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        ('jobs', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Allowance',
            fields=[
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='allowance', serialize=False, to=settings.AUTH_USER_MODEL)),
                ('max_queued', models.PositiveIntegerField(blank=True, help_text='Empty: as many as the site allows.', null=True)),
                ('max_running', models.PositiveIntegerField(blank=True, help_text='Empty: as many as the site allows.', null=True)),
                ('served_at', models.DateTimeField(blank=True, editable=False, null=True)),
            ],
        ),
        migrations.CreateModel(
            name='IdempotencyKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('scope', models.CharField(max_length=200)),
                ('key', models.CharField(max_length=255)),
                ('body_sha256', models.CharField(max_length=64)),
                ('claim', models.UUIDField(default=uuid.uuid4)),
                ('claimed_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('status', models.PositiveSmallIntegerField(null=True)),
                ('headers', models.JSONField(default=dict)),
                ('body', models.JSONField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='StoredFile',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=200)),
                ('sha256', models.CharField(max_length=64)),
                ('size_bytes', models.PositiveBigIntegerField()),
                ('format', models.CharField(blank=True, max_length=20)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.RemoveIndex(
            model_name='job',
            name='job_active',
        ),
        migrations.AddField(
            model_name='attempt',
            name='cpu_seconds',
            field=models.FloatField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='attempt',
            name='details',
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='attempt',
            name='heartbeat_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='attempt',
            name='machine',
            field=models.CharField(blank=True, max_length=100),
        ),
        migrations.AddField(
            model_name='attempt',
            name='pid_started',
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='attempt',
            name='progress',
            field=models.FloatField(default=0),
        ),
        migrations.AddField(
            model_name='job',
            name='disk_limit_mib',
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='job',
            name='estimate',
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='job',
            name='files_removed_at',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name='job',
            name='fingerprint',
            field=models.CharField(blank=True, editable=False, max_length=64),
        ),
        migrations.AddField(
            model_name='job',
            name='memory_limit_mib',
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='job',
            name='methods',
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='job',
            name='priority',
            field=models.SmallIntegerField(choices=[(-1, 'Low'), (0, 'Normal'), (1, 'High'), (2, 'Urgent')], default=0),
        ),
        migrations.AddField(
            model_name='job',
            name='provenance',
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='job',
            name='request_id',
            field=models.CharField(blank=True, editable=False, max_length=100),
        ),
        migrations.AddField(
            model_name='job',
            name='restarted_from',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='restarts', to='jobs.job'),
        ),
        migrations.AddField(
            model_name='job',
            name='retry_on',
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AddField(
            model_name='job',
            name='summary',
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='job',
            name='threads',
            field=models.PositiveSmallIntegerField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name='attempt',
            name='failure_kind',
            field=models.CharField(blank=True, choices=[('input', 'The input cannot be computed'), ('science', 'The calculation did not work out'), ('timeout', 'It ran past its time limit'), ('memory', 'It ran out of memory'), ('disk', 'It wrote more than it may'), ('lost', 'Its worker vanished'), ('cancelled_by', 'It was cancelled'), ('infrastructure', 'The machinery around it failed'), ('internal', 'A defect in the backplane')], max_length=20),
        ),
        migrations.AlterField(
            model_name='job',
            name='failure_kind',
            field=models.CharField(blank=True, choices=[('input', 'The input cannot be computed'), ('science', 'The calculation did not work out'), ('timeout', 'It ran past its time limit'), ('memory', 'It ran out of memory'), ('disk', 'It wrote more than it may'), ('lost', 'Its worker vanished'), ('cancelled_by', 'It was cancelled'), ('infrastructure', 'The machinery around it failed'), ('internal', 'A defect in the backplane')], max_length=20),
        ),
        migrations.AlterField(
            model_name='job',
            name='reason',
            field=models.CharField(blank=True, choices=[('no_free_worker', 'Waiting for a worker'), ('quota', 'The owner has as many jobs running as they may'), ('queue_unreachable', 'The queue is unreachable; it starts once it is back'), ('backing_off', 'Waiting a little before the next attempt'), ('handed_over', 'Its worker was stopped; another one goes on with it'), ('unconfirmed', 'Its worker is silent; whether it still runs is not known')], max_length=30),
        ),
        migrations.AddIndex(
            model_name='attempt',
            index=models.Index(fields=['outcome', 'failure_kind'], name='attempt_ended'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(fields=['owner', 'fingerprint'], name='job_fingerprint'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(fields=['simulation', 'state', 'failure_kind', 'started_at', 'finished_at'], name='job_ended'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(condition=models.Q(('attempt', 1), ('estimate__isnull', False), ('state', 'succeeded')), fields=['simulation', '-finished_at', 'id'], name='job_comparable'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(condition=models.Q(('finished_at', None)), fields=['owner', 'state', '-priority', 'queued_at', 'id'], name='job_line'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(condition=models.Q(('finished_at', None)), fields=['state', 'reason', 'queued_at'], name='job_not_ended'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(condition=models.Q(('files_removed_at', None), ('finished_at__isnull', False)), fields=['finished_at'], name='job_with_files'),
        ),
        migrations.AddField(
            model_name='idempotencykey',
            name='owner',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='storedfile',
            name='owner',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='files', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddConstraint(
            model_name='idempotencykey',
            constraint=models.UniqueConstraint(fields=('owner', 'scope', 'key'), name='idempotency_key_unique'),
        ),
        migrations.AddIndex(
            model_name='storedfile',
            index=models.Index(fields=['sha256'], name='file_content'),
        ),
        migrations.AddIndex(
            model_name='storedfile',
            index=models.Index(fields=['owner', '-created_at', 'id'], name='file_owner_created'),
        ),
        migrations.AddConstraint(
            model_name='storedfile',
            constraint=models.UniqueConstraint(fields=('owner', 'sha256'), name='file_kept_once_per_owner'),
        ),
    ]
