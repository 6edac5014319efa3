"""The site's own settings, on data of the test run's own."""

import atexit
import os
import shutil
import tempfile

# Short, so that a Unix socket in it keeps a legal path.
_var = tempfile.mkdtemp(prefix="bp-")
atexit.register(shutil.rmtree, _var, ignore_errors=True)
os.environ["BACKPLANE_VAR"] = _var
for name in ("BACKPLANE_MODE", "DATABASE_URL", "REDIS_URL", "SECRET_KEY"):
    os.environ.pop(name, None)

from backplane_site.settings import *  # noqa: E402, F403

# In-process websocket tests; the real layer is tested on the real stack.
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}

if os.environ.get("BACKPLANE_TEST_DATABASE") == "postgres":
    # Started there by tests/conftest.py. PostgreSQL does not run as root, and so not in `_var`.
    _host = tempfile.mkdtemp(prefix="pg-")
    DATABASES["default"] = {  # noqa: F405
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "postgres",
        "USER": "postgres",
        "HOST": _host,
    }
else:
    # A file, not memory: threads that race get connections of their own, as processes do.
    DATABASES["default"]["TEST"] = {"NAME": f"{_var}/test.sqlite3"}  # noqa: F405
