"""Bring a state of an earlier release into the form of this one, in the transaction that opens it.

A release that changes the tables raises `SCHEMA_VERSION` and adds a step here, for both databases. Tables that are new
are there before the steps run, with their indexes. On a server, a step only adds what a process of the release before,
which may be at work, does not use: columns with defaults, indexes. The views for reports are made anew after it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.base.errors import StorageError
from engine.store.sql.base.tables import SCHEMA_VERSION

if TYPE_CHECKING:
    from sqlalchemy import Connection


def _of_02(connection: Connection) -> None:
    """Give each run a place for its kind, and find calls by what was called and when.

    What 0.1.0 has stored beside a run tells enough of the kinds so far.
    """
    connection.exec_driver_sql("ALTER TABLE runs ADD COLUMN kind TEXT NOT NULL DEFAULT ''")
    connection.exec_driver_sql("CREATE INDEX effects_by_uses ON effects (uses, done_at)")


STEPS: dict[str, tuple[Callable[[Connection], None], str]] = {"21": (_of_02, "22")}
"""{form: (change, next form)}. The forms from before 0.1.0, the first release, have no step."""


def migrated(connection: Connection, found: str) -> str:
    """Migrate the tables from the form `found` as far as possible; return the form reached."""
    while found in STEPS:
        change, found = STEPS[found]
        change(connection)
    return found


def require_our_form(form: str, place: str, *, otherwise: str = "") -> None:
    """Raise StorageError if the state at `place` is not in our form; `otherwise`: what to do if nothing else helps."""
    if form == SCHEMA_VERSION:
        return
    is_older = form.isdigit() and int(form) < int(SCHEMA_VERSION)
    release = "a version before 0.1.0, the first release" if is_older else "another release"
    raise StorageError(
        f"{place} was written by {release} (its form is {form}, ours {SCHEMA_VERSION}).",
        remedy=f"Use the version that wrote it{otherwise}.",
    )
