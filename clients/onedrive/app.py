"""OneDrive as a service that people sign in to."""

from __future__ import annotations

import httpx

from clients.errors import BadAnswer
from clients.listing import Json
from clients.microsoft.app import microsoft_app, sign_in_to
from clients.microsoft.graph import Graph
from clients.oauth.app import TokenSource
from clients.onedrive.service import ONEDRIVE


def owner_of(drive: Json) -> str:
    """Return whose drive it is: the address if Microsoft gives it, or the name."""
    try:
        user = (drive.get("owner") or {}).get("user") or {}
        name = user.get("email") or user.get("displayName")
    except AttributeError:
        name = None
    if not name:
        raise BadAnswer("OneDrive does not say whose files these are.", service=ONEDRIVE.name)
    return str(name)


def _account_of(http: httpx.Client, tokens: TokenSource, base_url: str) -> str:
    graph = Graph(http, tokens, base_url)
    return owner_of(graph.get(f"{graph.url}/me/drive"))


ONEDRIVE_APP = microsoft_app(ONEDRIVE, ("Files.ReadWrite",), _account_of)
SIGN_IN = sign_in_to(ONEDRIVE_APP, "`Files.ReadWrite` and `offline_access`")
