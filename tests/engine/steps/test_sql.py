"""The steps of databases, as the compiler and runs see them: on the shop of the demo."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from clients.client import Opening
from clients.errors import InvalidRequest
from clients.service import Extra
from clients.sql.client import SqlClient
from clients.sql.service import SQL, SqlSettings
from demo.sql import shop
from engine.base.errors import InvalidInput
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.plugins.registry import step_type
from engine.plugins.step import Call
from tests.patience import PATIENCE_SECONDS

OWNER = Principal("tester", "owner", confirmed=True)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Orchestra]:
    root = tmp_path / "workspace"
    for folder in ("workflows", "prompts", "logs"):
        (root / folder).mkdir(parents=True)
    (root / "config.yaml").write_text("connections: {shop: {service: sql, url: 'sqlite:///data/shop.db'}}\n")
    shop.make(root / "data" / "shop.db")
    opened = Orchestra.open(root)
    yield opened
    opened.close()


def step(uses: str, **fields: Any) -> dict[str, Any]:
    return {"id": "it", "uses": uses, "with": fields}


def document(one: dict[str, Any], **outputs: str) -> str:
    return json.dumps({"schema_version": 1, "title": "It", "steps": [one], "outputs": outputs})


def run(orchestra: Orchestra, text: str, name: str = "it") -> Any:
    orchestra.workflows.save(OWNER, name, text, None)
    return again(orchestra, name)


def again(orchestra: Orchestra, name: str = "it") -> Any:
    return orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, name, {}), PATIENCE_SECONDS)


@pytest.mark.parametrize(
    ("one", "message"),
    [
        pytest.param(step("sql.query", statement="select {{ inputs.x }}"), "no {{ }} in it", id="an expression"),
        pytest.param(step("sql.query", statement="delete from orders"), "is DELETE, not a query", id="a write"),
        pytest.param(
            step("sql.query", statement="select id from orders where id = :id"), "no value for :id", id="no value"
        ),
        pytest.param(step("sql.query", statement="select 1", parameters={"id": 1}), "has no :id", id="no parameter"),
        pytest.param(step("table.query", tables={}, statement="drop table x"), "is DROP", id="a write to lists"),
        pytest.param(
            step("sql.execute", statement="insert into t values ({{ 1 }})"), "no {{ }} in it", id="a write made"
        ),
    ],
)
def test_mistakes_in_a_statement_are_found_before_it_runs(
    workspace: Orchestra, one: dict[str, Any], message: str
) -> None:
    assert any(message in problem.message for problem in workspace.workflows.check(OWNER, "it", document(one)))


@pytest.mark.parametrize(
    "one",
    [
        step("sql.query", statement="select name, count(*) as orders from customers group by name"),
        step("sql.rows", table="customers", columns=["customers.name", "email"]),
        step("table.query", tables={"a": [{"x": 1}]}, statement="select x as name from a"),
    ],
    ids=["a statement", "picked columns", "lists"],
)
def test_the_compiler_knows_the_columns(workspace: Orchestra, one: dict[str, Any]) -> None:
    right = document(one, name="{{ steps.it.output.rows[0].name }}")
    wrong = document(one, name="{{ steps.it.output.rows[0].nam }}")
    assert workspace.workflows.check(OWNER, "it", right) == []
    assert any("nam" in problem.message for problem in workspace.workflows.check(OWNER, "it", wrong))


ALL = step("sql.query", statement="select * from customers")
EVERY_ROW = {**step("sql.rows", table="customers"), "id": "it"}


def told(workspace: Orchestra, one: dict[str, Any], expression: str) -> list[tuple[str, str]]:
    """Return (severity, message and remedy) of each problem of a workflow that uses a value of a step."""
    problems = workspace.workflows.check(OWNER, "it", document(one, value=f"{{{{ {expression} }}}}"))
    return [(problem.severity, f"{problem.message} {problem.remedy}") for problem in problems]


@pytest.mark.parametrize("one", [ALL, EVERY_ROW], ids=["a statement", "a table"])
@pytest.mark.parametrize("way", ["a check", "a picker", "a step"])
def test_the_compiler_knows_the_columns_of_a_database_that_was_read(
    workspace: Orchestra, one: dict[str, Any], way: str
) -> None:
    wrong = "steps.it.output.rows[0].nmae"
    assert told(workspace, one, wrong) == [], "nothing is known yet"
    if way == "a check":
        workspace.connections.check(OWNER, "shop")
    elif way == "a picker":
        workspace.connections.choices(OWNER, "sql-column", "shop")
    else:
        run(workspace, document(step("sql.schema")), "schema")
    [(severity, words)] = told(workspace, one, wrong)
    assert severity == "error"
    assert "did you mean `steps.it.output.rows[0].name`?" in words
    assert "`orchestra connections check shop` reads them again" in words
    assert told(workspace, one, "steps.it.output.rows[0].name") == []


def test_columns_that_were_read_long_ago_are_a_warning(workspace: Orchestra, tmp_path: Path) -> None:
    workspace.connections.check(OWNER, "shop")
    [memory] = (tmp_path / "workspace" / ".orchestra" / "sql-tables").iterdir()
    os.utime(memory, (0, 0))
    with closing(sqlite3.connect(tmp_path / "workspace" / "data" / "shop.db")) as connection:
        connection.execute("alter table customers add column nick text default 'Ace'")
    [(severity, words)] = told(workspace, ALL, "steps.it.output.rows[0].nick")
    assert severity == "warning"
    assert "last read 1970-01-01" in words
    assert run(workspace, document(ALL, nick="{{ steps.it.output.rows[0].nick }}"))["outputs"] == {"nick": "Ace"}
    workspace.connections.check(OWNER, "shop")
    assert told(workspace, ALL, "steps.it.output.rows[0].nick") == []


def test_another_database_under_the_same_name_is_not_known(workspace: Orchestra, tmp_path: Path) -> None:
    workspace.connections.check(OWNER, "shop")
    config = tmp_path / "workspace" / "config.yaml"
    config.write_text(config.read_text().replace("shop.db", "other.db"))
    assert told(workspace, ALL, "steps.it.output.rows[0].nmae") == []


def test_columns_are_offered_while_an_expression_is_written(workspace: Orchestra) -> None:
    workspace.connections.check(OWNER, "shop")
    second = {"id": "after", "uses": "flow.set", "needs": ["it"], "with": {"values": {"a": 1}}}
    text = json.dumps({"schema_version": 1, "title": "It", "steps": [ALL, second]})
    workspace.workflows.save(OWNER, "it", text, None)
    offered = {one.name: one for one in workspace.editing.scope(OWNER, "it", "after")}
    assert "steps.it.output.rows[0].email" in offered
    assert offered["steps.it.output.rows[0].email"].may_be_missing
    again = document(ALL, email="{{ default(steps.it.output.rows[0].email, '') }}")
    assert run(workspace, again, "again")["outputs"] == {"email": "ada@example.org"}


def test_rows_are_read_and_also_kept_as_a_file(workspace: Orchestra) -> None:
    one = step("sql.query", statement="select name from customers where city = :city", parameters={"city": "Berlin"})
    assert run(workspace, document(one, name="{{ steps.it.output.rows[0].name }}"))["outputs"] == {"name": "Ada Berg"}
    picked = step("sql.rows", table="products", columns=["products.name"], where={"stock": 2}, order_by="products.name")
    assert run(workspace, document(picked, name="{{ steps.it.output.rows[0].name }}"), "picked")["outputs"] == {
        "name": "Fountain pen"
    }
    filed = step("sql.query", statement="select id from customers order by id", as_file=True)
    assert run(workspace, document(filed, size="{{ steps.it.output.file.bytes }}"), "filed")["outputs"] == {"size": 60}


def test_an_insert_is_made_once_and_a_delete_asks(workspace: Orchestra, tmp_path: Path) -> None:
    add = step(
        "sql.execute", statement="insert into products values (:id, 'Cup', 'kitchen', 5, 9)", parameters={"id": 99}
    )
    add["once"] = "cup"
    first, second = run(workspace, document(add, n="{{ steps.it.output.affected }}")), again(workspace)
    assert (first["outputs"], second["outputs"]) == ({"n": 1}, {"n": 1})
    assert second["counts"]["new_effects"] == 0
    assert (
        run(workspace, document(step("sql.execute", statement="delete from products")), "delete")["status"] == "waiting"
    )
    with closing(sqlite3.connect(tmp_path / "workspace" / "data" / "shop.db")) as connection:
        assert connection.execute("select count(*) from products").fetchone() == (9,)
        assert connection.execute("select count(*) from orchestra_once").fetchone() == (1,)


def test_a_plan_reads_and_writes_nothing(workspace: Orchestra, tmp_path: Path) -> None:
    read = {**step("sql.query", statement="select max(id) as id from products"), "id": "last"}
    add = step("sql.execute", statement="insert into products values (:id, 'Cup', 'kitchen', 5, 9)")
    add["with"]["parameters"] = {"id": "{{ steps.last.output.rows[0].id + 1 }}"}
    text = json.dumps({"schema_version": 1, "title": "It", "steps": [read, add]})
    workspace.workflows.save(OWNER, "it", text, None)
    file = tmp_path / "workspace" / "data" / "shop.db"
    before = file.read_bytes()
    plan = workspace.plans.make(OWNER, "it", {})
    assert workspace.runs.wait(OWNER, plan, PATIENCE_SECONDS)["status"] == "succeeded"
    assert file.read_bytes() == before
    run_id = workspace.plans.apply(OWNER, plan)
    assert workspace.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "succeeded"
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("select id from products where name = 'Cup'").fetchall() == [(9,)]


def test_a_person_adds_a_database_and_picks_from_it(workspace: Orchestra, tmp_path: Path) -> None:
    shop.make(tmp_path / "workspace" / "data" / "other.db")
    workspace.connections.add(OWNER, "other", "sql", {"url": SecretStr("sqlite:///data/other.db")})
    assert "other.db" not in (tmp_path / "workspace" / "config.yaml").read_text()
    assert all(line.ok for line in workspace.connections.check(OWNER, "other"))
    assert "orders" in workspace.connections.choices(OWNER, "sql-table", "other")
    assert "orders.status" in workspace.connections.choices(OWNER, "sql-column", "other")


@pytest.mark.parametrize("url", ["sqlite:///.orchestra/state.db", "sqlite:///.env", "sqlite:///data/../.orchestra/x"])
def test_the_files_of_the_program_are_no_databases(workspace: Orchestra, tmp_path: Path, url: str) -> None:
    config = tmp_path / "workspace" / "config.yaml"
    config.write_text(config.read_text().replace("sqlite:///data/shop.db", url))
    assert any("one of this program's own files" in line.text for line in workspace.connections.check(OWNER, "shop"))


@pytest.mark.parametrize(
    "place", ["/etc/shop.db", "../.config/cookies.db", str(Path(__file__).parents[3] / "engine/x")]
)
def test_neither_are_the_files_of_the_machine(tmp_path: Path, place: str) -> None:
    (tmp_path / ".config").mkdir()
    shop.make(tmp_path / ".config" / "cookies.db")
    for dialect in ("sqlite", "duckdb"):
        settings = SqlSettings(url=SecretStr(f"{dialect}:///{place}"))
        client = SqlClient.open(settings, Opening(workspace=tmp_path / "workspace"))
        with pytest.raises(InvalidRequest, match=r"cannot be used: it .*(system|hidden|AI-Orchestra itself)"):
            client.tables()


@pytest.mark.parametrize("dialect", ["sqlite", "duckdb"])
def test_neither_is_their_copy_nor_their_second_name(workspace: Orchestra, tmp_path: Path, dialect: str) -> None:
    root = tmp_path / "workspace"
    state = workspace.workspace.state_dir / "state.db"
    with closing(sqlite3.connect(state)) as before, closing(sqlite3.connect(root / "data" / "copy.db")) as copy:
        before.backup(copy)
    (root / "data" / "link.db").hardlink_to(state)
    refused = {"link": "hard link", **({"copy": "own state"} if dialect == "sqlite" else {})}
    for name, why in refused.items():
        client = SqlClient.open(SqlSettings(url=SecretStr(f"{dialect}:///data/{name}.db")), Opening(workspace=root))
        with pytest.raises(InvalidRequest, match=why):
            client.tables()


@pytest.mark.parametrize("is_demo", [False, True])
def test_they_are_none_in_the_demo_either(tmp_path: Path, is_demo: bool) -> None:
    opening = Opening(is_demo, shared_folder=tmp_path / "state", workspace=tmp_path)
    for place in (".env", "state/other.db", "state/demo/demo.db", *(() if is_demo else ("state/demo/shop.db",))):
        client = SqlClient.open(SqlSettings(url=SecretStr(f"sqlite:///{place}")), opening)
        with pytest.raises(InvalidRequest, match="one of this program's own files"):
            client.tables()


@pytest.mark.parametrize(("url", "said"), [("", "has no `url`"), ("sqlite:///data/none.db", "There is no file")])
def test_a_check_names_what_is_wrong_with_the_address_and_no_key(
    workspace: Orchestra, tmp_path: Path, url: str, said: str
) -> None:
    config = tmp_path / "workspace" / "config.yaml"
    config.write_text(config.read_text().replace("sqlite:///data/shop.db", url))
    failed = [line for line in workspace.connections.check(OWNER, "shop") if not line.ok]
    assert [line.what for line in failed] == ["settings"]
    assert said in failed[0].text


def test_what_duckdb_needs_is_said_before_a_run(
    workspace: Orchestra, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "workspace"
    text = document(step("sql.query", statement="select 1 as a"))
    workspace.workflows.save(OWNER, "it", text, None)
    (root / ".env").write_text("DATABASE_URL=duckdb:///data/shop.duckdb\n")
    (root / ".env").chmod(0o600)
    (root / "config.yaml").write_text("connections: {shop: {service: sql, url: env:DATABASE_URL}}\n")
    monkeypatch.setattr(Extra, "is_installed", lambda _: False)
    install = SQL.install
    assert install.endswith(" -m pip install 'ai-orchestra[duckdb]'`.")
    assert Path(sys.executable).name in install
    status = workspace.connections.get(OWNER, "shop")
    assert not status.ready
    assert status.note == f"A DuckDB file needs the package duckdb, which is not installed. {install}"
    assert any(install in line.text and not line.ok for line in workspace.connections.check(OWNER, "shop"))
    [warned] = [one for one in workspace.workflows.check(OWNER, "it", text) if one.code == "absent_program"]
    assert (warned.severity, warned.remedy) == ("warning", install)
    assert warned.message.endswith("A DuckDB file needs the package duckdb, which is not installed.")
    with pytest.raises(InvalidInput, match="A DuckDB file needs the package duckdb") as refused:
        workspace.runs.start(OWNER, "it", {})
    assert refused.value.remedy == install
    (root / ".env").write_text("DATABASE_URL=sqlite:///data/shop.db\n")
    assert workspace.connections.get(OWNER, "shop").ready
    assert all(one.code != "absent_program" for one in workspace.workflows.check(OWNER, "it", text))


def test_lists_are_joined_and_grouped(workspace: Orchestra) -> None:
    lists = {
        "work": [{"p": "a", "h": 3}, {"p": "b", "h": 5}, {"p": "a", "h": 4}],
        "names": [{"id": "a", "name": "Site"}],
    }
    statement = "select name, sum(h) as hours from work join names on id = p group by name having sum(h) > :least"
    one = step("table.query", tables=lists, statement=statement, parameters={"least": 1})
    assert run(workspace, document(one, h="{{ steps.it.output.rows }}"))["outputs"]["h"] == [
        {"name": "Site", "hours": 7}
    ]


ROWS = [{"a": "x", "n": 2}, {"a": "y", "n": "10.5"}, {"a": "x", "n": 3}, {"a": "x", "n": None}, {"a": "x", "n": 2}]


@pytest.mark.parametrize(
    ("uses", "fields", "rows"),
    [
        ("group", {"rows": ROWS, "by": ["a"], "sum": ["n"], "highest": ["n"]},
         [{"a": "x", "count": 4, "sum_n": 7, "highest_n": 3},
          {"a": "y", "count": 1, "sum_n": 10.5, "highest_n": 10.5}]),
        ("join", {"left": [{"k": 1}, {"k": 2}], "right": [{"id": 1, "v": "a"}, {"id": 1, "v": "b"}], "on": {"k": "id"},
                  "keep_all": True},
         [{"id": 1, "v": "a", "k": 1}, {"id": 1, "v": "b", "k": 1}, {"id": None, "v": None, "k": 2}]),
        ("sort", {"rows": ROWS[2:], "by": ["n"], "descending": True}, [ROWS[2], ROWS[4], ROWS[3]]),
        ("dedupe", {"rows": ROWS}, ROWS[:4]),
        ("dedupe", {"rows": ROWS, "by": ["a"]}, ROWS[:2]),
    ],
    ids=["group", "join", "sort", "dedupe", "dedupe by a column"],
)  # fmt: skip
def test_forms_for_lists(uses: str, fields: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    kind = step_type(f"table.{uses}")
    assert kind.call(Call(kind.fields.model_validate(fields))) == {"rows": rows}


@pytest.mark.slow
def test_a_password_is_nowhere_to_be_seen(workspace: Orchestra, tmp_path: Path) -> None:
    root = tmp_path / "workspace"
    (root / ".env").write_text("DATABASE_URL=postgresql://me:s3cret%2Fp4ss@127.0.0.1:1/shop\n")
    (root / ".env").chmod(0o600)
    (root / "config.yaml").write_text("connections: {shop: {service: sql, url: env:DATABASE_URL}}\n")
    said = " ".join(line.text for line in workspace.connections.check(OWNER, "shop"))
    assert "127.0.0.1:1" in said
    failed = run(workspace, document(step("sql.query", statement="select 's3cret/p4ss' as x")))
    shown = json.dumps(failed) + said
    assert failed["status"] == "failed"
    assert "s3cret%2Fp4ss" not in shown
    assert "s3cret/p4ss" not in json.dumps(failed["steps"][0].get("error"))
