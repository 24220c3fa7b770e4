"""Identities at a sign-in provider in `state.db`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from sqlalchemy import select

from engine.store.people.audit import AuditEntry
from engine.store.people.identities import Identity, OpenedSession
from engine.store.people.people import Check, UserRecord
from engine.store.sql.base.database import StateDatabase
from engine.store.sql.base.tables import identities, users
from engine.store.sql.people import audit
from engine.store.sql.people.sign_ins import begin, remember, sign_out_everywhere

if TYPE_CHECKING:
    from sqlalchemy import Connection

_ALL = select(*(users.c[name] for name in UserRecord._fields)).order_by(users.c.id)
_COLUMNS = (identities.c.issuer, identities.c.subject)


class SqlIdentities:
    """Writes and reads the table `identities`."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def all(self) -> Mapping[str, Identity]:
        """Return the identity of each user who has one."""
        with self._database.reading() as connection:
            rows = connection.execute(select(identities.c.user_id, *_COLUMNS))
            return {user_id: Identity(issuer, subject) for user_id, issuer, subject in rows}

    def of(self, user_id: str) -> Identity | None:
        """Return the identity of a user."""
        with self._database.reading() as connection:
            row = connection.execute(select(*_COLUMNS).where(identities.c.user_id == user_id)).one_or_none()
        return None if row is None else Identity(*row)

    def user(self, identity: Identity) -> UserRecord | None:
        """Return whose identity it is."""
        with self._database.reading() as connection:
            return _whose(connection, identity)

    def sign_in(
        self,
        identity: Identity,
        new: UserRecord | None,
        opened: Callable[[UserRecord | None], OpenedSession],
        check: Check,
    ) -> bool:
        """Sign in whoever has this identity, who may be new; return False if a new user cannot be added."""
        with self._database.writing() as connection:
            known = _whose(connection, identity)
            user = known or new
            if user is None or (known is None and not _added(connection, user, identity)):
                return False
            found = opened(known)
            connection.execute(users.update().where(users.c.id == user.id).values(role=found.role))
            check([UserRecord(*row) for row in connection.execute(_ALL)])
            for entry in found.entries:
                audit.record(connection, entry)
            remember(connection, found.success)
            begin(connection, found.session)
            return True

    def link(self, user_id: str, identity: Identity, entry: AuditEntry) -> bool | None:
        """Give a user an identity; return False if somebody else has it, None for an unknown user."""
        with self._database.writing() as connection:
            if connection.execute(select(users.c.id).where(users.c.id == user_id)).first() is None:
                return None
            whose = _whose(connection, identity)
            if whose is not None and whose.id != user_id:
                return False
            connection.execute(identities.delete().where(identities.c.user_id == user_id))
            connection.execute(identities.insert().values(user_id=user_id, **identity._asdict()))
            sign_out_everywhere(connection, user_id)
            audit.record(connection, entry)
            return True

    def unlink(self, user_id: str, entry: AuditEntry) -> bool:
        """Remove the identity of a user; return whether there was one."""
        with self._database.writing() as connection:
            if not forget_identity(connection, user_id):
                return False
            sign_out_everywhere(connection, user_id)
            audit.record(connection, entry)
            return True


def forget_identity(connection: Connection, user_id: str) -> bool:
    """Remove the identity of a user in the caller's transaction; return whether there was one."""
    return connection.execute(identities.delete().where(identities.c.user_id == user_id)).rowcount > 0


def _added(connection: Connection, user: UserRecord, identity: Identity) -> bool:
    """Add a user with an identity; return False if the id is taken."""
    if connection.execute(select(users.c.id).where(users.c.id == user.id)).first() is not None:
        return False
    connection.execute(users.insert().values(user._asdict()))
    connection.execute(identities.insert().values(user_id=user.id, **identity._asdict()))
    return True


def _whose(connection: Connection, identity: Identity) -> UserRecord | None:
    is_it = (identities.c.issuer == identity.issuer) & (identities.c.subject == identity.subject)
    row = connection.execute(_ALL.join(identities, identities.c.user_id == users.c.id).where(is_it)).one_or_none()
    return None if row is None else UserRecord(*row)
