"""A state that is copied: all of its tables arrive, and a copy that differs is refused and says where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Integer, Table, select

from engine.base.clock import utc_now
from engine.base.errors import InUse, StorageError
from engine.store.postgres.database import PostgresStateDatabase
from engine.store.sql.base.copying import copied
from engine.store.sql.base.database import StateDatabase
from engine.store.sql.base.facts import ANNOUNCEMENTS, UNREAD_LOGS
from engine.store.sql.base.tables import metadata
from engine.store.sql.opening import FILE, copy_state, open_database
from engine.store.sql.workers.owners import SqlOwner
from engine.store.sqlite.database import SqliteStateDatabase
from tests import postgres
from tests.patience import until

TABLES = [table for table in metadata.sorted_tables if table.name != "owners"]
"""All but the processes."""
_OF_ONE_DATABASE = ("health", "schema_version", ANNOUNCEMENTS, UNREAD_LOGS)
_ROWS = 501
"""One more than are read together."""


@contextmanager
def opened(where: str, folder: Path) -> Iterator[StateDatabase]:
    if where == "sqlite":
        folder.mkdir()
        with closing(SqliteStateDatabase(folder)) as file:
            yield file
    else:
        with postgres.schema() as url, closing(PostgresStateDatabase(url)) as server:
            yield server


def row(table: Table, number: int) -> dict[str, Any]:
    """Return a row with a value in each column, such as no database may change: signs, quotes, an empty text."""
    texts = [f"{number} ä 漢 🙂 'quoted' \"twice\" \\ %s ? :name \n", "", "{}"]
    values: dict[str, Any] = {}
    for place, column in enumerate(table.columns):
        if column.primary_key:
            values[column.name] = number if isinstance(column.type, Integer) else f"{column.name}-{number:04d}"
        elif column.name == "counts":
            values[column.name] = '{"failed_steps": 0, "failed_items": 0}'  # an index reads it
        elif column.type.python_type is str:
            values[column.name] = texts[(number + place) % len(texts)]
        elif column.type.python_type is float:
            values[column.name] = number / 3
        else:
            values[column.name] = number % 2 if column.name.startswith("is_") else 2**53 + number
        if column.nullable and not column.primary_key and number % 2:
            values[column.name] = None
    return values


def fill(database: StateDatabase) -> None:
    """Put rows into every table that there is."""
    with database.writing() as connection:
        for table in TABLES:
            count = _ROWS if table.name == "events" else 3
            connection.execute(table.insert(), [row(table, number) for number in range(1, count + 1)])


def content(database: StateDatabase) -> Mapping[str, list[dict[str, Any]]]:
    """Return all rows, without what is about one database."""
    with database.reading() as connection:
        found = {
            table.name: [dict(one) for one in connection.execute(select(table).order_by(*table.primary_key)).mappings()]
            for table in TABLES
        }
    found["meta"] = [one for one in found["meta"] if one["key"] not in _OF_ONE_DATABASE]
    return found


@pytest.mark.parametrize(
    ("there", "back"),
    [
        ("sqlite", "sqlite"),
        pytest.param("postgres", "sqlite", marks=pytest.mark.service),
        pytest.param("postgres", "postgres", marks=pytest.mark.service),
    ],
)
def test_the_rows_of_every_table_arrive(tmp_path: Path, there: str, back: str) -> None:
    with opened("sqlite", tmp_path / "a") as first, opened(there, tmp_path / "b") as second:
        fill(first)
        before = content(first)
        assert all(before[table.name] for table in TABLES)
        found = copied(first, second)
        assert found.rows == {name: len(rows) for name, rows in before.items()}
        assert content(second) == before
        with opened(back, tmp_path / "c") as third:
            again = copied(second, third)
            assert content(third) == before
            assert again == found
            with third.writing() as connection:  # numbers go on after those that were copied
                line = {"at": "", "principal": "", "action": "", "target": "", "detail": ""}
                connection.execute(metadata.tables["audit"].insert().values(**line))
            assert content(third)["audit"][-1]["number"] == 4


_CHANGED = {
    "sqlite": ["CREATE TRIGGER changes AFTER INSERT ON spending BEGIN UPDATE spending SET calls = 7; END"],
    "postgres": [
        "CREATE FUNCTION changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.calls = 7; RETURN NEW; END $$",
        "CREATE TRIGGER changes BEFORE INSERT ON spending FOR EACH ROW EXECUTE FUNCTION changed()",
    ],
}
_LOST = {
    "sqlite": ["CREATE TRIGGER loses BEFORE INSERT ON troubles BEGIN SELECT RAISE(IGNORE); END"],
    "postgres": [
        "CREATE FUNCTION lost() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
        "CREATE TRIGGER loses BEFORE INSERT ON troubles FOR EACH ROW EXECUTE FUNCTION lost()",
    ],
}


@pytest.mark.parametrize("where", ["sqlite", pytest.param("postgres", marks=pytest.mark.service)])
@pytest.mark.parametrize(
    ("how", "told"),
    [
        pytest.param(_CHANGED, "spending: 3 rows, and as many others in the copy", id="changed"),
        pytest.param(_LOST, "troubles: 3 rows, and 0 in the copy", id="lost"),
    ],
)
def test_a_copy_that_differs_is_refused_and_says_where(
    tmp_path: Path, where: str, how: Mapping[str, list[str]], told: str
) -> None:
    with opened("sqlite", tmp_path / "a") as source, opened(where, tmp_path / "b") as target:
        fill(source)
        with target.writing() as connection:
            for statement in how[where]:
                connection.exec_driver_sql(statement)
        before = content(source)
        with pytest.raises(StorageError, match=f"differs from the state in {told}\\. Something") as refused:
            copied(source, target)
        assert "empty the other database" in refused.value.remedy
        assert content(source) == before


@pytest.mark.service
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("sentence = 'A' || char(0)", "runs.sentence is 'A\\x00', with the character U+0000"),
        ("sentence = CAST(x'41FF' AS TEXT)", "runs.sentence is 'A\\udcff', which is not UTF-8"),
        ("sentence = x'41'", "runs.sentence is b'A', which is not a text"),
        ("demo = 'ja'", "runs.demo is 'ja', which is not a whole number"),
        ("demo = 1.5", "runs.demo is 1.5, which is not a whole number"),
        ("duration_seconds = 'long' || hex(zeroblob(99))", f"runs.duration_seconds is 'long{'0' * 35}…, which is not"),
        ("""status = 'succeeded', counts = '{"failed_steps": 1.5}'""", "says of runs: invalid input syntax for type"),
    ],
)
def test_a_row_that_cannot_be_copied_is_named_and_nothing_is_copied(tmp_path: Path, damage: str, said: str) -> None:
    with opened("sqlite", tmp_path / "a") as source, opened("postgres", tmp_path / "b") as target:
        fill(source)
        with source.writing() as connection:
            connection.exec_driver_sql(f"UPDATE runs SET {damage} WHERE run_id = 'run_id-0002'")
        before = content(target)
        with pytest.raises(StorageError) as refused:
            copied(source, target)
        assert "in the row with run_id 'run_id-0002', " in refused.value.message
        assert said in refused.value.message
        assert "Mend or delete that row" in refused.value.remedy
        assert content(target) == before


@pytest.mark.parametrize("table", ["runs", "effects", "triggers"])
def test_nothing_is_copied_over_what_is_there(tmp_path: Path, table: str) -> None:
    with opened("sqlite", tmp_path / "a") as source, opened("sqlite", tmp_path / "b") as target:
        fill(source)
        with target.writing() as connection:
            connection.execute(metadata.tables[table].insert().values(**row(metadata.tables[table], 1)))
        before = content(target)
        with pytest.raises(InUse, match=f"it has {table}"):
            copied(source, target)
        assert content(target) == before


@pytest.mark.parametrize("where", ["sqlite", pytest.param("postgres", marks=pytest.mark.service)])
def test_nothing_is_copied_to_a_state_with_which_a_process_works(tmp_path: Path, where: str) -> None:
    there = tmp_path / "b"
    there.mkdir()
    with ExitStack() as opening:
        source = opening.enter_context(opened("sqlite", tmp_path / "a"))
        fill(source)
        url = "" if where == "sqlite" else opening.enter_context(postgres.schema())
        target = opening.enter_context(closing(open_database(there, url)))
        works = SqlOwner(target, there / "owners", "serve", utc_now)
        before = content(target)
        with pytest.raises(InUse, match=f"Processes work with the other state: {works.id}"):
            copy_state(source, there, url or FILE)
        assert content(target) == before
        works._lock.close()  # it is dead now; its row is left
        until(lambda: not works.locks.is_held(works.id))
        assert copy_state(source, there, url or FILE).rows["runs"] == 3


@pytest.mark.service
def test_texts_come_along(tmp_path: Path) -> None:
    with opened("sqlite", tmp_path / "a") as source, postgres.schema() as url:
        texts = source.texts(tmp_path / "a")
        for name in ("versions/workflows/work/1.json", "tries/one.json"):
            texts.put(name, f'{{"name": "{name}"}}')
        copy_state(source, tmp_path / "a", url)
        with closing(PostgresStateDatabase(url)) as server:
            there = server.texts(tmp_path / "a")
            assert [there.get(name) for name in texts.below("versions") + texts.below("tries")] == [
                '{"name": "versions/workflows/work/1.json"}',
                '{"name": "tries/one.json"}',
            ]
