"""Property values of a page, as requests set them and as answers show them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from demo import rich_text
from demo.notion import schema as notion_schema
from demo.notion import text as notion_text
from demo.notion.call import Record, as_id, author, invalid, shown_time, too_long
from demo.store import Store

EMPTY_LISTS = {"title", "rich_text", "multi_select", "people", "files", "relation"}
LONGEST_LIST = 100
REFERENCES = {"people", "relation"}
MOST_REFERENCES = 25
"""References shown per property of a page; `GET /v1/pages/{id}/properties/{property}` returns all."""
# https://developers.notion.com/reference/request-limits
LENGTHS = {"url": 2000, "email": 200, "phone_number": 200}


def set_values(properties: list[Record], given: Any, before: Record) -> Record:
    """Return the values by property id after applying `properties`; new options are added to the schema in place."""
    if not isinstance(given, dict):
        raise invalid(f"body failed validation: body.properties should be an object, instead was `{given!r}`.")
    after = dict(before)
    for name, value in given.items():
        here = notion_schema.find(properties, name)
        if here is None:
            raise invalid(f"{name} is not a property that exists.")
        after[here["id"]] = _value(here, value)
    return after


def _value(here: Record, given: Any) -> Any:
    kind, name = here["type"], here["name"]
    if not isinstance(given, dict) or kind not in given:
        raise invalid(f"{name} is expected to be {kind}.")
    if kind in notion_schema.COMPUTED:
        raise invalid(f"{name} is computed and cannot be set.")
    where, value = f"body.properties.{name}.{kind}", given[kind]
    if kind in {"title", "rich_text"}:
        return notion_text.complete(value, where)
    return READERS[kind](here, value, where)


def _wrong(where: str, wanted: str, value: object) -> Exception:
    return invalid(f"body failed validation: {where} should be {wanted}, instead was `{value!r}`.")


def _number(_: Record, value: Any, where: str) -> Any:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise _wrong(where, "a number", value)
    return value


def _checkbox(_: Record, value: Any, where: str) -> Any:
    if not isinstance(value, bool):
        raise _wrong(where, "a boolean", value)
    return value


def _text(here: Record, value: Any, where: str) -> Any:
    if value is not None and (not isinstance(value, str) or not value):
        raise _wrong(where, "a non-empty string or null", value)
    limit = LENGTHS[here["type"]]
    if value is not None and len(value) > limit:
        raise too_long(where, limit, len(value))
    return value


def _moment(value: Any, where: str) -> None:
    try:
        datetime.fromisoformat(value) if "T" in value else date.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise _wrong(where, "a valid ISO 8601 date string", value) from error


def _date(_: Record, value: Any, where: str) -> Any:
    if value is None:
        return None
    if not isinstance(value, dict) or "start" not in value:
        raise _wrong(f"{where}.start", "defined", value)
    _moment(value["start"], f"{where}.start")
    if value.get("end") is not None:
        _moment(value["end"], f"{where}.end")
    return {"start": value["start"], "end": value.get("end"), "time_zone": value.get("time_zone")}


def _option(here: Record, given: Any, where: str) -> Record:
    """Return an option by id or name; a select gains a new one, a status does not."""
    if not isinstance(given, dict) or not (given.get("id") or given.get("name")):
        raise _wrong(where, "an object with `name` or `id`", given)
    options: list[Record] = here["config"]["options"]
    for each in options:
        if given.get("id") == each["id"] or ("id" not in given and given.get("name") == each["name"]):
            return each
    if here["type"] == "status":
        # The API cannot create options of a status.
        raise invalid(f'Invalid status option. Status option "{given.get("name") or given.get("id")}" does not exist.')
    options.append(notion_schema.option(given.get("name"), given.get("color")))
    return options[-1]


def _single(here: Record, value: Any, where: str) -> Any:
    return None if value is None else _option(here, value, where)["id"]


def _items(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise _wrong(where, "an array", value)
    if len(value) > LONGEST_LIST:
        raise too_long(where, LONGEST_LIST, len(value))
    return value


def _many(here: Record, value: Any, where: str) -> Any:
    return list(dict.fromkeys(_option(here, each, where)["id"] for each in _items(value, where)))


def _references(_: Record, value: Any, where: str) -> Any:
    return [{"id": as_id(each.get("id"), f"{where}.id")} for each in _items(value, where)]


def _files(_: Record, value: Any, where: str) -> Any:
    for each in _items(value, where):
        if not isinstance(each, dict) or "url" not in (each.get("external") or {}):
            raise _wrong(where, "external files with `name` and `external.url`", each)
    return [{"name": each.get("name", ""), "type": "external", "external": each["external"]} for each in value]


READERS: dict[str, Callable[[Record, Any, str], Any]] = {
    "number": _number,
    "checkbox": _checkbox,
    "url": _text,
    "email": _text,
    "phone_number": _text,
    "date": _date,
    "select": _single,
    "status": _single,
    "multi_select": _many,
    "people": _references,
    "relation": _references,
    "files": _files,
}


def _shown_option(here: Record, some_id: str) -> Record | None:
    found = [each for each in here["config"]["options"] if each["id"] == some_id]
    return {key: found[0][key] for key in ("id", "name", "color")} if found else None


def raw(store: Store, here: Record, page: Record) -> Any:
    """Return the content of a property's value in the API's form."""
    kind = here["type"]
    if kind in {"created_time", "last_edited_time"}:
        return shown_time(page[kind])
    if kind in {"created_by", "last_edited_by"}:
        return author(store, page.get(kind))
    value = page["values"].get(here["id"])
    if kind in {"select", "status"}:
        return _shown_option(here, value) if value else None
    if kind == "multi_select":
        return [found for each in value or [] if (found := _shown_option(here, each))]
    if kind == "people":
        return [{"object": "user", **each} for each in value or []]
    if kind == "checkbox":
        return bool(value)
    return [] if value is None and kind in EMPTY_LISTS else value


def shown(store: Store, properties: list[Record], page: Record) -> Record:
    """Return all properties of a page by name, in the API's form."""
    result: Record = {}
    for here in properties:
        kind, inside = here["type"], raw(store, here, page)
        value = {"id": here["id"], "type": kind, kind: inside[:MOST_REFERENCES] if kind in REFERENCES else inside}
        is_cut = kind == "relation" and len(inside) > MOST_REFERENCES
        result[here["name"]] = {**value, "has_more": is_cut} if kind == "relation" else value
    return result


def as_text(kind: str, value: Any) -> str:
    """Return a value as a person reads it, for pages and text filters."""
    if value is None:
        return ""
    if kind in {"title", "rich_text"}:
        return rich_text.text_of(value)
    if kind in {"select", "status"}:
        return str(value["name"])
    if kind == "multi_select":
        return ", ".join(each["name"] for each in value)
    if kind == "date":
        return " → ".join(each for each in (value["start"], value["end"]) if each)
    if kind == "checkbox":
        return "Yes" if value else "No"
    if isinstance(value, list):
        return str(len(value)) if value else ""
    return str(value)
