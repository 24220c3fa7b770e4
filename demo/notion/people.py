"""The people of the workspace other than the integration, and edits by hand."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from demo import rich_text
from demo.notion import values as notion_values
from demo.notion.call import Record, as_id, not_found, now, person_id
from demo.notion.databases import source_of
from demo.notion.objects import shown_page
from demo.notion.pages import new_page
from demo.service import Refused, base_url, json_object
from demo.store import Store

PEOPLE = {"Ada Lovelace": "ada@example.com", "Alan Turing": "alan@example.com"}


def shown_people(store: Store) -> list[Record]:
    """Return each person in the API's form."""
    return [
        {
            "object": "user",
            "id": person_id(store, name),
            "name": name,
            "avatar_url": None,
            "type": "person",
            "person": {"email": mail},
        }
        for name, mail in PEOPLE.items()
    ]


def _by_hand(store: Store, asked: dict[str, Any]) -> Record:
    """Create or change an item as a person would: {database, by, page, title, properties in the API's form}."""
    by = str(asked.get("by") or next(iter(PEOPLE)))
    if by not in PEOPLE:
        raise Refused(400, f"There is no person {by}; there are {', '.join(PEOPLE)}.")
    if asked.get("page"):
        some_id = as_id(asked["page"], "page")
        page = store.get("notion/pages", some_id)
        if page is None:
            raise not_found("page", some_id)
    else:
        parent = {"type": "data_source_id", "data_source_id": _source(store, str(asked.get("database") or "Tasks"))}
        page = new_page(store, parent, {}, created_by=person_id(store, by))
    source = source_of(store, page["parent"]["data_source_id"])
    given = dict(asked.get("properties") or {})
    values = notion_values.set_values(source["properties"], given, page["values"])
    if asked.get("title"):
        values["title"] = rich_text.plain(str(asked["title"]))
    store.put("notion/data_sources", source["id"], source)
    page |= {"values": values, "last_edited_time": now(), "last_edited_by": person_id(store, by)}
    store.put("notion/pages", page["id"], page)
    return page


def _source(store: Store, title: str) -> str:
    found = [each["id"] for each in store.all("notion/data_sources") if rich_text.text_of(each["title"]) == title]
    if not found:
        raise Refused(400, f"There is no database {title}.")
    return str(found[0])


def route(store: Store) -> Route:
    """Return `POST /_demo/item`, for demonstrations and tests."""

    async def item(request: Request) -> Response:
        asked = await json_object(request)
        with store.transaction():
            page = _by_hand(store, asked)
        return JSONResponse(shown_page(store, base_url(request), page), 201)

    return Route("/_demo/item", item, methods=["POST"])
