"""Databases and their data sources."""

from __future__ import annotations

from typing import Any

from demo import rich_text
from demo.call import StandInCall, StandInReply, Table
from demo.notion import query as notion_query
from demo.notion import schema as notion_schema
from demo.notion import text as notion_text
from demo.notion.call import Record, as_id, author, invalid, new_id, not_found, now, page_of, shown_time
from demo.notion.objects import address, parent_of, shown_page
from demo.notion.tree import add_child
from demo.store import Store


def database_of(call: StandInCall) -> Record:
    """Return the database in the path; raises Refused 404."""
    some_id = as_id(call.part("id"), "path.database_id")
    found = call.store.get("notion/databases", some_id)
    if found is None:
        raise not_found("database", some_id)
    return found


def source_of(store: Store, some_id: str) -> Record:
    """Return a data source by its id; raises Refused 404."""
    found = store.get("notion/data_sources", some_id)
    if found is None:
        raise not_found("data source", some_id)
    return found


def _named(call: StandInCall) -> Record:
    return source_of(call.store, as_id(call.part("id"), "path.data_source_id"))


def sources_of(store: Store, database_id: str) -> list[Record]:
    """Return the data sources of a database."""
    return [each for each in store.all("notion/data_sources") if each["database_id"] == database_id]


def pages_of(store: Store, source_id: str) -> list[Record]:
    """Return the pages of a data source, except those in the trash, oldest first."""
    pages = store.all("notion/pages")
    return [each for each in pages if not each["in_trash"] and each["parent"].get("data_source_id") == source_id]


def new_database(store: Store, parent: Record, title: Any, properties: list[Record], **more: Any) -> Record:
    """Store a database with its first data source below a page."""
    moment, some_id = now(), new_id()
    record = {
        "id": some_id,
        "parent": parent,
        "title": title,
        "description": more.get("description", []),
        "is_inline": more.get("is_inline", False),
        "is_locked": False,
        "icon": more.get("icon"),
        "cover": more.get("cover"),
        "in_trash": False,
        "created_time": moment,
        "last_edited_time": moment,
    }
    store.put("notion/databases", some_id, record)
    if parent["type"] == "page_id":
        add_child(store, parent["page_id"], some_id, "child_database")
    new_source(store, some_id, title, properties)
    return record


def new_source(store: Store, database_id: str, title: Any, properties: list[Record]) -> Record:
    """Store a data source of a database."""
    moment, some_id = now(), new_id()
    record = {
        "id": some_id,
        "database_id": database_id,
        "title": title,
        "properties": properties,
        "in_trash": False,
        "created_time": moment,
        "last_edited_time": moment,
    }
    store.put("notion/data_sources", some_id, record)
    return record


def shown_database(store: Store, base: str, record: Record) -> Record:
    """Return a database in the API's form."""
    sources = sources_of(store, record["id"])
    return {
        "object": "database",
        **{key: record[key] for key in ("id", "title", "description", "parent", "is_inline", "in_trash", "is_locked")},
        **{key: record[key] for key in ("icon", "cover")},
        "archived": record["in_trash"],
        "created_time": shown_time(record["created_time"]),
        "last_edited_time": shown_time(record["last_edited_time"]),
        "data_sources": [{"id": each["id"], "name": rich_text.text_of(each["title"])} for each in sources],
        "url": address(base, record["id"], rich_text.text_of(record["title"])),
        "public_url": None,
    }


def shown_source(store: Store, base: str, record: Record) -> Record:
    """Return a data source in the API's form."""
    database = store.get("notion/databases", record["database_id"]) or {}
    in_trash = record["in_trash"] or database.get("in_trash", False)
    return {
        "object": "data_source",
        "id": record["id"],
        "title": record["title"],
        "description": [],
        "properties": {each["name"]: notion_schema.shown(each) for each in record["properties"]},
        "parent": {"type": "database_id", "database_id": record["database_id"]},
        "database_parent": database.get("parent"),
        "is_inline": False,
        "icon": None,
        "cover": None,
        "archived": in_trash,
        "in_trash": in_trash,
        "created_time": shown_time(record["created_time"]),
        "created_by": author(store),
        "last_edited_time": shown_time(record["last_edited_time"]),
        "last_edited_by": author(store),
        "url": address(base, record["database_id"], rich_text.text_of(record["title"])),
        "public_url": None,
    }


def create_database(call: StandInCall) -> StandInReply:
    """POST /v1/databases with parent, title and initial_data_source."""
    parent = parent_of(call, {"page_id", "workspace"})
    given = (call.body.get("initial_data_source") or {}).get("properties", {"Name": {"title": {}}})
    title = notion_text.complete(call.body.get("title", []), "body.title")
    description = notion_text.complete(call.body.get("description", []), "body.description")
    more = {key: call.body[key] for key in ("is_inline", "icon", "cover") if key in call.body}
    properties = notion_schema.new_properties(given)
    made = new_database(call.store, parent, title, properties, description=description, **more)
    return StandInReply(shown_database(call.store, call.base, made))


def get_database(call: StandInCall) -> StandInReply:
    """GET /v1/databases/{id}."""
    return StandInReply(shown_database(call.store, call.base, database_of(call)))


def update_database(call: StandInCall) -> StandInReply:
    """PATCH /v1/databases/{id}: title, description, is_inline, is_locked, icon, cover, in_trash."""
    record = database_of(call)
    if "properties" in call.body:
        raise invalid("body failed validation: body.properties should be not present: a data source has them.")
    for key in ("title", "description"):
        if key in call.body:
            record[key] = notion_text.complete(call.body[key], f"body.{key}")
    plain = ("is_inline", "is_locked", "icon", "cover", "in_trash")
    record |= {key: call.body[key] for key in plain if key in call.body}
    record["last_edited_time"] = now()
    call.store.put("notion/databases", record["id"], record)
    return StandInReply(shown_database(call.store, call.base, record))


def get_source(call: StandInCall) -> StandInReply:
    """GET /v1/data_sources/{id}."""
    return StandInReply(shown_source(call.store, call.base, _named(call)))


def create_source(call: StandInCall) -> StandInReply:
    """POST /v1/data_sources: add one to a database."""
    parent = parent_of(call, {"database_id"})
    title = notion_text.complete(call.body.get("title", []), "body.title")
    properties = notion_schema.new_properties(call.body.get("properties"))
    made = new_source(call.store, parent["database_id"], title, properties)
    return StandInReply(shown_source(call.store, call.base, made))


def update_source(call: StandInCall) -> StandInReply:
    """PATCH /v1/data_sources/{id}: title, properties (new, renamed, removed), in_trash."""
    record = _named(call)
    if "title" in call.body:
        record["title"] = notion_text.complete(call.body["title"], "body.title")
    if "properties" in call.body:
        record["properties"] = notion_schema.changed(record["properties"], call.body["properties"] or {})
    record["in_trash"] = bool(call.body.get("in_trash", call.body.get("archived", record["in_trash"])))
    record["last_edited_time"] = now()
    call.store.put("notion/data_sources", record["id"], record)
    return StandInReply(shown_source(call.store, call.base, record))


def query_source(call: StandInCall) -> StandInReply:
    """POST /v1/data_sources/{id}/query with filter, sorts and paging."""
    record, condition = _named(call), call.body.get("filter")
    properties = record["properties"]
    found = pages_of(call.store, record["id"])
    if condition:
        # An empty data source must validate a filter, too.
        blank = {"values": {}, "created_time": now(), "last_edited_time": now()}
        notion_query.fits(call.store, properties, blank, condition)
        found = [each for each in found if notion_query.fits(call.store, properties, each, condition)]
    found = notion_query.ordered(call.store, properties, found, call.body.get("sorts"))
    return page_of(found, call.body, "page_or_data_source", lambda each: shown_page(call.store, call.base, each))


TABLE: Table = (
    ("POST", "/v1/databases", create_database),
    ("GET", "/v1/databases/{id}", get_database),
    ("PATCH", "/v1/databases/{id}", update_database),
    ("POST", "/v1/data_sources", create_source),
    ("GET", "/v1/data_sources/{id}", get_source),
    ("PATCH", "/v1/data_sources/{id}", update_source),
    ("POST", "/v1/data_sources/{id}/query", query_source),
)
