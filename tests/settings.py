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
