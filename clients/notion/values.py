"""Converts plain JSON values to Notion's property values and back, by the schema of the database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from clients.errors import InvalidRequest
from clients.listing import Json
from clients.wording import guess

Schema = Mapping[str, Mapping[str, Any]]
"""A data source's `properties`: name -> {id, type, ...}."""

_DAY_CHARACTERS = len("2026-01-31")
_CHUNK = 1000
"""Notion counts 2,000 UTF-16 units per text object; a character is at most two."""


def rich_text(text: str) -> list[Json]:
    """Return a text as Notion's list of text objects, each within its limit."""
    chunks = [text[start : start + _CHUNK] for start in range(0, len(text), _CHUNK)]
    return [{"type": "text", "text": {"content": chunk}} for chunk in chunks]


def plain_text(pieces: Iterable[Mapping[str, Any]] | None) -> str:
    """Return the text of Notion's list of text objects."""
    return "".join(str(piece.get("plain_text") or piece.get("text", {}).get("content", "")) for piece in pieces or ())


def title_property(schema: Schema) -> str:
    """Return the name of the title property."""
    return next(name for name, described in schema.items() if described["type"] == "title")


def property_name(schema: Schema, name: str) -> str:
    """Return a property's exact name, ignoring case; raises InvalidRequest that lists the names."""
    if name in schema:
        return name
    alike = [each for each in schema if each.casefold() == name.casefold()]
    if len(alike) == 1:
        return alike[0]
    raise InvalidRequest(
        f"The database has no property {name!r}; it has {', '.join(sorted(schema))}. {guess(name, schema)}".rstrip(),
        service="notion",
        remedy="Use one of these names, or add the property in Notion.",
    )


def is_empty(entry: Any) -> bool:
    """Return whether an entry of a list says nothing."""
    return entry is None or (isinstance(entry, str) and not entry.strip())


def zoned(moment: Any, zone: str) -> Any:
    """Return a time with the offset of a zone, if it has none: Notion would take it as UTC. Days stay unchanged."""
    try:
        found = datetime.fromisoformat(moment.strip()) if len(moment.strip()) > _DAY_CHARACTERS else None
    except (AttributeError, ValueError, TypeError):
        return moment
    if found is None or found.tzinfo is not None:
        return moment
    return found.replace(tzinfo=ZoneInfo(zone)).isoformat()


def to_notion(schema: Schema, values: Mapping[str, Any], zone: str = "UTC") -> Json:
    """Convert plain values {property: value} to Notion's form; None clears a property.

    `zone` applies to times without one. Raises InvalidRequest that names the property, its type and what it takes.
    """
    written: Json = {}
    for given, value in values.items():
        name = property_name(schema, given)
        kind = str(schema[name]["type"])
        written[name] = {kind: _zoned_date(_written(schema[name], name, kind, value), kind, zone)}
    return written


def is_written(kind: str) -> bool:
    """Return whether a property type can be set by a request, unlike those that Notion computes."""
    return kind in _WRITERS


def _written(described: Mapping[str, Any], name: str, kind: str, value: Any) -> Any:
    if kind not in _WRITERS:
        raise InvalidRequest(
            f"The property {name!r} is of type {kind}: Notion sets it itself{_READ_ONLY.get(kind, '')}.",
            service="notion",
            remedy="Leave it out; it can only be read and searched.",
        )
    if value is None:
        return _EMPTY.get(kind)
    takes, writer = _WRITERS[kind]
    try:
        written = writer(value)
    except (TypeError, ValueError, KeyError):
        raise InvalidRequest(
            f"The property {name!r} is of type {kind}: it takes {takes}, not {value!r:.100}.", service="notion"
        ) from None
    if kind == "status":
        check_status(described, name, str(value))
    return written


def check_status(described: Mapping[str, Any], name: str, value: str) -> None:
    """Raise InvalidRequest for an unknown status; Notion adds options to a select, but never to a status."""
    options = [str(option["name"]) for option in described.get("status", {}).get("options", [])]
    if options and value not in options:
        raise InvalidRequest(
            f"The status {name!r} cannot be {value!r}; it can be {', '.join(options)}."
            f" {guess(value, options)}".rstrip(),
            service="notion",
        )


def _text(value: Any) -> list[Json]:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError
    return rich_text(str(value))


def _string(value: Any) -> str | None:
    if not isinstance(value, str):
        raise TypeError
    return value or None


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    return value


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _option(value: Any) -> Json | None:
    name = _string(value)
    return {"name": name} if name else None


def _date(value: Any) -> Json | None:
    if isinstance(value, dict):
        if not set(value) <= {"start", "end", "time_zone"}:
            raise ValueError
        return {"start": value["start"], **{key: value[key] for key in ("end", "time_zone") if value.get(key)}}
    start = _string(value)
    return {"start": start} if start else None


def _zoned_date(written: Any, kind: str, zone: str) -> Any:
    if kind != "date" or not isinstance(written, dict) or "time_zone" in written:
        return written
    return {name: zoned(moment, zone) for name, moment in written.items()}


def _names(value: Any) -> list[Json]:
    return [{"name": _string(each)} for each in _listed(value)]


def _ids(value: Any) -> list[Json]:
    return [{"id": _string(each)} for each in _listed(value)]


def _files(value: Any) -> list[Json]:
    return [_file(each) for each in _listed(value)]


def _file(value: Any) -> Json:
    """Return a file on the web from its URL, or from {name, url}."""
    given = value if isinstance(value, dict) else {"url": value}
    url = str(_string(given["url"]))
    # Notion demands a name (at most 100 characters).
    name = given.get("name") or url.rpartition("/")[2] or url
    return {"type": "external", "name": str(name)[:100], "external": {"url": url}}


def _listed(value: Any) -> list[Any]:
    return [one for one in (value if isinstance(value, list) else [value]) if not is_empty(one)]


_WRITERS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "title": ("text", _text),
    "rich_text": ("text", _text),
    "number": ("a number", _number),
    "select": ("the name of an option", _option),
    "status": ("the name of an option", _option),
    "multi_select": ("a list of names of options", _names),
    "date": ('a date such as "2026-01-31", a time with offset, or {start, end, time_zone}', _date),
    "checkbox": ("true or false", _truth),
    "url": ("a URL", _string),
    "email": ("an address", _string),
    "phone_number": ("a text", _string),
    "people": ("a list of people, each by mail address, name or id", _ids),
    "relation": ("a list of pages, each by title, address or id", _ids),
    "files": ("a list of URLs, or of {name, url}", _files),
}
_READ_ONLY: Mapping[str, str] = {
    "formula": ", by its formula",
    "rollup": ", from the related pages",
    "created_time": ", to the time the page was created",
    "created_by": ", to who created the page",
    "last_edited_time": ", to the time the page was last changed",
    "last_edited_by": ", to who last changed the page",
    "unique_id": ", to number the pages",
    "button": ", when a person presses it",
    "verification": ", when a person verifies the page",
}
"""Types that cannot be set, and why."""
_EMPTY: Mapping[str, Any] = {
    "title": [],
    "rich_text": [],
    "multi_select": [],
    "people": [],
    "relation": [],
    "files": [],
    "checkbox": False,
}


def from_notion(properties: Mapping[str, Mapping[str, Any]]) -> Json:
    """Return a page's properties as plain values {property: value}."""
    return {name: _read(value) for name, value in properties.items()}


def _read(value: Mapping[str, Any]) -> Any:
    kind = str(value.get("type"))
    inner = value.get(kind)
    reader = _READERS.get(kind)
    return reader(inner) if reader and inner is not None else inner


def _read_date(date: Mapping[str, Any]) -> Any:
    more = {key: date[key] for key in ("end", "time_zone") if date.get(key)}
    return {"start": date["start"], **more} if more else date["start"]


def _read_unique_id(value: Mapping[str, Any]) -> str:
    return "-".join(str(part) for part in (value.get("prefix"), value.get("number")) if part not in {None, ""})


def _read_rollup(rollup: Mapping[str, Any]) -> Any:
    inner = _read(rollup)
    return [_read(each) for each in inner] if isinstance(inner, list) else inner


def _read_file(file: Mapping[str, Any]) -> Json:
    kind = str(file.get("type", "external"))
    return {"name": file.get("name", ""), "url": (file.get(kind) or {}).get("url", "")}


def _read_ids(things: Iterable[Mapping[str, Any]]) -> list[str]:
    return [str(thing["id"]) for thing in things]


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "title": plain_text,
    "rich_text": plain_text,
    "select": lambda option: option["name"],
    "status": lambda option: option["name"],
    "multi_select": lambda options: [option["name"] for option in options],
    "date": _read_date,
    "people": _read_ids,
    "relation": _read_ids,
    "files": lambda files: [_read_file(file) for file in files],
    "formula": _read,
    "rollup": _read_rollup,
    "created_by": lambda user: user["id"],
    "last_edited_by": lambda user: user["id"],
    "unique_id": _read_unique_id,
}
