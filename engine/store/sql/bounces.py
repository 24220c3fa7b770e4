"""Mails that could not be delivered, in `state.db`; rows go with those of their runs."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from engine.store.bounces import BouncedMail, MadeMail, MailedAccount
from engine.store.sql.base.database import StateDatabase
from engine.store.sql.base.places import places

_KEPT = (
    " FROM effects JOIN runs ON runs.run_id = effects.run_id"
    " WHERE (runs.ended_at IS NULL OR runs.ended_at >= ?) AND effects.state = 'done' AND effects.done_at >= ?"
    " AND effects.uses IN ({places})"
)
_MAILED = f"SELECT effects.account, effects.done_at{_KEPT}"  # `GROUP BY` would read the index of all accounts
_MAILS = (
    "SELECT effects.identity, effects.generation, effects.run_id, effects.path,"
    f" coalesce(effects.output, ''), effects.intended_at, effects.done_at{_KEPT} AND effects.account = ?"
)
_COLUMNS = "run_id, path, recipient, action, status, diagnostic, connection, mail, at"
_MOST = 100
_UNDELIVERED = ("failed", "delayed")
_WEIGHT = {"delayed": 0, "failed": 2}
"""Of a word; of others 1. That a mail arrived ends that it is late, but anybody could write it, so no failure."""
_NOTE = (
    f"INSERT INTO bounces ({_COLUMNS}) SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?"  # noqa: S608
    f" WHERE EXISTS (SELECT 1 FROM runs WHERE run_id = ?)"
    f" AND (SELECT count(*) FROM bounces WHERE run_id = ? AND path = ? AND action = ?) < {_MOST}"
    " ON CONFLICT (run_id, path, recipient, action) DO NOTHING"
)
_OF = f"SELECT {_COLUMNS}, number FROM bounces WHERE run_id = ? ORDER BY number"  # noqa: S608
_AFTER = f"SELECT {_COLUMNS}, number FROM bounces WHERE number > ? ORDER BY number LIMIT ?"  # noqa: S608


class SqlBounces:
    """Finds the mails that were sent, and keeps what reports say of them."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def mailed(self, uses: Collection[str], since: str) -> list[MailedAccount]:
        """Return the accounts from which steps of these types have sent mail since a time, in runs that are kept."""
        wanted = sorted(uses)
        with self._database.asking() as cursor:
            rows = cursor.execute(_MAILED.format(places=places(wanted)), (since, since, *wanted)).fetchall()
        last = {account: at for at, account in sorted((row[1], row[0]) for row in rows)}
        return [MailedAccount(account, last[account]) for account in sorted(last)]

    def mails(self, account: str, uses: Collection[str], since: str) -> list[MadeMail]:
        """Return the mails that steps of these types have sent from an account since a time, as `mailed` counts."""
        wanted = sorted(uses)
        with self._database.asking() as cursor:
            rows = cursor.execute(_MAILS.format(places=places(wanted)), (since, since, *wanted, account)).fetchall()
        return [MadeMail(*row) for row in rows]

    def note(self, found: Sequence[BouncedMail]) -> None:
        """Keep reports as long as their runs. A second one of an action and a recipient, or over 100, is ignored."""
        with self._database.writing() as connection:
            cursor = self._database.cursor_of(connection)
            for one in found:
                cursor.execute(_NOTE, (*one[:9], one.run_id, one.run_id, one.path, one.action))

    def of(self, run_id: str) -> list[BouncedMail]:
        """Return the word about each recipient whom a mail of a run has not reached, oldest first."""
        with self._database.asking() as cursor:
            rows = [BouncedMail(*row) for row in cursor.execute(_OF, (run_id,)).fetchall()]
        last: dict[tuple[str, str], BouncedMail] = {}
        for one in sorted(rows, key=lambda row: (_WEIGHT.get(row.action, 1), row.number)):
            last[one.path, one.recipient.lower()] = one
        return [one for one in rows if one in last.values() and one.action in _UNDELIVERED]

    def after(self, number: int, most: int) -> list[BouncedMail]:
        """Return at most so many of the reports with higher numbers, oldest first."""
        with self._database.asking() as cursor:
            return [BouncedMail(*row) for row in cursor.execute(_AFTER, (number, most)).fetchall()]

    def last_number(self) -> int:
        """Return the highest number; 0 without any report."""
        with self._database.asking() as cursor:
            [(found,)] = cursor.execute("SELECT coalesce(max(number), 0) FROM bounces").fetchall()
        return int(found)
