"""Device cookies: a browser that signed in before has its own limit of tries, which strangers cannot use up.

A device cookie (OWASP, "Device cookies") does not sign anybody in. A thief of one may guess 10 times in 15 minutes.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable
from datetime import timedelta

from engine.people.audit import Audit
from engine.people.sessions import SESSION_LASTS, Session, Sessions, SignInOrigin, cookie_name
from engine.store.people.sign_ins import NewSession

NEW_DEVICE = "users.new_device"
"""What the audit trail calls a sign-in with a browser that is new."""
_LONGEST = 128  # characters of a cookie that are looked at; ours have 97
_MOST = 20
"""Cookies read per request: one for each account that signed in with this browser."""


class Devices:
    """Signs and verifies the cookies."""

    def __init__(self, secret: Callable[[], bytes]) -> None:
        self._secret = secret

    def word_for(self, user_id: str) -> str:
        """Return a new cookie value for a browser in which a user has just signed in."""
        device = secrets.token_hex(16)
        return f"{device}.{self._signature(user_id, device)}"

    def found(self, user_id: str, words: Iterable[str]) -> str:
        """Return the device of the first value signed for this user, or an empty text."""
        for word in list(words)[:_MOST]:
            device, _, signature = word[:_LONGEST].partition(".")
            if hmac.compare_digest(self._signature(user_id, device).encode(), signature.encode()):
                return device
        return ""

    def _signature(self, user_id: str, device: str) -> str:
        signed = f"device\n{user_id}\n{device}".encode("utf-8", "replace")
        return hmac.new(self._secret(), signed, hashlib.sha256).hexdigest()


def opened_session(
    sessions: Sessions,
    audit: Audit,
    user_id: str,
    how: str,
    origin: SignInOrigin,
    lasts: timedelta = SESSION_LASTS,
    *,
    is_known: bool,
) -> tuple[Session, NewSession]:
    """Return a session, and what to store; `is_known`: whether the user signed in with that browser before."""
    session, record = sessions.new(user_id, origin, lasts, is_new_device=not is_known)
    entry = audit.entry(user_id, "users.login", user_id, how)
    detail = {"address": record.address, "browser": record.agent}
    also = [] if is_known else [audit.entry(user_id, NEW_DEVICE, user_id, detail)]
    return session, NewSession(record, entry, also)


def device_cookies(host: str) -> str:
    """Return the prefix of device cookie names for a Host header."""
    return cookie_name(host).replace("session", "device", 1) + "_"


def device_cookie(host: str, user_id: str) -> str:
    """Return the device cookie name of an account: several may use one browser."""
    return device_cookies(host) + hashlib.sha256(user_id.encode()).hexdigest()[:8]
