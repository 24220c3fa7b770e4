"""How often a password may be guessed: per user and over all, remembered over restarts."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from engine.clock import Clock
from engine.errors import TooManyTries
from engine.names import moment_of, timestamp
from engine.store.database import Database
from engine.store.tables import login_failures

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

PER_USER = 10
OVERALL = 100
WINDOW = timedelta(minutes=15)


class LoginLimit:
    """Counts each try before it is checked, so that guesses sent at once count as well as guesses in a row."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def count(self, user_id: str) -> None:
        """Count one try for `user_id`, who need not exist; raise TooManyTries where the limit is reached."""
        with self._database.writing() as connection:
            self._forget_old(connection)
            self._refuse_above(connection, PER_USER, login_failures.c.user_id == user_id)
            self._refuse_above(connection, OVERALL, login_failures.c.number >= 0)
            connection.execute(login_failures.insert().values(user_id=user_id, at=timestamp(self._clock())))

    def forgive(self, connection: Connection, user_id: str) -> None:
        """Forget the tries of `user_id`: the last one was right."""
        connection.execute(login_failures.delete().where(login_failures.c.user_id == user_id))

    def _forget_old(self, connection: Connection) -> None:
        start = timestamp(self._clock() - WINDOW)
        connection.execute(login_failures.delete().where(login_failures.c.at <= start))

    def _refuse_above(self, connection: Connection, limit: int, which: ColumnElement[bool]) -> None:
        tries = login_failures.select().where(which).order_by(login_failures.c.number.desc()).limit(limit)
        latest = connection.execute(tries).all()
        if len(latest) < limit:
            return
        free_at = moment_of(latest[-1].at) + WINDOW
        seconds = max(1, int((free_at - self._clock()).total_seconds()) + 1)
        raise TooManyTries(
            f"Too many sign-ins failed. The next try is possible in {-(-seconds // 60)} minutes.",
            retry_after_seconds=seconds,
        )
