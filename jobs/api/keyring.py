"""Agents at the REST door: who holds which key, what it opens, and how a job says who sent it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from jobs import keys
from jobs.key_models import ApiKey
from jobs.keys import Origin
from jobs.states import Scope

REALM = 'Bearer realm="backplane"'


class OutOfScope(PermissionDenied):
    default_code = "insufficient_scope"

    def __init__(self, scope: Scope | None) -> None:
        if scope is None:
            super().__init__("No key opens this; it is for a person.", "person_needed")
            return
        super().__init__(
            f"This takes a key with the scope {scope}; its owner makes one on the page /me/keys/."
        )
        self.auth_header = f'{REALM}, error="insufficient_scope", scope="{scope}"'


class KeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer bp_…`; `request.auth` is then the key."""

    def authenticate(self, request: Request) -> tuple[Any, ApiKey] | None:
        if (text := bearer(request.headers.get("Authorization", ""))) is None:
            return None
        try:
            key = keys.recognise(text)
        except keys.Unrecognised as exc:
            raise AuthenticationFailed(str(exc)) from None
        return keys.acting_user(key), key

    def authenticate_header(self, request: Request) -> str:
        return REALM


class InScope(BasePermission):
    """What a key opens: each view says so for each method, in its `scopes`.

    To look takes `read`. A view that does more and says nothing takes no key.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        key = key_of(request)
        if key is None or not _is_known(view, str(request.method)):
            return True
        scope = scope_for(view, str(request.method))
        if scope is None or not key.may(scope):
            raise OutOfScope(scope)
        return True


def _is_known(view: Any, method: str) -> bool:
    """What no one can do here is not refused as a person's to do, but as no method of the path."""
    return method.lower() in view.http_method_names and hasattr(view, method.lower())


def scope_for(view: Any, method: str) -> Scope | None:
    declared: dict[str, Scope] = getattr(view, "scopes", {})
    return declared.get(method, Scope.READ if method in SAFE_METHODS else None)


def bearer(authorization: str) -> str | None:
    scheme, _, text = authorization.partition(" ")
    return text.strip() if scheme.lower() == "bearer" else None


def key_of(request: Request) -> ApiKey | None:
    """The key by which somebody acts; None: a person does."""
    return request.auth if isinstance(request.auth, ApiKey) else None


def may_look(request: Request) -> bool:
    """Whether who acts here may also see what there is."""
    key = key_of(request)
    return key is None or key.may(Scope.READ)


def origin_of(request: Request, purpose: str = "") -> Origin:
    """Who sends this: the key, and the name that the agent gives itself, or else its key's."""
    key = key_of(request)
    given = request.headers.get("X-Agent-Name", "")
    named = "".join(each for each in given if each.isprintable()).strip()[: keys.AGENT_LENGTH]
    return Origin(key=key, agent=named or (key.name if key else ""), purpose=purpose)


class KeyScheme(OpenApiAuthenticationExtension):
    """In the OpenAPI document: a key in the header."""

    target_class = KeyAuthentication
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "bp_…"}
