"""Resolves a name, an address or an id to a data source, and describes its properties."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from clients.errors import Conflict, InvalidRequest, NotFound
from clients.listing import Json
from clients.notion.api import SERVICE, answered, every, id_in, page_id, reading, wrong_layer
from clients.notion.values import Schema, is_written, plain_text, rich_text
from clients.wording import counted, guess_first

if TYPE_CHECKING:
    from notion_client import Client

KEY_PROPERTY = "Orchestra key"
# A run writes many pages in a row, and schemas change rarely; a refusal clears the cache earlier.
_KEPT_SECONDS = 60.0
CLOCK_SKEW = timedelta(seconds=120)
"""How far Notion's clock, which shows whole minutes, may differ from ours."""


class DataSource(Struct, frozen=True):
    """A data source: the table in a database whose rows are pages."""

    id: str
    name: str
    url: str
    schema: Schema

    def described(self) -> Json:
        """Return {id, url, title, properties}; for each property {type}, and the names of its options."""
        return {"id": self.id, "url": self.url, "title": self.name, "properties": described(self.schema)}

    @classmethod
    def of(cls, found: Json) -> DataSource:
        """Create it from the API's data source object."""
        return cls(
            id=str(found["id"]),
            name=plain_text(found.get("title")),
            url=str(found.get("url") or ""),
            schema=found["properties"],
        )


def described(schema: Schema) -> Json:
    """Describe the properties of a database: {name: {type, options?, data_source?, is_read_only}}."""
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


_NEW_TYPES = (
    *("title", "rich_text", "number", "select", "multi_select", "status", "date", "checkbox", "url", "email"),
    *("phone_number", "people", "files", "created_time", "created_by", "last_edited_time", "last_edited_by"),
)


def schema_of(properties: Mapping[str, Any]) -> Json:
    """Return Notion's form of the properties of a new database; without a title it gets `Name`.

    Each is a type (`"date"`), or {type, options: [names]} of one with options. Raises InvalidRequest.
    """
    schema = {name: _new_property(name, given) for name, given in properties.items()}
    titles = [name for name, each in schema.items() if "title" in each]
    if len(titles) > 1:
        raise InvalidRequest(f"Only one property can be the title, not {', '.join(titles)}.", service=SERVICE)
    return schema if titles else {"Name": {"title": {}}, **schema}


def _new_property(name: str, given: Any) -> Json:
    asked = given if isinstance(given, Mapping) else {"type": given}
    kind, options = asked.get("type"), asked.get("options") or []
    has_options = kind in ("select", "multi_select", "status")
    if kind not in _NEW_TYPES or (options and not has_options) or set(asked) - {"type", "options"}:
        raise InvalidRequest(
            f"The property {name!r} cannot be {given!r:.100}.",
            service=SERVICE,
            remedy=f"Give a type, or {{type, options}} with a list of names. Types: {', '.join(_NEW_TYPES)}.",
        )
    return {str(kind): {"options": [{"name": str(each)} for each in options]} if options else {}}


class Databases:
    """Databases that the connection can see, cached for a minute. Thread-safe."""

    def __init__(self, api: Client) -> None:
        self._api = api
        self._lock = threading.RLock()
        self._kept: dict[str, tuple[float, DataSource]] = {}

    def all(self) -> list[DataSource]:
        """List all data sources shared with this connection."""
        with reading():
            return [DataSource.of(found) for found in self._search("")]

    def find(self, database: str) -> DataSource:
        """Resolve a name, address or id; raises NotFound, or InvalidRequest if it is ambiguous or invalid."""
        with self._lock:
            until, source = self._kept.get(database, (0.0, None))
            if source is None or until < time.monotonic():
                some_id = id_in(database)
                source = self._by_id(some_id) if some_id else self._by_name(database.strip())
                self._keep(database, source)
            return source

    def keyed(self, database: str) -> DataSource:
        """Resolve as `find` does, and add the text property `Orchestra key` if it is missing."""
        with self._lock:
            source = self.find(database)
            if KEY_PROPERTY not in source.schema:
                with reading():
                    self._api.data_sources.update(source.id, properties={KEY_PROPERTY: {"rich_text": {}}})
                    source = DataSource.of(answered(self._api.data_sources.retrieve(source.id)))
                self._keep(database, source)
            kind = source.schema[KEY_PROPERTY]["type"]
            if kind != "rich_text":
                self._kept.clear()  # fetched again, in case somebody has renamed it meanwhile
                raise InvalidRequest(
                    f"The property {KEY_PROPERTY!r} of {source.name} is of type {kind}; a text property is needed.",
                    service=SERVICE,
                    remedy="Rename that property in Notion; the right one is then added automatically.",
                )
            return source

    def database(self, database: str) -> Json:
        """Describe a database: {id, url, title, data_sources: [{id, name}]}. Raises as `find`, but allows several."""
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

    def create(self, parent: str, title: str, properties: Mapping[str, Any]) -> Json:
        """Create a database on a page; returns what `database` returns. `properties`: see `schema_of`."""
        schema = schema_of(properties)
        with reading():
            made = answered(
                self._api.databases.create(
                    parent={"type": "page_id", "page_id": page_id(parent)},
                    title=rich_text(title),
                    initial_data_source={"properties": schema},
                )
            )
        return self.database(str(made["id"]))

    def find_created(self, parent: str, title: str, since: datetime, others: Collection[str]) -> Json | None:
        """Return what `create` returned, if a database with this title was created on the page since then.

        `others`: ids of databases of other writes, as two with the same title look alike.
        """
        with reading():
            for block in every(self._api.blocks.children.list, block_id=page_id(parent)):
                is_one = block["type"] == "child_database" and block["child_database"]["title"] == title
                is_fresh = datetime.fromisoformat(block["created_time"]) >= since - CLOCK_SKEW
                if is_one and is_fresh and block["id"] not in others:
                    return self.database(str(block["id"]))
        return None

    def undo(self, written: Mapping[str, Any]) -> None:
        """Move a database that `create` made to the trash. Raises Conflict if it has pages, or another title."""
        with reading():
            found = answered(self._api.databases.retrieve(written["id"]))
            if _is_in_trash(found):
                return
            for source in found["data_sources"]:
                if answered(self._api.data_sources.query(source["id"], page_size=1))["results"]:
                    raise Conflict("There are pages in it now.", service=SERVICE)
            if plain_text(found.get("title")) != written["title"]:
                raise Conflict("Its title has been changed since.", service=SERVICE)
            self._api.databases.update(written["id"], in_trash=True)

    def _parent_of(self, source_id: str) -> str:
        with reading():
            return str(answered(self._api.data_sources.retrieve(source_id))["parent"]["database_id"])

    @contextlib.contextmanager
    def used(self) -> Iterator[None]:
        """Use cached results; if Notion refuses, clear the cache, as the database may have changed."""
        try:
            with reading():
                yield
        except (InvalidRequest, NotFound):
            with self._lock:
                self._kept.clear()
            raise

    def _keep(self, database: str, source: DataSource) -> None:
        self._kept[database] = (time.monotonic() + _KEPT_SECONDS, source)

    def _by_id(self, some_id: str) -> DataSource:
        sources = self._sources_of(some_id)
        if sources is None:
            try:
                with reading():
                    found = answered(self._api.data_sources.retrieve(some_id))
            except (NotFound, InvalidRequest) as error:
                raise wrong_layer(self._api, some_id, "database", error) from error
            return _live(found)
        if len(sources) != 1:
            listed = ", ".join(f"{each['name']} ({each['id']})" for each in sources)
            raise InvalidRequest(
                f"The database {some_id} has {counted(len(sources), 'data source')}: {listed or 'none'}.",
                service=SERVICE,
                remedy="Give the id of the data source to use.",
            )
        with reading():
            return _live(answered(self._api.data_sources.retrieve(sources[0]["id"])))

    def _sources_of(self, some_id: str) -> list[Json] | None:
        """Return the {id, name} of a database's data sources; None if the id is not a database's."""
        try:
            with reading():
                return list(answered(self._api.databases.retrieve(some_id))["data_sources"])
        except (NotFound, InvalidRequest):
            return None

    def _by_name(self, name: str) -> DataSource:
        with reading():
            found = [DataSource.of(each) for each in self._search(name)]
        alike = [each for each in found if each.name.strip().casefold() == name.casefold()]
        # The exact spelling wins if names differ by case alone.
        same = [each for each in alike if each.name.strip() == name] or alike
        if len(same) == 1:
            return same[0]
        if same:
            listed = ", ".join(each.url or each.id for each in same)
            raise InvalidRequest(
                f"{len(same)} databases are called {name!r}: {listed}.",
                service=SERVICE,
                remedy="Give the address of the one to use.",
            )
        names = sorted({each.name for each in self.all()})
        listed = f"it shows {', '.join(names[:20])}" if names else "it shows none"
        share = "Open the database in Notion, menu ..., Connections, and add this connection; or give its address."
        raise NotFound(
            f"Notion shows no database {name!r} to this connection; {listed}.",
            service=SERVICE,
            remedy=guess_first(name, names, share),
        )

    def _search(self, query: str) -> list[Json]:
        return [
            found
            for found in every(self._api.search, query=query, filter={"property": "object", "value": "data_source"})
            if not _is_in_trash(found)
        ]


def _is_in_trash(found: Json) -> bool:
    return bool(found.get("in_trash") or found.get("archived"))


def _live(found: Json) -> DataSource:
    """Create a data source from an answer. Raises NotFound if it is in the trash: Notion still returns it by id."""
    if _is_in_trash(found):
        raise NotFound(
            f"The database {plain_text(found.get('title'))!r} is in the trash.",
            service=SERVICE,
            remedy="Restore it in Notion, or name another database.",
        )
    return DataSource.of(found)
