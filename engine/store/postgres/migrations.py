"""Bring a state of an earlier release on a server into today's form, in the transaction that opens it.

A process of an earlier release that is at work goes on: each change adds something that it does not use. It cannot be
started again, which it says. The views for reports follow the form: whoever gives one a column needs a new form.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.store.sql.base.tables import NAME_ITEMS, identities, runs

if TYPE_CHECKING:
    from sqlalchemy import Connection

LETTERS = (
    """SELECT ' COLLATE "' || coalesce((SELECT collname FROM pg_collation WHERE collname = 'und-x-icu'"""
    """ AND getdatabaseencoding() = 'UTF8'), 'default') || '"'"""
)
"""Finds what `StateDatabase.letters` is on a server.

`lower` with the collation of our columns, "C", knows the letters of ASCII, and with that of the database those of its
locale, which may be "C", too. That of ICU knows all; a server that was built without ICU does not have it.
"""


def _from_17(connection: Connection) -> None:
    """Add how urgent runs are, which real accounts they may use, and which are at work."""
    for column, of in (("priority", "BIGINT NOT NULL DEFAULT 2"), ("is_at_work", "BIGINT NOT NULL DEFAULT 0")):
        connection.exec_driver_sql(f"ALTER TABLE runs ADD COLUMN IF NOT EXISTS {column} {of}")
    connection.exec_driver_sql(
        "ALTER TABLE runs ADD COLUMN IF NOT EXISTS connections TEXT COLLATE \"C\" NOT NULL DEFAULT ''"
    )
    for index in runs.indexes:
        if index.name in ("runs_by_turn", "runs_at_work"):
            index.create(connection, checkfirst=True)


def _from_18(connection: Connection) -> None:
    """Add by what people look for runs that triggers have started."""
    connection.exec_driver_sql("ALTER TABLE runs ADD COLUMN IF NOT EXISTS item TEXT COLLATE \"C\" NOT NULL DEFAULT ''")
    letters = connection.exec_driver_sql(LETTERS).scalar_one()
    connection.exec_driver_sql(NAME_ITEMS.format(title=f"max(title){letters}"))


def _from_19(connection: Connection) -> None:
    """Add who users are at a sign-in provider, and which sessions it opened."""
    connection.exec_driver_sql(
        "ALTER TABLE sessions ADD COLUMN IF NOT EXISTS issuer TEXT COLLATE \"C\" NOT NULL DEFAULT ''"
    )
    identities.create(connection, checkfirst=True)


def _from_20(connection: Connection) -> None:
    """Add with which browsers users signed in anew, and from which networks API tokens are used."""
    add = "ADD COLUMN IF NOT EXISTS"
    connection.exec_driver_sql(f"ALTER TABLE sessions {add} is_new_device BIGINT NOT NULL DEFAULT 0")
    connection.exec_driver_sql(f"ALTER TABLE api_tokens {add} networks TEXT COLLATE \"C\" NOT NULL DEFAULT ''")


_STEPS: dict[str, tuple[Callable[[Connection], None], str]] = {
    "17": (_from_17, "18"),
    "18": (_from_18, "19"),
    "19": (_from_19, "20"),
    "20": (_from_20, "21"),
}


def migrated(connection: Connection, found: str) -> str:
    """Migrate the tables from schema version `found` as far as possible; return the version reached."""
    while found in _STEPS:
        change, found = _STEPS[found]
        change(connection)
    return found
