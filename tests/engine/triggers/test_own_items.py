"""For each trigger type and each step type that writes what it watches: the item is known as its own, or it is warned.

A new trigger type says what it watches (`watches`) or why no step writes it (`unmade`); then it needs rows here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec import Struct

from engine.base.problem import Problem
from engine.compiler.compiler import CompilerContext, compile_workflow
from engine.documents.json_file import parse
from engine.plugins.registry import step_type, step_types, trigger_type, trigger_types
from engine.plugins.step import Call, Effect, fields_schema
from engine.plugins.trigger import OwnWrite, TriggerType
from engine.store.ledger import marker
from tests.conftest import StandIns
from tests.engine.triggers.sql_world import changed
from tests.engine.triggers.worlds import Scene, World, worlds


class Row(Struct):
    """What a trigger watches, a step that writes there, and fields with which it writes elsewhere."""

    watched: Mapping[str, Any]
    there: Mapping[str, Any]
    elsewhere: Mapping[str, Any] | None = None


_REPOSITORY = {"repository": "acme/app"}
_ISSUE = {"repository": "acme/app", "title": "Hello"}
_POST = {"method": "POST", "path": "/repos/acme/app/issues", "json": {"title": "Hello"}}
_RELEASE = {"repository": "acme/app", "tag": "v1", "title": "One"}
_DATABASE = {"database": "Tasks"}
_ITEM = {"database": "Tasks", "title": "Hello"}
_PAGE: dict[str, Mapping[str, Any]] = {
    "notion.add_comment": {"text": "Hello"},
    "notion.append_markdown": {"markdown": "Hello"},
    "notion.replace_markdown": {"markdown": "Hello"},
    "notion.update_item": {"title": "Hello"},
    "notion.upload_file": {"file": "{{ steps.got.output.file }}"},
}
_OF_ITEMS: dict[str, Row] = {
    "notion.create_item": Row(_DATABASE, _ITEM, {**_ITEM, "database": "Other"}),
    "notion.create_page": Row(_DATABASE, _ITEM, {"parent": "Notes", "title": "Hello"}),
    "notion.upsert_page": Row(_DATABASE, {**_ITEM, "key": "1"}, {**_ITEM, "key": "1", "database": "Other"}),
}
_SENT, _DRAFTS = {"include_sent": True}, {"include_drafts": True}
_MAIL = {"to": "ann@example.org", "subject": "Hello", "text": "Hello"}
_ANSWER = {"message": "18c2", "text": "Hello"}
_OF_GMAIL: dict[str, Row] = {
    "gmail.send": Row(_SENT, _MAIL),
    "gmail.reply": Row(_SENT, _ANSWER),
    "gmail.forward": Row(_SENT, {"message": "18c2", "to": "ann@example.org"}),
    "gmail.send_draft": Row(_SENT, {"draft": "r1"}),
    "gmail.create_draft": Row(_DRAFTS, _MAIL),
    "gmail.update_draft": Row(_DRAFTS, {**_MAIL, "draft": "r1"}),
}
_ABOUT_MAIL = ("new_message", "new_attachment", "new_in_thread", "quiet_conversation")
_OF_OUTLOOK = {name.replace("gmail.", "outlook."): row for name, row in _OF_GMAIL.items()}
_OF_IMAP: dict[str, Row] = {
    "smtp.send": Row(_SENT, _MAIL),
    "smtp.reply": Row(_SENT, {"message": "INBOX/1/1", "text": "Hello"}),
    "smtp.forward": Row(_SENT, {"message": "INBOX/1/1", "to": "ann@example.org"}),
    "imap.create_draft": Row(_DRAFTS, _MAIL),
}
_HTTP = Row(
    {"url": "https://news.example.org/feed"},
    {"method": "POST", "url": "https://news.example.org/entries", "text": "Hello"},
    {"method": "POST", "url": "https://hooks.example.com/{{ inputs.it }}", "text": "Hello"},
)
_ROW = {"spreadsheet": "1abc", "sheet": "Customers"}
_TABLE = {"table": "sales.leads", "column": "id"}

ROWS: dict[str, Mapping[str, Row]] = {
    "drive.new_file": {
        "drive.upload": Row(
            {"folder": "in"},
            {"file": "{{ steps.got.output.file }}", "folder": "in"},
            {"file": "{{ steps.got.output.file }}"},
        )
    },
    "file.new_message": {
        "file.write": Row(
            {"path": "files/in"}, {"path": "in/a.eml", "text": "Hello"}, {"path": "out/a.eml", "text": "Hello"}
        )
    },
    "folder.new_file": {"file.write": Row({"path": "files/in"}, {"path": "in/a.txt", "text": "Hello"})},
    "github.new_issue": {
        "github.create_issue": Row(_REPOSITORY, _ISSUE, {**_ISSUE, "repository": "acme/other"}),
        "github.request": Row(_REPOSITORY, _POST, {**_POST, "path": "/repos/acme/app/issues/1/comments"}),
        "github.graphql": Row(
            _REPOSITORY,
            {"document": "mutation { createIssue(input: {}) { clientMutationId } }"},
            {"document": "mutation { closeIssue(input: {}) { clientMutationId } }"},
        ),
    },
    "github.release": {
        "github.create_release": Row(_REPOSITORY, _RELEASE, {**_RELEASE, "repository": "acme/other"}),
        "github.request": Row(_REPOSITORY, {**_POST, "path": "/repos/acme/app/releases"}, _POST),
        "github.graphql": Row(
            _REPOSITORY,
            {"document": "mutation { createRelease(input: {}) { clientMutationId } }"},
            {"document": "mutation { createIssue(input: {}) { clientMutationId } }"},
        ),
    },
    **{f"gmail.{one}": _OF_GMAIL for one in _ABOUT_MAIL},
    **{f"outlook.{one}": _OF_OUTLOOK for one in _ABOUT_MAIL},
    **{f"imap.{one}": _OF_IMAP for one in _ABOUT_MAIL},
    "google_calendar.new_event": {
        "google_calendar.create_event": Row({}, {"title": "Hello", "starts": "2026-12-01"}, None)
    },
    "google_sheets.new_row": {"google_sheets.append_row": Row(_ROW, {**_ROW, "values": {"Name": "Ann"}})},
    "notion.item_added": _OF_ITEMS,
    "notion.item_updated": {
        **_OF_ITEMS,
        **{f"notion.{name}": Row(_DATABASE, {"page": "1"}) for name in ("archive", "restore")},
        **{name: Row(_DATABASE, {"page": "1", **more}) for name, more in _PAGE.items()},
    },
    "rss.new_entry": {"http.request": _HTTP},
    "web.page_changed": {"http.request": _HTTP},
    "sql.new_row": {
        "sql.execute": Row(
            _TABLE,
            {"statement": "INSERT INTO leads (name) VALUES ('Ann')"},
            {"statement": "UPDATE sales.leads SET seen = 1 WHERE id = 7"},
        )
    },
}


def writers(kind: TriggerType) -> list[str]:
    """The step types that write what a trigger type watches, in its account."""
    found = [step_type(one) for one in step_types()]
    return [
        one.name for one in found if kind.watches and kind.watches in one.makes and kind.service in {None, one.service}
    ]


PAIRS = [(name, uses) for name in trigger_types() for uses in writers(trigger_type(name))]
MADE_BY = [(name, uses) for name in trigger_types() for uses in trigger_type(name).made_by]


def connections() -> dict[str, str]:
    used = {trigger_type(name).service for name in trigger_types()} | {step_type(uses).service for _, uses in PAIRS}
    return {str(one).replace("_", "-"): str(one) for one in used if one not in {None, "file"}}


def _called(name: str) -> Mapping[str, Any]:
    """A workflow that adds a row to the table."""
    step = call("sql.execute", {"statement": "INSERT INTO leads (name) VALUES ('Ann')"}, connection="sql")
    return {"schema_version": 1, "steps": [step]}


def told(uses: str, watched: Mapping[str, Any], step: Mapping[str, Any]) -> list[Problem]:
    """What the compiler says of a trigger that feeds itself."""
    kind = trigger_type(uses)
    names = {service: name for name, service in connections().items()}
    account = {"connection": names[kind.service]} if kind.service in names and not kind.connection_optional else {}
    service = step_type(step["uses"]).service if "uses" in step else None
    if service in names and not step_type(step["uses"]).connection_optional:
        step = {**step, "connection": names[service]}
    got = {"id": "got", "uses": "drive.download", "with": {"file": "1"}, "connection": names["webdav"]}
    trigger = {"id": "new", "uses": uses, "with": dict(watched), "inputs": {"it": "new"}, **account}
    inputs = {"type": "object", "properties": {"it": {"type": "string"}}}
    document = {"schema_version": 1, "inputs": inputs, "triggers": [trigger], "steps": [got, dict(step)]}
    found = compile_workflow(
        parse(json.dumps(document), "workflows/work.json"),
        "work",
        CompilerContext(connections(), lambda name: {}, _called),
    )
    assert [str(one) for one in found.problems if one.severity == "error"] == []
    return [one for one in found.problems if one.code == "feeds_itself"]


def call(uses: str, fields: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "write", "uses": uses, "with": dict(fields), **more}


def with_own(kind: TriggerType, watched: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a trigger that also wants what workflows wrote, if it can."""
    return {**watched, "include_own": True} if "include_own" in kind.fields.model_fields else dict(watched)


@pytest.mark.parametrize("name", trigger_types())
def test_a_trigger_type_says_what_it_watches_or_why_no_step_writes_it(name: str) -> None:
    kind = trigger_type(name)
    assert bool(kind.watches) != bool(kind.unmade)
    assert {*writers(kind)} == {*ROWS.get(name, {})}
    assert bool(writers(kind)) == bool(kind.watches)


def test_what_a_step_type_makes_is_watched_by_some_trigger_and_it_is_a_write() -> None:
    watched = {trigger_type(name).watches for name in trigger_types()}
    for kind in map(step_type, step_types()):
        assert {*kind.makes} <= watched
        assert not kind.makes or kind.effect is Effect.WRITES


@pytest.mark.parametrize(("name", "uses"), PAIRS)
def test_the_compiler_warns_where_a_trigger_would_find_its_own_and_nobody_could_tell(name: str, uses: str) -> None:
    kind, row = trigger_type(name), ROWS[name][uses]
    defaults = {one: each.get("default") for one, each in fields_schema(kind.fields)["properties"].items()}
    is_known = kind.knows_own({**defaults, **row.watched}, step_type(uses), row.there)
    assert bool(told(name, row.watched, call(uses, row.there))) != is_known
    if uses not in kind.made_by:
        [found] = told(name, with_own(kind, row.watched), call(uses, row.there))
        assert (found.severity, found.field) == ("warning", "triggers.0.uses")
        assert found.message.startswith(f"'write' writes {kind.watches} where this trigger looks")
        assert found.remedy


@pytest.mark.parametrize(("name", "uses"), PAIRS)
def test_it_does_not_warn_of_what_is_written_elsewhere_or_may_end(name: str, uses: str) -> None:
    kind, row = trigger_type(name), ROWS[name][uses]
    watched = with_own(kind, row.watched)
    assert not told(name, watched, call(uses, row.there, **{"if": "{{ inputs.it != 'own' }}"}))
    assert row.elsewhere is None or not told(name, watched, call(uses, row.elsewhere))


def test_it_warns_of_what_a_called_workflow_writes() -> None:
    [found] = told("sql.new_row", _TABLE, call("workflow.run", {"workflow": "adds"}))
    assert found.message.startswith("'write' in 'adds', which 'write' calls, writes a row of a table")
    assert not told(
        "sql.new_row", _TABLE, call("workflow.run", {"workflow": "adds"}, **{"if": "{{ inputs.it != '' }}"})
    )


@pytest.mark.parametrize(
    ("statement", "adds"),
    [
        ("update leads set id = id + 1 where name = 'Ann'", True),
        ('INSERT INTO "sales"."leads" (name) SELECT name FROM people', True),
        ("MERGE INTO sales.leads USING people ON true WHEN NOT MATCHED THEN INSERT VALUES (1)", True),
        ("INSERT INTO leads_done (id) SELECT id FROM leads", False),
        ("INSERT INTO sales.leads (name) VALUES ('Ann') RETURNING *", False),
        ("INSERT INTO sales.leads (name) VALUES ('Ann') RETURNING id", True),
        ("INSERT INTO leads (name) VALUES ('Ann') RETURNING *", True),
        ("INSERT INTO sales.leads (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET id = 2 RETURNING *", True),
        ("INSERT INTO sales.leads (name) VALUES ('Ann') -- RETURNING *", True),
        ("DELETE FROM leads WHERE id = 1", False),
    ],
)
def test_a_statement_says_whether_it_adds_what_the_trigger_finds(statement: str, adds: bool) -> None:
    assert bool(told("sql.new_row", _TABLE, call("sql.execute", {"statement": statement}))) is adds


def _upload(scene: Scene, world: World, marked: str) -> Call:
    source = scene.folder / "own"
    source.write_text("by a run")
    file = {"$file": "r/own.txt", "name": "Own.txt", "media_type": "text/plain", "bytes": 8}
    fields = step_type("drive.upload").fields.model_validate({"file": file, "folder": "Attachments"})
    return Call(fields, world.client, marker=marked, path=lambda _: nullcontext(source))


def _rewrite(scene: Scene, world: World, output: Any) -> None:
    world.client.remove(output["id"], output["version"])
    source = scene.folder / "other"
    source.write_text("by a person")
    world.client.upload("Attachments", "Own.txt", source, "")


def _append(scene: Scene, world: World, marked: str) -> Call:
    fields = step_type("google_sheets.append_row").fields.model_validate({**world.fields, "values": {"Name": "Own"}})
    return Call(fields, world.client, marker=marked)


def _insert_above(scene: Scene, world: World, output: Any) -> None:
    sheet = world.client.sheet(world.fields["spreadsheet"], world.fields["sheet"])
    rows = {"sheetId": sheet.id, "dimension": "ROWS", "startIndex": 1, "endIndex": 2}
    world.client._batch(sheet, [{"insertDimension": {"range": rows, "inheritFromBefore": False}}])


def _event(scene: Scene, world: World, marked: str) -> Call:
    given = {"title": "Own", "starts": "2026-12-01T10:00", "time_zone": "UTC"}
    return Call(step_type("google_calendar.create_event").fields.model_validate(given), world.client, marker=marked)


def _insert(scene: Scene, world: World, marked: str) -> Call:
    statement = "INSERT INTO orders (at, text) VALUES (:at, 'Own') RETURNING *"
    given = {"statement": statement, "parameters": {"at": world.now(0).isoformat()}}
    return Call(step_type("sql.execute").fields.model_validate(given), world.client, marker=marked)


def _correct(scene: Scene, world: World, output: Any) -> None:
    changed(scene.folder / "shop.db", "UPDATE orders SET text = 'Own, corrected' WHERE text = 'Own'")


Meddle = Callable[[Scene, World, Any], None]
TRIED: dict[tuple[str, str], tuple[Callable[[Scene, World, str], Call], Meddle | None, bool]] = {
    ("drive.new_file", "drive.upload"): (_upload, _rewrite, False),
    ("google_sheets.new_row", "google_sheets.append_row"): (_append, _insert_above, True),
    ("google_calendar.new_event", "google_calendar.create_event"): (_event, None, True),
    ("sql.new_row", "sql.execute"): (_insert, _correct, False),
}
"""How each write is made that a trigger recognizes, what a person does to it, and whether it is still its own then."""
TRIED_IN_RUNS = {("folder.new_file", "file.write")}
"""Those of tests/engine/triggering/test_own_writes.py."""


def test_each_recognized_write_is_tried() -> None:
    assert {*MADE_BY} == {*TRIED} | TRIED_IN_RUNS


@pytest.mark.parametrize(("name", "uses"), TRIED)
@pytest.mark.parametrize("is_touched", [False, True])
def test_a_trigger_knows_what_a_run_wrote_from_what_a_person_did(
    name: str, uses: str, is_touched: bool, tmp_path: Path, standins: StandIns, http: httpx.Client
) -> None:
    kind, step, (write, meddle, is_own_then) = trigger_type(name), step_type(uses), TRIED[name, uses]
    scene = Scene(tmp_path, standins, http)
    world = worlds()[name](scene)
    looker = world.looker(kind)
    looker.look_until_done(world.now(0))
    marked = marker("a write", 0)
    output = step.call(write(scene, world, marked))
    if is_touched and meddle is not None:
        meddle(scene, world, output)
    world.happen(1)
    look = looker.request(world.now(1))
    found = looker.look_until_done(world.now(1))
    made = [OwnWrite(uses, marked, step.receipt(output).id, output)]
    assert sum(kind.is_made(look, one, made) for one in found) == (not is_touched or is_own_then)
    by_person = [one for one in found if "Own" not in f"{one.title} {one.value}"]
    assert by_person
    assert not any(kind.is_made(look, one, made) for one in by_person)
