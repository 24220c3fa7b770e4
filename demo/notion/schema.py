"""The properties of a data source, with types and options."""

from __future__ import annotations

import secrets
from typing import Any

from demo.notion.call import Record, invalid, new_id
from demo.service import Refused

COLORS = ("default", "gray", "brown", "orange", "yellow", "green", "blue", "purple", "pink", "red")
OPTION_TYPES = {"select", "multi_select", "status"}
COMPUTED = {"created_time", "created_by", "last_edited_time", "last_edited_by"}
TYPES = {
    *("title", "rich_text", "number", "select", "multi_select", "status", "date", "checkbox", "url", "email"),
    *("phone_number", "people", "files", "relation"),
    *COMPUTED,
}
STATUS_GROUPS = (
    ("To-do", "gray", "Not started"),
    ("In progress", "blue", "In progress"),
    ("Complete", "green", "Done"),
)


def option(name: object, color: object = None) -> Record:
    """Return a new select option; raises Refused 400."""
    if not isinstance(name, str) or not name or len(name) > 100:
        raise invalid("body failed validation: an option's name should be 1 to 100 characters.")
    if "," in name:
        # https://developers.notion.com/reference/property-object#select
        raise invalid(f"Invalid select option, commas not allowed: {name}")
    if color is not None and color not in COLORS:
        raise invalid(f"body failed validation: color should be one of {', '.join(COLORS)}, instead was `{color!r}`.")
    return {"id": new_id(), "name": name, "color": color or COLORS[len(name) % len(COLORS)], "description": None}


def kind_of(given: object, name: str) -> str:
    """Return the type in a property's schema; raises Refused 400."""
    found = [key for key in given if key in TYPES] if isinstance(given, dict) else []
    if len(found) != 1:
        raise invalid(f"body failed validation: body.properties.{name} should name one property type.")
    return str(found[0])


def new_property(name: str, given: Any) -> Record:
    """Return a property in stored form: {id, name, type, description, config}; raises Refused 400."""
    kind = kind_of(given, name)
    config = given[kind] if isinstance(given[kind], dict) else {}
    return {
        # The title's id is constant. Two equal ones would share their values.
        "id": "title" if kind == "title" else secrets.token_hex(6),
        "name": name,
        "type": kind,
        "description": given.get("description"),
        "config": _config(kind, config),
    }


def _config(kind: str, given: Record) -> Record:
    if kind == "status":
        return _status(given)
    if kind in OPTION_TYPES:
        return {"options": [option(each.get("name"), each.get("color")) for each in given.get("options", [])]}
    if kind == "number":
        return {"format": given.get("format", "number")}
    if kind == "relation":
        target = given.get("data_source_id")
        return {"data_source_id": target, "type": "single_property", "single_property": {}}
    return {}


def _status(given: Record) -> Record:
    names = [each.get("name") for each in given.get("options", [])]
    options = [option(name) for name in names] or [option(name, color) for _, color, name in STATUS_GROUPS]
    last = len(options) - 1
    groups: list[Record] = []
    for number, (title, color, _) in enumerate(STATUS_GROUPS):
        # The first option is to do, the last is complete, all between are in progress.
        ids = [each["id"] for place, each in enumerate(options) if number == _group(place, last)]
        groups.append({"id": new_id(), "name": title, "color": color, "option_ids": ids})
    return {"options": options, "groups": groups}


def _group(place: int, last: int) -> int:
    return 0 if place == 0 else 2 if place == last else 1


def shown(each: Record) -> Record:
    """Return a property in the API's form."""
    return {
        "id": each["id"],
        "name": each["name"],
        "description": each["description"],
        "type": each["type"],
        each["type"]: each["config"],
    }


def find(properties: list[Record], name_or_id: str) -> Record | None:
    """Return the property with this name, or with this id."""
    by_name = [each for each in properties if each["name"] == name_or_id]
    return next(iter(by_name or [each for each in properties if each["id"] == name_or_id]), None)


def new_properties(given: Any) -> list[Record]:
    """Return the properties of a new data source; exactly one is the title."""
    if not isinstance(given, dict):
        raise invalid("body failed validation: properties should be an object.")
    made = [new_property(name, each) for name, each in given.items()]
    titles = sum(each["type"] == "title" for each in made)
    if titles != 1:
        raise invalid("body failed validation: exactly one property should be of type title.")
    return made


def changed(properties: list[Record], given: Record) -> list[Record]:
    """Return properties after an update: null removes, `name` renames, options and unknown names are added."""
    result = list(properties)
    for key, change in given.items():
        here = find(result, key)
        if here is None:
            if change is not None:
                result.append(new_property(key, change))
        elif change is None:
            if here["type"] == "title":
                raise invalid("Cannot delete the title property.")
            result.remove(here)
        else:
            result[result.index(here)] = _changed(here, change, result)
    if sum(each["type"] == "title" for each in result) != 1:
        raise invalid("A data source has exactly one title property.")
    return result


def _changed(here: Record, change: Any, others: list[Record]) -> Record:
    if not isinstance(change, dict):
        raise invalid(f"body failed validation: body.properties.{here['name']} should be an object.")
    name = str(change.get("name") or here["name"])
    if any(each["name"] == name and each is not here for each in others):
        raise Refused(400, f"There is a property named {name} already.")
    after = {**here, "name": name, "description": change.get("description", here["description"])}
    if not any(key in TYPES for key in change):
        return after
    kind = kind_of(change, here["name"])
    if kind != here["type"]:
        # Another type keeps the id, as at Notion, so that clients still find the property.
        return {**new_property(name, change), "id": here["id"]}
    if kind in OPTION_TYPES:
        known = {each["name"]: each for each in here["config"]["options"]}
        wanted = (change[kind] or {}).get("options", [])
        added = [option(each["name"], each.get("color")) for each in wanted if each.get("name") not in known]
        options = [*known.values(), *added]
        after["config"] = {**here["config"], "options": options}
    return after
