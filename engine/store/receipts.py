"""Receipts outlive what they were written in: a workflow gets another name, the state file is made anew."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.store.tables import effects, meta

if TYPE_CHECKING:
    import sqlite3

    from sqlalchemy import Connection

    from engine.store.database import Database

UNSURE = "unsure."
"""With a workflow's name: key of {run id: since when} in `meta`, of runs whose log may not tell all that they wrote."""

BEGUN_RENAME = "rename"
"""Key of a rename in `meta` that has begun and not ended."""

_LAST_RENAME = "last_rename"
"""Key of what stands for the last rename in `meta`: a text that no other rename has."""

_RENAMES = "SELECT key, value FROM meta WHERE key IN (?, ?)"


@dataclass(frozen=True)
class Rename:
    """A workflow, or one step of it, has another name."""

    workflow: str
    new: str
    step: str | None = None
    """The step's id before; None where the workflow itself was renamed."""

    def applied(self, identity: str) -> str:
        """Return the identity that a write has under the new name; one that is not concerned stays as it is."""
        account, *place = json.loads(identity)
        moved = self._placed(place)
        return identity if moved == place else json.dumps([account, *moved], ensure_ascii=False, separators=(",", ":"))

    def _placed(self, place: list[Any]) -> list[Any]:
        """Return [workflow, path, *scope] under the new name; a scope may hold the place of the step that called."""
        workflow, path, *scope = place
        inner = [self._placed(one) if isinstance(one, list) and len(one) > _SHORTEST_PLACE else one for one in scope]
        if workflow != self.workflow:
            return [workflow, path, *inner]
        if self.step is None:
            return [self.new, path, *inner]
        return [workflow, ".".join(self.new if name == self.step else name for name in path.split(".")), *inner]


_SHORTEST_PLACE = 2
"""`["again", run id]` in a scope is no place; a place has a kind, too."""


def has_begun_rename(database: Database) -> bool:
    """Tell whether a rename is being made, or was cut short."""
    return database.has_fact(BEGUN_RENAME)


def last_rename(database: Database) -> str:
    """Return what stands for the last rename; an empty text where there was none."""
    return database.fact(_LAST_RENAME) or ""


def is_last_rename(cursor: sqlite3.Cursor) -> Callable[[str], bool]:
    """Return what tells of a text from `last_rename` whether nothing has been renamed since, nor is just now."""
    found = dict(cursor.execute(_RENAMES, (BEGUN_RENAME, _LAST_RENAME)).fetchall())
    return lambda known: BEGUN_RENAME not in found and known == found.get(_LAST_RENAME, "")


def end_rename(connection: Connection) -> None:
    """Take down that the rename that has begun is done: it is the last one from now on."""
    connection.execute(meta.delete().where(meta.c.key.in_((BEGUN_RENAME, _LAST_RENAME))))
    connection.execute(meta.insert().values(key=_LAST_RENAME, value=secrets.token_hex(8)))


def move_receipts(connection: Connection, rename: Rename) -> None:
    """Give receipts the identities that they have under the new name.

    Open questions stay as they are: what was sent bears the old name's marker.
    """
    done = connection.execute(effects.select().where(effects.c.state.in_(("done", "undone")))).all()
    for row in done:
        identity = rename.applied(row.identity)
        if identity != row.identity:
            connection.execute(effects.delete().where(effects.c.identity == identity))
            connection.execute(effects.update().where(effects.c.identity == row.identity).values(identity=identity))


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


def restore_update(connection: Connection, row: Mapping[str, Any]) -> None:
    """Put back that a later run changed what a write had made: its receipt tells what the thing holds since."""
    before = (
        (effects.c.identity == row["identity"])
        & (effects.c.state == "done")
        & (effects.c.generation == row["generation"])
        & (effects.c.done_at < row["done_at"])
        & (effects.c.arguments_hash != "")  # a later update was broken off: nobody knows what it holds
    )
    told = ("run_id", "path", "arguments_hash", "done_at", "receipt", "output")
    connection.execute(effects.update().where(before).values({name: row[name] for name in told}))


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
