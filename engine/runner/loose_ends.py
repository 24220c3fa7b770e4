"""What the end of a run means for others: its open questions, the run that called it, the runs that it called."""

from __future__ import annotations

import sqlite3

_WITHDRAW = "UPDATE approvals SET state = 'withdrawn', answered_at = ? WHERE run_id = ? AND state = 'open'"
_WAKE = "UPDATE runs SET due_at = ? WHERE run_id = ? AND status = 'waiting'"
_CANCEL = "UPDATE runs SET cancel_requested = 1 WHERE parent_run_id = ? AND ended_at IS NULL"


def tie(cursor: sqlite3.Cursor, run_id: str, parent_run_id: str | None, now: str) -> None:
    """Do so in the transaction that ends the run; `now` is RFC 3339 text in UTC."""
    cursor.execute(_WITHDRAW, (now, run_id))
    cursor.execute(_CANCEL, (run_id,))
    if parent_run_id is not None:
        cursor.execute(_WAKE, (now, parent_run_id))
