"""Sign-in sessions and one-time links: random secrets, stored only as hashes."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from msgspec import Struct

from engine.base.clock import Clock, moment_of, timestamp
from engine.store.people.sign_ins import SessionFacts, SessionRecord

SESSION_LASTS = timedelta(days=14)
LINK_LASTS = timedelta(minutes=15)
_RENEW_AFTER = timedelta(hours=1)  # of use: renewing every minute would write at every click
_LONGEST_SECRET = 128  # characters that are hashed; a session's secret has 43
_SHOWN_ID = 16  # hex digits of the hash: enough to tell sessions apart, useless for signing in
_LONGEST_SHOWN = 200


@dataclass(frozen=True)
class Session:
    """A signed-in user; `id` goes into the cookie and nowhere else."""

    id: str = field(repr=False)
    user_id: str
    expires_at: datetime


class SignInOrigin(Struct, frozen=True):
    """Where a sign-in comes from, according to the request: IP address and user agent."""

    address: str = ""
    agent: str = ""
    issuer: str = ""
    """The provider that signed the user in, if any."""


class OpenSession(Struct, frozen=True):
    """An open session for display: `id` identifies it, but is useless for signing in."""

    id: str
    user_id: str
    address: str
    agent: str
    created_at: datetime
    last_seen_at: datetime
    """Rounded to the hour."""
    expires_at: datetime
    is_new_device: bool = False
    """Whether the user had not signed in with that browser before."""


def cookie_name(host: str) -> str:
    """Return the name of the session cookie for a Host header, e.g. `orchestra_session_8501`.

    All ports of a host share cookies (RFC 6265, 8.5): with the port in the name, two workspaces can be open.
    """
    try:
        port = urlsplit(f"//{host}").port
    except ValueError:
        port = None
    return f"orchestra_session_{port}" if port else "orchestra_session"


_NOWHERE = SignInOrigin()


class Sessions:
    """The rules of sessions: how they begin, how long they last, and when using one extends it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def new(
        self,
        user_id: str,
        origin: SignInOrigin = _NOWHERE,
        lasts: timedelta = SESSION_LASTS,
        *,
        is_new_device: bool = False,
    ) -> tuple[Session, SessionRecord]:
        """Return a session, for the cookie and as it is stored."""
        now = self._clock()
        session = Session(secrets.token_urlsafe(32), user_id, now + lasts)
        record = SessionRecord(
            id_hash=hashed(session.id),
            user_id=user_id,
            created_at=timestamp(now),
            expires_at=timestamp(session.expires_at),
            address=_shown(origin.address),
            agent=_shown(origin.agent),
            issuer=origin.issuer,
            is_new_device=int(is_new_device),
        )
        return session, record

    def is_open(self, found: SessionFacts) -> bool:
        """Return whether a session has not expired."""
        return moment_of(found.expires_at) > self._clock()

    def renewed(self, found: SessionFacts) -> str | None:
        """Return the new end of a session that is used now, 14 days from now; None if it need not move yet.

        A session that a provider opened is never extended: the provider may have removed the person.
        """
        if found.issuer:
            return None
        end = self._clock() + SESSION_LASTS
        return timestamp(end) if end - moment_of(found.expires_at) > _RENEW_AFTER else None


def open_session(record: SessionRecord) -> OpenSession:
    """Return a session for display."""
    created_at, expires_at = moment_of(record.created_at), moment_of(record.expires_at)
    last_seen_at = max(created_at, expires_at - SESSION_LASTS)
    return OpenSession(
        id=record.id_hash[:_SHOWN_ID],
        user_id=record.user_id,
        address=record.address,
        agent=record.agent,
        created_at=created_at,
        last_seen_at=last_seen_at,
        expires_at=expires_at,
        is_new_device=bool(record.is_new_device),
    )


def new_secret() -> str:
    """Return the secret of a one-time link."""
    return secrets.token_urlsafe(32)


def is_shown_id(session_id: str) -> bool:
    """Return whether a text has the length of a display id."""
    return len(session_id) == _SHOWN_ID


def shown_id(session_id: str) -> str:
    """Return the display id of a session."""
    return hashed(session_id)[:_SHOWN_ID]


def _shown(text: str) -> str:
    """Return a text from a request as one line that can be stored and shown."""
    return "".join(one for one in text if one.isprintable())[:_LONGEST_SHOWN].encode("utf-8", "replace").decode()


def hashed(secret: str) -> str:
    """Return the hash under which a secret is stored."""
    # 256 random bits need no salt and no slow hash: nobody can guess them.
    return hashlib.sha256(secret[:_LONGEST_SECRET].encode("utf-8", "replace")).hexdigest()
