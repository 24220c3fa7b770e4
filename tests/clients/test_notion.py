"""Notion's client against its stand-in: every operation, and every way in which each can fail."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from clients.errors import AuthError, BadAnswer, InvalidRequest, NotFound, ServiceError
from clients.listing import Json
from clients.notion.client import NotionClient
from clients.notion.service import NotionSettings
from clients.notion.text.markdown import essence
from clients.transport import Forbidden, deadline, http_client

if TYPE_CHECKING:
    from tests.conftest import StandIns


DATABASE = "Tasks"
NOW = datetime.now(UTC)
LONG = "\n\n".join(f"Paragraph {number}: {'some words ' * 30}end." for number in range(1500))
"""Over half a megabyte and over 1,000 blocks: more than one request may bring."""


@pytest.fixture
def notion(standins: StandIns, http: httpx.Client) -> NotionClient:
    return client(standins, http)


def client(standins: StandIns, http: httpx.Client, token: str | None = None) -> NotionClient:
    endpoint = standins["notion"]
    settings = NotionSettings(token=SecretStr(token or endpoint.token), base_url=endpoint.base_url)
    return NotionClient(settings, http)


def stored(standins: StandIns) -> list[dict[str, Any]]:
    """The pages that lie in a database, as the API gives them."""
    pages: list[dict[str, Any]] = standins.show("notion")["pages"]
    return [page for page in pages if page["parent"]["type"] == "data_source_id"]


@pytest.fixture
def page(notion: NotionClient) -> str:
    made = notion.items.upsert(DATABASE, "page", "A page", {}, "First line")
    return str(made["id"])


def test_an_answer_that_is_too_large_is_not_read(standins: StandIns, notion: NotionClient) -> None:
    standins.faults("notion", status=200, body=json.dumps({"results": [" " * 11_000_000]}))
    with pytest.raises(BadAnswer, match="too large"):
        notion.databases()


def test_an_answer_without_what_the_api_promises_is_a_bad_answer(standins: StandIns, notion: NotionClient) -> None:
    standins.faults("notion", match="POST /v1/pages", status=200, body="{}")
    with pytest.raises(BadAnswer) as caught:
        notion.items.upsert(DATABASE, "k", "Title")
    assert caught.value.outcome == "unknown"


def test_what_the_service_says_is_passed_on(standins: StandIns, notion: NotionClient) -> None:
    said = {"object": "error", "status": 400, "code": "validation_error", "message": "body.x should be defined"}
    standins.faults("notion", match="POST /v1/pages", status=400, body=json.dumps(said))
    with pytest.raises(InvalidRequest, match=r"body\.x should be defined"):
        notion.items.upsert(DATABASE, "k", "Title")


@pytest.mark.parametrize("status", [400, 403])
def test_a_free_workspace_that_is_full_is_told_as_such_and_not_split(
    standins: StandIns, notion: NotionClient, page: str, status: int
) -> None:
    said = {"code": "validation_error", "message": "This workspace has reached its block limit. Upgrade your plan."}
    standins.faults("notion", match="PATCH", status=status, body=json.dumps(said))
    before = sum(standins.requests("notion").values())
    with pytest.raises(ServiceError, match="block limit") as caught:
        notion.pages.append(page, LONG)
    assert "upgrade" in caught.value.remedy
    assert (caught.value.retryable, sum(standins.requests("notion").values()) - before) == (False, 2)


def test_a_wrong_token_is_said_and_never_shown(standins: StandIns, http: httpx.Client) -> None:
    wrong = client(standins, http, "ntn_wrong")
    with pytest.raises(AuthError) as caught:
        wrong.account()
    assert "ntn_wrong" not in repr(caught.value)
    [line] = wrong.check()
    assert (line.what, line.ok) == ("sign-in", False)
    assert "ntn_wrong" not in line.text


def test_the_token_stays_out_of_the_shared_client(standins: StandIns, http: httpx.Client) -> None:
    client(standins, http).account()
    assert "authorization" not in http.headers
    assert not str(http.base_url)


def test_the_check_names_workspace_and_databases(notion: NotionClient) -> None:
    lines = notion.check()
    assert [line.ok for line in lines] == [True, True]
    assert DATABASE in lines[1].text
    assert notion.account().partition(":")[2] in lines[0].text


def test_a_database_is_found_by_name_address_and_both_ids(standins: StandIns, notion: NotionClient) -> None:
    [database] = standins.show("notion")["databases"]
    source = database["data_sources"][0]["id"]
    made = notion.items.upsert(DATABASE, "k", "Title")
    for way in ("tasks", " Tasks ", database["id"], database["id"].replace("-", ""), database["url"], source):
        assert [each["id"] for each in notion.finder.query(way)[0]] == [made["id"]], way
    assert [each["id"] for each in notion.finder.query(database["url"] + "?v=" + "0" * 32)[0]] == [made["id"]]


def test_an_unknown_name_lists_the_databases_there_are(notion: NotionClient) -> None:
    with pytest.raises(NotFound, match="it shows Tasks"):
        notion.finder.query("Projects")


def test_a_typo_in_a_name_gets_the_name_that_was_meant(notion: NotionClient) -> None:
    with pytest.raises(NotFound) as caught:
        notion.finder.query("Taks")
    assert caught.value.remedy.startswith(f"Did you mean '{DATABASE}'? Open the database in Notion")


def test_two_databases_of_one_name_are_listed(standins: StandIns, notion: NotionClient) -> None:
    other = _new_database(standins, DATABASE)
    with pytest.raises(InvalidRequest, match="2 databases are called 'Tasks'") as caught:
        notion.finder.query(DATABASE)
    assert other["url"] in caught.value.message
    assert notion.finder.query(other["url"]) == ([], False)


def test_a_page_given_for_a_database_is_said_to_be_one(notion: NotionClient, page: str) -> None:
    with pytest.raises(InvalidRequest, match="is a page, not a database"):
        notion.finder.query(page)


def test_a_database_given_for_a_page_is_said_to_be_one(standins: StandIns, notion: NotionClient) -> None:
    [database] = standins.show("notion")["databases"]
    with pytest.raises(InvalidRequest, match="is a database, not a page"):
        notion.pages.get(database["url"])
    with pytest.raises(InvalidRequest, match="is a data source, not a page"):
        notion.pages.get(database["data_sources"][0]["id"])


@pytest.mark.parametrize("read", ["query", "get_page"])
def test_an_id_that_nothing_has_is_not_found(notion: NotionClient, read: str) -> None:
    ask = notion.finder.query if read == "query" else notion.pages.get
    with pytest.raises(NotFound) as caught:
        ask("0" * 32)
    assert "Connections" in caught.value.remedy


@pytest.mark.parametrize("text", ["", "Home", "../x", "https://example.org/page"])
def test_what_is_no_page_is_refused(notion: NotionClient, text: str) -> None:
    with pytest.raises(InvalidRequest, match="is not a Notion page"):
        notion.pages.get(text)


def test_a_property_added_meanwhile_is_known_after_one_refusal(standins: StandIns, notion: NotionClient) -> None:
    notion.items.upsert(DATABASE, "k", "Title")
    source = standins.show("notion")["databases"][0]["data_sources"][0]["id"]
    _ask(standins, "PATCH", f"data_sources/{source}", {"properties": {"Notes": {"name": "Remarks"}}})
    with pytest.raises(InvalidRequest):
        notion.items.upsert(DATABASE, "k", "Title", {"Notes": "x"})
    assert notion.items.upsert(DATABASE, "k", "Title", {"Remarks": "x"})["created"] is False


def test_the_same_key_is_the_same_page(standins: StandIns, notion: NotionClient) -> None:
    first = notion.items.upsert(DATABASE, "mail-1", "One", {"Priority": "High"}, "Text one")
    second = notion.items.upsert(DATABASE, "mail-1", "Two", {"Priority": "Low"}, "Text two")
    assert (first["created"], second["created"]) == (True, False)
    assert first["id"] == second["id"]
    assert len(stored(standins)) == 1
    read = notion.pages.get(second["id"])
    assert (read["title"], read["properties"]["Priority"], read["markdown"]) == ("Two", "Low", "Text two")


def test_an_update_without_text_leaves_the_text(notion: NotionClient, page: str) -> None:
    notion.items.upsert(DATABASE, "page", "New title")
    assert notion.pages.get(page)["markdown"] == "First line"


def test_keys_are_compared_whole(standins: StandIns, notion: NotionClient) -> None:
    for key in ("a", "A b", "ab", "a" * 499, "a" * 3000, "a" * 3001, "ключ", 'quo"te'):
        assert notion.items.upsert(DATABASE, key, "Title")["created"] is True, key
        assert notion.items.upsert(DATABASE, key, "Title")["created"] is False, key
    assert len(stored(standins)) == 8


def test_the_key_property_is_added_once_and_must_be_text(standins: StandIns, notion: NotionClient) -> None:
    notion.items.upsert(DATABASE, "a", "Title")
    notion.items.upsert(DATABASE, "b", "Title")
    changes = [count for name, count in standins.requests("notion").items() if name.startswith("PATCH /v1/data_sour")]
    other = _new_database(standins, "Odd", {"Orchestra key": {"number": {}}})
    with pytest.raises(InvalidRequest, match="of type number"):
        notion.items.upsert(other["url"], "a", "Title")
    assert changes[-1] == 1


def test_a_new_page_costs_two_requests(standins: StandIns, notion: NotionClient) -> None:
    notion.items.upsert(DATABASE, "first", "Title")
    before = sum(standins.requests("notion").values())
    notion.items.upsert(DATABASE, "second", "Title", {"Priority": "High"}, "Text")
    assert sum(standins.requests("notion").values()) == before + 2


@pytest.mark.parametrize("when", ["before_effect", "after_effect"])
def test_a_cut_upsert_is_found_only_if_it_arrived(standins: StandIns, notion: NotionClient, when: str) -> None:
    asked: Json = {
        "key": "mail-1",
        "title": "Title",
        "properties": {"Priority": "High", "Tags": ["a", "b"]},
        "markdown": "Some *text*\n\n- [x] done",
    }
    standins.faults("notion", match="POST /v1/pages", cut=True, when=when)
    with pytest.raises(ServiceError) as caught:
        notion.items.upsert(DATABASE, **asked)
    assert caught.value.outcome == "unknown"
    found = notion.items.find_upsert(DATABASE, **asked, intended_at=datetime.now(UTC))
    if when == "before_effect":
        assert found is None
        found = notion.items.upsert(DATABASE, **asked)
    assert found is not None
    assert found["created"] is True
    assert [page["id"] for page in stored(standins)] == [found["id"]]


@pytest.mark.parametrize(
    "changed",
    [{"title": "Other"}, {"properties": {"Priority": "Low"}}, {"markdown": "Other text"}, {"key": "other"}],
    ids=["title", "property", "text", "key"],
)
def test_an_upsert_is_not_found_while_the_page_says_something_else(
    notion: NotionClient, changed: dict[str, Any]
) -> None:
    asked: Json = {"key": "k", "title": "Title", "properties": {"Priority": "High"}, "markdown": "Text"}
    notion.items.upsert(DATABASE, **asked)
    assert notion.items.find_upsert(DATABASE, **asked, intended_at=NOW) is not None
    assert notion.items.find_upsert(DATABASE, **{**asked, **changed}, intended_at=NOW) is None


def test_a_found_upsert_tells_old_pages_from_new_ones(notion: NotionClient, page: str) -> None:
    asked: Json = {"key": "page", "title": "A page", "properties": {}, "markdown": "First line"}
    fresh = notion.items.find_upsert(DATABASE, **asked, intended_at=datetime.now(UTC))
    later = notion.items.find_upsert(DATABASE, **asked, intended_at=datetime.now(UTC) + timedelta(hours=1))
    assert fresh is not None
    assert later is not None
    assert (fresh["created"], later["created"]) == (True, False)


def test_a_created_page_is_found_by_its_marker(standins: StandIns, notion: NotionClient) -> None:
    made = notion.items.create(DATABASE, "Title", {}, "Text", marker="m1")
    again = notion.items.create(DATABASE, "Title", {}, "Text", marker="m2")
    assert notion.items.find(DATABASE, "m1") == made
    assert notion.items.find(DATABASE, "m2") == again
    assert notion.items.find(DATABASE, "m") is None
    assert len(stored(standins)) == 2


@pytest.mark.parametrize(
    "text", [LONG, "Ω" * 150_000, "```python\n" + "x = 1\n" * 3000 + "```"], ids=["many blocks", "one line", "code"]
)
def test_a_text_of_any_length_arrives_whole(notion: NotionClient, text: str) -> None:
    made = notion.items.create(DATABASE, "Long", {}, text, marker="long")
    read = notion.pages.get(made["id"])
    assert essence(read["markdown"]) == essence(text)
    assert read["truncated"] is False
    assert notion.items.find(DATABASE, "long") == made


@pytest.mark.parametrize(
    ("when", "match"),
    [
        ("after_effect", "POST /v1/pages"),
        ("before_effect", "/markdown"),
        ("after_effect", "PATCH /v1/pages"),
        pytest.param("before_effect", "POST /v1/pages", marks=pytest.mark.chaos),
        pytest.param("after_effect", "/markdown", marks=pytest.mark.chaos),
        pytest.param("before_effect", "PATCH /v1/pages", marks=pytest.mark.chaos),
    ],
)
def test_a_long_page_that_was_cut_off_is_finished_and_not_doubled(
    standins: StandIns, notion: NotionClient, match: str, when: str
) -> None:
    standins.faults("notion", match=match, cut=True, when=when)
    with pytest.raises(ServiceError):
        notion.items.create(DATABASE, "Long", {}, LONG, marker="long")
    assert notion.items.find(DATABASE, "long") is None
    made = notion.items.create(DATABASE, "Long", {}, LONG, marker="long")
    assert [page["id"] for page in stored(standins)] == [made["id"]]
    assert essence(notion.pages.get(made["id"])["markdown"]) == essence(LONG)


def test_a_long_upsert_that_was_cut_off_is_finished(standins: StandIns, notion: NotionClient) -> None:
    standins.faults("notion", match="/markdown", status=503)
    with pytest.raises(ServiceError):
        notion.items.upsert(DATABASE, "long", "Long", {}, LONG)
    assert notion.items.find_upsert(DATABASE, "long", "Long", {}, LONG, NOW) is None
    made = notion.items.upsert(DATABASE, "long", "Long", {}, LONG)
    assert [page["id"] for page in stored(standins)] == [made["id"]]
    assert notion.items.find_upsert(DATABASE, "long", "Long", {}, LONG, NOW) is not None


def test_a_refused_length_is_split_until_it_is_taken(standins: StandIns, notion: NotionClient, page: str) -> None:
    said = {"object": "error", "code": "validation_error", "message": "body.content.length should be ≤ `100`"}
    standins.faults("notion", match="PATCH", status=400, body=json.dumps(said), times=2)
    text = "\n\n".join(f"Line {number} with some words in it" for number in range(300))
    notion.pages.append(page, text)
    assert essence(notion.pages.get(page)["markdown"]) == essence("First line\n" + text)


def test_a_refusal_for_another_reason_is_not_split(standins: StandIns, notion: NotionClient, page: str) -> None:
    standins.faults("notion", match="PATCH", status=400, times=1)
    with pytest.raises(InvalidRequest):
        notion.pages.append(page, LONG)
    assert notion.pages.get(page)["markdown"] == "First line"


def test_added_text_stands_at_the_end(notion: NotionClient, page: str) -> None:
    added = notion.pages.append(page, "## More\n\n- one\n- two")
    assert notion.pages.get(page)["markdown"].endswith("## More\n- one\n- two")
    assert added["id"] == page


@pytest.mark.parametrize("when", ["before_effect", "after_effect"])
def test_a_cut_addition_is_found_only_if_it_arrived(
    standins: StandIns, notion: NotionClient, page: str, when: str
) -> None:
    standins.faults("notion", match="PATCH", cut=True, when=when)
    with pytest.raises(ServiceError):
        notion.pages.append(page, "| a | b |\n|---|---|\n| 1 | 2 |")
    found = notion.pages.find_append(page, "| a | b |\n|---|---|\n| 1 | 2 |", datetime.now(UTC))
    assert (found is not None) == (when == "after_effect")


def test_an_addition_is_not_found_in_a_page_that_nobody_changed_since(notion: NotionClient, page: str) -> None:
    assert notion.pages.find_append(page, "First line", datetime.now(UTC) + timedelta(hours=1)) is None


@pytest.mark.parametrize("when", ["before_effect", "after_effect"])
def test_of_a_long_addition_only_the_rest_is_sent_again(
    standins: StandIns, notion: NotionClient, page: str, when: str
) -> None:
    begun = datetime.now(UTC)
    standins.faults("notion", match="/markdown", delay_seconds=0, status=503, when=when)
    with pytest.raises(ServiceError):
        notion.pages.append(page, LONG)
    assert notion.pages.find_append(page, LONG, begun) is None
    notion.pages.append(page, LONG, begun)
    assert essence(notion.pages.get(page)["markdown"]) == essence("First line\n" + LONG)


def test_pages_are_filtered_sorted_and_counted(notion: NotionClient) -> None:
    for number, (priority, tags) in enumerate([("High", ["a"]), ("Low", ["a", "b"]), ("High", ["b"])]):
        notion.items.upsert(DATABASE, f"k{number}", f"Page {number}", {"Priority": priority, "Tags": tags})

    def titles(**asked: Any) -> list[str]:
        return [each["title"] for each in notion.finder.query(DATABASE, **asked)[0]]

    assert titles(filter={"priority": "High"}, sorts=["Name"]) == ["Page 0", "Page 2"]
    assert titles(filter={"Tags": ["a", "b"]}) == ["Page 1"]
    assert titles(filter={"Name": "Page 1", "Priority": "High"}) == []
    assert titles(sorts=["-Name"], limit=2) == ["Page 2", "Page 1"]
    raw = {"or": [{"property": "Name", "title": {"equals": f"Page {number}"}} for number in (0, 1)]}
    assert titles(filter=raw, sorts=[{"property": "Name", "direction": "descending"}]) == ["Page 1", "Page 0"]
    assert titles(filter={"Source": None, "Name": "Page 0"}) == ["Page 0"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        pytest.param({"Status": "Nope"}, "'Status' cannot be 'Nope'; it can be Not started", id="status"),
        pytest.param({"Status": {"!=": "done"}}, "Did you mean 'Done'?", id="status in other letters"),
        pytest.param({"Priority": "high"}, "has no option 'high'. Did you mean 'High'?", id="select"),
        pytest.param({"Priority": ["LOW"]}, "Did you mean 'Low'?", id="one of several"),
    ],
)
def test_an_option_that_there_is_not_finds_nothing_with_a_word(
    notion: NotionClient, asked: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        notion.finder.query(DATABASE, filter=asked)
    assert said in refused.value.message
    assert notion.finder.query(DATABASE, filter={"Priority": "Someday"}) == ([], False)


def test_an_option_that_is_new_is_asked_for(notion: NotionClient, standins: StandIns) -> None:
    assert notion.finder.query(DATABASE, filter={"Status": "Done"})[1] is False
    store = standins.stores["notion"]
    for source in store.all("notion/data_sources"):
        for status in (one for one in source["properties"] if one["name"] == "Status"):
            status["config"]["options"].append({"id": "new", "name": "Blocked", "color": "red"})
        store.put("notion/data_sources", source["id"], source)
    assert notion.finder.query(DATABASE, filter={"Status": "Blocked"}) == ([], False)


def test_a_question_goes_on_over_pages(notion: NotionClient, standins: StandIns) -> None:
    for number in range(105):
        notion.items.upsert(DATABASE, f"k{number}", f"Page {number}")
    assert len({each["id"] for each in notion.finder.query(DATABASE, limit=1000)[0]}) == 105


def test_an_unknown_property_lists_the_names(notion: NotionClient) -> None:
    for ask in (
        lambda: notion.finder.query(DATABASE, {"Urgency": 1}),
        lambda: notion.finder.query(DATABASE, sorts=["Urgency"]),
        lambda: notion.items.upsert(DATABASE, "k", "Title", {"Urgency": 1}),
    ):
        with pytest.raises(InvalidRequest, match=r"no property 'Urgency'; it has Due, Name, Notes"):
            ask()


def test_threads_share_one_client(standins: StandIns, notion: NotionClient) -> None:
    def write(number: int) -> bool:
        with deadline(120):
            return bool(notion.items.upsert(DATABASE, f"k{number}", "Title", {}, "Text")["created"])

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(write, range(64)))
    assert len(stored(standins)) == 64


def test_another_host_is_not_reached_where_only_the_stand_ins_may_be(standins: StandIns) -> None:
    with http_client(allowed_origins=frozenset({standins["notion"].origin})) as http:
        real = NotionClient(NotionSettings(token=SecretStr("ntn_real")), http)
        with pytest.raises(Forbidden):
            real.account()


def test_without_a_token_the_check_says_where_to_get_one(http: httpx.Client) -> None:
    [line] = NotionClient(NotionSettings(), http).check()
    assert (line.what, line.ok) == ("sign-in", False)
    assert "no token yet" in line.text


def test_an_unknown_setting_is_an_error() -> None:
    with pytest.raises(ValidationError):
        NotionSettings.model_validate({"tokn": "x"})


def _ask(standins: StandIns, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Change Notion as somebody else would."""
    endpoint = standins["notion"]
    headers = {"authorization": f"Bearer {endpoint.token}", "notion-version": "2025-09-03"}
    answer = standins.controls.request(method, f"{endpoint.origin}/v1/{path}", json=body, headers=headers)
    answer.raise_for_status()
    document: dict[str, Any] = answer.json()
    return document


def _new_database(standins: StandIns, title: str, properties: dict[str, Any] | None = None) -> dict[str, Any]:
    parent = standins.show("notion")["databases"][0]["parent"]
    body = {
        "parent": parent,
        "title": [{"type": "text", "text": {"content": title}}],
        "initial_data_source": {"properties": {"Name": {"title": {}}, **(properties or {})}},
    }
    return _ask(standins, "POST", "databases", body)
