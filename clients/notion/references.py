"""People by name or mail address, and pages by title: the ids that Notion wants for them."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from clients.errors import InvalidRequest
from clients.notion.api import SERVICE, every, id_in, reading
from clients.notion.names import nearest
from clients.notion.values import Json, Schema, property_name

if TYPE_CHECKING:
    from notion_client import Client

_KEPT_SECONDS = 60.0


class References:
    """Looks up what properties of the types people and relation name. Threads may share it."""

    def __init__(self, api: Client) -> None:
        self._api = api
        self._lock = threading.Lock()
        self._people: list[Json] = []
        self._until = 0.0

    def resolved(self, schema: Schema, values: Mapping[str, Any]) -> Json:
        """Give the same values {property: value} with ids in the place of names, mail addresses and titles.

        Raises InvalidRequest for one that nobody has, or that several have.
        """
        return {name: self._value(schema[property_name(schema, name)], value) for name, value in values.items()}

    def id_of(self, described: Mapping[str, Any], named: str) -> str:
        """The id that one name stands for in a property of type people or relation."""
        if found := id_in(named):
            return found
        return self._person(named) if described["type"] == "people" else self._page(described, named)

    def _value(self, described: Mapping[str, Any], value: Any) -> Any:
        if described["type"] not in {"people", "relation"} or value is None:
            return value
        names = value if isinstance(value, list) else [value]
        return [self.id_of(described, name) if isinstance(name, str) else name for name in names]

    def _person(self, named: str) -> str:
        wanted = named.strip().casefold()
        people = self._everybody()
        mails = [each["id"] for each in people if _mail(each).casefold() == wanted]
        found = mails or [each["id"] for each in people if str(each.get("name") or "").casefold() == wanted]
        known = [str(each.get("name") or _mail(each)) for each in people]
        return _only(found, f"person {named!r}", "Share the workspace with this person." + nearest(named, known))

    def _everybody(self) -> list[Json]:
        with self._lock:
            if self._until < time.monotonic():
                with reading():
                    self._people = list(every(self._api.users.list))
                self._until = time.monotonic() + _KEPT_SECONDS
            return self._people

    def _page(self, described: Mapping[str, Any], title: str) -> str:
        """The page with this title in the data source that a relation leads to."""
        source = str(described.get("relation", {}).get("data_source_id") or "")
        condition = {"property": "title", "title": {"equals": title}}
        with reading():
            found = [
                each["id"] for each in every(self._api.data_sources.query, data_source_id=source, filter=condition)
            ]
        return _only(found, f"page {title!r} in the database that the relation leads to", "Make the page first.")


def _only(found: Sequence[str], what: str, remedy: str) -> str:
    if len(found) == 1:
        return found[0]
    if not found:
        raise InvalidRequest(f"Notion shows no {what}.", service=SERVICE, remedy=remedy)
    raise InvalidRequest(
        f"There are {len(found)} of {what}: {', '.join(found[:5])}.",
        service=SERVICE,
        remedy="Give the id that is meant.",
    )


def _mail(person: Mapping[str, Any]) -> str:
    return str((person.get("person") or {}).get("email") or "")
