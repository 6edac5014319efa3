"""Configuration, read from the environment. Nothing set means: this machine, this user, loopback.

`BACKPLANE_MODE=server` is every other case; it refuses to start without what that needs.
"""

import os
from pathlib import Path
from typing import Any

import dj_database_url
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from redis import DriverInfo
from redis.backoff import NoBackoff
from redis.retry import Retry

from backplane_site.environment import (
    days,
    hosts,
    local_secret,
    memory_mib,
    placement,
    redis_socket,
    required,
    seconds,
    words,
)

BASE_DIR = Path(__file__).resolve().parent.parent

# --- Where and how ---------------------------------------------------------------------------

MODE = os.environ.get("BACKPLANE_MODE", "local")
if MODE not in {"local", "server"}:
    raise ImproperlyConfigured(f"BACKPLANE_MODE is {MODE!r}; expected local or server")
LOCAL_MODE = MODE == "local"
VAR_DIR = Path(os.environ.get("BACKPLANE_VAR", BASE_DIR / "var")).resolve()
DEBUG = os.environ.get("BACKPLANE_DEBUG") == "1"


def _public_url() -> str:
    return "http://127.0.0.1:8000" if LOCAL_MODE else f"https://{OWN_NAME}"


try:
    VAR_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    SECRET_KEY = os.environ.get("SECRET_KEY") or (local_secret(VAR_DIR) if LOCAL_MODE else "")
except OSError as exc:
    raise ImproperlyConfigured(f"{VAR_DIR} cannot be written to: {exc.strerror}") from None
if LOCAL_MODE:
    ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
else:
    SECRET_KEY = required("SECRET_KEY")
    ALLOWED_HOSTS = [host.strip() for host in required("ALLOWED_HOSTS").split(",")]
    CSRF_TRUSTED_ORIGINS = [
        f"https://{'*' if host.startswith('.') else ''}{host}"
        for host in ALLOWED_HOSTS
        if host != "*"
    ]
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_HSTS_SECONDS = int(os.environ.get("BACKPLANE_HSTS_SECONDS", 365 * 24 * 3600))
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
    SECURE_SSL_REDIRECT = True
    # What asks from within, past the proxy that speaks HTTPS.
    SECURE_REDIRECT_EXEMPT = [r"^(healthz|livez|readyz|metrics)$"]
OWN_NAME = ALLOWED_HOSTS[0].lstrip(".*") or "localhost"
"""One that the site answers to: for what asks it by the address of this machine."""

# --- Jobs ------------------------------------------------------------------------------------

JOBS_ROOT = VAR_DIR / "jobs"
JOB_WALL_TIME_S = int(os.environ.get("BACKPLANE_WALL_TIME_S", 7 * 24 * 3600))
JOB_MAX_ATTEMPTS = 3
JOB_MOST_ATTEMPTS = 20
"""That a submission may ask for."""
JOB_RUNS_PER_PROCESS = int(os.environ.get("BACKPLANE_RUNS_PER_PROCESS", 100))
"""How many brief runs of one user may follow each other in one; 1: each has its own."""
JOB_RETRY_DELAY_S = int(os.environ.get("BACKPLANE_RETRY_DELAY_S", 5))
JOB_RETRY_MAX_DELAY_S = 600
"""The pause before an attempt doubles with each that got no further, up to that."""
JOB_LEASE_S = int(os.environ.get("BACKPLANE_LEASE_S", 15))
"""A worker that is silent for so long is taken for dead; it speaks three times as often."""
JOB_UNCONFIRMED_S = int(os.environ.get("BACKPLANE_UNCONFIRMED_S", 8))
"""How long a silent worker may take to speak up before another one is given its job."""
WORKERS = int(os.environ.get("BACKPLANE_WORKERS", os.cpu_count() or 1))
"""On each machine: what a job gets that names no limit is one worker's share."""
JOB_MOST = {
    "wall_time_s": int(os.environ.get("BACKPLANE_MAX_WALL_TIME_S", 30 * 24 * 3600)),
    "memory_mib": int(os.environ.get("BACKPLANE_MAX_MEMORY_MIB", memory_mib())),
    "disk_mib": int(os.environ.get("BACKPLANE_MAX_DISK_MIB", 200 * 1024)),
    "threads": int(os.environ.get("BACKPLANE_MAX_THREADS", os.cpu_count() or 1)),
}
JOB_LIMITS = {
    "wall_time_s": JOB_WALL_TIME_S,
    "memory_mib": int(
        os.environ.get("BACKPLANE_MEMORY_MIB", max(1024, int(0.9 * memory_mib()) // WORKERS))
    ),
    "disk_mib": int(os.environ.get("BACKPLANE_DISK_MIB", 20 * 1024)),
    "threads": max(1, (os.cpu_count() or 1) // WORKERS),
}
BACKENDS = words("BACKPLANE_BACKENDS", "rq")
"""Where jobs can run; the first is where they do if nobody says otherwise."""
if not BACKENDS or not {*BACKENDS} <= {"rq", "slurm"}:
    raise ImproperlyConfigured(
        f"BACKPLANE_BACKENDS is {','.join(BACKENDS)!r}; expected rq, slurm, or both with a comma"
    )
SLURM_FILE = os.environ.get("BACKPLANE_SLURM", "")
"""How jobs are sent to Slurm, as TOML; see docs/slurm.md. None: as Slurm's own defaults are."""
HOST_CORES = int(os.environ.get("BACKPLANE_HOST_CORES", os.cpu_count() or 1))
HOST_MEMORY_MIB = int(os.environ.get("BACKPLANE_HOST_MEMORY_MIB", memory_mib()))
"""What the workers of this host say that one job of theirs may have; else what it has."""
QUEUES = words("BACKPLANE_QUEUES", "")
"""Which queues the workers of this host serve; none named: all that they can."""
PLACEMENT = placement("BACKPLANE_PLACEMENT", '[{"min_core_s": 14400, "queue": "long"}]')
"""Rules that place what a submission leaves open; the first that fits and says something counts."""
CONFIRM_CORE_HOURS = float(os.environ.get("BACKPLANE_CONFIRM_CORE_HOURS", 20))
"""Beyond, the submit form asks once more."""
JOB_MAX_QUEUED_PER_USER = int(os.environ.get("BACKPLANE_MAX_QUEUED_PER_USER", 50_000))
JOB_MAX_RUNNING_PER_USER = int(os.environ.get("BACKPLANE_MAX_RUNNING_PER_USER", 0)) or None
"""None: as many as there are workers. An `Allowance` in the admin says otherwise for one user."""
JOB_RETENTION_DAYS = days("BACKPLANE_RETENTION_DAYS")
"""How long the files of a job are kept after its end; None: for ever. Rows are always kept."""
UPLOAD_RETENTION_DAYS = days("BACKPLANE_UPLOAD_RETENTION_DAYS")
"""How long an upload is kept that no job refers to, not even an old one; None: for ever."""
CALIBRATION_FILE = VAR_DIR / "calibration.json"
"""What `make calibrate` measured on this machine."""
MAX_BODY_BYTES = 1_000_000
MAX_BATCH_BYTES = int(os.environ.get("BACKPLANE_MAX_BATCH_BYTES", 16_000_000))
"""Of ten thousand jobs in one request."""
FILES_ROOT = VAR_DIR / "files"
"""What users upload, by its checksum."""
MAX_FILE_BYTES = int(os.environ.get("BACKPLANE_MAX_FILE_BYTES", 25_000_000))

# --- Where artifacts lie ---------------------------------------------------------------------

S3_BUCKET = os.environ.get("BACKPLANE_S3_BUCKET", "")
"""Empty: where the workers wrote them. The keys to it are those that AWS's own tools read:
AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or the role of the machine."""
_of_bucket = [name for name, set_to in os.environ.items() if set_to and "BACKPLANE_S3_" in name]
if _of_bucket and not S3_BUCKET:
    raise ImproperlyConfigured(
        f"{_of_bucket[0]} is set, and BACKPLANE_S3_BUCKET is not; name the bucket"
    )
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "artifacts": {"BACKEND": "jobs.storage.InPlace"},
}
if S3_BUCKET:
    STORAGES["artifacts"] = {
        "BACKEND": "jobs.object_store.ObjectStore",
        "OPTIONS": {
            "bucket_name": S3_BUCKET,
            "endpoint_url": os.environ.get("BACKPLANE_S3_ENDPOINT") or None,
            "region_name": os.environ.get("BACKPLANE_S3_REGION") or None,
            "location": os.environ.get("BACKPLANE_S3_PREFIX", "").strip("/"),
        },
    }

LOCAL_COPY_DAYS = days("BACKPLANE_LOCAL_COPY_DAYS")
"""How long after a job's end what the bucket has of it stays on this disk too; None: always."""

# --- Webhooks --------------------------------------------------------------------------------

WEBHOOK_ALLOW = hosts("BACKPLANE_WEBHOOK_ALLOW")
"""Names, addresses and networks that are not public, and that a webhook may go to all the same."""
WEBHOOK_RETRIES_S = seconds(
    "BACKPLANE_WEBHOOK_RETRIES_S", "5,300,1800,7200,18000,36000,50400,72000,86400"
)
"""The pauses after each try that did not arrive, a little longer at random; then it is given up."""
WEBHOOK_TIMEOUT_S = int(os.environ.get("BACKPLANE_WEBHOOK_TIMEOUT_S", 20))
WEBHOOK_LOG_DAYS = 30
PUBLIC_URL = os.environ.get("BACKPLANE_URL", _public_url()).rstrip("/")
"""Where users find this site: what a link begins with that no request asked for."""

# --- Limits ----------------------------------------------------------------------------------

PROXIES = int(os.environ.get("BACKPLANE_PROXIES", 0 if LOCAL_MODE else 1))
"""How many proxies of ours a request has passed: what X-Forwarded-For is worth."""
RATE_WRITES = os.environ.get("BACKPLANE_RATE_WRITES", "off" if LOCAL_MODE else "1200/min")
RATE_FAILED_SIGN_INS_BY_ADDRESS = os.environ.get("BACKPLANE_RATE_FAILED_SIGN_INS", "20/min")
RATE_FAILED_SIGN_INS_BY_NAME = os.environ.get("BACKPLANE_RATE_FAILED_SIGN_INS_BY_NAME", "60/hour")
MAX_REQUEST_BYTES = 32_000_000
"""Of anything at all, the largest file included."""
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
"""Of a form."""
DATA_UPLOAD_MAX_NUMBER_FILES = 10

# --- Services --------------------------------------------------------------------------------

REDIS_SOCKET = redis_socket(VAR_DIR)
REDIS_URL = os.environ.get("REDIS_URL", f"unix://{REDIS_SOCKET}")
IMPATIENCE = {
    # A Redis that hangs is as good as none: no request waits for it.
    "socket_connect_timeout": 2,
    "socket_timeout": 2,
    "retry": Retry(NoBackoff(), 1),
    # Each connection looks up anew what it says of itself, and takes longer for it than to open.
    "driver_info": DriverInfo(),
}
RQ_QUEUES = {
    name: {
        "URL": REDIS_URL,
        "SERIALIZER": "rq.serializers.JSONSerializer",
        # A worker that waits for work has a limit of its own.
        "REDIS_CLIENT_KWARGS": IMPATIENCE,
    }
    # That of `cpu` bears the name that it had when there was no other.
    for name in ("default", "gpu", "long")
}
RQ = {"WORKER_CLASS": "jobs.worker.process.JobWorker"}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {
            "hosts": [{"address": REDIS_URL, "socket_connect_timeout": 2, "socket_timeout": 2}]
        },
    }
}
DATABASES = {
    "default": dj_database_url.parse(os.environ["DATABASE_URL"])
    if os.environ.get("DATABASE_URL")
    else {"ENGINE": "django.db.backends.sqlite3", "NAME": VAR_DIR / "db.sqlite3"}
}
DATABASE_POOL = int(os.environ.get("BACKPLANE_DATABASE_POOL", 0))
"""How many PostgreSQL connections this process keeps open to be shared; the web process has 8.
Of SQLite, each thread of such a process keeps its own."""
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["ENGINE"] = "backplane_site.sqlite"
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        # Take the write lock at BEGIN: two writers then wait in line instead of failing.
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
    # To open it anew takes longer than to ask it. The threads of the web process stay.
    DATABASES["default"]["CONN_MAX_AGE"] = None if DATABASE_POOL else 0
if DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    # A server that hangs is as good as none.
    _options: dict[str, Any] = {
        "connect_timeout": 5,
        # On another host it may be cut off from us, and nobody tells.
        "tcp_user_timeout": 15_000,
        **{"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 2},
    }
    if DATABASE_POOL:
        _options["pool"] = {"min_size": 1, "max_size": DATABASE_POOL, "timeout": 5}
    DATABASES["default"].setdefault("OPTIONS", {}).update(_options)  # type: ignore[attr-defined]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- The site --------------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "channels",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "backplane_site.rq_name.QueuesConfig",
    "jobs",
    "backplane_site",
]
MIDDLEWARE = [
    "backplane_site.request_id.RequestIdMiddleware",
    "backplane_site.chunked.ChunkedBodyMiddleware",
    "backplane_site.headers.PrivateMiddleware",
    "backplane_site.squeezing.SqueezingMiddleware",
    "backplane_site.plain_text.PlainTextMiddleware",
    "django.middleware.security.SecurityMiddleware",
    # Above the policy, which is for pages: fifty scripts and styles need not carry it each.
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "backplane_site.policy.PolicyMiddleware",
    "backplane_site.rq_policy.DashboardMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "backplane_site.local_user.LocalUserMiddleware",
    "backplane_site.rate_limits.RateLimitMiddleware",
    "backplane_site.storage_away.StorageAwayMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "backplane_site.signed_out.SignedOutMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "backplane_site.urls"
ASGI_APPLICATION = "backplane_site.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "backplane_site.context.retention",
                "backplane_site.context.assets",
                "backplane_site.context.profile",
                "backplane_site.context.theme",
                "backplane_site.context.places",
                "backplane_site.context.notices",
            ]
        },
    }
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
AUTHENTICATION_BACKENDS = [
    "backplane_site.rate_limits.SignInLimit",
    "backplane_site.accounts.WithProfile",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LANGUAGE_CODE = "en"
FORMAT_MODULE_PATH = "backplane_site.formats"
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = os.environ.get("BACKPLANE_STATIC_ROOT") or None
"""Where `manage.py collectstatic` brings them for a proxy to send; None: we send them ourselves."""
WHITENOISE_USE_FINDERS = True
WHITENOISE_ALLOW_ALL_ORIGINS = False
# A folder of a front-end package has the version in its name: what lies in it never changes.
WHITENOISE_IMMUTABLE_FILE_TEST = rf"^{STATIC_URL}vendor/[^/]+-\d[^/]*/"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        # 3Dmol computes surfaces in a worker that it makes of its own text.
        "worker-src": [SELF, "blob:"],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# --- REST ------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "jobs.api.authentication.LoopbackAuthentication",
        "jobs.api.keyring.KeyAuthentication",
        "rest_framework.authentication.BasicAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAuthenticated",
        "jobs.api.keyring.InScope",
    ],
    "DEFAULT_THROTTLE_CLASSES": ["jobs.api.throttles.WritesThrottle"],
    "DEFAULT_PARSER_CLASSES": ["jobs.api.parsers.BoundedJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "jobs.api.pagination.JobCursor",
    "EXCEPTION_HANDLER": "jobs.api.problems.handle",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Scientific AI Backplane",
    "DESCRIPTION": "Submit a simulation, get its id at once, watch it, get its result.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    # Not the hook that moves choices: two simulations that share a field's name do not share its
    # choices.
    "POSTPROCESSING_HOOKS": ["jobs.api.document.complete"],
}

# --- Logs ------------------------------------------------------------------------------------

LOG_FORMAT = os.environ.get("BACKPLANE_LOG_FORMAT", "plain" if LOCAL_MODE else "json")
if LOG_FORMAT not in {"plain", "json"}:
    raise ImproperlyConfigured(f"BACKPLANE_LOG_FORMAT is {LOG_FORMAT!r}; expected plain or json")
LOG_LEVEL = os.environ.get("BACKPLANE_LOG_LEVEL", "INFO")
METRICS_TOKEN = os.environ.get("BACKPLANE_METRICS_TOKEN", "")
"""Who sends it as `Authorization: Bearer …` may read /metrics without an account."""
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"context": {"()": "backplane_site.logs.ContextFilter"}},
    "formatters": {
        "plain": {"()": "backplane_site.logs.PlainFormatter"},
        "json": {"()": "backplane_site.logs.JsonLines"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": LOG_FORMAT,
            "filters": ["context"],
        }
    },
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "jobs": {"level": LOG_LEVEL},
        "backplane_site": {"level": LOG_LEVEL},
        # In a terminal a line a request would bury the rest.
        "backplane_site.access": {"level": LOG_LEVEL if LOG_FORMAT == "json" else "WARNING"},
        # What a client got wrong is told to the client.
        "django.request": {"level": "ERROR"},
    },
}
