"""Loads all relations and people of pages: Notion includes at most 25 in each property."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from clients.listing import Json
from clients.notion.api import every

if TYPE_CHECKING:
    from notion_client import Client

_GIVEN = 25
"""References per property in a page (developers.notion.com/reference/retrieve-a-page, Limits)."""
_REFERENCES = frozenset({"relation", "people"})


def whole(api: Client, page: Json) -> Json:
    """Return a page with its truncated properties completed; makes no request if none was truncated."""
    values: Mapping[str, Any] = page["properties"]
    rest = {name: _all(api, str(page["id"]), value) for name, value in values.items() if _is_cut(value)}
    return {**page, "properties": {**values, **rest}} if rest else page


def _is_cut(value: Mapping[str, Any]) -> bool:
    """Return whether a property may be truncated: for people Notion does not say so."""
    kind = value.get("type")
    if kind not in _REFERENCES or len(value.get(kind) or ()) < _GIVEN:
        return False
    return bool(value.get("has_more", True))


def _all(api: Client, page_id: str, value: Mapping[str, Any]) -> Json:
    kind = str(value["type"])
    found = every(partial(api.pages.properties.retrieve, page_id, str(value["id"])))
    return {**value, kind: [each[kind] for each in found]}
