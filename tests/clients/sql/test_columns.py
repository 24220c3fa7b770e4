"""What is said of the columns of a statement before it runs is what the database gives, on each that is there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from clients.errors import ServiceError
from clients.sql.client import SqlClient
from clients.sql.columns import columns_of
from clients.sql.schemas import SeenTables
from clients.sql.service import SqlSettings
from tests.clients.sql.servers import DIALECTS, Target, target

PEOPLE = {"sqlite": '"Nick" text', "postgres": '"Nick" text', "mysql": "`Nick` text", "duckdb": '"Nick" varchar'}
KNOWN = """
select * from person
select p.* from person as p
select p.*, o.total from person p join purchase o on o.person = p.id
select * from (select id, name from person) as x
with x as (select * from person) select * from x
select * from person where id = 1 union select * from person
select id, name, age from person order by id
select count(*) as n, max(age) as oldest from person
select person.id as number, total from person, purchase
select * from grown
"""
ODD = """
(select * from person)
select ID, NAME from person
select nick from person
select Id as Total from person
select x.NICK from (select * from person) as x
select * from person as p (a, b)
select * from person natural join person as q
select * from person join purchase using (id)
select * from person left join purchase on purchase.person = person.id + 100
select * from person as a, person as b
select id + 1, 2, 'x' from person
select cast(id as char) from person
select max(id), upper(name) from person
select name from person union select 'x' from purchase
select total from purchase union select null from person
select coalesce(age, 0), case when id = 1 then name end from person
with recursive r (n) as (select 1 union all select n + 1 from r where n < 3) select * from r
with x (a, b) as (select id, name from person) select * from x
with person as (select 1 as one) select * from person
with a as (select 1 as one), b as (select * from a) select * from b
select (select total from purchase where false) as total from person
select distinct * from person
select *, 1 as one from person
select person.* from person, purchase
select * from person limit 0
select * from nothing_of_that_name
select "name" from person
select name as "A b", id as "a" from person
select * from (values (1, 2)) as v
values (1, 2)
select id from person group by id having count(*) > 0
select name, sum(id) as s from person group by name with rollup
select name, sum(id) as s from person group by rollup (name)
select exists (select 1) as it, id in (1, 2) as one from person
select * exclude (age) from person
select * replace (1 as id) from person
select columns('n.*') from person
select * from pragma_table_info('person')
from person
select person from person
select made from person
"""


@pytest.fixture(scope="module", params=DIALECTS)
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    folder = tmp_path_factory.mktemp("sql")
    with target(request.param, folder) as opened:
        made = "made int generated always as (id * 2) stored" if opened.dialect != "duckdb" else "made int"
        nick = PEOPLE[opened.dialect]
        opened.run(
            f"create table person (id int not null primary key, name varchar(20) not null, {nick}, age int, {made})"
        )
        opened.run("create table purchase (id int primary key, person int not null, total decimal(8, 2) not null)")
        opened.run("create view grown as select id, name as label from person where age > 17")
        opened.run("insert into person (id, name, age) values (1, 'Ada', 36), (2, 'Ben', null)")
        opened.run("insert into purchase values (7, 1, 12.50)")
        opened.client = SqlClient(SqlSettings.model_validate({"url": opened.url}), folder, folder / "state")
        (folder / "state").mkdir()
        opened.client.schema()
        yield opened


def seen_of(database: Target) -> SeenTables:
    seen = database.client.seen()
    assert seen is not None
    tables: SeenTables = seen.what
    return tables


def require_right(database: Target, statement: str, said: Any) -> None:
    found = database.client.query(statement, {}, 10)
    assert [column["name"] for column in found.columns] == list(said)
    for row in found.rows:
        for name, schema in said.items():
            Draft202012Validator(schema).validate(row[name])


@pytest.mark.parametrize("statement", KNOWN.strip().splitlines())
def test_the_columns_of_everyday_statements_are_known(database: Target, statement: str) -> None:
    said = columns_of(statement, seen=seen_of(database))
    assert said is not None
    require_right(database, statement, said)


@pytest.mark.parametrize("statement", ODD.strip().splitlines())
def test_what_is_said_of_odd_statements_is_right(database: Target, statement: str) -> None:
    with_tables, alone = columns_of(statement, seen=seen_of(database)), columns_of(statement)
    try:
        database.client.query(statement, {}, 10)
    except ServiceError:
        pytest.skip("This database has no such statement.")
    for said in (with_tables, None if "nick" in statement.lower() else alone):  # alone, it cannot know how it is spelt
        if said is not None:
            require_right(database, statement, said)


def test_types_are_those_of_the_values(database: Target) -> None:
    said = columns_of("select id, name, age from person", seen=seen_of(database))
    has_types = database.dialect != "sqlite"
    assert said == {
        "id": {"type": "integer"} if has_types else {},
        "name": {"type": "string"} if has_types else {},
        "age": {},
    }
