"""Pages in the API's form, their URLs, and the parents in requests."""

from __future__ import annotations

import re
from typing import Any

from demo import rich_text
from demo.call import StandInCall
from demo.notion import values as notion_values
from demo.notion.call import Record, as_id, author, invalid, not_found, shown_time
from demo.store import Store

PARENTS = {
    "page_id": ("notion/pages", "page"),
    "database_id": ("notion/databases", "database"),
    "data_source_id": ("notion/data_sources", "data source"),
}


def address(base: str, some_id: str, title: str) -> str:
    """Return the URL of a page or database: the words of its title, then the id without dashes."""
    words = "-".join(re.findall(r"[A-Za-z0-9]+", title))[:80]
    return f"{base}/{words}-{some_id.replace('-', '')}".replace("/-", "/")


def title_of(page: Record) -> str:
    """Return a page's title as text (the title property's id is always "title")."""
    return rich_text.text_of(page["values"].get("title") or [])


def parent_of(call: StandInCall, allowed: set[str]) -> Record:
    """Return the `parent` of a request's body, which must exist; raises Refused 400 or 404."""
    given = call.body.get("parent")
    kinds = [kind for kind in allowed if isinstance(given, dict) and kind in given]
    if len(kinds) != 1:
        wanted = " or ".join(f"body.parent.{kind}" for kind in sorted(allowed))
        raise invalid(f"body failed validation: {wanted} should be defined, instead was `undefined`.")
    kind = kinds[0]
    if kind == "workspace":
        return {"type": "workspace", "workspace": True}
    some_id = as_id(call.body["parent"][kind], f"body.parent.{kind}")
    collection, name = PARENTS[kind]
    found = call.store.get(collection, some_id)
    if found is None:
        raise not_found(name, some_id)
    around = call.store.get("notion/databases", found.get("database_id", "")) or found
    if found["in_trash"] or around["in_trash"]:
        raise invalid(f"Can't edit a {name} that is in the trash.")
    return {"type": kind, kind: some_id}


def properties_of(store: Store, page: Record) -> list[Record]:
    """Return the properties of a page's data source; without a data source, the title alone."""
    source = store.get("notion/data_sources", page["parent"].get("data_source_id", ""))
    if source:
        properties: list[Record] = source["properties"]
        return properties
    return [{"id": "title", "name": "title", "type": "title", "description": None, "config": {}}]


def shown_page(store: Store, base: str, page: Record) -> Record:
    """Return a page in the API's form."""
    parent: dict[str, Any] = dict(page["parent"])
    if source := store.get("notion/data_sources", parent.get("data_source_id", "")):
        parent["database_id"] = source["database_id"]
    return {
        "object": "page",
        "id": page["id"],
        "created_time": shown_time(page["created_time"]),
        "last_edited_time": shown_time(page["last_edited_time"]),
        "created_by": author(store, page.get("created_by")),
        "last_edited_by": author(store, page.get("last_edited_by")),
        "cover": page["cover"],
        "icon": page["icon"],
        "parent": parent,
        **dict.fromkeys(("archived", "is_archived", "in_trash"), page["in_trash"]),
        "is_locked": page["is_locked"],
        "properties": notion_values.shown(store, properties_of(store, page), page),
        "url": address(base, page["id"], title_of(page)),
        "public_url": None,
    }
