"""The one entry point of the web process: pages and REST over HTTP, live jobs over websockets."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backplane_site.settings")
django_app = get_asgi_application()

# Only importable once Django is set up.
from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402

from backplane_site import bodies  # noqa: E402
from backplane_site.local_user import LocalUserOnSocket  # noqa: E402
from backplane_site.same_origin import SameOriginOnSocket  # noqa: E402
from jobs.routing import websocket_urlpatterns  # noqa: E402
from simulations import bounded  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": django_app,
        "websocket": SameOriginOnSocket(
            AuthMiddlewareStack(LocalUserOnSocket(URLRouter(websocket_urlpatterns)))
        ),
    }
)

bodies.install()
# The first submission should not wait for what reads its structure.
bounded.start()
