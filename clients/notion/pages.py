"""Notion pages as workflows see them, and the key that identifies the write that created a page."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from clients.listing import Json
from clients.notion.databases import CLOCK_SKEW, KEY_PROPERTY
from clients.notion.values import from_notion, rich_text

UNFINISHED = " (being written)"
_KEY_MOST = 500


def page_of(found: Mapping[str, Any]) -> Json:
    """Return a page: {id, url, title, properties, created_at, last_edited_at}; properties as plain values."""
    values = found["properties"]
    title = next((name for name, value in values.items() if value.get("type") == "title"), None)
    plain = from_notion(values)
    return {
        "id": str(found["id"]),
        "url": str(found["url"]),
        "title": plain[title] if title else "",
        "properties": plain,
        "created_at": str(found["created_time"]),
        "last_edited_at": str(found["last_edited_time"]),
    }


def brief(page: Mapping[str, Any]) -> Json:
    """Return a page as a write outputs it: {id, url, title}."""
    found = page_of(page)
    return {name: found[name] for name in ("id", "url", "title")}


def held_key(key: str) -> str:
    """Return the text stored in `Orchestra key`: the key, or its SHA-256 if it is very long."""
    return key if len(key) <= _KEY_MOST else "sha256:" + hashlib.sha256(key.encode()).hexdigest()


def key_value(held: str, suffix: str = "") -> Json:
    """Return the property value that stores a key; {} without a key."""
    return {KEY_PROPERTY: {"rich_text": rich_text(held + suffix)}} if held else {}


def says(page: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    """Return whether a page already has these property values, given in Notion's form."""
    return not changed_by(page, values)


def changed_by(page: Mapping[str, Any], values: Mapping[str, Any]) -> Json:
    """Return, as plain values, those properties of a page that differ from these values in Notion's form."""
    present = from_notion(page["properties"])
    wanted = from_notion({name: {"type": next(iter(value)), **value} for name, value in values.items()})
    return {name: present.get(name) for name, value in wanted.items() if not _is_same(present.get(name), value)}


def _is_same(present: Any, wanted: Any) -> bool:
    """Compare plain values; Notion may sort a list and reformat a time."""
    if isinstance(present, list) and isinstance(wanted, list):
        return len(present) == len(wanted) and all(each in wanted for each in present)
    if isinstance(present, dict) and isinstance(wanted, dict):
        return present.keys() == wanted.keys() and all(_is_same(present[name], wanted[name]) for name in wanted)
    return bool(present == wanted or (not present and not wanted) or _moment(present) == _moment(wanted) is not None)


def _moment(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) and "T" in value else None
    except ValueError:
        return None


def is_created_since(page: Mapping[str, Any], moment: datetime) -> bool:
    """Return whether a page was created after the moment, allowing for clock skew."""
    return datetime.fromisoformat(page["created_time"]) >= moment - CLOCK_SKEW


def is_edited_since(page: Mapping[str, Any], moment: datetime) -> bool:
    """Return whether a page was changed after the moment, allowing for clock skew."""
    return datetime.fromisoformat(page["last_edited_time"]) >= moment - CLOCK_SKEW
