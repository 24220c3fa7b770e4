"""Request keys: the same request twice is one run, another under the same key is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import InUse
from engine.store.acceptances import IdempotentRequest
from engine.store.sql.acceptances import earlier_run, remember
from engine.store.sqlite.database import SqliteStateDatabase


@pytest.fixture
def database(tmp_path: Path) -> SqliteStateDatabase:
    return SqliteStateDatabase(tmp_path)


def send(database: SqliteStateDatabase, key: str, workflow: str, inputs: dict[str, Any], run_id: str) -> str:
    """Accept `run_id`, as the engine does, unless the request started one before."""
    request = IdempotentRequest.of(key, workflow, inputs)
    with database.inserting() as cursor:
        earlier = earlier_run(cursor, request)
        if earlier is None:
            remember(cursor, request, run_id)
    return earlier or run_id


def test_the_same_request_gives_the_same_run_also_after_a_restart(
    database: SqliteStateDatabase, tmp_path: Path
) -> None:
    assert send(database, "k", "digest", {"a": 1, "b": [1, 2]}, "r1") == "r1"
    assert send(SqliteStateDatabase(tmp_path), "k", "digest", {"b": [1, 2], "a": 1}, "r2") == "r1"


@pytest.mark.parametrize(
    ("workflow", "inputs"),
    [
        pytest.param("triage", {"limit": 5}, id="another workflow"),
        pytest.param("digest", {"limit": 6}, id="another value"),
        pytest.param("digest", {"limit": "5"}, id="another type"),
        pytest.param("digest", {}, id="an input less"),
        pytest.param("digest", {"limit": 5, "query": "in:inbox"}, id="an input more"),
    ],
)
def test_another_request_under_the_same_key_is_refused(
    database: SqliteStateDatabase, workflow: str, inputs: dict[str, Any]
) -> None:
    send(database, "k", "digest", {"limit": 5}, "r1")
    with pytest.raises(InUse, match="used before"):
        send(database, "k", workflow, inputs, "r2")
    assert send(database, "another", workflow, inputs, "r2") == "r2"


def test_a_key_is_free_again_where_its_run_was_not_accepted(database: SqliteStateDatabase) -> None:
    def refused_run() -> None:
        with database.inserting() as cursor:
            remember(cursor, IdempotentRequest.of("k", "digest", {"limit": "many"}), "r1")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        refused_run()
    assert send(database, "k", "digest", {"limit": 5}, "r2") == "r2"
