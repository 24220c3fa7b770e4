"""Pages: create, read, change, their Markdown, and single properties."""

from __future__ import annotations

from typing import Any

from demo import rich_text
from demo.call import StandInCall, StandInReply, Table
from demo.notion import markdown as notion_markdown
from demo.notion import schema as notion_schema
from demo.notion import tree as notion_tree
from demo.notion import values as notion_values
from demo.notion.call import Record, as_id, invalid, new_id, not_found, now, page_of
from demo.notion.databases import source_of, sources_of
from demo.notion.objects import parent_of, properties_of, shown_page
from demo.store import Store


def page_named(call: StandInCall) -> Record:
    """Return the page in the path; raises Refused 404."""
    some_id = as_id(call.part("id"), "path.page_id")
    found = call.store.get("notion/pages", some_id)
    if found is None:
        raise not_found("page", some_id)
    return found


def new_page(store: Store, parent: Record, values: Record, **more: Any) -> Record:
    """Store a page."""
    moment = now()
    record: Record = {
        "id": new_id(),
        "parent": parent,
        "values": values,
        "icon": more.get("icon"),
        "cover": more.get("cover"),
        "is_locked": False,
        "in_trash": False,
        "created_time": moment,
        "last_edited_time": moment,
        "created_by": more.get("created_by"),
        "last_edited_by": more.get("created_by"),
    }
    store.put("notion/pages", record["id"], record)
    if parent["type"] == "page_id":
        notion_tree.add_child(store, parent["page_id"], record["id"], "child_page")
    return record


def _parent(call: StandInCall) -> Record:
    """Return the parent of a new page; a database means its only data source."""
    parent = parent_of(call, {"page_id", "database_id", "data_source_id", "workspace"} & _given_kinds(call))
    if parent["type"] != "database_id":
        return parent
    sources = sources_of(call.store, parent["database_id"])
    if len(sources) != 1:
        raise invalid("Databases with multiple data sources are not supported here. Use data_source_id.")
    return {"type": "data_source_id", "data_source_id": sources[0]["id"]}


def _given_kinds(call: StandInCall) -> set[str]:
    """Return the kinds of parent given; an answer's parent (data source and database) may be sent back unchanged."""
    given = call.body.get("parent")
    kinds = set(given) if isinstance(given, dict) else set()
    return kinds - {"database_id"} if "data_source_id" in kinds else kinds or {"page_id", "data_source_id"}


def _values(call: StandInCall, page: Record) -> Record:
    """Return the page's values after applying the body's `properties`; new options are stored with the data source."""
    properties = properties_of(call.store, page)
    values = notion_values.set_values(properties, call.body.get("properties") or {}, page["values"])
    if source_id := page["parent"].get("data_source_id"):
        source = source_of(call.store, source_id)
        call.store.put("notion/data_sources", source_id, {**source, "properties": properties})
    return values


def create_page(call: StandInCall) -> StandInReply:
    """POST /v1/pages with parent, properties and children or markdown."""
    parent = _parent(call)
    markdown, children = call.body.get("markdown"), call.body.get("children", call.body.get("content"))
    if markdown is not None and children is not None:
        raise invalid("body failed validation: body.markdown and body.children should not both be present.")
    if markdown is not None and not isinstance(markdown, str):
        raise invalid(f"body failed validation: body.markdown should be a string, instead was `{markdown!r}`.")
    if children is not None:
        notion_tree.check(children)
    blocks = notion_markdown.blocks_of(markdown) if markdown else children or []
    values = _values(call, {"parent": parent, "values": {}})
    if markdown and "title" not in values and blocks and blocks[0]["type"] == "heading_1":
        # Without a title the first heading becomes the title (working-with-markdown-content).
        values["title"] = blocks.pop(0)["heading_1"]["rich_text"]
    more = {key: call.body.get(key) for key in ("icon", "cover")}
    page = new_page(call.store, parent, values, **more)
    notion_tree.append(call.store, {"type": "page_id", "page_id": page["id"]}, blocks)
    return StandInReply(shown_page(call.store, call.base, page))


def get_page(call: StandInCall) -> StandInReply:
    """GET /v1/pages/{id}; `filter_properties` selects properties by id."""
    shown = shown_page(call.store, call.base, page_named(call))
    wanted = set(call.request.query_params.getlist("filter_properties"))
    if wanted:
        properties = shown["properties"].items()
        shown["properties"] = {name: each for name, each in properties if {name, each["id"]} & wanted}
    return StandInReply(shown)


def update_page(call: StandInCall) -> StandInReply:
    """PATCH /v1/pages/{id}: properties, icon, cover, is_locked, in_trash (or archived), erase_content."""
    page = page_named(call)
    trash = bool(call.body.get("in_trash", call.body.get("archived", page["in_trash"])))
    if page["in_trash"] and trash:
        raise invalid("Can't edit page on block with an archived ancestor. You must unarchive the ancestor first.")
    page["values"] = _values(call, page)
    page |= {key: call.body[key] for key in ("icon", "cover", "is_locked") if key in call.body}
    page |= {"in_trash": trash, "last_edited_time": now(), "last_edited_by": None}
    call.store.put("notion/pages", page["id"], page)
    if block := call.store.get("notion/blocks", page["id"]):
        call.store.put("notion/blocks", page["id"], {**block, "in_trash": trash})
    if call.body.get("erase_content"):
        notion_markdown.replace(call.store, page["id"], "", may_delete_pages=True)
    return StandInReply(shown_page(call.store, call.base, page))


def get_property(call: StandInCall) -> StandInReply:
    """GET /v1/pages/{id}/properties/{property}: return the value as a property_item."""
    page = page_named(call)
    here = notion_schema.find(properties_of(call.store, page), call.part("property"))
    if here is None:
        raise not_found("property", call.part("property"))
    kind, value = here["type"], notion_values.raw(call.store, here, page)
    head = {"object": "property_item", "id": here["id"], "type": kind}
    if kind not in {"title", "rich_text", "people", "relation"}:
        return StandInReply({**head, kind: value})
    items = [{"id": str(number), "item": {**head, kind: each}} for number, each in enumerate(value)]
    listed = page_of(items, dict(call.request.query_params), "property_item", lambda each: each["item"])
    about = {"id": here["id"], "next_url": None, "type": kind, kind: {}}
    return StandInReply({**listed.document, "property_item": about})


def get_markdown(call: StandInCall) -> StandInReply:
    """GET /v1/pages/{id}/markdown."""
    return notion_markdown.answer(call, page_named(call)["id"])


def update_markdown(call: StandInCall) -> StandInReply:
    """PATCH /v1/pages/{id}/markdown."""
    page = page_named(call)
    if page["in_trash"]:
        raise invalid("Can't edit a page that is in the trash.")
    notion_markdown.update(call, page["id"])
    return notion_markdown.answer(call, page["id"])


def titled(text: str) -> Record:
    """Return the values of a page that has only a title."""
    return {"title": rich_text.plain(text)}


TABLE: Table = (
    ("POST", "/v1/pages", create_page),
    ("GET", "/v1/pages/{id}", get_page),
    ("PATCH", "/v1/pages/{id}", update_page),
    ("GET", "/v1/pages/{id}/properties/{property:path}", get_property),
    ("GET", "/v1/pages/{id}/markdown", get_markdown),
    ("PATCH", "/v1/pages/{id}/markdown", update_markdown),
)
