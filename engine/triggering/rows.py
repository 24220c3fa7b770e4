"""The rows of `triggers`: which ones are on, where each one stands, and how its last look went."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case

from engine.errors import OrchestraError
from engine.expressions.expressions import compact_json
from engine.names import moment_of, timestamp
from engine.store.database import Database
from engine.store.tables import triggers
from engine.trigger import Start

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Row


@dataclass(frozen=True)
class Key:
    """What has a cursor and a set of seen things of its own."""

    workflow: str
    trigger: str
    account: str
    """As identities of writes name it: `gmail:me@example.com`, `demo-3`."""
    source: str
    """What of the account is watched: a folder, a database."""


_FRESH = {"look_again_at": None, "failures": 0, "error": None, "note": "", "succeeded_at": None}


@dataclass(frozen=True)
class TurnedOn:
    """What a row keeps of how its trigger was turned on."""

    start: Start
    uses: str
    demo: bool
    by: str
    at: datetime

    @property
    def values(self) -> dict[str, Any]:
        """The columns."""
        return {
            "is_on": 1,
            "start": start_text(self.start),
            "turned_on_at": timestamp(self.at),
            "turned_on_by": self.by,
            "uses": self.uses,
            "demo": int(self.demo),
        }


class Moved(OrchestraError):
    """Somebody else has looked meanwhile, or turned the trigger off: nothing of this look counts."""

    def __init__(self, key: Key) -> None:
        super().__init__(f"The trigger {key.trigger!r} of {key.workflow!r} was looked at or turned off meanwhile.")


class TriggerRows:
    """Reads and writes rows of `triggers`, from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def version(self) -> int:
        """Return a number that is another one whenever somebody has written to the state."""
        return self._database.version()

    def all(self) -> list[Row[Any]]:
        """Return every row, by workflow and trigger."""
        with self._database.reading() as connection:
            return list(connection.execute(triggers.select().order_by(triggers.c.workflow, triggers.c.trigger)))

    def on(self) -> list[Row[Any]]:
        """Return the rows that are on, the one that is due first at the front."""
        statement = triggers.select().where(triggers.c.is_on == 1).order_by(triggers.c.look_again_at)
        with self._database.reading() as connection:
            return list(connection.execute(statement))

    def get(self, key: Key) -> Row[Any] | None:
        """Return one row."""
        with self._database.reading() as connection:
            return connection.execute(triggers.select().where(_is(key))).first()

    def go_on(self, key: Key, on: TurnedOn) -> None:
        """Turn a trigger on again, from where it was."""
        with self._database.writing() as connection:
            turn_on(connection, key, on, {})

    def turn_off(self, workflow: str, trigger: str, *, demo: bool) -> int:
        """Turn a trigger off for the demo, or for real accounts; return how many rows that were."""
        mine = (triggers.c.workflow == workflow) & (triggers.c.trigger == trigger) & (triggers.c.demo == int(demo))
        with self._database.writing() as connection:
            off = triggers.update().where(mine & (triggers.c.is_on == 1)).values(is_on=0)
            return connection.execute(off).rowcount

    def ask(self, key: Key, now: datetime) -> None:
        """Ask whoever watches to look now."""
        self._change(key, look_again_at=timestamp(now))

    def postpone(self, row: Row[Any], until: datetime, **values: Any) -> None:
        """Look again only then, unless somebody has asked meanwhile."""
        self._change(key_of(row), look_again_at=_unless_asked(row, timestamp(until)), **values)

    def failed(self, row: Row[Any], error: Mapping[str, str], now: datetime, until: datetime, failures: int) -> None:
        """Keep that a look failed: nothing has moved."""
        self.postpone(row, until, looked_at=timestamp(now), failures=failures, error=compact_json(error))

    def set_alarmed(self, key: Key, at: str | None) -> None:
        """Remember since when people know that something is wrong, None where all is well."""
        self._change(key, alarmed_at=at)

    def _change(self, key: Key, **values: Any) -> None:
        with self._database.writing() as connection:
            connection.execute(triggers.update().where(_is(key)).values(**values))


def turn_on(connection: Connection, key: Key, on: TurnedOn, values: Mapping[str, Any]) -> None:
    """Turn a trigger on, in a transaction; `values`: where it begins, none to go on from where it was.

    What it watched of the same kind of account before (another folder, another mailbox) is turned off.
    """
    of_accounts = triggers.c.demo == int(on.demo)
    same_trigger = (triggers.c.workflow == key.workflow) & (triggers.c.trigger == key.trigger)
    connection.execute(triggers.update().where(same_trigger & of_accounts).values(is_on=0))
    said = {**_FRESH, **on.values, **values}
    if connection.execute(triggers.update().where(_is(key)).values(**said)).rowcount == 0:
        connection.execute(triggers.insert().values(**vars(key), **said))


def move(connection: Connection, row: Row[Any], values: Mapping[str, Any]) -> None:
    """Put the cursor on after a good look, in the transaction that stores what it found.

    Raises Moved where the row is no longer on, or somebody else has moved its cursor since `row` was read.
    """
    again = _unless_asked(row, values["look_again_at"])
    moved = triggers.update().where(_as_read(row)).values(**{**values, "look_again_at": again})
    if connection.execute(moved).rowcount == 0:
        raise Moved(key_of(row))


def require_unmoved(connection: Connection, row: Row[Any]) -> None:
    """Raise Moved where the row is no longer on, or its cursor is not the one that was read."""
    if connection.execute(triggers.select().where(_as_read(row))).first() is None:
        raise Moved(key_of(row))


def key_of(row: Any) -> Key:
    """Return the key of a row of `triggers` or `trigger_items`."""
    return Key(row.workflow, row.trigger, row.account, row.source)


def needs_start(row: Row[Any]) -> bool:
    """Tell whether nobody has said from where on things count as new: its state was lost."""
    return row.cursor is None and not row.turned_on_by


def start_text(start: Start) -> str:
    """Return from where on things count as new, as the row keeps it."""
    since = None if start.since is None else timestamp(start.since)
    return compact_json({name: value for name, value in (("last", start.last), ("since", since)) if value is not None})


def start_of(text: str) -> Start:
    """Return what `start_text` wrote."""
    kept = json.loads(text)
    since = kept.get("since")
    return Start(last=kept.get("last"), since=None if since is None else moment_of(since))


def _is(key: Key) -> ColumnElement[bool]:
    return and_(*(triggers.c[name] == value for name, value in vars(key).items()))


def _as_read(row: Row[Any]) -> ColumnElement[bool]:
    """Choose the row if it is on and stands where it stood; turned off and on again, it is another one."""
    is_same_turn = (triggers.c.is_on == 1) & (triggers.c.turned_on_at == row.turned_on_at)
    return and_(_is(key_of(row)), is_same_turn, triggers.c.cursor.is_not_distinct_from(row.cursor))


def _unless_asked(row: Row[Any], until: str) -> Any:
    """Return the time of the next look; one that somebody asked for during this look stays."""
    is_as_read = triggers.c.look_again_at.is_not_distinct_from(row.look_again_at)
    return case((is_as_read, until), else_=triggers.c.look_again_at)
