"""Attempts to do more by a query than read, for each dialect; `FILE` is a path that none of them may create."""

from __future__ import annotations

from collections.abc import Mapping

from tests.clients.sql.servers import Dialect

_EVERYWHERE = """
delete from item
update item set qty = 0
insert into item (id, name, qty) values (9, 'x', 1)
drop table item
create table other (a int)
create temporary table other (a int)
alter table item add z int
create index other on item (qty)
create view other as select 1
with d as (select 1) delete from item
select 1; delete from item
delete from item; select 1
select ';'; delete from item
/* read */ delete from item
/* /* */ delete from item /* */ */
(delete from item)
;;delete from item
begin; delete from item; commit
rollback; delete from item
explain delete from item
select (delete from item)
select * from (delete from item) as d
replace into item (id, name, qty) values (1, 'x', 0)
truncate table item
"""

_OWN: Mapping[Dialect, str] = {
    "sqlite": """
attach 'FILE' as other
vacuum into 'FILE'
vacuum
pragma user_version = 9
pragma writable_schema = 1
select * from pragma_user_version
select load_extension('FILE')
select writefile('FILE', 'x')
select readfile('/etc/hostname')
select fts3_tokenizer('simple', x'00')
select zeroblob(1000000000)
insert or replace into item values (1, 'x', 0)
create trigger other after insert on item begin delete from item; end
create virtual table other using fts5(a)
reindex
analyze
savepoint other
with d (a) as (select 1) insert into item select 9, 'x', a from d
""",
    "postgres": """
with d as (delete from item returning *) select * from d
with d as materialized (update item set qty = 0 returning *) select count(*) from d
select * into other from item
select nextval('numbers')
select setval('numbers', 99)
set transaction read write; delete from item
select set_config('transaction_read_only', 'off', false)
select * from item for update
copy item to 'FILE'
copy item to program 'touch FILE'
select lo_create(4711)
select lo_export(lo_from_bytea(0, 'x'), 'FILE')
select query_to_xml('delete from item', true, true, '')
do $$ begin delete from item; end $$
select wipe()
select public.wipe()
select * from wipe()
select "wipe"() from item
select * from item where id = wipe()
select 1 order by wipe()
select * from sneaky
select pg_notify('other', 'x')
select pg_advisory_lock(1)
explain analyze delete from item
select ('numbers'::regclass).nextval
select (('numbers'::regclass)).nextval
select (select 'numbers'::regclass).nextval
select y.nextval from unnest(array['numbers'::regclass]) as y
select Y.NextVal from unnest(array['numbers'::regclass]) as y
select y."nextval" from unnest(array['numbers'::regclass]) as y
select y.U&"next\\0076al" from unnest(array['numbers'::regclass]) as y
select (array['numbers'::regclass])[1].nextval
select (4711::oid).lo_create
select y.lo_create from unnest(array[4711::oid]) as y
select item.wipe_row from item
select i.wipe_row from item as i
select public.item.wipe_row from item
select count(i.wipe_row) from item as i where i.id = 1 group by i.id order by i.wipe_row
select (i).wipe_row from item as i
select i.wipe_row from (select * from item) as i
with i as (select * from item) select i.wipe_row from i
select x.wipe_row from item as i, lateral (select i.wipe_row) as x
select i.qty from item as i (a, b, c), (select 1 as qty) as other
select 1 operator(public.~+) 2
select E'\\'' ; delete from item --'
select $$;$$; delete from item
execute other
""",
    "mysql": """
/*!50000 delete from item */
select 1 /*!50000 , wipe() */
select 1 /*M!100000 , wipe() */
select wipe()
select wipe ()
select `wipe`()
select {fn wipe()}
select * from item where id = wipe()
select * from sneaky
select 1--(select wipe())
select '\\\\', wipe() -- '
select * from item into outfile 'FILE'
select 'x' into dumpfile 'FILE'
select qty into @other from item limit 1
select @other := 1
select get_lock('other', 1)
select load_file('/etc/hostname')
select * from item for update
load data infile '/etc/hostname' into table item
handler item open
do wipe()
call erase()
set session transaction read write
start transaction read write
lock tables item write
delete from old
insert into old values (9)
optimize table item
rename table item to other
kill 1
""",
    "duckdb": """
with d as (delete from item returning *) select * from d
with d as materialized (update item set qty = 0 returning *) select count(*) from d
select * into other from item
insert or replace into item values (1, 'x', 0)
insert into item by name select 9 as id
merge into item using (select 1 as id) as d on item.id = d.id when matched then delete
copy item to 'FILE'
copy (select * from item) to 'FILE' (format parquet)
export database 'FILE'
attach 'FILE' as other
attach 'FILE' as other; create table other.a (b int)
create table other as select * from read_csv('FOREIGN')
install httpfs
load httpfs
force install httpfs from 'http://127.0.0.1:1'
set enable_external_access = true
set lock_configuration = false
set enable_external_access = true; copy item to 'FILE'
reset memory_limit
pragma profiling_output = 'FILE'
pragma enable_checkpoint_on_shutdown
create persistent secret other (type s3)
create sequence other
create macro other() as 1
create type other as enum ('a')
comment on table item is 'x'
select nextval('numbers')
select * from checkpoint()
select * from force_checkpoint()
vacuum
checkpoint
import database 'FILE'
prepare other as delete from item; execute other
use memory
pivot item on name using sum(qty)
select $$;$$; delete from item
""",
}
ATTEMPTS: Mapping[Dialect, tuple[str, ...]] = {
    dialect: tuple(line for line in (_EVERYWHERE + own).splitlines() if line) for dialect, own in _OWN.items()
}
"""At least 40 for each."""

FOREIGN = [
    line
    for line in """
select * from read_csv('FOREIGN')
select * from read_csv_auto('FOREIGN')
select * from read_csv(['FOREIGN'])
select * from 'FOREIGN'
select * from "FOREIGN"
select * from main."FOREIGN"
select (select count(*) from 'FOREIGN')
with d as (from 'FOREIGN') select * from d
from 'FOREIGN'
select content from read_text('FOREIGN')
select content from read_blob('FOREIGN')
select * from read_json_objects('FOREIGN', format = 'unstructured')
select * from read_csv(getvariable('x'))
select * from glob('FOREIGN*')
select * from sniff_csv('FOREIGN')
select * from query('select * from ''FOREIGN''')
select * from query('from "FOREIGN"')
select * from query_table('FOREIGN')
select * from json_execute_serialized_sql(json_serialize_sql('select * from ''FOREIGN'''))
select * from read_duckdb('FOREIGN')
attach 'FOREIGN' as other; select * from other.a
select * from 'http://127.0.0.1:PORT/x.csv'
select * from read_csv('http://127.0.0.1:PORT/x.csv')
select * from read_text('http://127.0.0.1:PORT/x')
select * from read_parquet('s3://127.0.0.1:PORT/x.parquet')
select * from outward
""".splitlines()
    if line
]
"""Attempts to read through a query of DuckDB what is not in its file: `FOREIGN` is a file, `PORT` that of a server."""

ONLY_REFUSED_BY_PARSING: Mapping[Dialect, tuple[str, ...]] = {
    "sqlite": (),
    "postgres": ("lo_export", "pg_notify", "pg_advisory"),
    "mysql": ("outfile", "dumpfile"),
    "duckdb": (),
}
"""What the session of an account with all rights lets pass: files of the server."""

SETUP: Mapping[Dialect, tuple[str, ...]] = {
    "sqlite": ("create table item (id integer primary key, name text, qty integer)",),
    "postgres": (
        "create table item (id int primary key, name text, qty int)",
        "create sequence numbers",
        "create function wipe() returns int language plpgsql as 'begin delete from item; return 1; end'",
        "create view sneaky as select wipe() as a",
        "create function wipe_row(anyelement) returns int language plpgsql as 'begin delete from item; return 1; end'",
        "create function qty(anyelement) returns int language plpgsql as 'begin delete from item; return 1; end'",
        "create function wipe_sum(int, int) returns int language plpgsql as 'begin delete from item; return 1; end'",
        "create operator ~+ (leftarg = int, rightarg = int, function = wipe_sum)",
        "create table odd (nextval int, name text)",
        "insert into odd values (7, 'x')",
    ),
    "mysql": (
        "create table item (id int primary key, name varchar(50), qty int) engine=innodb",
        "create table old (id int) engine=myisam",
        "create function wipe() returns int modifies sql data begin delete from item; return 1; end",
        "create procedure erase() delete from item",
        "create view sneaky as select wipe() as a",
    ),
    "duckdb": (
        "create table item (id integer primary key, name varchar, qty integer)",
        "create sequence numbers",
    ),
}
STATE: Mapping[Dialect, tuple[str, ...]] = {
    "sqlite": ("select * from item", "select name, sql from sqlite_master", "pragma user_version"),
    "postgres": (
        "select * from item order by id",
        "select relname, relkind from pg_class where relnamespace = 'public'::regnamespace order by 1",
        "select last_value, is_called from numbers",
        "select count(*) from pg_largeobject_metadata",
    ),
    "mysql": (
        "select * from item order by id",
        "select * from old",
        "select table_name, engine from information_schema.tables where table_schema = database() order by 1",
        "select count(*) from information_schema.columns where table_schema = database()",
        "select count(*) from information_schema.statistics where table_schema = database()",
    ),
    "duckdb": (
        """select (select list(i order by id) from item i), (select list(sql order by sql) from sqlite_master),
        (select list(function_name) from duckdb_functions() where not internal),
        (select list(type_name) from duckdb_types() where not internal),
        (select list(comment) from duckdb_tables()), (select list(last_value) from duckdb_sequences())""",
    ),
}
"""What the database has, so that any change shows."""
