"""Receipts follow a workflow that gets another name: what it has done stays done."""

from __future__ import annotations

import json

from engine.store.database import Database
from engine.store.tables import effects


def move_receipts(database: Database, workflow: str, new: str) -> None:
    """Give the receipts of a workflow the identities that they have under its new name.

    Open questions stay as they are: what was sent bears the old name's marker.
    """
    with database.writing() as connection:
        done = connection.execute(effects.select().where(effects.c.state == "done")).all()
        for row in done:
            account, name, *rest = json.loads(row.identity)
            if name == workflow:
                identity = json.dumps([account, new, *rest], ensure_ascii=False, separators=(",", ":"))
                connection.execute(effects.delete().where(effects.c.identity == identity))
                connection.execute(effects.update().where(effects.c.identity == row.identity).values(identity=identity))
