"""Users in `state.db`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy import select

from engine.store.people.audit import AuditEntry
from engine.store.people.people import Check, UserRecord
from engine.store.sql.base.database import StateDatabase
from engine.store.sql.base.tables import insertion_into, settings, users
from engine.store.sql.people import audit
from engine.store.sql.people.api_tokens import revoke_all
from engine.store.sql.people.identities import forget_identity
from engine.store.sql.people.sign_ins import forget_tries, sign_out_everywhere

if TYPE_CHECKING:
    from sqlalchemy import Connection

_ONE = "SELECT id, name, role, password_hash, created_at, sign_outs FROM users WHERE id = ?"
_ALL = select(*(users.c[name] for name in UserRecord._fields)).order_by(users.c.id)


class SqlPeople:
    """Writes and reads the table `users`."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def users(self) -> list[UserRecord]:
        """Return all users, by id."""
        with self._database.reading() as connection:
            return _all(connection)

    def user(self, user_id: str) -> UserRecord | None:
        """Return a user, if known."""
        with self._database.asking() as cursor:
            row = cursor.execute(_ONE, (user_id,)).fetchone()
        return None if row is None else UserRecord(*row)

    def add_first(self, user: UserRecord) -> None:
        """Add a user unless the id is taken."""
        with self._database.writing() as connection:
            connection.execute(insertion_into(users, connection).values(user._asdict()).on_conflict_do_nothing())

    def add(self, user: UserRecord, entry: AuditEntry) -> bool:
        """Add a user; return False if the id is taken."""
        with self._database.writing() as connection:
            if _found(connection, user.id) is not None:
                return False
            connection.execute(users.insert().values(user._asdict()))
            audit.record(connection, entry)
            return True

    def set_role(self, user_id: str, role: str, entry: AuditEntry, check: Check) -> None:
        """Give a user another role, unless `check` raises."""
        with self._database.writing() as connection:
            check(_all(connection))
            connection.execute(users.update().where(users.c.id == user_id).values(role=role))
            audit.record(connection, entry)

    def set_password(self, user_id: str, password_hash: str, entry: AuditEntry, keep_session: str | None) -> bool:
        """Replace a password, and end what the old one had opened."""
        with self._database.writing() as connection:
            changed = users.update().where(users.c.id == user_id).values(password_hash=password_hash)
            if connection.execute(changed).rowcount == 0:
                return False
            sign_out_everywhere(connection, user_id, keep_session)
            forget_tries(connection, user_id)
            audit.record(connection, entry)
            return True

    def give_password(self, user_id: str, password_hash: str, entry: AuditEntry) -> UserRecord | None:
        """Set the first password of a user; return None if the user is unknown or has one."""
        bare = (users.c.id == user_id) & users.c.password_hash.is_(None)
        with self._database.writing() as connection:
            if connection.execute(users.update().where(bare).values(password_hash=password_hash)).rowcount == 0:
                return None
            audit.record(connection, entry)
            return _found(connection, user_id)

    def remove(self, user_id: str, entry: AuditEntry, check: Check, is_theirs: Callable[[str], bool]) -> None:
        """Delete a user with all that is theirs, unless `check` raises."""
        with self._database.writing() as connection:
            check(_all(connection))
            sign_out_everywhere(connection, user_id)
            revoke_all(connection, user_id)
            forget_identity(connection, user_id)
            forget_tries(connection, user_id)
            theirs = [key for key in connection.execute(select(settings.c.key)).scalars() if is_theirs(key)]
            connection.execute(settings.delete().where(settings.c.key.in_(theirs)))
            connection.execute(users.delete().where(users.c.id == user_id))
            audit.record(connection, entry)


def _all(connection: Connection) -> list[UserRecord]:
    return [UserRecord(*row) for row in connection.execute(_ALL)]


def _found(connection: Connection, user_id: str) -> UserRecord | None:
    row = connection.execute(_ALL.where(users.c.id == user_id)).one_or_none()
    return None if row is None else UserRecord(*row)
