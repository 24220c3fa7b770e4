"""Sign-in sessions and one-time links: opaque random secrets, of which only hashes are stored."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from engine.clock import Clock
from engine.names import moment_of, timestamp
from engine.store.tables import login_links, sessions

if TYPE_CHECKING:
    from sqlalchemy import Connection

SESSION_LASTS = timedelta(days=14)
LINK_LASTS = timedelta(minutes=15)
_RENEW_AFTER = timedelta(hours=1)  # of use: sliding by the minute would write at every click
_LONGEST_SECRET = 128


@dataclass(frozen=True)
class Session:
    """A person who is signed in; `id` goes into the cookie and nowhere else."""

    id: str = field(repr=False)
    user_id: str
    expires_at: datetime


def cookie_name(host: str) -> str:
    """Return the name of the session cookie for a Host header, e.g. `orchestra_session_8501`.

    Cookies are shared by all ports of a host (RFC 6265, 8.5): the port in the name lets two workspaces be open.
    """
    try:
        port = urlsplit(f"//{host}").port
    except ValueError:
        port = None
    return f"orchestra_session_{port}" if port else "orchestra_session"


class Sessions:
    """The rows of open sessions; each method works inside the caller's transaction."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def open(self, connection: Connection, user_id: str) -> Session:
        """Start a session of 14 days; expired ones of everybody are dropped on the way."""
        now = self._clock()
        connection.execute(sessions.delete().where(sessions.c.expires_at <= timestamp(now)))
        session = Session(secrets.token_urlsafe(32), user_id, now + SESSION_LASTS)
        connection.execute(
            sessions.insert().values(
                id_hash=_hashed(session.id),
                user_id=user_id,
                created_at=timestamp(now),
                expires_at=timestamp(session.expires_at),
            )
        )
        return session

    def find(self, connection: Connection, session_id: str) -> Session | None:
        """Return the open session with this id; None for any other text."""
        row = connection.execute(sessions.select().where(sessions.c.id_hash == _hashed(session_id))).one_or_none()
        if row is None or moment_of(row.expires_at) <= self._clock():
            return None
        return Session(session_id, row.user_id, moment_of(row.expires_at))

    def is_renewal_due(self, session: Session) -> bool:
        """Say whether use should push the end of `session` further out."""
        return self._clock() + SESSION_LASTS - session.expires_at > _RENEW_AFTER

    def renew(self, connection: Connection, session: Session) -> None:
        """Let the session last 14 days from now, where it is still open."""
        end = timestamp(self._clock() + SESSION_LASTS)
        connection.execute(sessions.update().where(sessions.c.id_hash == _hashed(session.id)).values(expires_at=end))

    def close(self, connection: Connection, session_id: str) -> None:
        """End one session."""
        connection.execute(sessions.delete().where(sessions.c.id_hash == _hashed(session_id)))

    def close_all(self, connection: Connection, user_id: str, keep: str | None = None) -> None:
        """End the sessions of a user, but for the one whose id is `keep`."""
        ended = sessions.delete().where(sessions.c.user_id == user_id)
        connection.execute(ended if keep is None else ended.where(sessions.c.id_hash != _hashed(keep)))


class LoginLinks:
    """Links that sign in once; each method works inside the caller's transaction."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def make(self, connection: Connection, user_id: str) -> str:
        """Return the secret of a link for 15 minutes; earlier unused links of the user stop working."""
        self.drop(connection, user_id)
        token = secrets.token_urlsafe(32)
        end = timestamp(self._clock() + LINK_LASTS)
        connection.execute(login_links.insert().values(token_hash=_hashed(token), user_id=user_id, expires_at=end))
        return token

    def redeem(self, connection: Connection, token: str) -> str | None:
        """Return whose link this is and use it up; None if it is used, too old or no link at all."""
        row = connection.execute(
            login_links.delete().where(login_links.c.token_hash == _hashed(token)).returning(*login_links.c)
        ).one_or_none()
        if row is None or moment_of(row.expires_at) <= self._clock():
            return None
        return str(row.user_id)

    def drop(self, connection: Connection, user_id: str) -> None:
        """Make the unused links of a user useless."""
        connection.execute(login_links.delete().where(login_links.c.user_id == user_id))


def _hashed(secret: str) -> str:
    # 256 random bits need no salt and no slow hash: nobody can guess what is behind it.
    return hashlib.sha256(secret[:_LONGEST_SECRET].encode("utf-8", "replace")).hexdigest()
