"""The Notion stand-in through notion-client, over plain HTTP, and against strict models of Notion's objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

import httpx
import notion_client
import pytest

import demo.notion.stand_in
from clients.listing import Json
from demo.notion.call import BurstLimit
from demo.service import Refused, StandIn
from demo.store import Store
from tests.demo.conftest import Running
from tests.patience import PATIENCE_SECONDS

STAND_IN = cast("StandIn", demo.notion.stand_in)


@pytest.fixture
def here(running: Callable[[StandIn], Running]) -> Running:
    return running(STAND_IN)


@pytest.fixture
def http(here: Running) -> Iterator[httpx.Client]:
    with here.http(headers={"notion-version": "2025-09-03"}) as client:
        yield client


@pytest.fixture
def sdk(here: Running) -> Iterator[Any]:
    transport = httpx.Client(trust_env=False, timeout=PATIENCE_SECONDS)
    yield notion_client.Client(
        auth=demo.notion.stand_in.TOKEN, base_url=here.base_url, retry=False, timeout_ms=15000, client=transport
    )
    transport.close()


@pytest.fixture
def home(sdk: Any) -> str:
    return str(_only(sdk.search(query="home", filter={"property": "object", "value": "page"})["results"])["id"])


@pytest.fixture
def tasks(sdk: Any) -> str:
    condition = {"property": "object", "value": "data_source"}
    return str(_only(sdk.search(query="Tasks", filter=condition)["results"])["id"])


def _only(items: list[Json]) -> Json:
    assert len(items) == 1
    return items[0]


def _text(content: str) -> list[Json]:
    return [{"type": "text", "text": {"content": content}}]


def _paragraph(content: str, **more: Any) -> Json:
    return {"object": "block", "type": "paragraph", "paragraph": {"rich_text": _text(content), **more}}


def _task(sdk: Any, tasks: str, name: str, **properties: Any) -> Json:
    parent = {"type": "data_source_id", "data_source_id": tasks}
    return cast("Json", sdk.pages.create(parent=parent, properties={"Name": {"title": _text(name)}, **properties}))


def _names(answer: Json) -> list[str]:
    return [each["properties"]["Name"]["title"][0]["plain_text"] for each in answer["results"]]


def test_the_workspace_starts_with_home_that_holds_an_empty_database_tasks(sdk: Any, home: str, tasks: str) -> None:
    blocks = sdk.blocks.children.list(home)["results"]
    assert [each["type"] for each in blocks][-1] == "child_database"
    assert blocks[-1]["child_database"]["title"] == "Tasks"
    database = sdk.databases.retrieve(blocks[-1]["id"])
    assert database["data_sources"] == [{"id": tasks, "name": "Tasks"}]
    source = sdk.data_sources.retrieve(tasks)
    kinds = {name: each["type"] for name, each in source["properties"].items()}
    assert kinds["Name"] == "title"
    assert kinds["Status"] == "status"
    assert source["database_parent"] == {"type": "page_id", "page_id": home}
    assert sdk.data_sources.query(tasks)["results"] == []


def test_a_new_text_property_can_be_added_and_asked_for(sdk: Any, tasks: str) -> None:
    _task(sdk, tasks, "Before")
    sdk.data_sources.update(tasks, properties={"Orchestra key": {"rich_text": {}}})
    made = _task(sdk, tasks, "After", **{"Orchestra key": {"rich_text": _text("mail-1")}})
    condition = {"property": "Orchestra key", "rich_text": {"equals": "mail-1"}}
    assert _only(sdk.data_sources.query(tasks, filter=condition)["results"])["id"] == made["id"]
    sdk.data_sources.update(tasks, properties={"Orchestra key": {"name": "Renamed"}})
    renamed = {"property": "Renamed", "rich_text": {"equals": "mail-1"}}
    assert _names(sdk.data_sources.query(tasks, filter=renamed)) == ["After"]
    sdk.data_sources.update(tasks, properties={"Renamed": None})
    assert "Renamed" not in sdk.pages.retrieve(made["id"])["properties"]


MARKDOWN = """# Heading
Plain **bold** *italic* `code` ~~gone~~ [link](https://example.com/a_b)
- one
\t- deeper
- two
1. first
2. second
- [ ] open
- [x] done
> quoted
---
```python
print("# no heading")
```
| a | b |
| --- | --- |
| 1 | x \\| y |
Snow\\_case and 2 \\* 3"""


MORE = """#### Small heading
So $a_b$ is
$$
E = mc^2
$$
<details>
<summary>More</summary>
\tInside
</details>
<empty-block/>
![A cat](https://example.com/cat.png)"""


def test_markdown_comes_back_as_it_was_written(sdk: Any, tasks: str, here: Running) -> None:
    parent = {"type": "data_source_id", "data_source_id": tasks}
    properties = {"Name": {"title": _text("Text")}}
    made = sdk.pages.create(parent=parent, properties=properties, markdown=MARKDOWN)
    read = sdk.pages.retrieve_markdown(made["id"])
    assert (read["object"], read["markdown"], read["truncated"]) == ("page_markdown", MARKDOWN, False)
    kinds = [each["type"] for each in sdk.blocks.children.list(made["id"])["results"]]
    assert kinds[:4] == ["heading_1", "paragraph", "bulleted_list_item", "bulleted_list_item"]
    shown = httpx.get(made["url"], trust_env=False, timeout=PATIENCE_SECONDS).text
    for part in ("<h2>Heading</h2>", "<strong>bold</strong>", "<li>one<ul><li>deeper</li></ul></li>", "☑ done"):
        assert part in shown


def test_the_first_heading_is_the_title_where_none_is_given(sdk: Any, home: str) -> None:
    made = sdk.pages.create(parent={"page_id": home}, markdown="# Digest\nText")
    assert made["properties"]["title"]["title"][0]["plain_text"] == "Digest"
    assert sdk.pages.retrieve_markdown(made["id"])["markdown"] == "Text"


@pytest.mark.parametrize(
    ("command", "after"),
    [
        pytest.param(
            {"type": "insert_content", "insert_content": {"content": "new"}}, "one\ntwo\nthree\nnew", id="end"
        ),
        pytest.param(
            {"type": "insert_content", "insert_content": {"content": "new", "position": {"type": "start"}}},
            "new\none\ntwo\nthree",
            id="start",
        ),
        pytest.param(
            {"type": "insert_content", "insert_content": {"content": "new", "after": "on...two"}},
            "one\ntwo\nnew\nthree",
            id="after",
        ),
        pytest.param(
            {
                "type": "update_content",
                "update_content": {"content_updates": [{"old_str": "two", "new_str": "**2**"}]},
            },
            "one\n**2**\nthree",
            id="search and replace",
        ),
        pytest.param({"type": "replace_content", "replace_content": {"new_str": "all"}}, "all", id="replace"),
        pytest.param(
            {"type": "replace_content_range", "replace_content_range": {"content": "x", "content_range": "one...two"}},
            "x\nthree",
            id="range",
        ),
    ],
)
def test_markdown_is_changed(sdk: Any, home: str, command: Json, after: str) -> None:
    made = sdk.pages.create(parent={"page_id": home}, properties={"title": {"title": _text("T")}})
    sdk.pages.update_markdown(made["id"], type="insert_content", insert_content={"content": "one\n\ntwo\nthree"})
    assert sdk.pages.update_markdown(made["id"], **command)["markdown"] == after
    assert sdk.pages.retrieve_markdown(made["id"])["markdown"] == after


@pytest.mark.parametrize(
    "command",
    [
        pytest.param({"update_content": {"content_updates": [{"old_str": "none", "new_str": ""}]}}, id="not there"),
        pytest.param({"update_content": {"content_updates": [{"old_str": "e", "new_str": ""}]}}, id="more than once"),
        pytest.param({"insert_content": {"content": 7}}, id="no text"),
        pytest.param({"insert_content": {"content": "x", "after": "none...x"}}, id="no such place"),
        pytest.param({"delete_content": {}}, id="no such command"),
    ],
)
def test_a_markdown_change_that_cannot_be_done_changes_nothing(
    http: httpx.Client, sdk: Any, home: str, command: Json
) -> None:
    before = sdk.pages.retrieve_markdown(home)["markdown"]
    answer = http.patch(f"/v1/pages/{home}/markdown", json={"type": next(iter(command)), **command})
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
    assert sdk.pages.retrieve_markdown(home)["markdown"] == before


def test_replacing_the_text_keeps_a_database_or_refuses(sdk: Any, home: str, tasks: str) -> None:
    text = sdk.pages.retrieve_markdown(home)["markdown"]
    database_line = text.splitlines()[-1]
    assert database_line.startswith('<database url="http')
    with pytest.raises(notion_client.APIResponseError, match="allow_deleting_content"):
        sdk.pages.update_markdown(home, type="replace_content", replace_content={"new_str": "gone"})
    kept = f"Hello\n{database_line}"
    after = sdk.pages.update_markdown(home, type="replace_content", replace_content={"new_str": kept})
    assert after["markdown"] == kept
    assert sdk.data_sources.query(tasks)["results"] == []


def test_blocks_are_added_read_changed_and_deleted(sdk: Any, home: str) -> None:
    nested = _paragraph("a", children=[_paragraph("b", children=[_paragraph("c")])])
    made = sdk.blocks.children.append(home, children=[nested, {"divider": {}}])["results"]
    assert [each["type"] for each in made] == ["paragraph", "divider"]
    assert made[0]["has_children"] is True
    inner = _only(sdk.blocks.children.list(made[0]["id"])["results"])
    assert inner["parent"] == {"type": "block_id", "block_id": made[0]["id"]}
    between = sdk.blocks.children.append(home, children=[_paragraph("between")], after=made[0]["id"])["results"]
    ids = [each["id"] for each in sdk.blocks.children.list(home)["results"]]
    assert ids[-3:] == [made[0]["id"], between[0]["id"], made[1]["id"]]
    sdk.blocks.update(inner["id"], paragraph={"rich_text": _text("changed")})
    assert sdk.blocks.retrieve(inner["id"])["paragraph"]["rich_text"][0]["plain_text"] == "changed"
    assert sdk.blocks.delete(made[0]["id"])["in_trash"] is True
    assert made[0]["id"] not in [each["id"] for each in sdk.blocks.children.list(home)["results"]]


def test_people_work_in_it_beside_the_integration(http: httpx.Client, sdk: Any, tasks: str) -> None:
    people = {each["name"]: each for each in sdk.users.list()["results"] if each["type"] == "person"}
    ada = people["Ada Lovelace"]
    assert (ada["person"]["email"], sdk.users.retrieve(ada["id"])["name"]) == (
        "ada@example.com",
        "Ada Lovelace",
    )
    page = http.post("/_demo/item", json={"title": "Mine"}).json()
    assert (page["created_by"]["id"], page["last_edited_by"]["id"]) == (ada["id"], ada["id"])
    alan = people["Alan Turing"]["id"]
    http.post("/_demo/item", json={"page": page["id"], "by": "Alan Turing", "title": "Ours"}).raise_for_status()
    shown = sdk.pages.retrieve(page["id"])
    assert (shown["created_by"]["id"], shown["last_edited_by"]["id"]) == (ada["id"], alan)
    bot = sdk.users.me()["id"]
    assert sdk.pages.update(page["id"], properties={"Source": {"url": "https://x.y"}})["last_edited_by"]["id"] == bot
    sdk.blocks.children.append(page["id"], children=[_paragraph("text")])
    assert sdk.pages.retrieve(page["id"])["created_by"]["id"] == ada["id"]
    assert _names(sdk.data_sources.query(tasks)) == ["Ours"]


def test_a_database_is_made_with_its_data_source(sdk: Any, home: str) -> None:
    properties = {"Title": {"title": {}}, "Done": {"checkbox": {}}, "Count": {"number": {"format": "euro"}}}
    made = sdk.databases.create(
        parent={"type": "page_id", "page_id": home}, title=_text("List"), initial_data_source={"properties": properties}
    )
    source = sdk.databases.retrieve(made["id"])["data_sources"][0]["id"]
    parent = {"database_id": made["id"]}
    values = {"Title": {"title": _text("x")}, "Done": {"checkbox": True}, "Count": {"number": 2.5}}
    page = sdk.pages.create(parent=parent, properties=values)
    assert page["parent"]["data_source_id"] == source
    more_than_two = {"property": "Count", "number": {"greater_than": 2}}
    assert len(sdk.data_sources.query(source, filter=more_than_two)["results"]) == 1
    assert sdk.databases.update(made["id"], title=_text("Renamed"))["title"][0]["plain_text"] == "Renamed"


def _deep(levels: int) -> Json:
    return _paragraph("x", children=[_deep(levels - 1)]) if levels else _paragraph("x")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param({"properties": {"Nme": {"title": []}}}, "Nme is not a property that exists", id="unknown"),
        pytest.param({"properties": {"Due": {"title": []}}}, "Due is expected to be date", id="other type"),
        pytest.param({"properties": {"Due": {"date": {"start": "soon"}}}}, "ISO 8601", id="no date"),
        pytest.param({"properties": {"Status": {"status": {"name": "?"}}}}, "does not exist", id="unknown status"),
        pytest.param({"properties": {"Tags": {"multi_select": [{"name": "a,b"}]}}}, "commas", id="comma in option"),
        pytest.param({"properties": {"Source": {"url": ""}}}, "Source.url", id="empty address"),
        pytest.param({"properties": {"Name": {"title": _text("x" * 2001)}}}, "≤ `2000`", id="2,001 characters"),
        pytest.param({"children": [_paragraph("x" * 2001)]}, "instead was `2001`", id="long paragraph"),
        pytest.param({"children": [_paragraph("x")] * 101}, "children.length should be ≤ `100`", id="101 children"),
        pytest.param(
            {"children": [_paragraph("x", children=[_paragraph("y")] * 100)] * 10}, "≤ `1000`", id="1,010 blocks"
        ),
        pytest.param({"children": [_deep(3)]}, "two levels", id="three levels"),
        pytest.param({"children": [{"type": "poem", "poem": {}}]}, "block types", id="unknown block"),
        pytest.param({"children": [], "markdown": "x"}, "not both", id="children and markdown"),
        pytest.param({"markdown": "x" * 500_001}, "500KB", id="large payload"),
        pytest.param({"markdown": "x\n" * 1001}, "≤ `1000`", id="1,001 blocks of Markdown"),
        pytest.param({"children": [_paragraph("😀" * 1001)]}, "instead was `2002`", id="characters that count double"),
        pytest.param(
            {"children": [{"type": "equation", "equation": {"expression": "x" * 1001}}]}, "≤ `1000`", id="long equation"
        ),
        pytest.param(
            {"children": [{"paragraph": {"rich_text": [{"equation": {"expression": "x" * 1001}}]}}]},
            "≤ `1000`",
            id="long equation in a line",
        ),
        pytest.param({"properties": "none"}, "should be an object", id="no object"),
    ],
)
def test_a_page_that_breaks_a_rule_is_refused_and_not_made(
    http: httpx.Client, sdk: Any, tasks: str, body: Json, words: str
) -> None:
    answer = http.post("/v1/pages", json={"parent": {"data_source_id": tasks}, **body})
    document = answer.json()
    assert (answer.status_code, document["object"], document["code"]) == (400, "error", "validation_error")
    assert words in document["message"]
    assert document["request_id"]
    assert sdk.data_sources.query(tasks)["results"] == []


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        pytest.param({"property": "Nme", "title": {"equals": "x"}}, "Could not find property", id="unknown"),
        pytest.param({"property": "Name", "rich_text": {"equals": "x"}}, "does not match filter rich_text", id="type"),
        pytest.param({"property": "Name", "title": {"resembles": "x"}}, "resembles", id="unknown condition"),
        pytest.param({"and": [{"or": [{"and": []}]}]}, "two levels", id="too deep"),
    ],
)
def test_a_wrong_filter_is_refused_even_where_there_are_no_pages(
    http: httpx.Client, tasks: str, condition: Json, words: str
) -> None:
    answer = http.post(f"/v1/data_sources/{tasks}/query", json={"filter": condition})
    assert answer.status_code == 400
    assert words in answer.json()["message"]


NOWHERE = "00000000-0000-4000-8000-000000000000"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        pytest.param("GET", f"/v1/pages/{NOWHERE}", 404, "object_not_found", id="page"),
        pytest.param("GET", f"/v1/blocks/{NOWHERE}/children", 404, "object_not_found", id="block"),
        pytest.param("GET", f"/v1/databases/{NOWHERE}", 404, "object_not_found", id="database"),
        pytest.param("POST", f"/v1/data_sources/{NOWHERE}/query", 404, "object_not_found", id="data source"),
        pytest.param("GET", f"/v1/users/{NOWHERE}", 404, "object_not_found", id="user"),
        pytest.param("GET", "/v1/pages/home", 400, "validation_error", id="no id"),
        pytest.param("POST", "/v1/pages", 400, "validation_error", id="no parent"),
        pytest.param("GET", "/v1/poems", 400, "invalid_request_url", id="unknown address"),
        pytest.param("GET", "/v1/users?page_size=101", 400, "validation_error", id="page size"),
        pytest.param("GET", "/v1/users?start_cursor=x", 400, "validation_error", id="cursor"),
    ],
)
def test_what_is_not_there_is_said_as_notion_says_it(
    http: httpx.Client, method: str, path: str, status: int, code: str
) -> None:
    answer = http.request(method, path, json={} if method == "POST" else None)
    assert (answer.status_code, answer.json()["code"], answer.json()["status"]) == (status, code, status)


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        pytest.param({"authorization": "Bearer wrong"}, 401, "unauthorized", id="token"),
        pytest.param({"notion-version": ""}, 400, "validation_error", id="empty version"),
        pytest.param({"notion-version": "2022-06-28"}, 400, "validation_error", id="old version"),
        pytest.param({"notion-version": "2026-03-11"}, 200, None, id="newer version"),
    ],
)
def test_token_and_version_are_checked(here: Running, headers: Json, status: int, code: str | None) -> None:
    with here.http(headers={"notion-version": "2025-09-03"} | headers) as http:
        answer = http.get("/v1/users/me")
    assert (answer.status_code, answer.json().get("code")) == (status, code)


def test_a_request_without_version_or_with_broken_json_is_refused(here: Running, http: httpx.Client) -> None:
    with here.http() as bare:
        assert bare.get("/v1/users/me").json()["code"] == "missing_version"
    assert http.post("/v1/search", content="{").json()["code"] == "invalid_json"


def test_the_rate_limit_is_off_until_it_is_turned_on(here: Running, http: httpx.Client) -> None:
    assert [http.get("/v1/users/me").status_code for _ in range(12)] == [200] * 12
    here.store.put("_settings", "notion", {"requests_per_second": 0.001})
    answers = [http.get("/v1/users/me") for _ in range(8)]
    assert [each.status_code for each in answers] == [200] * 6 + [429] * 2
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert answers[-1].json()["code"] == "rate_limited"


def test_the_rate_limit_fills_up_again(tmp_path: Any) -> None:
    store, moment = Store(tmp_path / "demo.db"), [0.0]
    store.put("_settings", "notion", {"requests_per_second": 3})
    limit = BurstLimit(clock=lambda: moment[0])
    for _ in range(6):
        limit.check(store)
    with pytest.raises(Refused) as refused:
        limit.check(store)
    assert refused.value.headers == {"retry-after": "1"}
    moment[0] = 1.0
    for _ in range(3):
        limit.check(store)
    with pytest.raises(Refused):
        limit.check(store)
    store.close()


def test_a_reset_makes_it_another_workspace(http: httpx.Client, sdk: Any, tasks: str) -> None:
    _task(sdk, tasks, "x")
    before = sdk.users.me()
    http.post("/_demo/reset")
    after = sdk.users.me()
    assert (before["bot"]["workspace_name"], after["bot"]["workspace_name"]) == ("demo-1", "demo-2")
    assert before["id"] != after["id"]
    assert [each["object"] for each in sdk.search()["results"]].count("page") == 1


def test_show_gives_databases_and_pages_as_the_api_does(http: httpx.Client, sdk: Any, tasks: str) -> None:
    made = _task(sdk, tasks, "Shown")
    shown = http.get("/_demo/show").json()
    assert [each["title"][0]["plain_text"] for each in shown["databases"]] == ["Tasks"]
    assert made["id"] in [each["id"] for each in shown["pages"]]
    assert len(shown["pages"]) == 2


def _uploaded(sdk: Any) -> Json:
    made = sdk.file_uploads.create(mode="single_part", filename="Bill.pdf", content_type="application/pdf")
    return dict(sdk.file_uploads.send(made["id"], file=("Bill.pdf", b"%PDF-1.7", "application/pdf")))


def test_a_file_is_shown_once_its_bytes_are_there(sdk: Any, home: str) -> None:
    pending = sdk.file_uploads.create(filename="Bill.pdf", content_type="application/pdf")["id"]
    for upload, says in ((pending, "has not been completed"), (_uploaded(sdk)["id"], "")):
        block = {"pdf": {"type": "file_upload", "file_upload": {"id": upload}}}
        if says:
            with pytest.raises(notion_client.APIResponseError, match=says):
                sdk.blocks.children.append(home, children=[block])
        else:
            made = _only(sdk.blocks.children.append(home, children=[block])["results"])
            assert made["pdf"]["file"]["url"].endswith("/Bill.pdf")
            assert sdk.file_uploads.retrieve(upload)["status"] == "attached"


def test_answers_fit_strict_models_of_notions_objects(sdk: Any, home: str, tasks: str) -> None:
    from ultimate_notion.obj_api import blocks, objects

    made = _task(sdk, tasks, "x", Tags={"multi_select": [{"name": "a"}]}, Due={"date": {"start": "2026-11-20"}})
    sdk.pages.update_markdown(made["id"], type="insert_content", insert_content={"content": f"{MARKDOWN}\n{MORE}"})
    database = sdk.data_sources.retrieve(tasks)["parent"]["database_id"]
    checked: list[tuple[Any, Any]] = [
        (blocks.Page, sdk.pages.retrieve(made["id"])),
        (blocks.Page, sdk.pages.retrieve(home)),
        (blocks.DataSource, sdk.data_sources.retrieve(tasks)),
        (blocks.Database, sdk.databases.retrieve(database)),
        (objects.Comment, sdk.comments.create(parent={"page_id": home}, rich_text=_text("x"))),
        *((objects.User, each) for each in sdk.users.list()["results"]),
        (objects.FileUpload, _uploaded(sdk)),
        *((blocks.Block, each) for each in sdk.blocks.children.list(made["id"])["results"]),
        *((blocks.Block, each) for each in sdk.blocks.children.list(home)["results"]),
    ]
    for model, answer in checked:
        parsed = model.model_validate(answer)
        assert str(parsed.id) == answer["id"]
        assert "Unsupported" not in type(parsed).__name__


def test_pages_show_a_person_what_is_there(here: Running, sdk: Any, tasks: str) -> None:
    hostile = {"rich_text": _text("<script>alert(1)</script>")}
    made = _task(sdk, tasks, "<b>Task</b>", Notes=hostile, Source={"url": "javascript:alert(1)"})
    database = sdk.databases.retrieve(sdk.data_sources.retrieve(tasks)["parent"]["database_id"])
    for url in (here.base_url, database["url"], made["url"]):
        answer = httpx.get(url, trust_env=False, timeout=PATIENCE_SECONDS)
        assert answer.headers["content-type"].startswith("text/html")
        assert "<script" not in answer.text
        assert "<b>" not in answer.text
        assert 'href="javascript' not in answer.text
    assert "&lt;b&gt;Task&lt;/b&gt;" in answer.text
    assert "Home" in httpx.get(here.base_url, trust_env=False, timeout=PATIENCE_SECONDS).text


def test_a_page_s_text_can_be_looked_at_while_notion_is_broken(http: httpx.Client, sdk: Any, tasks: str) -> None:
    made = _task(sdk, tasks, "Bill")
    sdk.blocks.children.append(made["id"], children=[{"paragraph": {"rich_text": _text("Pay it")}}])
    http.post("/_demo/faults", json={"match": "", "status": 503, "until_seconds": 60}).raise_for_status()
    assert http.get(f"/v1/pages/{made['id']}").status_code == 503
    assert http.get(f"/_demo/text/{made['id']}").json() == {"markdown": "Pay it"}
    assert http.get("/_demo/text/none").status_code == 404


def test_pages_and_paragraphs_have_what_recorded_answers_have(sdk: Any, tasks: str) -> None:
    made = _task(sdk, tasks, "x")
    sdk.blocks.children.append(made["id"], children=[{"paragraph": {"rich_text": _text("Hello")}}])
    block = _only(sdk.blocks.children.list(made["id"])["results"])
    assert (sdk.pages.retrieve(made["id"])["is_archived"], block["is_archived"]) == (False, False)
    assert block["paragraph"]["icon"] is None
    assert sdk.pages.update(made["id"], in_trash=True)["is_archived"] is True
