"""Nothing is written through a query: 40 attempts and more for each dialect, on real databases."""

from __future__ import annotations

import contextlib
import shutil
import socket
import tracemalloc
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from clients.errors import InvalidRequest, ServiceError, Timeout, WriteRefused
from clients.reads_only import reads_only
from clients.sql import duckdb, guard, mysql, postgres, sqlite
from clients.sql.address import DatabaseAddress
from clients.sql.database import WriteStatement
from clients.sql.proven_statements import ProvenStatement, parsed
from clients.sql.wire import DriverSocket, connected
from tests.clients.sql.attempts import ATTEMPTS, FOREIGN, ONLY_REFUSED_BY_PARSING, SETUP, STATE
from tests.clients.sql.servers import DIALECTS, Target, target
from tests.patience import until

ROWS = "insert into item values (1, 'a', 3), (2, 'b', 4)"


@pytest.fixture(scope="module", params=DIALECTS)
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with target(request.param, tmp_path_factory.mktemp("sql")) as opened:
        for statement in (*SETUP[opened.dialect], ROWS):
            opened.run(statement)
        yield opened


def written_by(database: Target, attempts: Sequence[str], file: Path) -> list[str]:
    """Make each attempt; return those after which something was different, and put that right."""
    changed = []
    before = state(database)
    for attempt in attempts:
        with contextlib.suppress(ServiceError):
            database.client.query(attempt.replace("FILE", str(file)), {}, 10)
        if state(database) != before or file.exists():
            changed.append(attempt)
            shutil.rmtree(file) if file.is_dir() else file.unlink(missing_ok=True)
            restore(database)
            before = state(database)
    return changed


def state(database: Target) -> list[Any]:
    with contextlib.suppress(Exception):
        return [list(map(list, database.run(statement))) for statement in STATE[database.dialect]]
    return ["a table is gone"]


def restore(database: Target) -> None:
    """Lay the tables out anew, as far as an attempt has changed them."""
    for statement in ("drop view other", "drop table other", "drop table item", SETUP[database.dialect][0], ROWS):
        with contextlib.suppress(Exception):
            database.run(statement)


def test_no_attempt_writes(database: Target, tmp_path: Path) -> None:
    attempts = ATTEMPTS[database.dialect]
    assert len(attempts) >= 40
    assert written_by(database, attempts, tmp_path / "made") == []


def test_the_session_refuses_them_without_the_parser(
    database: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_parser(monkeypatch)
    known = ONLY_REFUSED_BY_PARSING[database.dialect]
    attempts = [one for one in ATTEMPTS[database.dialect] if not any(word in one for word in known)]
    assert written_by(database, attempts, tmp_path / "made") == []


def test_the_parser_refuses_them_without_the_session(
    database: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_session(monkeypatch)
    attempts = [one for one in ATTEMPTS[database.dialect] if "sneaky" not in one]  # a view: what it calls is not seen
    assert written_by(database, attempts, tmp_path / "made") == []


@pytest.mark.control
def test_without_both_many_write(database: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_parser(monkeypatch)
    without_session(monkeypatch)
    assert len(written_by(database, ATTEMPTS[database.dialect], tmp_path / "made")) >= 3


FILE_TEXT = "what only other programs may know"


@pytest.fixture
def foreign(tmp_path: Path) -> Iterator[list[str]]:
    """Attempts at a file and a server that are there, but not for a query."""
    file = tmp_path / "foreign.csv"
    file.write_text(f"a\n{FILE_TEXT}\n")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        port = str(server.getsockname()[1])
        yield [one.replace("FOREIGN", str(file)).replace("PORT", port) for one in FOREIGN]
        with pytest.raises(BlockingIOError):
            server.accept()


def read_by(database: Target, attempts: Sequence[str]) -> list[str]:
    """Make each attempt; return those that read the file."""
    found = []
    database.run(f"create or replace view outward as {attempts[0]}")
    for attempt in attempts:
        with contextlib.suppress(ServiceError, duckdb_errors()):
            rows = database.client.query(attempt, {}, 10).rows
            found += [attempt] if FILE_TEXT in str(rows) or ".csv" in str(rows) else []
    database.run("drop view outward")
    return found


def duckdb_errors() -> type[Exception]:
    import duckdb as driver

    return driver.Error


@pytest.mark.parametrize("without", ["nothing", "parser", "session"])
def test_no_attempt_reads_other_files(
    database: Target, foreign: list[str], without: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if database.dialect != "duckdb":
        pytest.skip("Others have no tables that are files; their functions for files are among the attempts to write.")
    if without == "parser":
        without_parser(monkeypatch)
    if without == "session":
        without_session(monkeypatch)
        foreign = [one for one in foreign if "outward" not in one]  # a view: what it reads is not seen
    assert read_by(database, foreign) == []


@pytest.mark.control
def test_without_both_many_read(database: Target, foreign: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    if database.dialect == "duckdb":
        without_parser(monkeypatch)
        without_session(monkeypatch)
        assert len(read_by(database, foreign)) >= 10


def without_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    def believed(statement: str, dialect: Any) -> ProvenStatement:
        tree: Any = None
        with contextlib.suppress(InvalidRequest):
            tree = parsed(statement, dialect)
        return ProvenStatement(statement, dialect, (), tree)

    monkeypatch.setattr("clients.sql.client.proven", believed)


def without_session(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextlib.contextmanager
    def writing(self: Any) -> Iterator[Any]:
        with self._opened() as connection:
            if isinstance(self, postgres.PostgresDatabase):
                postgres._run(connection, "BEGIN")
            yield connection
            if isinstance(self, postgres.PostgresDatabase):
                postgres._run(connection, "COMMIT")

    opened = sqlite.SqliteDatabase._opened
    monkeypatch.setattr(guard, "reads", lambda *_: 0)
    monkeypatch.setattr(sqlite.SqliteDatabase, "_opened", lambda self, _mode: _Writable(opened(self, "rw")))
    monkeypatch.setattr(postgres.PostgresDatabase, "_reading", writing)
    monkeypatch.setattr(mysql.MysqlDatabase, "_reading", writing)
    monkeypatch.setattr(duckdb, "_only", lambda _connection, statement, _kinds: statement)
    monkeypatch.setattr(duckdb.DuckdbDatabase, "_reading", opened_wide)


@contextlib.contextmanager
def opened_wide(self: Any) -> Iterator[Any]:
    """Open a file of DuckDB as it is by default."""
    import duckdb as driver

    with driver.connect(str(self._path)) as connection:
        yield connection


class _Writable:
    """A connection to SQLite that cannot be made read-only."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def execute(self, statement: str, *values: Any) -> Any:
        return self._inner.execute("select 1" if "query_only" in statement else statement, *values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


@pytest.mark.parametrize(
    "statement",
    [
        "select id, name from item where name = :name and qty > 1 order by id limit 5",
        "with s as (select sum(qty) as total, count(*) as n from item) select total, n from s where :name <> ''",
        "select upper(name) as name, ':no' as t, round(avg(qty) over (), 2) from item where name = :name -- :not",
        "select id from item where name = :name union all select coalesce(qty, 0) from item",
        "select case when name = :name then 1 else 0 end as is_it, abs(-1), length(trim(name)) from item",
    ],
)
def test_everyday_queries_are_allowed(database: Target, statement: str) -> None:
    with reads_only():
        assert database.client.query(statement, {"name": "a"}, 10).rows


@pytest.mark.parametrize(
    "statement",
    [
        "select ('/etc/hostname'::text).pg_read_file",
        "select (:p::text).pg_read_file",
        "select y.pg_read_file from unnest(array['/etc/hostname'::text]) as y",
        "select (pid).pg_terminate_backend from pg_stat_activity where false",
        "select (1::bigint).pg_advisory_lock",
        "select (0.5).pg_sleep",
        "select item.wipe_row from item where false",
        f"select y.{'a' * 63}b from item as y",
    ],
)
def test_no_function_is_called_as_a_column(database: Target, statement: str) -> None:
    if database.dialect == "postgres":
        with pytest.raises(InvalidRequest, match="not proven to read only"):
            database.client.query(statement, {"p": "/etc/hostname"} if ":p:" in statement else {}, 10)


@pytest.mark.parametrize(
    "statement",
    [
        "select i.name, i.qty, public.item.id from item as i, item where i.id = item.id",
        "select s.count, s.max, s.name from (select name, count(*), max(qty) from item group by name) as s",
        "with s as (select id, name from item) select s.id, s.name from s order by s.name",
        "select o.nextval, odd.nextval from odd as o, odd",
        "select 'x'::text as a, i.* from item as i where i.name like '%a%'",
    ],
)
def test_columns_that_are_called_as_functions_are_read(database: Target, statement: str) -> None:
    if database.dialect == "postgres":
        assert database.client.query(statement, {}, 10).rows


def test_a_plan_cannot_write(database: Target) -> None:
    with reads_only(), pytest.raises(WriteRefused, match="was not sent"):
        database.client.execute(WriteStatement("delete from item", {}, "m"))
    assert len(database.run("select * from item")) == 2


def test_a_query_ends_at_its_time(database: Target) -> None:
    from clients.deadline import deadline

    endless = (
        "with recursive r (n) as (select 1 union all select n + 1 from r where n < 1000000000) select count(*) from r"
    )
    if database.dialect == "mysql":
        endless = (
            "select count(*) from information_schema.columns a, information_schema.columns b,"
            " information_schema.columns c, information_schema.columns d"
        )
    with deadline(3), pytest.raises(ServiceError) as raised:  # connecting has to end well before
        database.client.query(endless, {}, 1)
    assert (type(raised.value), raised.value.retryable) == (Timeout, False), "it would take as long again"
    assert "Make the statement faster" in raised.value.remedy


def test_a_query_whose_client_is_gone_ends_on_the_server(database: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    if database.dialect != "postgres":
        pytest.skip("DuckDB and SQLite run in this process; MySQL ends a query at its time only.")
    wires: list[DriverSocket] = []

    def kept(address: DatabaseAddress) -> DriverSocket:
        wires.append(connected(address))
        return wires[0]

    monkeypatch.setattr(postgres, "connected", kept)
    without_parser(monkeypatch)
    asked = Thread(target=lambda: fails(database, "select pg_sleep(60)"))
    asked.start()
    ours = "state = 'active' and application_name = 'AI-Orchestra' and datname = current_database()"
    running = f"select count(*) from pg_stat_activity where {ours}"
    until(lambda: wires and database.run(running)[0][0] == 1)
    wires[0]._stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
    asked.join()
    until(lambda: database.run(running)[0][0] == 0)


def fails(database: Target, statement: str) -> None:
    with pytest.raises(ServiceError):
        database.client.query(statement, {}, 1)


def test_limits_and_values(database: Target) -> None:
    found = database.client.query("select id, qty * 1.50 as price from item order by id", {}, 1)
    assert found.truncated
    assert [column["name"] for column in found.columns] == ["id", "price"]
    assert found.rows == [{"id": 1, "price": 4.5 if database.dialect == "sqlite" else "4.50"}]
    rows, lines = database.client.lines("select id from item order by id", {}, 10)
    assert (rows.truncated, lines) == (False, b'{"id": 1}\n{"id": 2}\n')
    assert "item" in database.client.tables()
    assert "item.qty" in database.client.columns()


def test_text_of_another_encoding_is_read(database: Target) -> None:
    if database.dialect != "sqlite":
        pytest.skip("The other databases check the encoding of a text when it is written.")
    query = "select cast(x'4dfc6c6c6572' as text) as name union all select 'M\u00fcller' order by name"
    assert [row["name"] for row in database.client.query(query, {}, 10).rows] == ["M\u00fcller", "M\ufffdller"]


def test_the_picker_has_a_statement_for_each_table(database: Target) -> None:
    statements = database.client.statements()
    assert len(statements) == len(database.client.tables())
    mark = "`" if database.dialect in ("mysql", "sqlite") else '"'
    (item,) = (one for one in statements if one.endswith(f"FROM {mark}item{mark} LIMIT 100"))
    assert item.startswith(f"SELECT {mark}id{mark}, ")
    assert [row["id"] for row in database.client.query(item, {}, 10).rows] == [1, 2]


LARGE = "select repeat('x', 10000000) as text from item a, item b, item c, item d, item e, item f"
"""64 rows of 10 MB."""


def test_large_rows_are_not_read_at_once(database: Target) -> None:
    if database.dialect == "sqlite":
        pytest.skip("SQLite makes each row when it is asked for.")
    tracemalloc.start()
    try:
        found = database.client.query(LARGE, {}, 1)
        assert (len(found.rows), found.truncated) == (1, True)
        with pytest.raises(InvalidRequest, match="more than 20 MB"):
            database.client.query(LARGE, {}, 1_000)
        assert tracemalloc.get_traced_memory()[1] < 120_000_000
    finally:
        tracemalloc.stop()


def test_one_large_value_ends_the_answer(database: Target) -> None:
    if database.dialect != "postgres":
        pytest.skip("The server itself makes no larger value.")
    with pytest.raises(InvalidRequest, match=r"One answer of .* takes more than 64 MB"):
        database.client.query("select repeat('x', 200000000) as text", {}, 1)


def test_rows_of_all_sizes_arrive(database: Target) -> None:
    numbers = "with recursive r (n) as (select 1 union all select n + 1 from r where n < 900)"
    text = "printf('%.*c', n * 10, 'x')" if database.dialect == "sqlite" else "left(repeat('x', 9000), n * 10)"
    found = database.client.query(f"{numbers} select n, {text} as t from r order by n", {}, 850)
    assert ([row["n"] for row in found.rows], found.truncated) == (list(range(1, 851)), True)
    assert not database.client.query(f"{numbers} select n from r", {}, 900).truncated
