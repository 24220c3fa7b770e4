"""Which statements change a database without a question: the reading of all databases must agree."""

from __future__ import annotations

import pytest

from clients.sql.changes import is_harmless

HARMLESS = """
insert into t (a) values (:a)
insert into "t" (a) values (:a) returning id
insert into t (a) values (:a) on conflict do nothing
insert into t (a, b) select a, upper(b) from s where c > 1
insert into t (at) values (now())
insert into t (a) values (1) -- a word
with s as (select 1 as a) insert into t select a from s
update t set a = 1 where id = :id
update t set a = coalesce(:a, a) where id in (:a, :b) and is_open
update t set a = 1 where (id = 1 or id = 2)
"""
ASKING = """
delete from t where id = 1
update t set a = 1
update t set a = 1 where true
update t set a = 1 where 1 = 1
update t set a = 1 where id = id
update t set a = 1 where id = 1 or true
update t set a = 1 where not false
update t set a = 1 where "id" = "id"
update t set a = 1 #2 where id = 1
update t set a = 1 where id = 2 --1 or 1=1
update t set a = 1 /*! , b = 2 */ where id = 1
update t set a = pg_terminate_backend(1) where id = 1
update t set a = t.wipe where id = 1
update pg_settings set setting = 'x' where name = 'y'
update mysql.user set host = '%' where user = 'me'
with c as (update t set a = 1 returning a) insert into s select a from c
with c as (delete from t returning a) insert into s select a from c
insert into t select pg_terminate_backend(pid) from s
insert into t select setval('numbers', 1)
insert into t select nextval('numbers')
insert into t select lo_unlink(1)
insert into t select (1).pg_sleep
insert into t select y.pg_sleep from unnest(array[1]) as y
insert into t select public.wipe()
insert into t select a from s for update
insert or replace into t values (1)
insert overwrite table t select 1
replace into t values (1)
insert into t values (1) on duplicate key update a = 1
insert into t values (1) on conflict (a) do update set a = 2
insert into t values (1) on conflict (a) do update set a = 2 where t.a = 1
insert into t values (1); delete from t
insert into t values (@a := 1)
insert into U&"t" values (1)
"""


@pytest.mark.parametrize("statement", HARMLESS.strip().splitlines())
def test_it_adds_rows_or_names_those_that_it_changes(statement: str) -> None:
    assert is_harmless(statement)


@pytest.mark.parametrize("statement", ASKING.strip().splitlines())
def test_a_person_is_asked(statement: str) -> None:
    assert not is_harmless(statement)
