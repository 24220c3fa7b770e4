"""Grants made at the stand-in's sign-in: refresh tokens, access tokens, and the clock for their expiry.

Sources: https://developers.google.com/identity/protocols/oauth2#expiration (seven days for apps in Testing, revoking);
RFC 9700, 4.14.2 (rotation). `rotates` imitates servers that issue a new refresh token each time, which Google does
not: the old one is valid until the new one, or an access token issued with it, is used.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from typing import Any

from demo.store import Store

TOKENS, GRANTS, RULES = "gmail_access", "gmail_grants", "gmail_sign_in"
# As in Google's answers: an hour, less a second.
TOKEN_SECONDS = 3599
TESTING_SECONDS = 7 * 24 * 3600
FULL_ACCESS = {"https://www.googleapis.com/auth/gmail.modify", "https://mail.google.com/"}
READING = FULL_ACCESS | {"https://www.googleapis.com/auth/gmail.readonly"}


class Denied(Exception):
    """The request is refused: an OAuth error code and its description."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status


@dataclass(frozen=True)
class GrantRules:
    """How the sign-in behaves, stored with the data. Empty `scopes`: people grant what is requested."""

    testing: bool = False
    rotates: bool = False
    scopes: list[str] = field(default_factory=list)
    advanced_seconds: float = 0.0

    @classmethod
    def of(cls, store: Store) -> GrantRules:
        """Return the current rules."""
        return cls(**(store.get(RULES, "rules") or {}))

    def keep(self, store: Store) -> None:
        """Store the rules as the current ones."""
        store.put(RULES, "rules", asdict(self))

    def now(self) -> float:
        """Return Google's time: the real time, plus the advance set by tests."""
        return time.time() + self.advanced_seconds


def grant(store: Store, client_id: str, scope: str) -> dict[str, Any]:
    """Record a consent; return the token endpoint's answer, with a refresh token."""
    rules = GrantRules.of(store)
    kept = {"client_id": client_id, "scope": scope, "consented_at": rules.now(), "testing": rules.testing}
    return _issued(store, {**kept, "family": secrets.token_hex(8), "number": 1})


def renew(store: Store, refresh_token: str, client_id: str) -> dict[str, Any]:
    """Return the token endpoint's answer to a refresh token; raises Denied."""
    known = store.get(GRANTS, refresh_token)
    if known is None or _has_ended(store, known):
        raise Denied("invalid_grant", "Token has been expired or revoked.")
    if known["client_id"] != client_id:
        raise Denied("unauthorized_client", "The token was given to another client.", 401)
    _used(store, known)
    rules = GrantRules.of(store)
    known["scope"] = " ".join(rules.scopes) or known["scope"]
    if not rules.rotates:
        return _access(store, known)
    return _issued(store, {**known, "number": known["number"] + 1})


def revoke(store: Store, token: str = "") -> None:
    """Revoke a grant by any of its tokens; without a token, all grants."""
    found = store.get(TOKENS, token) or store.get(GRANTS, token)
    for each in [*store.all(GRANTS), *store.all(TOKENS)]:
        if not token or (found is not None and each["family"] == found["family"]):
            _delete(store, each)


def refusal(
    store: Store,
    token: str,
    method: str,
    full: Collection[str] = frozenset(FULL_ACCESS),
    reading: Collection[str] = frozenset(READING),
) -> tuple[int, str] | None:
    """Return why an access token is insufficient: status and message; None if it is sufficient.

    `full` and `reading`: the scopes that suffice, each alone, for any request and for reads (default: Gmail's).
    """
    known = store.get(TOKENS, token)
    if known is None or known["expires_at"] < GrantRules.of(store).now():
        return 401, "Invalid Credentials"
    _used(store, known)
    granted = set(known["scope"].split())
    if not granted & set(reading if method in {"GET", "HEAD"} else full):
        return 403, "Request had insufficient authentication scopes."
    return None


def _issued(store: Store, known: dict[str, Any]) -> dict[str, Any]:
    token = f"1//demo-{secrets.token_urlsafe(24)}"
    for each in store.all(GRANTS):  # issued before and never used: the client does not have it
        if each["family"] == known["family"] and each["number"] == known["number"]:
            _delete(store, each)
    store.put(GRANTS, token, {**known, "token": token, "collection": GRANTS})
    return {**_access(store, known), "refresh_token": token}


def _access(store: Store, known: dict[str, Any]) -> dict[str, Any]:
    token, now = f"demo-access-{secrets.token_urlsafe(24)}", GrantRules.of(store).now()
    kept = {"family": known["family"], "number": known["number"], "scope": known["scope"], "token": token}
    store.put(TOKENS, token, {**kept, "expires_at": now + TOKEN_SECONDS, "collection": TOKENS})
    ends = {"refresh_token_expires_in": int(known["consented_at"] + TESTING_SECONDS - now)} if known["testing"] else {}
    answer = {"access_token": token, "expires_in": TOKEN_SECONDS, "token_type": "Bearer", "scope": known["scope"]}
    return {**answer, **ends}


def _used(store: Store, known: dict[str, Any]) -> None:
    """Invalidate older tokens, since the client has proved that it has the new ones."""
    if known["number"] == 1:
        return
    with store.transaction():
        for each in [*store.all(GRANTS), *store.all(TOKENS)]:
            if each["family"] == known["family"] and each["number"] < known["number"]:
                _delete(store, each)


def _has_ended(store: Store, known: dict[str, Any]) -> bool:
    return bool(known["testing"]) and GrantRules.of(store).now() > known["consented_at"] + TESTING_SECONDS


def _delete(store: Store, each: dict[str, Any]) -> None:
    store.delete(each["collection"], each["token"])
