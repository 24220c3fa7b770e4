"""The tables of the workspace, which workflows remember things in, for people who look at them and correct them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta, Struct

from clients.datastore.rows import ROWS_MOST, TableRow, TableRows, WantedRows
from engine.base.errors import UnknownName
from engine.base.statuses import AccountMode
from engine.data.own_parts import own_errors
from engine.people.access import Principal, may
from engine.people.answer_links import without_links
from engine.people.operation import Demo, Face, operation

if TYPE_CHECKING:
    from clients.datastore.client import StoreClient
    from engine.connections.accounts import Account
    from engine.people.audit import Audit

    Open = Callable[[str | None, str | None, AccountMode], Account]

__all__ = ["TableRow", "TableRows", "Tables"]
"""The records are named here for the front ends."""
_SEE, _CHANGE = "see the tables", "change the tables"

Table = Annotated[str, Meta(description="The name of the table.")]
Key = Annotated[str, Meta(description="The key of the row.")]


class TableSize(Struct, frozen=True):
    """A table and the number of its rows."""

    name: str
    rows: int


class TableList(Struct, frozen=True):
    """All tables, by name."""

    tables: list[TableSize]

    @staticmethod
    def of(found: Mapping[str, int], _given: object) -> TableList:
        """Return the list for numbers of rows by name."""
        return TableList([TableSize(name, rows) for name, rows in found.items()])


class Tables:
    """The `tables` area. `demo`: the tables of runs on demo accounts, instead of everybody else's."""

    def __init__(self, open_account: Open, audit: Audit) -> None:
        self._open, self._audit = open_account, audit

    @operation("tables.list", "view", _SEE, "List tables", "GET /api/tables", "tables list", answer=TableList.of)
    def names(self, p: Principal, *, demo: Demo = False) -> dict[str, int]:
        """List the tables with their number of rows.

        Raises StorageError.
        """
        with own_errors():
            return self._client(demo=demo).names()

    @operation("tables.rows", "view", _SEE, "List the rows of a table", "GET /api/tables/{table}", "tables show")
    def rows(
        self,
        p: Principal,
        table: Table,
        *,
        words: Annotated[str, Meta(description="Only rows whose key or value contains this text.")] = "",
        prefix: Annotated[str, Meta(description="Only rows whose key begins so.")] = "",
        order_by: Annotated[str, Meta(description="key, updated_at, or a member of the values.")] = "key",
        descending: Annotated[bool, Meta(description="Largest or newest first.")] = False,
        limit: Annotated[
            int, Meta(ge=1, le=10_000, description="The maximum number of rows."), Face(most=ROWS_MOST)
        ] = 100,
        demo: Demo = False,
    ) -> TableRows:
        """Show the rows of a table.

        Raises UnknownName, InvalidInput, StorageError.
        """
        seen = str if may(p, "run") else without_links  # a link to a question lets anybody answer it
        wanted = WantedRows(None, prefix, words, order_by, descending, limit, seen)
        with own_errors():
            found = self._client(demo=demo).query(table, wanted)
            if not found.total and table not in (known := self._client(demo=demo).names()):
                raise UnknownName("table", table, list(known))
            return found

    @operation("tables.save", "edit", _CHANGE, "Save a row", "PUT /api/tables/{table}/rows", "tables set")
    def save(
        self,
        p: Principal,
        table: Table,
        key: Key,
        value: Annotated[Any, Meta(description="The value.")],
        *,
        merge: Annotated[bool, Meta(description="Keep other fields of the old value.")] = False,
        is_new: Annotated[bool, Face(is_hidden=True)] = False,
        demo: Demo = False,
    ) -> TableRow:
        """Add a row to a table, or replace the one with this key.

        The table is created with its first row.

        Raises InvalidInput, also with `is_new` if there is such a row, and StorageError.
        """
        with own_errors():
            saved = self._client(demo=demo).save(table, key, value, merge=merge, is_new=is_new)
        self._audit.record(p, "tables.save", table, {"key": key, "demo": demo})
        return saved.row

    @operation(
        "tables.delete",
        "edit",
        _CHANGE,
        "Delete a row",
        "DELETE /api/tables/{table}/rows",
        "tables remove",
        answer="rows",
    )
    def delete(self, p: Principal, table: Table, key: Key, *, demo: Demo = False) -> int:
        """Delete a row.

        Raises UnknownName, InvalidInput, StorageError.
        """
        with own_errors():
            gone = self._client(demo=demo).delete(table, key)
        if gone is None:
            raise UnknownName("row", key, remedy=f"The table {table!r} has no row with this key.")
        self._audit.record(p, "tables.delete", table, {"key": key, "demo": demo})
        return 1

    @operation(
        "tables.drop", "edit", _CHANGE, "Delete a table", "DELETE /api/tables/{table}", "tables drop", answer="rows"
    )
    def drop(self, p: Principal, table: Table, *, demo: Demo = False) -> int:
        """Delete a table with all its rows.

        Raises UnknownName, InvalidInput, StorageError.
        """
        with own_errors():
            known = self._client(demo=demo).names()
            count = self._client(demo=demo).drop(table)
        if not count:
            raise UnknownName("table", table, list(known))
        self._audit.record(p, "tables.drop", table, {"rows": count, "demo": demo})
        return count

    def _client(self, *, demo: bool) -> StoreClient:
        from clients.datastore.client import StoreClient
        from clients.datastore.service import STORE

        client = self._open(None, STORE.name, AccountMode.DEMO if demo else AccountMode.MINE).client
        assert isinstance(client, StoreClient)
        return client
