"""The table `triggers`: which are on, the cursor of each, and the result of its last poll."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import structs
from sqlalchemy import and_, case

from engine.store.sql.base.database import StateDatabase
from engine.store.sql.base.tables import triggers
from engine.store.triggering.triggers import Moved, TriggerKey, TriggerPosition, TriggerRecord, TurnedOn

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

_FRESH = {"look_again_at": None, "failures": 0, "error": None, "note": "", "succeeded_at": None}


class SqlTriggers:
    """Reads and writes rows of `triggers`, from any thread."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def all(self) -> list[TriggerRecord]:
        """Return every trigger, ordered by workflow and trigger."""
        statement = triggers.select().order_by(triggers.c.workflow, triggers.c.trigger)
        with self._database.reading() as connection:
            return [_record(row) for row in connection.execute(statement)]

    def on(self) -> list[TriggerRecord]:
        """Return the triggers that are on, ordered by when they are due."""
        statement = triggers.select().where(triggers.c.is_on == 1).order_by(triggers.c.look_again_at)
        with self._database.reading() as connection:
            return [_record(row) for row in connection.execute(statement)]

    def get(self, key: TriggerKey) -> TriggerRecord | None:
        """Return the record of a trigger; None if it was never on."""
        with self._database.reading() as connection:
            row = connection.execute(triggers.select().where(_is(key))).first()
        return None if row is None else _record(row)

    def go_on(self, key: TriggerKey, on: TurnedOn) -> None:
        """Turn a trigger on again, from where it left off."""
        with self._database.writing() as connection:
            turn_on(connection, key, on, None)

    def turn_off(self, workflow: str, trigger: str, *, demo: bool) -> int:
        """Turn a trigger off for the demo, or for real accounts; return how many rows changed."""
        mine = (triggers.c.workflow == workflow) & (triggers.c.trigger == trigger) & (triggers.c.demo == int(demo))
        with self._database.writing() as connection:
            off = triggers.update().where(mine & (triggers.c.is_on == 1)).values(is_on=0)
            return connection.execute(off).rowcount

    def ask(self, key: TriggerKey, at: str) -> None:
        """Request a poll from whichever process watches."""
        self._change(key, look_again_at=at)

    def postpone(self, trigger: TriggerRecord, until: str, note: str | None = None) -> None:
        """Set the time of the next poll, unless somebody has requested one in the meantime."""
        self._change(
            trigger.key, look_again_at=_unless_asked(trigger, until), **({} if note is None else {"note": note})
        )

    def failed(self, trigger: TriggerRecord, error: str, at: str, until: str, failures: int) -> None:
        """Record a failed poll; the cursor does not move."""
        again = _unless_asked(trigger, until)
        self._change(trigger.key, look_again_at=again, looked_at=at, failures=failures, error=error)

    def _change(self, key: TriggerKey, **values: Any) -> None:
        with self._database.writing() as connection:
            connection.execute(triggers.update().where(_is(key)).values(**values))


def turn_on(connection: Connection, key: TriggerKey, on: TurnedOn, place: TriggerPosition | None) -> None:
    """Turn a trigger on, in a transaction, from a place or from where it left off.

    What it watched before in the same kind of account (another folder, another mailbox) is turned off.
    """
    of_accounts = triggers.c.demo == int(on.demo)
    same_trigger = (triggers.c.workflow == key.workflow) & (triggers.c.trigger == key.trigger)
    connection.execute(triggers.update().where(same_trigger & of_accounts).values(is_on=0))
    turned_on = {
        "is_on": 1,
        "start": on.start,
        "turned_on_at": on.at,
        "turned_on_by": on.by,
        "uses": on.uses,
        "demo": int(on.demo),
    }
    said = {**_FRESH, **turned_on, **({} if place is None else place._asdict())}
    if connection.execute(triggers.update().where(_is(key)).values(**said)).rowcount == 0:
        connection.execute(triggers.insert().values(**structs.asdict(key), **said))


def move(connection: Connection, trigger: TriggerRecord, place: TriggerPosition) -> None:
    """Move the cursor after a successful poll, in the transaction that stores what it found.

    Raises Moved if the trigger is no longer on, or if another poll has moved its cursor since it was read.
    """
    again = _unless_asked(trigger, place.look_again_at)
    moved = triggers.update().where(_as_read(trigger)).values(**{**place._asdict(), "look_again_at": again})
    if connection.execute(moved).rowcount == 0:
        raise Moved(trigger.key)


def require_unmoved(connection: Connection, trigger: TriggerRecord) -> None:
    """Raise Moved if the trigger is no longer on, or if its cursor has moved since it was read."""
    if connection.execute(triggers.select().where(_as_read(trigger))).first() is None:
        raise Moved(trigger.key)


def set_alarmed(connection: Connection, trigger: TriggerRecord, at: str | None) -> bool:
    """Record since when people know about a problem; return False if that has changed since it was read."""
    as_read = triggers.c.alarmed_at.is_not_distinct_from(trigger.alarmed_at)
    told = triggers.update().where(_is(trigger.key) & as_read).values(alarmed_at=at)
    return connection.execute(told).rowcount > 0


def _record(row: Any) -> TriggerRecord:
    return TriggerRecord(*row)._replace(is_on=bool(row.is_on), demo=bool(row.demo))


def _is(key: TriggerKey) -> ColumnElement[bool]:
    return and_(*(triggers.c[name] == value for name, value in structs.asdict(key).items()))


def _as_read(trigger: TriggerRecord) -> ColumnElement[bool]:
    """Select it if it is on and its cursor unchanged; turned off and on again, it is a different one."""
    is_same_turn = (triggers.c.is_on == 1) & (triggers.c.turned_on_at == trigger.turned_on_at)
    return and_(_is(trigger.key), is_same_turn, triggers.c.cursor.is_not_distinct_from(trigger.cursor))


def _unless_asked(trigger: TriggerRecord, until: str) -> Any:
    """Return the time of the next poll; one requested during this poll takes precedence."""
    is_as_read = triggers.c.look_again_at.is_not_distinct_from(trigger.look_again_at)
    return case((is_as_read, until), else_=triggers.c.look_again_at)
