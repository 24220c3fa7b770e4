"""The Notion steps on the real client and its stand-in: outputs, look-up, receipts, roles."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from msgspec.structs import replace
from pydantic import SecretStr, ValidationError

from clients.errors import InvalidRequest, OutcomeUnknown, ServiceError
from clients.notion.api import page_id
from clients.notion.client import NotionClient
from clients.notion.service import NotionSettings
from clients.notion.text.markdown import essence
from engine.plugins import registry
from engine.plugins.step import Call, Effect, Repeat, StepType
from engine.steps.notion.comments import AddComment
from engine.steps.notion.databases import Query
from engine.steps.notion.pages import GetPage
from engine.steps.notion.texts import AppendMarkdown
from engine.steps.notion.upserting import CreatePage, UpsertPage

if TYPE_CHECKING:
    from tests.conftest import StandIns

ELSEWHERE = {"notion.create_database", "notion.upload_file"}
"""Steps that need a page with room, or a file of a run: `tests/operations` runs them."""
STEPS: list[StepType] = [
    step for name, step in registry.step_types().items() if name.startswith("notion.") and name not in ELSEWHERE
]
PAGE = {"database": "Tasks", "title": "Title", "properties": {"Priority": "High"}, "markdown": "Some *text*"}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "notion.create_page": PAGE,
    "notion.create_item": PAGE,
    "notion.upsert_page": {**PAGE, "key": "mail-1"},
    "notion.update_item": {"properties": {"Priority": "High"}, "title": "New"},
    "notion.query": {"database": "Tasks", "filter": {"Priority": "High"}, "sorts": ["-created_time"]},
    "notion.search": {"words": "o"},
    "notion.get_database": {"database": "Tasks"},
    "notion.get_data_source": {"database": "Tasks"},
    "notion.get_page": {},
    "notion.get_markdown": {},
    "notion.append_markdown": {"markdown": "## More\n\n- one"},
    "notion.replace_markdown": {"markdown": "Something else"},
    "notion.archive": {},
    "notion.restore": {},
    "notion.add_comment": {"text": "Well done"},
    "notion.list_comments": {},
    "notion.list_blocks": {},
    "notion.list_users": {},
}
WRITES = [step for step in STEPS if step.effect is Effect.WRITES]
every_step = pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
FINDABLE = [step for step in WRITES if step.repeat is Repeat.FINDABLE]
every_write = pytest.mark.parametrize("step", WRITES, ids=lambda step: step.name)
every_findable_write = pytest.mark.parametrize("step", FINDABLE, ids=lambda step: step.name)
every_safe_write = pytest.mark.parametrize(
    "step", [step for step in WRITES if step.repeat is Repeat.SAFE], ids=lambda step: step.name
)


@pytest.fixture
def call(standins: StandIns, http: httpx.Client) -> Call:
    endpoint = standins["notion"]
    settings = NotionSettings(token=SecretStr(endpoint.token), base_url=endpoint.base_url)
    now = datetime.now(UTC)
    client = NotionClient(settings, http)
    return Call(fields=None, client=client, marker="m" * 32, intended_at=now, started_at=now)


def filled(step: StepType, call: Call, **more: Any) -> Call:
    arguments = {**ARGUMENTS[step.name], **more}
    if "page" in step.fields.model_fields:
        arguments.setdefault("page", call.client.items.upsert("Tasks", "old", "Old", {}, "First")["url"])
    return replace(call, fields=step.fields.model_validate(arguments))


@every_safe_write
def test_a_write_that_may_be_repeated_changes_nothing_more(step: StepType, call: Call, standins: StandIns) -> None:
    asked = filled(step, call)
    step.call(asked)
    before = standins.show("notion"), call.client.pages.text(asked.fields.page)
    step.call(replace(asked, attempt=2))
    assert (standins.show("notion"), call.client.pages.text(asked.fields.page)) == before


@every_findable_write
def test_a_write_is_not_found_before_and_found_after_it(step: StepType, call: Call) -> None:
    asked = filled(step, call)
    assert step.find(asked) is None
    output = step.call(asked)
    assert step.find(asked) == output


@pytest.mark.parametrize("when", ["before_effect", "after_effect"])
@every_findable_write
def test_a_write_that_was_cut_is_found_if_it_arrived_and_made_once(
    step: StepType, call: Call, standins: StandIns, when: str
) -> None:
    call.client.items.upsert("Tasks", "first", "First")
    asked = filled(step, call)
    match = {"notion.append_markdown": "PATCH", "notion.add_comment": "POST /v1/comments"}.get(
        step.name, "POST /v1/pages"
    )
    standins.faults("notion", match=match, cut=True, when=when)
    with pytest.raises(ServiceError) as caught:
        step.call(asked)
    assert caught.value.outcome == "unknown"
    pages = len(standins.show("notion")["pages"])
    found = step.find(asked)
    assert (found is not None) == (when == "after_effect")
    if found is None:
        step.call(replace(asked, attempt=2))
        assert len(standins.show("notion")["pages"]) <= pages + 1


def test_an_answer_in_a_discussion_that_notion_does_not_list_is_a_persons_affair(call: Call) -> None:
    step = AddComment()
    asked = filled(step, call)
    text = [{"type": "text", "text": {"content": "Is this right?"}}]
    block = call.client._api.blocks.children.list(block_id=page_id(asked.fields.page))["results"][0]["id"]
    on_block = call.client._api.comments.create(parent={"block_id": block}, rich_text=text)["discussion_id"]
    with pytest.raises(OutcomeUnknown, match="discussion"):
        step.find(filled(step, call, discussion=on_block))
    on_page = filled(step, call, discussion=step.call(asked)["discussion_id"], text="Yes")
    assert step.find(on_page) is None
    assert step.call(on_page) == step.find(on_page)


def test_a_marker_is_of_one_write_only(call: Call) -> None:
    step = CreatePage()
    asked = filled(step, call)
    step.call(asked)
    assert step.find(replace(asked, marker="n" * 32)) is None


def test_a_long_addition_goes_on_only_when_it_is_made_again(call: Call) -> None:
    step = AppendMarkdown()
    text = "\n\n".join(f"Line {number}, which is long enough to count" for number in range(100))
    asked = filled(step, call, markdown=text)
    step.call(asked)
    step.call(replace(asked, attempt=2))
    page = call.client.pages.get(asked.fields.page)
    assert essence(page["markdown"]) == essence("First\n" + text)
    late = replace(asked, started_at=asked.intended_at + timedelta(minutes=1) if asked.intended_at else None)
    step.call(late)
    assert essence(call.client.pages.get(asked.fields.page)["markdown"]) == essence("First\n" + text)
    step.call(asked)
    assert essence(call.client.pages.get(asked.fields.page)["markdown"]) == essence("First\n" + text + text)


@every_write
def test_a_receipt_has_an_id_and_an_address(step: StepType, call: Call) -> None:
    receipt = step.receipt(step.call(filled(step, call)))
    assert receipt.id
    assert receipt.url.startswith("http") or step.name == "notion.add_comment"


@every_write
def test_writes_to_one_place_have_one_target(step: StepType, call: Call) -> None:
    asked = filled(step, call)
    field = "page" if "page" in step.fields.model_fields else "database"
    shouted = asked.fields.model_copy(update={field: getattr(asked.fields, field).upper()})
    assert step.target(shouted) == step.target(asked.fields) != ""


@every_step
def test_where_it_goes_and_what_comes_from_outside_is_declared(step: StepType) -> None:
    fields = step.fields.model_json_schema()["properties"]
    assert all("role" in field and "title" in field for field in fields.values())
    if "database" in fields:
        assert (fields["database"]["role"], fields["database"]["format"]) == ("destination", "notion-database")
    if step.effect is Effect.WRITES:
        assert "destination" in {field["role"] for field in fields.values()}
    assert step.title
    assert step.__doc__


def test_texts_of_a_page_are_marked_as_from_outside() -> None:
    properties = GetPage().output_schema({}, {})["properties"]
    assert {name for name, schema in properties.items() if schema.get("outside")} == {
        "title",
        "url",
        "properties",
        "markdown",
    }


@pytest.mark.parametrize(
    ("step", "wrong"),
    [
        (CreatePage(), {"title": ""}),
        (UpsertPage(), {"database": ""}),
        (CreatePage(), {"key": "k"}),
        (UpsertPage(), {"key": ""}),
        (Query(), {"limit": 0}),
        (Query(), {"sort": "Name"}),
    ],
)
def test_wrong_fields_are_refused(step: StepType, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        step.fields.model_validate({**ARGUMENTS[step.name], **wrong})


@pytest.mark.parametrize("place", [{}, {"database": "Tasks", "parent": "x"}], ids=["nowhere", "two places"])
def test_a_page_has_one_place(call: Call, place: dict[str, Any]) -> None:
    step = CreatePage()
    assert step.problems({"title": "x", **place}, {}) != []
    with pytest.raises(InvalidRequest, match="Give either"):
        step.call(replace(call, fields=step.fields.model_validate({"title": "x", **place})))


def test_a_page_below_a_page_has_no_properties(call: Call) -> None:
    step = CreatePage()
    fields = step.fields.model_validate({"title": "x", "parent": "0" * 32, "properties": {"Due": "2026-01-01"}})
    with pytest.raises(InvalidRequest, match="so not 'Due'"):
        step.call(replace(call, fields=fields))


@pytest.mark.parametrize("text", ["Short", "\n".join(f"Line {number}" for number in range(900))], ids=["short", "long"])
def test_a_page_below_a_page_is_made_once_and_found(call: Call, standins: StandIns, text: str) -> None:
    step = CreatePage()
    parent = call.client.items.create("Tasks", "Above")["url"]
    asked = replace(call, fields=step.fields.model_validate({"title": "Below", "parent": parent, "markdown": text}))
    assert step.find(asked) is None
    standins.faults("notion", match="/markdown" if len(text) > 10 else "POST /v1/pages", cut=True, when="after_effect")
    with pytest.raises(ServiceError):
        step.call(asked)
    found = step.find(asked) or step.call(replace(asked, attempt=2))
    assert step.find(asked) == found
    assert essence(call.client.pages.text(found["id"])["markdown"]) == essence(text)
    below = [page for page in standins.show("notion")["pages"] if page["parent"]["type"] == "page_id"]
    assert [page["id"] for page in below] == [found["id"]]


@pytest.mark.parametrize("as_given", [
    pytest.param(lambda page: page["id"], id="id"),
    pytest.param(lambda page: page["id"].replace("-", ""), id="without-dashes"),
    pytest.param(lambda page: page["url"], id="address"),
])  # fmt: skip
def test_a_page_that_a_person_said_another_write_made_is_not_taken_for_this_one(
    call: Call, as_given: Callable[[dict[str, Any]], str]
) -> None:
    step = CreatePage()
    parent = call.client.items.create("Tasks", "Above")["url"]
    asked = replace(call, fields=step.fields.model_validate({"title": "Below", "parent": parent}))
    theirs = step.call(asked)
    assert step.find(replace(asked, made_by_others=frozenset({as_given(theirs)}))) is None


def test_a_comment_that_a_person_said_another_write_made_is_not_taken_for_this_one(call: Call) -> None:
    step = AddComment()
    asked = filled(step, call)
    given = step.call(asked)["id"].replace("-", "")
    assert step.find(replace(asked, made_by_others=frozenset({given}))) is None
