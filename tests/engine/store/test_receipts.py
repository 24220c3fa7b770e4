"""Receipts read again from logs: in any order the ledger comes out the same."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from engine.store.renames import StepRename
from engine.store.sql.base.tables import effects
from engine.store.sql.proof import restore_effect
from engine.store.sql.renames import move_receipts
from engine.store.sqlite.database import SqliteStateDatabase

IDENTITY = '["test:me","work","note","keys","a"]'


def told(state: str, hour: int, generation: int = 0, done: int | None = None) -> dict[str, Any]:
    """A write as a log tells it; an open one cannot tell its generation."""
    return {
        "identity": IDENTITY,
        "account": "test:me",
        "state": state,
        "run_id": f"run-{hour}",
        "path": "note",
        "uses": "test.note",
        "arguments_hash": "h",
        "intended_at": f"2026-11-20T{hour:02}:00:00.000Z",
        "done_at": None if done is None else f"2026-11-20T{done:02}:00:00.000Z",
        "receipt": None,
        "output": None,
        "sends": 1,
        "generation": generation,
    }


FIRST, UNDONE = told("done", 1, done=2), told("undone", 1, 1, done=3)
AGAIN, UNDONE_AGAIN = told("done", 4, 1, done=5), told("undone", 4, 2, done=6)


@pytest.mark.parametrize(
    ("rows", "state", "run_id", "generation"),
    [
        pytest.param([FIRST], "done", "run-1", 0, id="receipt"),
        pytest.param([told("intent", 1), FIRST], "done", "run-1", 0, id="answered"),
        pytest.param([FIRST, UNDONE], "undone", "run-1", 1, id="undone"),
        pytest.param([UNDONE, AGAIN], "done", "run-4", 1, id="made-again"),
        pytest.param([UNDONE, AGAIN, UNDONE_AGAIN], "undone", "run-4", 2, id="undone-again"),
        pytest.param([told("unknown", 7), UNDONE_AGAIN], "unknown", "run-7", 2, id="open-after-an-undo"),
        pytest.param([told("intent", 2), UNDONE], "undone", "run-1", 1, id="open-before-the-undo"),
    ],
)
def test_in_any_order_of_the_logs(
    tmp_path: Path, rows: list[dict[str, Any]], state: str, run_id: str, generation: int
) -> None:
    database = SqliteStateDatabase(tmp_path)
    for order in permutations(rows):
        with database.writing() as connection:
            connection.execute(effects.delete())
            for row in order:
                restore_effect(connection, row)
            (found,) = connection.execute(effects.select()).all()
        assert (found.state, found.run_id, found.generation) == (state, run_id, generation)
    database.close()


@pytest.mark.parametrize(("row", "moved"), [(FIRST, True), (UNDONE, True), (told("unknown", 1), False)])
def test_a_step_takes_its_receipts_along_but_no_open_question(
    tmp_path: Path, row: Mapping[str, Any], moved: bool
) -> None:
    database = SqliteStateDatabase(tmp_path)
    with database.writing() as connection:
        connection.execute(effects.insert().values(**row))
    with database.writing() as connection:
        move_receipts(connection, [StepRename("work", "remark", "note")])
    with database.reading() as connection:
        (found,) = connection.execute(effects.select()).all()
    assert ('"remark"' in found.identity) is moved
    database.close()
