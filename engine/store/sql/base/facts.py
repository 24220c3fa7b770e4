"""Single facts about a database, in its table `meta`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.store.sql.base.tables import meta

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection

UNREAD_LOGS = "unread_logs"
"""Key of the last write that the database itself recorded, if it lacks what came after."""

ANNOUNCEMENTS = "announcements"
"""Key of the name under which the runs of this database, and of no other, are announced by a message broker."""


class SharedFacts:
    """What both databases know in the same way."""

    def fact(self, key: str) -> str | None:
        """Return the value of a key in `meta`, if any."""
        raise NotImplementedError

    def writing(self) -> AbstractContextManager[Connection]:
        """Open a transaction."""
        raise NotImplementedError

    def has_fact(self, key: str) -> bool:
        """Return whether `meta` has a key."""
        return self.fact(key) is not None

    def has_unread_logs(self) -> bool:
        """Return whether the database was made anew and does not know yet what is in the run logs."""
        return self.has_fact(UNREAD_LOGS)

    def unread_since(self) -> int:
        """Return the number of the last write that the database itself recorded; later ones are only in the logs."""
        return int(self.fact(UNREAD_LOGS) or 0)

    def unread_logs(self, since: int) -> None:
        """Record that the logs must be read: the database lacks everything after the write `since`."""
        with self.writing() as connection:
            put_fact(connection, UNREAD_LOGS, str(since))

    def logs_are_read(self, connection: Connection) -> None:
        """Record that the logs have been read, in the transaction that stores what they contain."""
        connection.execute(meta.delete().where(meta.c.key == UNREAD_LOGS))


def put_fact(connection: Connection, key: str, value: str) -> None:
    """Store a fact in the caller's transaction."""
    connection.execute(meta.delete().where(meta.c.key == key))
    connection.execute(meta.insert().values(key=key, value=value))
