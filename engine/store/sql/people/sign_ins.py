"""Sessions, one-time links and failed tries in `state.db`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from engine.base.clock import moment_of, timestamp
from engine.store.people.audit import AuditEntry
from engine.store.people.sign_ins import NewSession, SessionFacts, SessionRecord, SignInLimitReached, Success, TryLimit
from engine.store.sql.base.database import StateDatabase
from engine.store.sql.base.tables import insertion_into, login_addresses, login_failures, login_links, sessions, users
from engine.store.sql.people import audit

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

_SIGNED_IN = (
    "SELECT sessions.expires_at, users.id, users.role, sessions.issuer FROM sessions"
    " JOIN users ON users.id = sessions.user_id WHERE sessions.id_hash = ?"
)


class SqlSignIns:
    """Writes and reads the tables `sessions` and `login_links`."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def signed_in(self, id_hash: str) -> SessionFacts | None:
        """Return whose session this is, expired or not."""
        with self._database.asking() as cursor:
            row = cursor.execute(_SIGNED_IN, (id_hash,)).fetchone()
        return None if row is None else SessionFacts(*row)

    def sessions(self, user_id: str, now: str) -> list[SessionRecord]:
        """Return the open sessions of a user, most recently used first."""
        with self._database.reading() as connection:
            return _open(connection, user_id, now)

    def login(self, sign_in: NewSession, password_hash: str) -> bool:
        """Open a session, unless the password has changed."""
        of_user = select(users.c.password_hash).where(users.c.id == sign_in.session.user_id)
        with self._database.writing() as connection:
            if connection.execute(of_user).scalar() != password_hash:
                return False
            begin(connection, sign_in)
            return True

    def redeem(
        self, token_hash: str, now: str, signed_in: Callable[[str], tuple[NewSession, Success]]
    ) -> NewSession | None:
        """Use up a link and open a session; None if the link is not valid."""
        used = login_links.delete().where(login_links.c.token_hash == token_hash).returning(*login_links.c)
        with self._database.writing() as connection:
            row = connection.execute(used).one_or_none()
            if row is None or moment_of(row.expires_at) <= moment_of(now):
                return None
            sign_in, success = signed_in(row.user_id)
            remember(connection, success)
            begin(connection, sign_in)
            return sign_in

    def renew(self, id_hash: str, expires_at: str) -> None:
        """Move the end of a session, if it is still open."""
        with self._database.writing() as connection:
            connection.execute(sessions.update().where(sessions.c.id_hash == id_hash).values(expires_at=expires_at))

    def close(self, id_hash: str) -> None:
        """End one session."""
        with self._database.writing() as connection:
            connection.execute(sessions.delete().where(sessions.c.id_hash == id_hash))

    def end(self, user_id: str, prefix: str, entry: AuditEntry) -> bool:
        """End the session of a user whose hash begins with `prefix`; return whether there was one."""
        is_it = (sessions.c.user_id == user_id) & sessions.c.id_hash.startswith(prefix, autoescape=True)
        with self._database.writing() as connection:
            if connection.execute(sessions.delete().where(is_it)).rowcount == 0:
                return False
            audit.record(connection, entry)
            return True

    def sign_out(self, user_id: str, now: str, keep: str | None, entry: Callable[[int], AuditEntry]) -> int:
        """End a user's links and sessions, except `keep`; return how many sessions were open."""
        with self._database.writing() as connection:
            before = len(_open(connection, user_id, now))
            sign_out_everywhere(connection, user_id, keep)
            more = users.update().where(users.c.id == user_id).values(sign_outs=users.c.sign_outs + 1)
            connection.execute(more)
            ended = before - len(_open(connection, user_id, now))
            audit.record(connection, entry(ended))
        return ended

    def make_link(self, user_id: str, token_hash: str, expires_at: str, entry: AuditEntry) -> bool:
        """Store a link, in place of the user's unused ones; return False if the user is unknown."""
        link = {"token_hash": token_hash, "user_id": user_id, "expires_at": expires_at}
        with self._database.writing() as connection:
            if connection.execute(select(users.c.id).where(users.c.id == user_id)).first() is None:
                return False
            _drop_links(connection, user_id)
            connection.execute(login_links.insert().values(link))
            audit.record(connection, entry)
            return True


class SqlLoginTries:
    """Writes and reads the tables `login_failures` and `login_addresses`."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def reached(self, account: str, place: str, limits: Sequence[TryLimit], now: datetime) -> SignInLimitReached | None:
        """Return the first limit that is reached, if any."""
        with self._database.reading() as connection:
            return _reached(connection, account, place, limits, now)

    def count(
        self, account: str, place: str, limits: Sequence[TryLimit], now: datetime, lasts: tuple[timedelta, timedelta]
    ) -> SignInLimitReached | None:
        """Count one try, unless a limit is reached."""
        with self._database.writing() as connection:
            for table, kept in zip((login_failures, login_addresses), lasts, strict=True):
                connection.execute(table.delete().where(table.c.at <= timestamp(now - kept)))
            reached = _reached(connection, account, place, limits, now)
            if reached is None:
                row = {"user_id": account, "address": place, "at": timestamp(now)}
                connection.execute(login_failures.insert().values(row))
            return reached

    def succeeded(self, success: Success) -> None:
        """Forget the tries there, and remember the network."""
        with self._database.writing() as connection:
            remember(connection, success)


def sign_out_everywhere(connection: Connection, user_id: str, keep: str | None = None) -> None:
    """End a user's links and sessions, except `keep`, in the caller's transaction."""
    ended = sessions.delete().where(sessions.c.user_id == user_id)
    connection.execute(ended if keep is None else ended.where(sessions.c.id_hash != keep))
    _drop_links(connection, user_id)


def forget_tries(connection: Connection, account: str) -> None:
    """Forget everything about an account: its password has changed, or it was deleted."""
    for table in (login_failures, login_addresses):
        connection.execute(table.delete().where(table.c.user_id == account))


def _drop_links(connection: Connection, user_id: str) -> None:
    connection.execute(login_links.delete().where(login_links.c.user_id == user_id))


def _open(connection: Connection, user_id: str, now: str) -> list[SessionRecord]:
    is_open = (sessions.c.user_id == user_id) & (sessions.c.expires_at > now)
    found = sessions.select().where(is_open).order_by(sessions.c.expires_at.desc())
    return [SessionRecord(**row) for row in connection.execute(found).mappings()]


def begin(connection: Connection, sign_in: NewSession) -> None:
    """Open a session in the caller's transaction; expired sessions of all users are deleted on the way."""
    connection.execute(sessions.delete().where(sessions.c.expires_at <= sign_in.session.created_at))
    connection.execute(sessions.insert().values(sign_in.session._asdict()))
    for entry in (sign_in.entry, *sign_in.also):
        audit.record(connection, entry)


def remember(connection: Connection, success: Success) -> None:
    """Forget the failed tries before a successful sign-in, and remember its network, in the caller's transaction."""
    there = (login_failures.c.user_id == success.account) & (login_failures.c.address == success.place)
    connection.execute(login_failures.delete().where(there))
    at = timestamp(success.at)
    known = insertion_into(login_addresses, connection).values(user_id=success.account, address=success.network, at=at)
    key = [login_addresses.c.user_id, login_addresses.c.address]
    connection.execute(known.on_conflict_do_update(index_elements=key, set_={"at": at}))


def _reached(
    connection: Connection, account: str, place: str, limits: Sequence[TryLimit], now: datetime
) -> SignInLimitReached | None:
    is_known = (login_addresses.c.user_id == account) & (login_addresses.c.address == place)
    for limit in limits:
        if limit.spares_known and connection.execute(login_addresses.select().where(is_known)).first() is not None:
            continue
        tries = select(login_failures.c.at).where(*_counted(limit, now)).order_by(login_failures.c.number.desc())
        latest = connection.execute(tries.limit(limit.most)).scalars().all()
        if len(latest) >= limit.most:
            # the oldest of these tries: once it leaves the window, one more is possible
            return SignInLimitReached(limit, moment_of(latest[-1]))
    return None


def _counted(limit: TryLimit, now: datetime) -> Iterator[ColumnElement[bool]]:
    yield login_failures.c.at > timestamp(now - limit.window)
    if limit.account is not None:
        yield login_failures.c.user_id == limit.account
    if limit.place is not None:
        yield login_failures.c.address == limit.place
    if limit.without:
        yield login_failures.c.address.not_like(f"{limit.without}%")
