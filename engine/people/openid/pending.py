"""A sign-in that has gone to the provider and is not back yet: a signed cookie binds it to the browser it began in."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from engine.base.clock import Clock
from engine.base.typed_json import decoder_of

PENDING_LASTS = timedelta(minutes=10)
_LONGEST = 4_000  # browsers keep cookies of 4,096 bytes (RFC 6265, 6.1)
_LONGEST_NEXT = 1_000  # characters, so that the cookie is short enough
_MOST_USED = 10_000  # then the ones that have ended are forgotten


class PendingSignIn(Struct, frozen=True):
    """One sign-in on its way. Nonce and code verifier are made from the state, so that the cookie has no secret."""

    state: str
    next_path: str
    ends_at: datetime


class PendingSignIns:
    """Makes and reads the cookies."""

    def __init__(self, secret: Callable[[], bytes], clock: Clock) -> None:
        self._secret, self._clock = secret, clock
        self._used: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def new(self, next_path: str) -> tuple[PendingSignIn, str]:
        """Return a sign-in that begins, and its cookie."""
        wanted = next_path if len(next_path) <= _LONGEST_NEXT else "/"
        pending = PendingSignIn(secrets.token_urlsafe(32), wanted, self._clock() + PENDING_LASTS)
        content = base64.urlsafe_b64encode(msgspec.json.encode(pending)).decode()
        return pending, f"{content}.{self._made('cookie', content)}"

    def taken(self, cookie: str, state: str) -> PendingSignIn | None:
        """Return the sign-in of a cookie that comes back with its state, once; None if it is not ours, or too old."""
        pending = self._read(cookie)
        if pending is None or not hmac.compare_digest(pending.state.encode(), state.encode("utf-8", "replace")):
            return None
        now = self._clock()
        with self._lock:
            if pending.ends_at <= now or pending.state in self._used:
                return None
            if len(self._used) >= _MOST_USED:
                self._used = {one: end for one, end in self._used.items() if end > now}
            self._used[pending.state] = pending.ends_at
        return pending

    def nonce(self, pending: PendingSignIn) -> str:
        """Return the nonce that the ID token must contain."""
        return self._made("nonce", pending.state)

    def verifier(self, pending: PendingSignIn) -> str:
        """Return the code verifier of PKCE (RFC 7636), which only this server can make."""
        return self._made("verifier", pending.state)

    def _read(self, cookie: str) -> PendingSignIn | None:
        content, _, signature = cookie[:_LONGEST].rpartition(".")
        if not hmac.compare_digest(self._made("cookie", content).encode(), signature.encode("utf-8", "replace")):
            return None
        pending: PendingSignIn = decoder_of(PendingSignIn).decode(base64.urlsafe_b64decode(content))
        return pending

    def _made(self, what: str, of: str) -> str:
        message = f"openid {what}\n{of}".encode("utf-8", "replace")
        return base64.urlsafe_b64encode(hmac.digest(self._secret(), message, hashlib.sha256)).decode().rstrip("=")
