"""Upgrade a state.db of an earlier release, in the transaction that opens it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy import text

from engine.store.sql.base.tables import (
    NAME_ITEMS,
    api_tokens,
    debugging,
    identities,
    login_failures,
    paused_runs,
    reservations,
    run_deaths,
    runs,
    spending,
    triggers,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table


def _milliseconds(time: str) -> str:
    """Return SQL for the milliseconds since 1970 of a time column."""
    return f"CAST(round((julianday({time}) - 2440587.5) * 86400000) AS INTEGER)"


def _from_1(connection: Connection) -> None:
    """Add the sender and the number of undos to effects, and the lease to owners."""
    connection.exec_driver_sql("ALTER TABLE effects ADD COLUMN owner TEXT")
    connection.exec_driver_sql("ALTER TABLE owners ADD COLUMN lease_seconds FLOAT NOT NULL DEFAULT 30")
    connection.exec_driver_sql("ALTER TABLE effects ADD COLUMN generation INTEGER NOT NULL DEFAULT 0")


_LATER = (
    "runs_by_lane",
    "runs_by_end_number",
    "runs_by_plan",
    "runs_by_workflow_id",
    "runs_by_environment",
    "runs_by_turn",
    "runs_at_work",
)
"""Indexes of columns that later versions added."""


def _from_2(connection: Connection) -> None:
    """Add the mark of test runs, and the indexes that find the newest runs for any filter."""
    connection.exec_driver_sql("ALTER TABLE runs ADD COLUMN is_test INTEGER NOT NULL DEFAULT 0")
    for index in runs.indexes:
        if index.name not in _LATER:
            index.create(connection, checkfirst=True)


def _from_3(connection: Connection) -> None:
    """Add the queue for runs that triggers have started."""
    connection.exec_driver_sql("ALTER TABLE runs ADD COLUMN lane TEXT")
    _create_index(connection, "runs_by_lane")


_ENDED_AT, _BEGAN_AT = (_milliseconds(f"json_extract(cursor, '$.{name}')") for name in ("ended_at", "began_at"))
_OLD_CURSORS = {
    # Ends of the last hour are listed again, except those before the trigger was turned on; known ones start no run.
    "workflow.finished": f"json_object('number', max({_BEGAN_AT}, {_ENDED_AT} - 3600000))",
    "github.release": "json_set(cursor, '$.from', turned_on_at, '$.etag', '')",
    "github.mention": "json_set(cursor, '$.reached', '')",
    "github.review_request": "json_set(cursor, '$.reached', '')",
}


def _from_4(connection: Connection) -> None:
    """Number the ends of runs in the order in which they are stored, earlier ones by time; adapt the cursors."""
    connection.exec_driver_sql("ALTER TABLE runs ADD COLUMN end_number INTEGER")
    connection.execute(runs.update().values(end_number=text(_milliseconds("ended_at"))))
    _create_index(connection, "runs_by_end_number")
    for uses, cursor in _OLD_CURSORS.items():
        known = (triggers.c.uses == uses) & triggers.c.cursor.is_not(None)
        connection.execute(triggers.update().where(known).values(cursor=text(cursor)))


def _from_5(connection: Connection) -> None:
    """Retry items that cannot be read, without holding up the others."""
    connection.exec_driver_sql("ALTER TABLE trigger_items ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0")


def _from_6(connection: Connection) -> None:
    """Count failed sign-ins by address, too."""
    _add_text(connection, "login_failures", "address")
    _create_index(connection, "login_failures_by_address", login_failures)


def _from_7(connection: Connection) -> None:
    """Add to sessions where they were opened."""
    for column in ("address", "agent"):
        _add_text(connection, "sessions", column)


def _add_text(connection: Connection, table: str, column: str, *, null: bool = False) -> None:
    known = {row[1] for row in connection.exec_driver_sql(f"PRAGMA table_info({table})")}
    if column not in known:  # else the table was missing, and has just been created
        default = "" if null else " NOT NULL DEFAULT ''"
        connection.exec_driver_sql(f"ALTER TABLE {table} ADD COLUMN {column} TEXT{default}")


def _from_8(connection: Connection) -> None:
    """Add the count of process deaths per run."""
    run_deaths.create(connection, checkfirst=True)


def _from_9(connection: Connection) -> None:
    """Add the id of a run's workflow; before there were ids, it was the name."""
    _add_text(connection, "runs", "workflow_id")
    connection.exec_driver_sql("UPDATE runs SET workflow_id = workflow")


def _from_10(connection: Connection) -> None:
    """Add what plans, approvals and budgets keep, and find runs by workflow id."""
    known = {row[1] for row in connection.exec_driver_sql("PRAGMA table_info(runs)")}
    if "plan_hash" not in known:
        connection.exec_driver_sql("ALTER TABLE runs ADD COLUMN plan_hash TEXT")
    if "is_drifted" not in known:
        connection.exec_driver_sql("ALTER TABLE runs ADD COLUMN is_drifted INTEGER")
    _create_index(connection, "runs_by_plan")
    for column in ("call", "call_hash", "terms", "edited"):
        _add_text(connection, "approvals", column)
    for column in ("expires_at", "notified_at"):
        _add_text(connection, "approvals", column, null=True)
    for table in (spending, reservations, paused_runs):
        table.create(connection, checkfirst=True)
    _create_index(connection, "runs_by_workflow_id")


def _from_11(connection: Connection) -> None:
    """Add what had changed since a plan was made, when it was to be applied; find runs of which parts failed."""
    _add_text(connection, "runs", "drift", null=True)
    _create_index(connection, "runs_by_parts_failed")


def _from_12(connection: Connection) -> None:
    """Add how often all sessions of a user were ended."""
    known = {row[1] for row in connection.exec_driver_sql("PRAGMA table_info(users)")}
    if "sign_outs" not in known:
        connection.exec_driver_sql("ALTER TABLE users ADD COLUMN sign_outs INTEGER NOT NULL DEFAULT 0")


def _from_13(connection: Connection) -> None:
    """Add the environment of each run; of runs that have ended, only their logs know it."""
    _add_text(connection, "runs", "environment")
    name = "coalesce(json_extract(acceptance, '$.environment.name'), '')"
    where = "CASE WHEN json_valid(acceptance) THEN 1 END"  # SQL may evaluate AND in any order
    connection.exec_driver_sql(f"UPDATE runs SET environment = {name} WHERE {where}")  # noqa: S608
    _create_index(connection, "runs_by_environment")


def _from_14(connection: Connection) -> None:
    """Add the state of debug runs."""
    debugging.create(connection, checkfirst=True)


def _from_15(connection: Connection) -> None:
    """Add API tokens."""
    api_tokens.create(connection, checkfirst=True)


def _from_16(connection: Connection) -> None:
    """Add where a process is, how many runs it takes at once, and whether it is to end."""
    connection.exec_driver_sql("ALTER TABLE owners ADD COLUMN host TEXT NOT NULL DEFAULT ''")
    connection.exec_driver_sql("ALTER TABLE owners ADD COLUMN slots INTEGER NOT NULL DEFAULT 0")
    connection.exec_driver_sql("ALTER TABLE owners ADD COLUMN is_draining INTEGER NOT NULL DEFAULT 0")


def _from_17(connection: Connection) -> None:
    """Add how urgent runs are, which real accounts they may use, and which are at work."""
    known = {row[1] for row in connection.exec_driver_sql("PRAGMA table_info(runs)")}
    for column, default in (("priority", 2), ("is_at_work", 0)):
        if column not in known:
            connection.exec_driver_sql(f"ALTER TABLE runs ADD COLUMN {column} INTEGER NOT NULL DEFAULT {default}")
    _add_text(connection, "runs", "connections")
    for name in ("runs_by_turn", "runs_at_work"):
        _create_index(connection, name)


def _from_18(connection: Connection) -> None:
    """Add by what people look for runs that triggers have started."""
    _add_text(connection, "runs", "item")
    connection.exec_driver_sql(NAME_ITEMS.format(title="max(title)"))


def _from_19(connection: Connection) -> None:
    """Add who users are at a sign-in provider, and which sessions it opened."""
    _add_text(connection, "sessions", "issuer")
    identities.create(connection, checkfirst=True)


def _from_20(connection: Connection) -> None:
    """Add with which browsers users signed in anew, and from which networks API tokens are used."""
    known = {row[1] for row in connection.exec_driver_sql("PRAGMA table_info(sessions)")}
    if "is_new_device" not in known:
        connection.exec_driver_sql("ALTER TABLE sessions ADD COLUMN is_new_device INTEGER NOT NULL DEFAULT 0")
    _add_text(connection, "api_tokens", "networks")


def _create_index(connection: Connection, name: str, table: Table = runs) -> None:
    next(index for index in table.indexes if index.name == name).create(connection, checkfirst=True)


_STEPS: dict[str, tuple[Callable[[Connection], None], str]] = {
    "1": (_from_1, "2"),
    "2": (_from_2, "3"),
    "3": (_from_3, "4"),
    "4": (_from_4, "5"),
    "5": (_from_5, "6"),
    "6": (_from_6, "7"),
    "7": (_from_7, "8"),
    "8": (_from_8, "9"),
    "9": (_from_9, "10"),
    "10": (_from_10, "11"),
    "11": (_from_11, "12"),
    "12": (_from_12, "13"),
    "13": (_from_13, "14"),
    "14": (_from_14, "15"),
    "15": (_from_15, "16"),
    "16": (_from_16, "17"),
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
