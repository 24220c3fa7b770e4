"""What services ask of a new address before they deliver anything to it."""

from __future__ import annotations

import hmac
import json
from typing import Any

from engine.hooks.signatures import Received, SignatureScheme

_LONGEST = 500


def hub_challenge(preset: str, received: Received, secret: str) -> str | None:
    """Return what Meta asks for with a GET, if its token is the secret part of the address (Webhooks, Verification)."""
    said = received.query
    given = said.get("hub.verify_token", "").encode("utf-8", "replace")
    is_asked = preset == "meta" and said.get("hub.mode") == "subscribe"
    return (
        said.get("hub.challenge", "")[:_LONGEST] if is_asked and hmac.compare_digest(secret.encode(), given) else None
    )


def first_key(preset: str, scheme: SignatureScheme, received: Received) -> str | None:
    """Return the token with which Notion opens a subscription; it is not signed, since it is the key (Webhooks)."""
    if preset != "notion" or received.header(scheme.header):
        return None
    found = _object(received).get("verification_token")
    return found if isinstance(found, str) and 8 <= len(found) <= _LONGEST else None


def url_verification(preset: str, received: Received) -> str | None:
    """Return what Slack asks for, signed, when an address is entered there (Events API, url_verification)."""
    found = _object(received) if preset == "slack" else {}
    asked = found.get("challenge")
    return asked[:_LONGEST] if found.get("type") == "url_verification" and isinstance(asked, str) else None


def _object(received: Received) -> dict[str, Any]:
    if received.media_type != "application/json":
        return {}
    try:
        found = json.loads(received.body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
