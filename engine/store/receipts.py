"""Receipts outlive what they were written in: a workflow gets another name, the state file is made anew."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from engine.store.database import Database
from engine.store.tables import effects, meta

if TYPE_CHECKING:
    from sqlalchemy import Connection

UNSURE = "unsure."
"""With a workflow's name: key of {run id: since when} in `meta`, of runs whose log may not tell all that they wrote."""


def move_receipts(database: Database, workflow: str, new: str) -> None:
    """Give the receipts of a workflow the identities that they have under its new name.

    Open questions stay as they are: what was sent bears the old name's marker.
    """
    with database.writing() as connection:
        done = connection.execute(effects.select().where(effects.c.state.in_(("done", "undone")))).all()
        for row in done:
            identity = renamed(row.identity, workflow, new)
            if identity != row.identity:
                connection.execute(effects.delete().where(effects.c.identity == identity))
                connection.execute(effects.update().where(effects.c.identity == row.identity).values(identity=identity))


def renamed(identity: str, workflow: str, new: str) -> str:
    """Return the identity under the workflow's new name; one of another workflow stays as it is."""
    account, name, *rest = json.loads(identity)
    if name != workflow:
        return identity
    return json.dumps([account, new, *rest], ensure_ascii=False, separators=(",", ":"))


def restore_effect(connection: Connection, row: Mapping[str, Any]) -> None:
    """Put back what a log tells of a write: a receipt answers an open question, and is itself never overwritten.

    What was undone stands above its receipt; a write that began after that is the next one of its identity.
    """
    same = effects.c.identity == row["identity"]
    known = connection.execute(effects.select().where(same)).mappings().first()
    if known is None:
        connection.execute(effects.insert().values(**row))
        return
    merged = _merged(dict(known), row)
    if merged is not None:
        connection.execute(effects.update().where(same).values(**merged))


def _merged(known: Mapping[str, Any], told: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return what the row must become; None where it stays as it is."""
    if told["state"] == "undone" and _began_after(known, told):
        return {"generation": max(known["generation"], told["generation"])}
    if known["state"] == "undone" and _began_after(told, known):
        return {**told, "generation": known["generation"]}
    if told["generation"] != known["generation"]:
        return told if told["generation"] > known["generation"] else None
    return told if told["state"] == "done" and known["state"] != "done" else None


def _began_after(write: Mapping[str, Any], undone: Mapping[str, Any]) -> bool:
    """Tell whether an open write, whose log cannot say its generation, began when this one was undone already."""
    return write["state"] in ("intent", "unknown") and write["intended_at"] >= undone["done_at"]


def remember_unsure(connection: Connection, workflow: str, run_id: str, since: str) -> None:
    """Remember that a run may have written more since then than its log tells."""
    key = f"{UNSURE}{workflow}"
    known = connection.execute(meta.select().where(meta.c.key == key)).first()
    value = json.dumps({**(json.loads(known.value) if known else {}), run_id: since})
    connection.execute(meta.delete().where(meta.c.key == key))
    connection.execute(meta.insert().values(key=key, value=value))
