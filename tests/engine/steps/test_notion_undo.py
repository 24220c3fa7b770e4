"""Undoing and updating what Notion steps wrote: on the real client and its stand-in."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from msgspec.structs import replace
from pydantic import SecretStr

from clients.errors import InvalidRequest, NotFound, ServiceError
from clients.notion.client import NotionClient
from clients.notion.service import NotionSettings
from engine.plugins.step import Call, CannotUndo, StepType, Written
from engine.steps.notion.blocks import UploadFile
from engine.steps.notion.comments import AddComment
from engine.steps.notion.databases import CreateDatabase
from engine.steps.notion.pages import Archive, Restore, UpdateItem
from engine.steps.notion.texts import AppendMarkdown, ReplaceMarkdown
from engine.steps.notion.upserting import CreatePage, UpsertPage
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from tests.conftest import StandIns

PAGE = {"database": "Tasks", "title": "Title", "properties": {"Priority": "High"}, "markdown": "Some *text*"}
ARGUMENTS: dict[str, dict[str, Any]] = {"notion.create_page": PAGE, "notion.upsert_page": {**PAGE, "key": "mail-1"}}
every_page = pytest.mark.parametrize("step", [CreatePage(), UpsertPage()], ids=lambda step: str(step.name))
Api = Callable[..., Any]
Make = Callable[..., tuple[Call, Written]]


@pytest.fixture
def call(standins: StandIns, http: httpx.Client) -> Call:
    endpoint = standins["notion"]
    settings = NotionSettings(token=SecretStr(endpoint.token), base_url=endpoint.base_url)
    now = datetime.now(UTC)
    return Call(fields=None, client=NotionClient(settings, http), marker="m" * 32, intended_at=now, started_at=now)


@pytest.fixture
def api(standins: StandIns) -> Api:
    """Do something in Notion as somebody else: (method, path, body) -> the answer."""
    endpoint = standins["notion"]

    def ask(method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {endpoint.token}", "Notion-Version": "2025-09-03"}
        answer = httpx.request(
            method,
            f"{endpoint.base_url}/v1{path}",
            json=body,
            headers=headers,
            trust_env=False,
            timeout=PATIENCE_SECONDS,
        )
        assert answer.is_success, answer.text
        return answer.json()

    return ask


@pytest.fixture
def make(call: Call) -> Make:
    """Make a write; give the call that undoes it, and what was written."""

    def write(step: StepType, **more: Any) -> tuple[Call, Written]:
        arguments = {**ARGUMENTS.get(step.name, {}), **more}
        asked = replace(call, fields=step.fields.model_validate(arguments))
        output = step.call(asked)
        written = Written(arguments, output, step.receipt(output), asked.marker, datetime.now(UTC))
        return replace(asked, marker="u" * 32), written

    return write


@every_page
def test_the_page_goes_to_the_trash_once(make: Make, api: Api, step: StepType, standins: StandIns) -> None:
    undo, written = make(step)
    step.undo(undo, written)
    assert api("GET", f"/pages/{written.output['id']}")["in_trash"]
    asked = standins.requests("notion")
    step.undo(undo, written)
    assert [each for each in standins.requests("notion").items() if each[0].startswith("PATCH")] == [
        each for each in asked.items() if each[0].startswith("PATCH")
    ]


@every_page
def test_a_page_that_was_undone_is_not_found_by_the_next_write(make: Make, step: StepType, call: Call) -> None:
    undo, written = make(step)
    step.undo(undo, written)
    assert step.find(replace(undo, marker=written.marker)) is None
    _, again = make(step)
    assert again.output["id"] != written.output["id"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param({"properties": {"Name": {"title": [{"text": {"content": "Mine"}}]}}}, "Name", id="title"),
        pytest.param({"properties": {"Priority": {"select": {"name": "Low"}}}}, "Priority", id="its property"),
        pytest.param({"properties": {"Due": {"date": {"start": "2026-01-31"}}}}, "Due", id="another property"),
        pytest.param({"properties": {"Status": {"status": {"name": "Done"}}}}, "Status", id="status"),
    ],
)
@every_page
def test_a_page_of_which_somebody_changed_a_property_stays(
    make: Make, api: Api, step: StepType, change: Any, says: str
) -> None:
    undo, written = make(step)
    api("PATCH", f"/pages/{written.output['id']}", change)
    with pytest.raises(CannotUndo, match=says):
        step.undo(undo, written)
    assert not api("GET", f"/pages/{written.output['id']}")["in_trash"]


@every_page
def test_a_page_in_which_somebody_wrote_stays(make: Make, api: Api, step: StepType) -> None:
    undo, written = make(step)
    block = {"type": "paragraph", "paragraph": {"rich_text": [{"type": "text", "text": {"content": "Called them"}}]}}
    api("PATCH", f"/blocks/{written.output['id']}/children", {"children": [block]})
    with pytest.raises(CannotUndo, match="text"):
        step.undo(undo, written)


@every_page
def test_a_page_whose_last_editor_is_not_its_maker_stays(make: Make, step: StepType, standins: StandIns) -> None:
    undo, written = make(step)
    store = standins.stores["notion"]
    shown = undo.client._api.pages.retrieve(written.output["id"])  # what Notion tells once a person edited the page
    body = {**shown, "last_edited_by": {"object": "user", "id": "a-person"}}

    standins.faults("notion", match=f"GET /v1/pages/{written.output['id']}", status=200, body=json.dumps(body))
    with pytest.raises(CannotUndo, match="Somebody else"):
        step.undo(undo, written)
    assert not store.get("notion/pages", written.output["id"])["in_trash"]  # type: ignore[index]


@every_page
def test_a_page_that_is_not_shown_any_more_is_not_called_undone(make: Make, step: StepType, standins: StandIns) -> None:
    undo, written = make(step)
    standins.faults("notion", match=f"GET /v1/pages/{written.output['id']}", status=404)
    with pytest.raises(CannotUndo, match="no longer"):
        step.undo(undo, written)


def test_a_page_without_text_and_with_a_long_one_can_be_undone(make: Make, api: Api) -> None:
    for text in ("", "\n\n".join(f"Paragraph number {n}, with some words in it." for n in range(900))):
        undo, written = make(CreatePage(), markdown=text)
        CreatePage().undo(undo, written)
        assert api("GET", f"/pages/{written.output['id']}")["in_trash"]


def test_a_page_written_by_an_earlier_release_is_judged_by_when_it_was_edited(make: Make) -> None:
    undo, written = make(CreatePage())
    old = replace(written, output={name: written.output[name] for name in ("id", "url", "title")})
    with pytest.raises(CannotUndo, match="edited since"):
        CreatePage().undo(undo, replace(old, done_at=datetime(2020, 1, 1, tzinfo=UTC)))
    CreatePage().undo(undo, old)


def test_a_page_that_was_there_before_is_known_not_to_be_undone(make: Make) -> None:
    _, made = make(UpsertPage())
    _, updated = make(UpsertPage(), title="Other")
    assert UpsertPage().why_kept(made) == ""
    assert "already existed" in UpsertPage().why_kept(updated)
    assert "earlier content" in UpsertPage().why_kept(replace(made, updated=True))


@every_page
def test_a_page_is_brought_to_new_fields(make: Make, api: Api, step: StepType, call: Call) -> None:
    _, written = make(step)
    arguments = {**ARGUMENTS[step.name], "title": "New", "properties": {"Priority": "Low"}, "markdown": "New words"}
    asked = replace(call, fields=step.fields.model_validate(arguments))
    for _ in range(2):
        output = step.update(asked, written)
        assert step.output is not None
        assert step.output.model_validate(output).model_dump() == output
    assert (output["id"], output["title"], output["properties"]["Priority"]) == (written.output["id"], "New", "Low")
    assert api("GET", f"/pages/{written.output['id']}/markdown")["markdown"].strip() == "New words"
    assert len(call.client.finder.query("Tasks")[0]) == 1


@every_page
def test_an_update_of_a_page_in_the_trash_says_what_to_do(make: Make, step: StepType) -> None:
    undo, written = make(step)
    step.undo(undo, written)
    with pytest.raises(NotFound) as caught:
        step.update(undo, written)
    assert "--force" in caught.value.remedy


OLD = {"Priority": "High", "Due": "2026-01-31"}


@pytest.fixture
def old(call: Call) -> str:
    """A page that was there before."""
    return str(call.client.items.create("Tasks", "Old", OLD, "Old text")["id"])


def changed(standins: StandIns, page: str) -> Any:
    """What the page says, and all around it, but for the time of its last change."""
    shown = standins.show("notion")
    comments = standins.stores["notion"].all("notion/comments")
    pages = [{name: each[name] for name in ("id", "properties", "in_trash")} for each in shown["pages"]]
    text = standins.controls.get(f"{standins['notion'].origin}/_demo/text/{page}").json()
    return pages, comments, text


CHANGES: dict[str, tuple[StepType, dict[str, Any]]] = {
    "properties": (UpdateItem(), {"properties": {"Priority": "Low", "Tags": ["a"], "Due": None}, "title": "New"}),
    "text": (ReplaceMarkdown(), {"markdown": "New text"}),
    "a long text": (ReplaceMarkdown(), {"markdown": "\n".join(f"Line {number}" for number in range(900))}),
    "no text": (ReplaceMarkdown(), {"markdown": ""}),
    "more text": (
        AppendMarkdown(),
        {"markdown": "## More\n- one\n\t- two\n\n```py\n1. x\n```\n2024\\. was a year\n---"},
    ),
    "much more text": (AppendMarkdown(), {"markdown": "\n".join(f"Line {number}" for number in range(450))}),
    "into the trash": (Archive(), {}),
    "a comment": (AddComment(), {"text": "Well done"}),
}
every_change = pytest.mark.parametrize(("step", "arguments"), CHANGES.values(), ids=CHANGES.keys())


@every_change
def test_a_change_of_a_page_is_undone_and_once_more_changes_nothing(
    make: Make, old: str, standins: StandIns, step: StepType, arguments: dict[str, Any]
) -> None:
    before = changed(standins, old)
    undo, written = make(step, page=old, **arguments)
    assert changed(standins, old) != before
    assert step.why_kept(written) == ""
    for _ in range(2):
        step.undo(undo, written)
        assert changed(standins, old) == before


def test_a_restored_page_goes_back_to_the_trash(make: Make, old: str, call: Call, standins: StandIns) -> None:
    call.client.pages.trash(old)
    before = changed(standins, old)
    undo, written = make(Restore(), page=old)
    for _ in range(2):
        Restore().undo(undo, written)
        assert changed(standins, old) == before


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param({"last_edited_by": {"object": "user", "id": "a-person"}}, id="by somebody"),
        pytest.param({"last_edited_time": "2999-01-01T00:00:00.000Z"}, id="later"),
    ],
)
def test_a_restored_page_on_which_somebody_works_stays(
    make: Make, old: str, call: Call, standins: StandIns, edit: dict[str, Any]
) -> None:
    call.client.pages.trash(old)
    undo, written = make(Restore(), page=old)
    shown = undo.client._api.pages.retrieve(old)
    standins.faults("notion", match=f"GET /v1/pages/{old}", status=200, body=json.dumps({**shown, **edit}))
    with pytest.raises(CannotUndo, match="edited since"):
        Restore().undo(undo, written)
    assert not standins.stores["notion"].get("notion/pages", old)["in_trash"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("step", "arguments", "says"),
    [
        pytest.param(UpdateItem(), {"properties": {"Priority": "High"}}, "already", id="properties"),
        pytest.param(ReplaceMarkdown(), {"markdown": "Old text"}, "already", id="text"),
        pytest.param(Restore(), {}, "already existed", id="not in the trash"),
    ],
)
def test_what_changed_nothing_is_not_undone(
    make: Make, old: str, step: StepType, arguments: dict[str, Any], says: str
) -> None:
    _, written = make(step, page=old, **arguments)
    assert says in step.why_kept(written)


def test_what_somebody_changed_since_stays(make: Make, old: str, call: Call) -> None:
    undo, written = make(UpdateItem(), page=old, properties={"Priority": "Low"})
    call.client.items.update(old, {"Priority": "Medium"})
    with pytest.raises(CannotUndo, match="Priority"):
        UpdateItem().undo(undo, written)
    undo, written = make(ReplaceMarkdown(), page=old, markdown="New")
    call.client.pages.append(old, "Mine")
    with pytest.raises(CannotUndo, match="changed since"):
        ReplaceMarkdown().undo(undo, written)


def test_a_text_after_which_somebody_wrote_stays(make: Make, old: str, call: Call) -> None:
    step = AppendMarkdown()
    undo, written = make(step, page=old, markdown="More\n- and more")
    call.client.pages.append(old, "Mine")
    with pytest.raises(CannotUndo, match="after it"):
        step.undo(undo, written)
    assert call.client.pages.text(old)["markdown"] == "Old text\nMore\n- and more\nMine"


def test_a_text_that_stood_there_before_is_not_taken_out_with_the_same_one(
    make: Make, old: str, call: Call, standins: StandIns
) -> None:
    step = AppendMarkdown()
    make(step, page=old, markdown="Again")
    store = standins.stores["notion"]
    [block] = [each for each in store.all("notion/blocks") if "Again" in str(each["content"])]
    store.put("notion/blocks", block["id"], {**block, "created_time": "2026-01-01T10:00:00.000000Z"})
    undo, written = make(step, page=old, markdown="Again")
    step.undo(undo, written)
    assert call.client.pages.text(old)["markdown"] == "Old text\nAgain"
    with pytest.raises(CannotUndo):
        step.undo(undo, written)
    assert call.client.pages.text(old)["markdown"] == "Old text\nAgain"


def test_an_undo_that_was_stopped_goes_on(make: Make, old: str, call: Call, standins: StandIns) -> None:
    step = AppendMarkdown()
    undo, written = make(step, page=old, markdown="one\ntwo\nthree")
    standins.faults("notion", match="DELETE", times=1, status=503, when="after_effect")
    with pytest.raises(ServiceError):
        step.undo(undo, written)
    assert call.client.pages.text(old)["markdown"] == "Old text\none\ntwo"
    step.undo(undo, written)
    assert call.client.pages.text(old)["markdown"] == "Old text"


def test_a_page_below_a_page_goes_to_the_trash(make: Make, old: str, api: Api) -> None:
    step = CreatePage()
    undo, written = make(step, database="", parent=old, properties={})
    step.undo(undo, written)
    assert api("GET", f"/pages/{written.output['id']}")["in_trash"]
    undo, written = make(step, database="", parent=old, properties={})
    assert step.update(replace(undo, fields=undo.fields.model_copy(update={"markdown": "Else"})), written)
    with pytest.raises(CannotUndo):
        step.undo(undo, written)


# --- databases and files

BASE = {"title": "Bills", "properties": {"Due": "date", "State": {"type": "select", "options": ["open", "done"]}}}


@pytest.fixture
def home(api: Api) -> str:
    return str(api("POST", "/search", {"query": "Home"})["results"][0]["id"])


def databases(standins: StandIns) -> list[str]:
    return [each["title"][0]["plain_text"] for each in standins.show("notion")["databases"]]


def test_a_database_goes_to_the_trash_unless_there_is_something_in_it(
    make: Make, api: Api, home: str, standins: StandIns
) -> None:
    undo, written = make(CreateDatabase(), parent=home, **BASE)
    source = written.output["data_sources"][0]["id"]
    kinds = {name: each["type"] for name, each in api("GET", f"/data_sources/{source}")["properties"].items()}
    assert kinds == {"Name": "title", "Due": "date", "State": "select"}
    page = api("POST", "/pages", {"parent": {"data_source_id": source}, "properties": {}})
    with pytest.raises(CannotUndo, match="pages in it"):
        CreateDatabase().undo(undo, written)
    api("PATCH", f"/pages/{page['id']}", {"in_trash": True})
    for _ in range(2):
        CreateDatabase().undo(undo, written)
        assert databases(standins) == ["Tasks"]


def test_a_database_of_another_write_is_not_taken_for_ones_own(make: Make, call: Call, home: str) -> None:
    _, written = make(CreateDatabase(), parent=home, **BASE)
    asked = replace(call, fields=CreateDatabase.fields.model_validate({"parent": home, **BASE}))
    assert CreateDatabase().find(asked) == written.output
    assert CreateDatabase().find(replace(asked, made_by_others=frozenset({written.output["id"]}))) is None


@pytest.mark.parametrize("wrong", ["colour", {"type": "date", "options": ["x"]}, {"type": "date", "more": 1}, 7])
def test_a_property_that_notion_does_not_know_is_refused_before_anything_is_sent(
    make: Make, home: str, standins: StandIns, wrong: Any
) -> None:
    before = databases(standins)
    with pytest.raises(InvalidRequest, match="'Due' cannot be"):
        make(CreateDatabase(), parent=home, title="x", properties={"Due": wrong})
    assert databases(standins) == before


@pytest.mark.parametrize(
    ("name", "media_type", "kind"), [("Bill é.pdf", "application/pdf", "pdf"), ("a.csv", "text/csv", "file")]
)
def test_a_file_on_a_page_is_found_again_and_removed_once(
    make: Make, call: Call, api: Api, home: str, name: str, media_type: str, kind: str
) -> None:
    file = {"$file": "x", "name": name, "bytes": 3, "media_type": media_type}
    fields = UploadFile.fields.model_validate({"page": home, "file": file})
    asked = replace(call, fields=fields, read=lambda _: b"abc")
    assert UploadFile().find(asked) is None
    output: Any = UploadFile().call(asked)
    assert (output["type"], output["name"]) == (kind, name)
    assert UploadFile().find(asked) == output
    assert UploadFile().find(replace(asked, made_by_others=frozenset({output["id"]}))) is None
    written = Written({}, output, UploadFile().receipt(output), call.marker, datetime.now(UTC))
    for _ in range(2):
        UploadFile().undo(asked, written)
        assert UploadFile().find(asked) is None
    with pytest.raises(InvalidRequest, match="0 bytes"):
        UploadFile().call(replace(asked, read=lambda _: b""))
