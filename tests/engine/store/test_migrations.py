"""A state file of an earlier release is brought into today's form when it is opened; of any other, it is refused."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from engine.base.errors import StorageError
from engine.store.sql.base import migrations
from engine.store.sql.base.facts import UNREAD_LOGS
from engine.store.sql.base.tables import SCHEMA_VERSION
from engine.store.sqlite.database import SqliteStateDatabase
from tests.engine.store.earlier_form import EARLIER, make_earlier


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """The state of an earlier release, with a receipt and a process."""
    with closing(SqliteStateDatabase(tmp_path)) as opened, opened.writing() as written:
        written.exec_driver_sql("DELETE FROM meta WHERE key = ?", (UNREAD_LOGS,))
    with closing(sqlite3.connect(tmp_path / "state.db")) as file, file:
        file.execute("INSERT INTO effects VALUES ('i','a','done','r','p','u','h','t','o',NULL,NULL,1,0,NULL)")
        make_earlier(file.execute)
        file.execute("INSERT INTO owners (owner, pid, kind, started_at, heartbeat_at) VALUES ('o', 1, '', '', '')")
    return tmp_path / "state.db"


def _form(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        return str(connection.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone()[0])


def test_a_state_of_an_earlier_release_keeps_its_receipts_and_gets_what_it_lacks(earlier: Path) -> None:
    with closing(SqliteStateDatabase(earlier.parent)) as opened:
        assert opened.fact(UNREAD_LOGS) is None, "it lacks nothing that the logs tell"
    assert _form(earlier) == SCHEMA_VERSION
    with closing(sqlite3.connect(earlier)) as connection:
        assert connection.execute("SELECT identity, state FROM effects").fetchall() == [("i", "done")]
        assert connection.execute("SELECT owner, slots FROM owners").fetchall() == [("o", 0)]
        assert connection.execute("SELECT count(*) FROM debugging").fetchone() == (0,)
        assert connection.execute("SELECT count(kind) FROM runs").fetchone() == (0,)
        assert "runs_by_turn" in {row[1] for row in connection.execute("PRAGMA index_list(runs)")}


def test_a_step_that_fails_leaves_the_state_as_it_was(earlier: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step, form = migrations.STEPS[EARLIER]

    def breaks(connection: object) -> None:
        step(connection)  # type: ignore[arg-type]
        raise RuntimeError

    monkeypatch.setitem(migrations.STEPS, EARLIER, (breaks, form))
    before = _dump(earlier)
    with pytest.raises(RuntimeError):
        SqliteStateDatabase(earlier.parent)
    assert _dump(earlier) == before


@pytest.mark.parametrize(
    ("form", "said"),
    [
        pytest.param("1", "was written by a version before 0.1.0, the first release (its form is 1,", id="older"),
        pytest.param("99", "was written by another release (its form is 99,", id="newer"),
    ],
)
@pytest.mark.parametrize(
    "opens", [SqliteStateDatabase, partial(SqliteStateDatabase, is_read_only=True)], ids=["to work", "to read"]
)
def test_a_state_of_another_form_is_refused_untouched(
    earlier: Path, opens: Callable[[Path], SqliteStateDatabase], form: str, said: str
) -> None:
    with closing(sqlite3.connect(earlier)) as connection, connection:
        connection.execute(f"UPDATE meta SET value = '{form}' WHERE key = 'schema_version'")
    before = _dump(earlier)
    with pytest.raises(StorageError) as refused:
        opens(earlier.parent)
    assert said in str(refused.value)
    assert "Use the version that wrote it" in str(refused.value.remedy)
    assert _dump(earlier) == before


def _dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())
