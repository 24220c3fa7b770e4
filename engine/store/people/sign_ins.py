"""The ports of sign-ins: sessions, one-time links and failed tries. Secrets come here only as hashes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from msgspec import Struct

from engine.store.people.audit import AuditEntry


class SessionRecord(NamedTuple):
    """A session as stored; times are RFC 3339 texts in UTC. `address` and `agent`: where it was opened, if known."""

    id_hash: str
    user_id: str
    created_at: str
    expires_at: str
    address: str = ""
    agent: str = ""
    issuer: str = ""
    """The provider that signed the user in; empty for a password or a link."""
    is_new_device: int = 0
    """1 if its user had not signed in with that browser before."""


class SessionFacts(NamedTuple):
    """What every request needs to know about a session: its end, its user, and the user's role."""

    expires_at: str
    user_id: str
    role: str
    issuer: str = ""


class Success(Struct, frozen=True):
    """A successful sign-in: tries counted for `account` at `place` are forgotten, `network` is known for a while."""

    account: str
    place: str
    network: str
    at: datetime


class NewSession(Struct, frozen=True):
    """A session to open, and its line in the audit trail."""

    session: SessionRecord
    entry: AuditEntry
    also: Sequence[AuditEntry] = ()
    """Further lines, about a new browser."""


class SignInStore(Protocol):
    """Keeps sessions and links. Any thread; each change is one transaction with its line in the audit trail."""

    def signed_in(self, id_hash: str) -> SessionFacts | None:
        """Return whose session this is, expired or not; None if it or its user is unknown. Every request asks."""

    def sessions(self, user_id: str, now: str) -> list[SessionRecord]:
        """Return the sessions of a user that expire after `now`, most recently used first."""

    def login(self, sign_in: NewSession, password_hash: str) -> bool:
        """Open a session; return False if the user is gone or has another password by now. Expired ones go."""

    def redeem(
        self, token_hash: str, now: str, signed_in: Callable[[str], tuple[NewSession, Success]]
    ) -> NewSession | None:
        """Use up a link and open the session that `signed_in` makes for its user; None if the link is not valid."""

    def renew(self, id_hash: str, expires_at: str) -> None:
        """Move the end of a session, if it is still open."""

    def close(self, id_hash: str) -> None:
        """End one session."""

    def end(self, user_id: str, prefix: str, entry: AuditEntry) -> bool:
        """End the session of a user whose hash begins with `prefix`; return whether there was one."""

    def sign_out(self, user_id: str, now: str, keep: str | None, entry: Callable[[int], AuditEntry]) -> int:
        """End a user's links and sessions, except the one with the hash `keep`; return how many sessions were open.

        The user's `sign_outs` grow by one. `entry` makes the line of the audit trail from that number.
        """

    def make_link(self, user_id: str, token_hash: str, expires_at: str, entry: AuditEntry) -> bool:
        """Store a link, in place of the user's unused ones; return False if the user is unknown."""


class TryLimit(Struct, frozen=True):
    """How many failed tries are allowed within a time: by `account`, at `place`, or both (None: any)."""

    most: int
    window: timedelta
    account: str | None = None
    place: str | None = None
    without: str = ""
    """Tries at places that begin with this text do not count."""
    spares_known: bool = False
    """Whether it does not apply at places where the account signed in before."""


class SignInLimitReached(Struct, frozen=True):
    """A limit that is reached; `at`: the oldest of the tries that fill it."""

    limit: TryLimit
    at: datetime


class LoginTries(Protocol):
    """Counts tries to sign in, and remembers where accounts signed in from. Any thread."""

    def reached(self, account: str, place: str, limits: Sequence[TryLimit], now: datetime) -> SignInLimitReached | None:
        """Return the first limit that is reached, if any."""

    def count(
        self, account: str, place: str, limits: Sequence[TryLimit], now: datetime, lasts: tuple[timedelta, timedelta]
    ) -> SignInLimitReached | None:
        """Count one try, unless a limit is reached: then return that. No other try comes in between.

        `lasts`: how long tries, and known places, are kept.
        """

    def succeeded(self, success: Success) -> None:
        """Forget the tries there, and remember the network."""
