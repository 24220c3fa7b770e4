"""What the stand-ins for services of Microsoft Graph share: the sign-in, and errors as Graph writes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from starlette.routing import Route

from demo.oauth import Grants
from demo.service import Refused
from demo.store import Store


def _is_registered(address: str) -> bool:
    """Microsoft ignores the port of the registered http://localhost."""
    found = urlsplit(address)
    return (found.scheme, found.hostname, found.path) == ("http", "localhost", "")


def microsoft_grants(name: str) -> Grants:
    """Return the sign-in of a stand-in."""
    return Grants(
        name,
        token_seconds=3600,
        is_registered=_is_registered,
        is_offline=lambda asked: "offline_access" in asked.get("scope", "").split(),
    )


def sign_in_routes(grants: Grants, store: Store) -> list[Route]:
    """Return the routes of a sign-in."""
    return grants.routes(store, "/common/oauth2/v2.0/authorize", "/common/oauth2/v2.0/token")


def token_refusal(grants: Grants, store: Store, token: str, needed: set[str]) -> tuple[int, str] | None:
    """Return why a token is refused, or None if the sign-in has issued it for one of these scopes."""
    granted = grants.scopes_of(store, token)
    if granted is None:
        return 401, "Lifetime validation failed, the token is expired or unknown."
    return None if granted & needed else (403, "Either scp or roles claim need to be present in the token.")


def graph_error(codes: Mapping[int, str], status: int, message: str) -> dict[str, Any]:
    """Return an error as Graph writes it."""
    return {"error": {"code": codes.get(status, "generalException"), "message": message}}


def graph_refused(status: int, code: str, message: str) -> Refused:
    """Return the exception for an error with a code of its own."""
    return Refused(status, message, error={"code": code, "message": message, "innerError": {"request-id": "demo"}})
