"""A step that touches nothing shares its commit with what comes next: on disk before any other step begins."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from engine.store.sql.journal import SqlJournal
from tests.engine.conftest import Run, Service, get_step, set_step

_MADE = '"path":"made"'
_STORED = "SELECT count(*) FROM events WHERE event LIKE '%step_finished%' AND event LIKE ?"


def test_of_steps_that_begin_side_by_side_none_is_ahead_of_what_it_builds_on(
    run: Run, service: Service, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored: dict[str, int] = {}
    enter, commit = service.enter, SqlJournal._commit

    def entered(path: str, body: Any) -> int:
        state = sqlite3.connect(root / ".orchestra" / "state.db")
        [[stored[path]]] = state.execute(_STORED, (f"%{_MADE}%",))
        state.close()
        return enter(path, body)

    def slowly(self: SqlJournal, batch: Any) -> list[Any]:
        if any(_MADE in text for _, _, text in batch.events):
            time.sleep(0.2)  # time enough for a request that does not wait for the disk
        return commit(self, batch)

    monkeypatch.setattr(service, "enter", entered)
    monkeypatch.setattr(SqlJournal, "_commit", slowly)
    after = [get_step(name, service.url(f"/{name}"), needs=["made"]) for name in "abc"]
    document = run([get_step("first", service.url("/first")), set_step("made", needs=["first"]), *after])
    assert document["status"] == "succeeded"
    assert stored == {"/first": 0, "/a": 1, "/b": 1, "/c": 1}
