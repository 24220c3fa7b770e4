"""Items of Notion databases: every type of property, people and pages by name, and what no property can hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pydantic import SecretStr

from clients.errors import Conflict, InvalidRequest, NotFound
from clients.listing import Json
from clients.notion.client import NotionClient
from clients.notion.overflow import LIST_MOST, TEXT_MOST
from clients.notion.service import TITLE, NotionSettings

if TYPE_CHECKING:
    from tests.conftest import StandIns

DATABASE = "Everything"
FILE = "https://example.com/a.pdf"


@pytest.fixture
def notion(standins: StandIns, http: httpx.Client) -> NotionClient:
    """A client of a workspace with a database that has a property of every type, related to Tasks."""
    endpoint = standins["notion"]
    found = NotionClient(NotionSettings(token=SecretStr(endpoint.token), base_url=endpoint.base_url), http)
    shown = standins.show("notion")["databases"][0]
    kinds = ("rich_text", "number", "date", "people", "files", "checkbox", "url", "email", "phone_number")
    properties: Json = {kind: {kind: {}} for kind in (*kinds, "created_time", "last_edited_by")}
    properties |= {
        "Name": {"title": {}},
        "select": {"select": {"options": [{"name": "High"}]}},
        "multi_select": {"multi_select": {}},
        "status": {"status": {}},
        "relation": {"relation": {"data_source_id": shown["data_sources"][0]["id"]}},
    }
    ask(
        standins,
        "POST",
        "databases",
        parent=shown["parent"],
        initial_data_source={"properties": properties},
        title=[{"type": "text", "text": {"content": DATABASE}}],
    )
    return found


def ask(standins: StandIns, method: str, path: str, **body: Any) -> Json:
    """Do something as another integration would."""
    endpoint = standins["notion"]
    headers = {"authorization": f"Bearer {endpoint.token}", "notion-version": "2025-09-03"}
    answer = standins.controls.request(method, f"{endpoint.origin}/v1/{path}", json=body, headers=headers)
    answer.raise_for_status()
    document: Json = answer.json()
    return document


ALL = {
    "rich_text": "Words",
    "number": 4.5,
    "select": "New option",
    "multi_select": ["a", "b"],
    "status": "Done",
    "date": {"start": "2026-01-31T10:00:00+01:00", "end": "2026-02-01T10:00:00+01:00"},
    "people": ["ada@example.com"],
    "files": [{"name": "The file", "url": FILE}],
    "checkbox": True,
    "url": "https://example.com",
    "email": "a@example.com",
    "phone_number": "+41 44 123",
    "relation": ["The task"],
}


def test_a_property_of_every_type_is_written_and_read(notion: NotionClient) -> None:
    task = notion.items.create("Tasks", "The task")["id"]
    made = notion.items.create(DATABASE, "All", ALL, marker="m")
    ada = next(each["id"] for each in notion.items._references._everybody() if each["name"] == "Ada Lovelace")
    read = notion.pages.get(made["id"])["properties"]
    assert {name: read[name] for name in ALL} == {**ALL, "people": [ada], "relation": [task]}
    assert read["created_time"].endswith("Z")
    found = notion.items.upsert(DATABASE, "k", "All", ALL)
    assert found["created"] is True
    assert notion.items.find(DATABASE, "m") == made


def test_a_zone_of_a_date_is_kept(notion: NotionClient) -> None:
    date = {"start": "2026-01-31T10:00:00", "time_zone": "Europe/Zurich"}
    made = notion.items.create(DATABASE, "Date", {"date": date})
    assert notion.pages.get(made["id"])["properties"]["date"] == date


@pytest.mark.parametrize("named", ["ada@example.com", "ADA@example.com", "Ada Lovelace", "ada lovelace", "the id"])
def test_a_person_is_meant_by_mail_address_name_or_id(notion: NotionClient, named: str) -> None:
    people = notion.items._references._everybody()
    ada = str(next(each["id"] for each in people if each["name"] == "Ada Lovelace"))
    made = notion.items.create(DATABASE, "x", {"people": ada if named == "the id" else named})
    assert made["properties"]["people"] == [ada]


def test_a_person_or_page_that_nobody_knows_is_told_with_the_nearest_name(notion: NotionClient) -> None:
    with pytest.raises(InvalidRequest, match="no person 'Ada Lovelac'") as caught:
        notion.items.create(DATABASE, "x", {"people": "Ada Lovelac"})
    assert "Did you mean 'Ada Lovelace'?" in caught.value.remedy
    with pytest.raises(InvalidRequest, match="no page 'Nothing' in the related database"):
        notion.items.create(DATABASE, "x", {"relation": ["Nothing"]})


def test_a_title_that_two_pages_have_is_not_guessed(notion: NotionClient) -> None:
    two = [notion.items.create("Tasks", "Twin")["id"] for _ in range(2)]
    with pytest.raises(InvalidRequest, match="There are 2 matches for page 'Twin'") as caught:
        notion.items.create(DATABASE, "x", {"relation": "Twin"})
    assert all(each in caught.value.message for each in two)
    assert notion.items.create(DATABASE, "x", {"relation": two[1]})["properties"]["relation"] == [two[1]]


@pytest.mark.parametrize("kind", ["created_time", "last_edited_by"])
def test_what_notion_sets_is_refused_before_anything_is_sent(
    standins: StandIns, notion: NotionClient, kind: str
) -> None:
    before = standins.requests("notion").get("POST /v1/pages")
    with pytest.raises(InvalidRequest, match="Notion sets it itself") as caught:
        notion.items.create(DATABASE, "x", {kind: "x"})
    assert caught.value.outcome == "not_done"
    assert standins.requests("notion").get("POST /v1/pages") == before


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        pytest.param({"Statu": "Done"}, "Did you mean 'status'?", id="property"),
        pytest.param({"status": "Don"}, "Did you mean 'Done'?", id="option of a status"),
        pytest.param({"STATUS": "Done"}, "", id="other case is the same"),
    ],
)
def test_a_name_that_is_nearly_right_is_told_the_right_one(notion: NotionClient, properties: Json, said: str) -> None:
    if not said:
        assert notion.items.create(DATABASE, "x", properties)["properties"]["status"] == "Done"
        return
    with pytest.raises(InvalidRequest) as caught:
        notion.items.create(DATABASE, "x", properties)
    assert said in caught.value.message


MANY = [f"option {number}" for number in range(LIST_MOST + 5)]
OVERFLOWS = {
    "a long title": ("Name", "T" * (TITLE.most + 1), "T" * (TITLE.most - 1) + "…", "T" * (TITLE.most + 1)),
    "a very long text": ("rich_text", "x" * (TEXT_MOST + 1), "", "x" * (TEXT_MOST + 1)),
    "a comma in an option": ("multi_select", ["a", "b, c"], ["a"], "b, c"),
    "a comma in the option of a select": ("select", "b, c", None, "b, c"),
    "a long option": ("multi_select", ["o" * 101, "b"], ["b"], "o" * 101),
    "many options": ("multi_select", MANY, MANY[:LIST_MOST], MANY[-1]),
    "a long address": ("url", "https://example.com/" + "u" * 2000, None, "u" * 2000),
    "a long mail address": ("email", "e" * 200 + "@example.com", None, "e" * 200),
    "a long number": ("phone_number", "0" * 201, None, "0" * 201),
}


@pytest.mark.parametrize(("name", "value", "held", "said"), OVERFLOWS.values(), ids=OVERFLOWS.keys())
@pytest.mark.parametrize("markdown", ["The text", ""], ids=["with text", "without text"])
def test_what_a_property_cannot_hold_is_said_in_the_text(
    notion: NotionClient, name: str, value: Any, held: Any, said: str, markdown: str
) -> None:
    title = value if name == "Name" else "Title"
    properties = {} if name == "Name" else {name: value}
    made = notion.items.upsert(DATABASE, "k", title, properties, markdown)
    for _ in range(2):
        page = notion.pages.get(made["id"])
        assert page["properties"][name] == held
        text = page["markdown"].replace("\\", "")
        assert text.startswith(markdown)
        assert said in text
        assert text.count("What the properties could not hold") == 1
        assert notion.items.upsert(DATABASE, "k", title, properties, markdown)["created"] is False
    found = notion.items.find_upsert(DATABASE, "k", title, properties, markdown, _long_ago())
    assert found is not None


def _long_ago() -> Any:
    from datetime import UTC, datetime

    return datetime(2026, 1, 1, tzinfo=UTC)


def test_a_page_whose_properties_overflowed_can_be_undone(notion: NotionClient) -> None:
    properties = {"multi_select": ["a, b"], "people": ["ada@example.com"]}
    made = notion.items.create(DATABASE, "T" * 3000, properties, "Text", marker="m")
    notion.items.undo(made, DATABASE, "T" * 3000, properties, "Text", _long_ago())
    assert notion.items.find(DATABASE, "m") is None


def test_an_update_changes_what_it_names_and_says_what_was_there(notion: NotionClient) -> None:
    made = notion.items.create(DATABASE, "Title", {"number": 1, "select": "High"})
    after = notion.items.update(made["id"], {"number": 2, "url": "https://x.example", "select": "High"}, "New")
    assert (after["title"], after["properties"]["number"], after["properties"]["select"]) == ("New", 2, "High")
    assert after["before"] == {"Name": "Title", "number": 1, "url": None}
    assert notion.items.update(made["id"], {"number": 2})["before"] == {}
    notion.items.put_back(after)
    notion.items.put_back(after)
    read = notion.pages.get(made["id"])
    assert (read["title"], read["properties"]["number"], read["properties"]["url"]) == ("Title", 1, None)


def test_relations_come_whole_though_notion_gives_25_with_a_page(notion: NotionClient) -> None:
    tasks = [str(notion.items.create("Tasks", f"Task {number}")["id"]) for number in range(27)]
    made = notion.items.create(DATABASE, "Many", {"relation": tasks}, marker="m")
    assert made["properties"]["relation"] == tasks
    assert notion.pages.get(made["id"])["properties"]["relation"] == tasks
    assert notion.finder.query(DATABASE)[0][0]["properties"]["relation"] == tasks
    assert notion.items.find(DATABASE, "m") == made
    after = notion.items.update(made["id"], {"relation": tasks[:2]})
    assert after["before"]["relation"] == tasks
    notion.items.put_back(after)
    assert notion.pages.get(made["id"])["properties"]["relation"] == tasks


def test_an_update_is_not_put_back_over_a_later_one(notion: NotionClient) -> None:
    made = notion.items.create(DATABASE, "Title", {"number": 1})
    after = notion.items.update(made["id"], {"number": 2})
    notion.items.update(made["id"], {"number": 3})
    with pytest.raises(Conflict, match="'number' has been changed since"):
        notion.items.put_back(after)
    notion.pages.trash(made["id"])
    with pytest.raises(NotFound, match="in the trash"):
        notion.items.update(made["id"], {"number": 4})


def test_a_page_that_is_in_no_database_has_a_title_to_update(notion: NotionClient, standins: StandIns) -> None:
    home = next(page for page in standins.show("notion")["pages"] if page["parent"]["type"] == "workspace")
    assert notion.items.update(home["id"], {}, "New home")["title"] == "New home"
    with pytest.raises(InvalidRequest, match="no property 'number'"):
        notion.items.update(home["id"], {"number": 1})


def test_a_database_of_two_data_sources_is_told_with_both(notion: NotionClient, standins: StandIns) -> None:
    database = standins.show("notion")["databases"][0]
    other = ask(
        standins,
        "POST",
        "data_sources",
        parent={"database_id": database["id"]},
        title=[{"text": {"content": "Archive"}}],
        properties={"Name": {"title": {}}},
    )
    ids = [database["data_sources"][0]["id"], other["id"]]
    with pytest.raises(InvalidRequest, match="has 2 data sources: Tasks") as caught:
        notion.items.create(database["url"], "x")
    assert all(each in caught.value.message for each in ids)
    assert "id of the data source" in caught.value.remedy
    assert [each["id"] for each in notion.database(database["url"])["data_sources"]] == ids
    made = notion.items.create(other["id"], "In the archive")
    assert [page["id"] for page in notion.finder.query("Archive")[0]] == [made["id"]]


def test_a_database_says_what_its_properties_are(notion: NotionClient) -> None:
    described = notion.data_source(DATABASE)
    assert described["properties"]["select"] == {"type": "select", "is_read_only": False, "options": ["High"]}
    assert described["properties"]["created_time"]["is_read_only"] is True
    assert described["properties"]["relation"]["data_source"] == notion.data_source("Tasks")["id"]
    assert notion.database(DATABASE)["data_sources"] == [{"id": described["id"], "name": DATABASE}]


@pytest.mark.parametrize(
    ("filter", "titles"),
    [
        pytest.param({"number": {">": 1}}, "bc", id="greater"),
        pytest.param({"number": {">=": 1, "<": 3}}, "ab", id="a range"),
        pytest.param({"number": {"!=": 2}}, "ac", id="other than"),
        pytest.param({"Name": {"starts_with": "b"}}, "b", id="beginning"),
        pytest.param({"date": {">=": "2026-01-02"}}, "bc", id="from a day on"),
        pytest.param({"date": {"before": "2026-01-02"}}, "a", id="before a day"),
        pytest.param({"multi_select": {"!=": "x"}}, "bc", id="without an option"),
        pytest.param({"multi_select": "x"}, "a", id="with an option"),
        pytest.param({"status": {"=": "Done"}}, "c", id="status"),
        pytest.param({"people": "Ada Lovelace"}, "b", id="a person by name"),
        pytest.param({"relation": {"contains": "The task"}}, "c", id="a page by title"),
        pytest.param({"checkbox": True}, "a", id="ticked"),
        pytest.param({"email": {"is_not_empty": True}}, "c", id="not empty"),
        pytest.param({"email": None, "number": {"<=": 2}}, "ab", id="two properties"),
        pytest.param({"created_time": {"on_or_after": "2026-01-01"}}, "abc", id="made since"),
        pytest.param({"created_time": {"past_week": True}}, "abc", id="made this week"),
        pytest.param({"property": "Name", "title": {"equals": "b"}}, "b", id="in Notion's own form"),
    ],
)
def test_pages_are_found_by_conditions_of_the_real_type(notion: NotionClient, filter: Json, titles: str) -> None:
    notion.items.create("Tasks", "The task")
    notion.items.create(DATABASE, "a", {"number": 1, "date": "2026-01-01", "multi_select": ["x"], "checkbox": True})
    notion.items.create(DATABASE, "b", {"number": 2, "date": "2026-01-02", "people": "ada@example.com"})
    more = {"status": "Done", "relation": "The task", "email": "c@example.com"}
    notion.items.create(DATABASE, "c", {"number": 3, "date": "2026-01-03", **more})
    found, has_more = notion.finder.query(DATABASE, filter, ["Name"])
    assert ("".join(page["title"] for page in found), has_more) == (titles, False)


@pytest.mark.parametrize(
    ("filter", "said"),
    [
        pytest.param({"number": {"contain": 1}}, "it has equals", id="not for numbers"),
        pytest.param({"Name": {"contain": "x"}}, "Did you mean 'contains'?", id="nearly"),
        pytest.param({"Nam": "x"}, "Did you mean 'Name'?", id="no property"),
        pytest.param({"select": {">": "High"}}, "has no condition '>'", id="no order"),
    ],
)
def test_a_condition_that_cannot_be_asked_is_told_what_can(notion: NotionClient, filter: Json, said: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        notion.finder.query(DATABASE, filter)
    assert said in caught.value.message


def test_a_list_that_was_cut_says_so(notion: NotionClient) -> None:
    for number in range(4):
        notion.items.create(DATABASE, f"Page {number}")
    assert notion.finder.query(DATABASE, limit=3)[1] is True
    assert notion.finder.query(DATABASE, limit=4)[1] is False
    found, has_more = notion.finder.search("page", "page", 3)
    assert (len(found), has_more) == (3, True)


def test_the_search_finds_pages_and_databases(notion: NotionClient) -> None:
    notion.items.create("Tasks", "Everything at once")
    found, _ = notion.finder.search("everything", "", 10)
    assert sorted((each["kind"], each["title"]) for each in found) == [
        ("database", "Everything"),
        ("page", "Everything at once"),
    ]
    only, _ = notion.finder.search("everything", "database", 10)
    assert [each["id"] for each in only] == [notion.data_source(DATABASE)["id"]]


def test_a_database_that_was_changed_meanwhile_is_read_again_before_a_value_is_refused(
    standins: StandIns, notion: NotionClient
) -> None:
    source = notion.data_source(DATABASE)["id"]
    ask(standins, "PATCH", f"data_sources/{source}", properties={"select": {"number": {}}})
    with pytest.raises(InvalidRequest, match="of type number"):
        notion.items.create(DATABASE, "A", {"select": "High"}, "", "one")
    ask(standins, "PATCH", f"data_sources/{source}", properties={"select": {"select": {}}})
    made = notion.items.create(DATABASE, "A", {"select": "High"}, "", "one")
    assert made["properties"]["select"] == "High"


@pytest.mark.parametrize("is_known", [True, False], ids=["seen-before", "not-seen-before"])
@pytest.mark.parametrize("named_by", ["name", "source", "database"])
def test_nothing_is_written_into_a_database_in_the_trash(
    standins: StandIns, notion: NotionClient, named_by: str, is_known: bool
) -> None:
    whole = next(one for one in standins.show("notion")["databases"] if one["title"][0]["plain_text"] == DATABASE)
    name = {"name": DATABASE, "source": whole["data_sources"][0]["id"], "database": whole["id"]}[named_by]
    if is_known:
        notion.items.create(name, "A", {}, "", "one")
    ask(standins, "PATCH", f"databases/{whole['id']}", in_trash=True)
    with pytest.raises((InvalidRequest, NotFound)):
        notion.items.create(name, "B", {}, "", "two")
    with pytest.raises(NotFound):
        notion.items.create(name, "B", {}, "", "two")
