"""The one entry point of the web process: pages and REST over HTTP, live jobs over websockets."""

import os

import django

from backplane_site import rubbish

rubbish.let_lie()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backplane_site.settings")
django.setup(set_prefix=False)

# Only importable once Django is set up.
from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.urls import get_resolver  # noqa: E402

from backplane_site import at_once, bodies, descriptors, draining, handing_over  # noqa: E402
from backplane_site.agents import AgentsDoor  # noqa: E402
from backplane_site.crowd import Crowd  # noqa: E402
from backplane_site.handler import Handler  # noqa: E402
from backplane_site.kept import Kept  # noqa: E402
from backplane_site.key_on_socket import KeyOnSocket  # noqa: E402
from backplane_site.local_user import LocalUserOnSocket  # noqa: E402
from backplane_site.same_origin import SameOriginOnSocket  # noqa: E402
from backplane_site.socket_count import SocketCount  # noqa: E402
from jobs.inbox_waiting import InboxWaiting  # noqa: E402
from jobs.routing import websocket_urlpatterns  # noqa: E402
from jobs.streaming import Streaming  # noqa: E402
from jobs.waiting import Waiting  # noqa: E402
from simulations import bounded  # noqa: E402

kept = Kept(Streaming(Waiting(InboxWaiting(Crowd(Handler())))))
rest = kept
sockets = URLRouter(websocket_urlpatterns)
application = ProtocolTypeRouter(
    {
        "http": AgentsDoor(rest, rest),
        "websocket": SocketCount(
            KeyOnSocket(
                sockets, SameOriginOnSocket(AuthMiddlewareStack(LocalUserOnSocket(sockets)))
            )
        ),
    }
)

bodies.install()
at_once.install(kept.at_once)
draining.install()
handing_over.install()
descriptors.allow_many()
# The first submission should not wait for what reads its structure.
bounded.start()
# Nor the first request for all views to be imported.
get_resolver().url_patterns  # noqa: B018
rubbish.collect_seldom()
