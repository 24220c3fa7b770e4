"""Which data source a name, an address or an id means, and what properties it has."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from clients.counting import counted
from clients.errors import InvalidRequest, NotFound
from clients.notion.api import SERVICE, answered, every, id_in, reading, wrong_layer
from clients.notion.values import Json, Schema, is_written, plain_text

if TYPE_CHECKING:
    from notion_client import Client

KEY_PROPERTY = "Orchestra key"
_KEPT_SECONDS = 60.0


@dataclass(frozen=True)
class Source:
    """A data source: the table inside a database that pages are rows of."""

    id: str
    name: str
    url: str
    schema: Schema

    def described(self) -> Json:
        """Give {id, url, title, properties}; of each property {type}, and the names of its options."""
        return {"id": self.id, "url": self.url, "title": self.name, "properties": described(self.schema)}

    @classmethod
    def of(cls, found: Json) -> Source:
        """Read the API's data source object."""
        return cls(
            id=str(found["id"]),
            name=plain_text(found.get("title")),
            url=str(found.get("url") or ""),
            schema=found["properties"],
        )


def described(schema: Schema) -> Json:
    """Say what the properties of a database are: {name: {type, options?, data_source?, is_read_only}}."""
    return {name: _described(each) for name, each in schema.items()}


def _described(each: Mapping[str, Any]) -> Json:
    kind = str(each["type"])
    about = each.get(kind) or {}
    told: Json = {"type": kind, "is_read_only": not is_written(kind)}
    if "options" in about:
        told["options"] = [str(option["name"]) for option in about["options"]]
    if kind == "relation":
        told["data_source"] = str(about.get("data_source_id") or "")
    return told


class Databases:
    """The databases that one connection sees; what was found is kept for a minute. Threads may share it."""

    def __init__(self, api: Client) -> None:
        self._api = api
        self._lock = threading.RLock()
        self._kept: dict[str, tuple[float, Source]] = {}

    def all(self) -> list[Source]:
        """List every data source that is shared with this connection."""
        with reading():
            return [Source.of(found) for found in self._search("")]

    def find(self, database: str) -> Source:
        """Resolve a name, address or id; raises NotFound, and InvalidRequest where it means several or none."""
        with self._lock:
            until, source = self._kept.get(database, (0.0, None))
            if source is None or until < time.monotonic():
                some_id = id_in(database)
                source = self._by_id(some_id) if some_id else self._by_name(database.strip())
                self._keep(database, source)
            return source

    def keyed(self, database: str) -> Source:
        """Resolve as `find`, and make sure that the text property `Orchestra key` is there."""
        with self._lock:
            source = self.find(database)
            if KEY_PROPERTY not in source.schema:
                with reading():
                    self._api.data_sources.update(source.id, properties={KEY_PROPERTY: {"rich_text": {}}})
                    source = Source.of(answered(self._api.data_sources.retrieve(source.id)))
                self._keep(database, source)
            kind = source.schema[KEY_PROPERTY]["type"]
            if kind != "rich_text":
                raise InvalidRequest(
                    f"The property {KEY_PROPERTY!r} of {source.name} is of type {kind}; a text property is needed.",
                    service=SERVICE,
                    remedy="Rename that property in Notion; the right one is added by itself.",
                )
            return source

    def database(self, database: str) -> Json:
        """Describe a database: {id, url, title, data_sources: [{id, name}]}. Raises as `find`, but for several."""
        some_id = id_in(database) or self._parent_of(self.find(database).id)
        try:
            with reading():
                found = answered(self._api.databases.retrieve(some_id))
        except (NotFound, InvalidRequest) as error:
            raise wrong_layer(self._api, some_id, "database", error) from error
        with reading():
            return {
                "id": str(found["id"]),
                "url": str(found.get("url") or ""),
                "title": plain_text(found.get("title")),
                "data_sources": [{"id": str(each["id"]), "name": str(each["name"])} for each in found["data_sources"]],
            }

    def _parent_of(self, source_id: str) -> str:
        with reading():
            return str(answered(self._api.data_sources.retrieve(source_id))["parent"]["database_id"])

    @contextlib.contextmanager
    def used(self) -> Iterator[None]:
        """Use what was found; where Notion refuses, it is asked for anew next time: the database may have changed."""
        try:
            with reading():
                yield
        except (InvalidRequest, NotFound):
            with self._lock:
                self._kept.clear()
            raise

    def _keep(self, database: str, source: Source) -> None:
        self._kept[database] = (time.monotonic() + _KEPT_SECONDS, source)

    def _by_id(self, some_id: str) -> Source:
        sources = self._sources_of(some_id)
        if sources is None:
            try:
                with reading():
                    return Source.of(answered(self._api.data_sources.retrieve(some_id)))
            except (NotFound, InvalidRequest) as error:
                raise wrong_layer(self._api, some_id, "database", error) from error
        if len(sources) != 1:
            listed = ", ".join(f"{each['name']} ({each['id']})" for each in sources)
            raise InvalidRequest(
                f"The database {some_id} has {counted(len(sources), 'data source')}: {listed or 'none'}.",
                service=SERVICE,
                remedy="Give the id of the data source that is meant.",
            )
        with reading():
            return Source.of(answered(self._api.data_sources.retrieve(sources[0]["id"])))

    def _sources_of(self, some_id: str) -> list[Json] | None:
        """The {id, name} of a database's data sources; None where the id is no database's."""
        try:
            with reading():
                return list(answered(self._api.databases.retrieve(some_id))["data_sources"])
        except (NotFound, InvalidRequest):
            return None

    def _by_name(self, name: str) -> Source:
        with reading():
            found = [Source.of(each) for each in self._search(name)]
        alike = [each for each in found if each.name.strip().casefold() == name.casefold()]
        same = [each for each in alike if each.name.strip() == name] or alike
        if len(same) == 1:
            return same[0]
        if same:
            listed = ", ".join(each.url or each.id for each in same)
            raise InvalidRequest(
                f"{len(same)} databases are called {name!r}: {listed}.",
                service=SERVICE,
                remedy="Give the address of the one that is meant.",
            )
        names = sorted({each.name for each in self.all()})
        listed = f"it shows {', '.join(names[:20])}" if names else "it shows none"
        raise NotFound(
            f"Notion shows no database {name!r} to this connection; {listed}.",
            service=SERVICE,
            remedy="Open the database in Notion, menu ..., Connections, and add this connection; or give its address.",
        )

    def _search(self, query: str) -> list[Json]:
        return [
            found
            for found in every(self._api.search, query=query, filter={"property": "object", "value": "data_source"})
            if not (found.get("in_trash") or found.get("archived"))
        ]
