"""The steps of tables: what they say of rows that cannot be read."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from clients.client import Opening
from clients.datastore.client import StoreClient
from clients.datastore.service import STORE, StoreSettings
from engine.plugins.registry import step_type
from engine.plugins.step import Call


def test_rows_are_listed_beside_one_that_is_nested_too_deep_and_a_note_names_it(tmp_path: Path) -> None:
    client = StoreClient.open(StoreSettings(), Opening(is_demo=False, shared_folder=tmp_path))
    client.save("t", "ann", 1)
    query = step_type("store.query")
    call = Call(fields=query.fields.model_validate({"table": "t", "limit": 1}), client=client, marker="m" * 32)
    query.call(call)
    assert call.notes == []
    with closing(sqlite3.connect(tmp_path / STORE.shared_file)) as file, file:
        file.execute("INSERT INTO rows VALUES ('t', 'aaa', ?, '')", ("[" * 65 + "]" * 65,))
    found: Any = query.call(call)
    assert [row["key"] for row in found["rows"]] == ["ann"]
    assert (found["total"], found["has_more"], found["too_deep"]) == (1, False, ["aaa"])
    assert len(call.notes) == 1
    assert "nested deeper than 64 levels: 'aaa'" in call.notes[0]
