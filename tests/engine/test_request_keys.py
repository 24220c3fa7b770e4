"""Request keys: the same request twice is one, another under the same key is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from engine.errors import InUse
from engine.request_keys import claim
from engine.store.database import Database

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path)


def send(database: Database, key: str, workflow: str, inputs: dict[str, Any]) -> None:
    with database.writing() as connection:
        claim(connection, key, workflow, inputs, NOON)


def test_the_same_request_may_come_again_also_after_a_restart(database: Database, tmp_path: Path) -> None:
    send(database, "k", "digest", {"a": 1, "b": [1, 2]})
    send(Database(tmp_path), "k", "digest", {"b": [1, 2], "a": 1})


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
    database: Database, workflow: str, inputs: dict[str, Any]
) -> None:
    send(database, "k", "digest", {"limit": 5})
    with pytest.raises(InUse, match="used before"):
        send(database, "k", workflow, inputs)
    send(database, "another", workflow, inputs)


def test_a_key_is_free_again_where_its_run_was_not_accepted(database: Database) -> None:
    def refused_run() -> None:
        with database.writing() as connection:
            claim(connection, "k", "digest", {"limit": "many"}, NOON)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        refused_run()
    send(database, "k", "digest", {"limit": 5})
