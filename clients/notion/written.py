"""Undoes pages that a write created, unless somebody has changed them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from clients.errors import Conflict, InvalidRequest, NotFound
from clients.listing import Json
from clients.notion.api import SERVICE, answered, reading, wrong_layer
from clients.notion.content import Content
from clients.notion.databases import CLOCK_SKEW, KEY_PROPERTY
from clients.notion.pages import brief
from clients.notion.text.markdown import essence
from clients.notion.values import from_notion
from clients.notion.whole import whole

if TYPE_CHECKING:
    from notion_client import Client

_COMPUTED = frozenset(
    "formula rollup created_time created_by last_edited_time last_edited_by unique_id button verification".split()
)
"""Property types that change without an edit (developers.notion.com, page property values)."""
_EMPTY: tuple[Any, ...] = (None, "", [], False)


def left(page: Mapping[str, Any]) -> Json:
    """Return the state after a write: {id, url, title, properties}; `properties` are plain values that people set."""
    return {**brief(page), "properties": _set_by_people(page)}


class WrittenPages:
    """Undoes pages through the API of one connection."""

    def __init__(self, api: Client, content: Content) -> None:
        self._api, self._content = api, content

    def trash(self, written: Mapping[str, Any], markdown: str, done_at: datetime) -> None:
        """Move a page to the trash, unless it differs from `written` (as returned by `left`) and `markdown`.

        Raises Conflict if it differs. A page already in the trash stays there.
        """
        page = self.found(str(written["id"]))
        if is_in_trash(page):
            return
        changed = _changed(page, written, done_at)
        if not changed and essence(self._content.read(page["id"])["markdown"]) != essence(markdown):
            changed = "Its text has been changed since."
        if changed:
            raise _conflict(page, changed)
        with reading():
            self._api.pages.update(page["id"], in_trash=True)

    def shown(self, page_id: str) -> Json:
        """Return a page, even from the trash. Raises NotFound; InvalidRequest for the id of another object."""
        try:
            with reading():
                return whole(self._api, answered(self._api.pages.retrieve(page_id)))
        except (NotFound, InvalidRequest) as error:
            raise wrong_layer(self._api, page_id, "page", error) from error

    def found(self, page_id: str) -> Json:
        """Return a page, even from the trash. Raises Conflict if it is not shared, as the reason is unknown."""
        try:
            with reading():
                return whole(self._api, answered(self._api.pages.retrieve(page_id)))
        except NotFound as error:
            raise Conflict(
                f"Notion no longer shows the page {page_id}: it was permanently deleted, or it is no longer"
                " shared with this connection.",
                service=SERVICE,
            ) from error


def is_in_trash(page: Mapping[str, Any]) -> bool:
    """Return whether a page is in the trash."""
    return bool(page.get("in_trash") or page.get("archived"))


def _changed(page: Mapping[str, Any], written: Mapping[str, Any], done_at: datetime) -> str:
    """Say what somebody has changed in title and properties; "" if nothing."""
    if (page.get("last_edited_by") or {}).get("id") != (page.get("created_by") or {}).get("id"):
        return f"Somebody else has edited it since ({page['last_edited_time']})."
    if "properties" not in written:  # written by a release that did not record the state
        is_later = datetime.fromisoformat(page["last_edited_time"]) > done_at + CLOCK_SKEW
        return f"It has been edited since ({page['last_edited_time']})." if is_later else ""
    before, now = written["properties"], _set_by_people(page)
    names = [name for name, value in now.items() if not _is_same(value, before.get(name))]
    return f"Its property {names[0]!r} has been changed since." if names else ""


def _set_by_people(page: Mapping[str, Any]) -> Json:
    kinds = {name: value.get("type") for name, value in page["properties"].items()}
    values = from_notion(page["properties"]).items()
    return {name: value for name, value in values if kinds[name] not in _COMPUTED and name != KEY_PROPERTY}


def _is_same(present: Any, before: Any) -> bool:
    """Compare values; files are compared by name, because every answer signs their addresses again."""
    return _lasting(present) == _lasting(before) or (present in _EMPTY and before in _EMPTY)


def _lasting(value: Any) -> Any:
    if isinstance(value, list):
        return [each.get("name") if isinstance(each, dict) and "url" in each else each for each in value]
    return value


def _conflict(page: Mapping[str, Any], changed: str) -> Conflict:
    title = brief(page)["title"]
    return Conflict(f"Page {title!r:.100}: {changed}", service=SERVICE)
