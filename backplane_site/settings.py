"""Configuration, read from the environment. Nothing set means: this machine, this user, loopback.

`BACKPLANE_MODE=server` is every other case; it refuses to start without what that needs.
"""

import hashlib
import os
import re
import secrets
import tempfile
from pathlib import Path

import dj_database_url
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from redis.backoff import NoBackoff
from redis.retry import Retry

BASE_DIR = Path(__file__).resolve().parent.parent

# --- Where and how ---------------------------------------------------------------------------

MODE = os.environ.get("BACKPLANE_MODE", "local")
if MODE not in {"local", "server"}:
    raise ImproperlyConfigured(f"BACKPLANE_MODE is {MODE!r}; expected local or server")
LOCAL_MODE = MODE == "local"
VAR_DIR = Path(os.environ.get("BACKPLANE_VAR", BASE_DIR / "var")).resolve()
DEBUG = os.environ.get("BACKPLANE_DEBUG") == "1"


def _required(name: str) -> str:
    if value := os.environ.get(name):
        return value
    raise ImproperlyConfigured(f"{name} must be set when BACKPLANE_MODE is server")


def _local_secret() -> str:
    """A secret of this installation's own, made once."""
    path = VAR_DIR / "secret_key"
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(secrets.token_urlsafe(50))
    return path.read_text()


def _redis_socket() -> Path:
    """Beside the data, or in a private folder where that path will not do for a socket.

    The system takes 107 bytes, and redis-py cannot read a list of clients with a space in it.
    """
    path = VAR_DIR / "redis.sock"
    if len(os.fsencode(path)) <= 100 and re.fullmatch(r"[\w./-]+", str(path), re.ASCII):
        return path
    digest = hashlib.sha256(os.fsencode(VAR_DIR)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"backplane-{os.getuid()}-{digest}" / "redis.sock"


try:
    VAR_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    SECRET_KEY = os.environ.get("SECRET_KEY") or (_local_secret() if LOCAL_MODE else "")
except OSError as exc:
    raise ImproperlyConfigured(f"{VAR_DIR} cannot be written to: {exc.strerror}") from None
if LOCAL_MODE:
    ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
else:
    SECRET_KEY = _required("SECRET_KEY")
    ALLOWED_HOSTS = _required("ALLOWED_HOSTS").split(",")
    CSRF_TRUSTED_ORIGINS = [
        f"https://{'*' if host.startswith('.') else ''}{host}"
        for host in ALLOWED_HOSTS
        if host != "*"
    ]
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True

# --- Jobs ------------------------------------------------------------------------------------

JOBS_ROOT = VAR_DIR / "jobs"
JOB_WALL_TIME_S = int(os.environ.get("BACKPLANE_WALL_TIME_S", 7 * 24 * 3600))
JOB_MAX_ATTEMPTS = 3
JOB_RETRY_DELAY_S = 5
JOB_LEASE_S = 15
"""A worker that is silent for so long is taken for dead; it speaks three times as often."""
MAX_BODY_BYTES = 1_000_000

# --- Services --------------------------------------------------------------------------------

REDIS_SOCKET = _redis_socket()
REDIS_URL = os.environ.get("REDIS_URL", f"unix://{REDIS_SOCKET}")
IMPATIENCE = {
    # A Redis that hangs is as good as none: no request waits for it.
    "socket_connect_timeout": 2,
    "socket_timeout": 2,
    "retry": Retry(NoBackoff(), 1),
}
RQ_QUEUES = {
    "default": {
        "URL": REDIS_URL,
        "SERIALIZER": "rq.serializers.JSONSerializer",
        # A worker that waits for work has a limit of its own.
        "REDIS_CLIENT_KWARGS": IMPATIENCE,
    }
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
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        # Take the write lock at BEGIN: two writers then wait in line instead of failing.
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
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
    "django_rq",
    "jobs",
    "backplane_site",
]
MIDDLEWARE = [
    "backplane_site.request_id.RequestIdMiddleware",
    "backplane_site.chunked.ChunkedBodyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "backplane_site.local_user.LocalUserMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
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
            ]
        },
    }
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "jobs:list"
LOGOUT_REDIRECT_URL = "login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LANGUAGE_CODE = "en"
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
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
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# --- REST ------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "jobs.api.authentication.LoopbackAuthentication",
        "rest_framework.authentication.BasicAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
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
}

# --- Logs ------------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        name: {"level": os.environ.get("BACKPLANE_LOG_LEVEL", "INFO")}
        for name in ("jobs", "backplane_site")
    }
    # What a client got wrong is told to the client.
    | {"django.request": {"level": "ERROR"}},
}
