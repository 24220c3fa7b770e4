"""Resolves people by name or mail address, and pages by title, to the ids that Notion requires."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from clients.errors import InvalidRequest
from clients.listing import Json
from clients.notion.api import SERVICE, every, id_in, reading
from clients.notion.values import Schema, is_empty, property_name
from clients.wording import guess

if TYPE_CHECKING:
    from notion_client import Client

_KEPT_SECONDS = 60.0


class NotionReferences:
    """Resolves names in properties of type people and relation. Thread-safe."""

    def __init__(self, api: Client) -> None:
        self._api = api
        self._lock = threading.Lock()
        self._people: list[Json] = []
        self._until = 0.0

    def resolved(self, schema: Schema, values: Mapping[str, Any]) -> Json:
        """Return the values {property: value} with names, mail addresses and titles replaced by ids.

        Raises InvalidRequest for a name that is unknown or ambiguous.
        """
        return {name: self._value(schema[property_name(schema, name)], value) for name, value in values.items()}

    def id_of(self, described: Mapping[str, Any], named: str) -> str:
        """Return the id for a name in a property of type people or relation."""
        if found := id_in(named):
            return found
        return self._person(named) if described["type"] == "people" else self._page(described, named)

    def _value(self, described: Mapping[str, Any], value: Any) -> Any:
        if described["type"] not in {"people", "relation"} or value is None:
            return value
        names = value if isinstance(value, list) else [value]
        return [self.id_of(described, name) if isinstance(name, str) else name for name in names if not is_empty(name)]

    def _person(self, named: str) -> str:
        wanted = named.strip().casefold()
        people = self._everybody()
        mails = [each["id"] for each in people if _mail(each).casefold() == wanted]
        found = mails or [each["id"] for each in people if str(each.get("name") or "").casefold() == wanted]
        known = [str(each.get("name") or _mail(each)) for each in people]
        remedy = f"Share the workspace with this person. {guess(named, known)}".rstrip()
        return _only(found, f"person {named!r}", remedy)

    def _everybody(self) -> list[Json]:
        with self._lock:
            if self._until < time.monotonic():
                with reading():
                    self._people = list(every(self._api.users.list))
                self._until = time.monotonic() + _KEPT_SECONDS
            return self._people

    def _page(self, described: Mapping[str, Any], title: str) -> str:
        """Return the id of the page with this title in the relation's data source."""
        source = str(described.get("relation", {}).get("data_source_id") or "")
        # In every data source, the title property has the id `title`, whatever its name is.
        condition = {"property": "title", "title": {"equals": title}}
        with reading():
            found = [
                each["id"] for each in every(self._api.data_sources.query, data_source_id=source, filter=condition)
            ]
        return _only(found, f"page {title!r} in the related database", "Create the page first.")


def _only(found: Sequence[str], what: str, remedy: str) -> str:
    if len(found) == 1:
        return found[0]
    if not found:
        raise InvalidRequest(f"Notion finds no {what}.", service=SERVICE, remedy=remedy)
    raise InvalidRequest(
        f"There are {len(found)} matches for {what}: {', '.join(found[:5])}.",
        service=SERVICE,
        remedy="Give the id of the one to use.",
    )


def _mail(person: Mapping[str, Any]) -> str:
    return str((person.get("person") or {}).get("email") or "")
