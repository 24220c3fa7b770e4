"""A statement with a marker is executed once, however many ask at the same time, and whatever becomes of the answer."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from clients.errors import InvalidRequest, ServiceError
from clients.sql.database import WriteStatement
from tests.clients.sql.servers import DIALECTS, Target, target

ADD = "insert into item (name) values (:name)"


@pytest.fixture(scope="module", params=DIALECTS)
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with target(request.param, tmp_path_factory.mktemp("sql")) as opened:
        opened.run("create table item (name varchar(50))")
        yield opened


def count(database: Target, name: str) -> int:
    return int(database.run(f"select count(*) from item where name = '{name}'")[0][0])


def test_eight_writers_at_once_write_once(database: Target) -> None:
    def write(_: int) -> int:
        return database.client.execute(WriteStatement(ADD, {"name": "at once"}, "m" * 32)).affected

    assert database.client.found("m" * 32) is None
    with ThreadPoolExecutor(8) as writers:
        assert list(writers.map(write, range(8))) == [1] * 8
    assert count(database, "at once") == 1
    found = database.client.found("m" * 32)
    assert found is not None
    assert found.affected == 1


def test_a_statement_that_fails_leaves_no_marker(database: Target) -> None:
    with pytest.raises(InvalidRequest):
        database.client.execute(WriteStatement("insert into item (nothing) values (1)", {}, "f" * 32))
    assert database.client.found("f" * 32) is None
    assert database.client.execute(WriteStatement(ADD, {"name": "later"}, "f" * 32)).affected == 1


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("commit", id="ends the transaction"),
        pytest.param("begin", id="begins another"),
        pytest.param("insert into item values ('two'); insert into item values ('two')", id="two statements"),
        pytest.param("insert into item values ('two'); commit; insert into item values ('two')", id="with a commit"),
        pytest.param("delete from orchestra_once", id="forgets what was done"),
        pytest.param('delete from U&"orchestra\\005fonce"', id="forgets it by an escaped name"),
        pytest.param("do $$ begin execute 'delete from orchestra' || '_once'; end $$", id="forgets it in a block"),
        pytest.param("call forget()", id="forgets it in a procedure"),
        pytest.param("set autocommit = 1", id="changes the session"),
    ],
)
def test_what_would_break_it_is_refused(database: Target, statement: str) -> None:
    with pytest.raises(ServiceError):
        database.client.execute(WriteStatement(statement, {}, "b" * 32))
    assert database.client.found("b" * 32) is None
    assert count(database, "two") == 0


def test_a_trigger_of_a_file_does_not_forget_it(database: Target) -> None:
    if database.dialect != "sqlite":
        pytest.skip("Servers do not ask about what their own triggers do.")
    database.client.execute(WriteStatement(ADD, {"name": "kept"}, "k" * 32))
    database.run("create table forgetful (a int)")
    database.run("create trigger forget after insert on forgetful begin delete from orchestra_once; end")
    with pytest.raises(ServiceError, match="not permitted"):
        database.client.execute(WriteStatement("insert into forgetful values (1)", {}, "l" * 32))
    assert database.client.found("k" * 32) is not None


def test_mysql_says_what_it_cannot_take_back(database: Target) -> None:
    if database.dialect != "mysql":
        assert database.client.execute(WriteStatement("create table more (a int)", {}, "c" * 32)).affected == 0
        return
    database.run("create table old (name varchar(50)) engine=myisam")
    for statement, said in (("create table more (a int)", "CREATE cannot"), ("insert into old values ('x')", "MyISAM")):
        with pytest.raises(InvalidRequest, match=said):
            database.client.execute(WriteStatement(statement, {}, "c" * 32))
    assert database.run("select count(*) from old")[0][0] == 0


def test_values_are_no_statements(database: Target) -> None:
    odd = "x'); drop table item; -- \\' %s {{ }} :name \"`"
    database.client.execute(WriteStatement(ADD, {"name": odd}, "v" * 32))
    found = database.client.query("select name from item where name = :name", {"name": odd}, 5)
    assert [row["name"] for row in found.rows] == [odd]
