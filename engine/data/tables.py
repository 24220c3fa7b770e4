"""The tables of the workspace, which workflows remember things in, for people who look at them and correct them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from clients.datastore.client import StoreClient
from clients.datastore.rows import TableRow, TableRows, WantedRows
from clients.datastore.service import STORE
from engine.base.errors import UnknownName
from engine.base.statuses import AccountMode
from engine.connections.accounts import Account
from engine.data.own_parts import own_errors
from engine.people.access import Principal, may
from engine.people.answer_links import without_links
from engine.people.audit import Audit
from engine.people.operation import operation

Open = Callable[[str | None, str | None, AccountMode], Account]


class Tables:
    """The `tables` area. `demo`: the tables of runs on demo accounts, instead of everybody else's."""

    def __init__(self, open_account: Open, audit: Audit) -> None:
        self._open, self._audit = open_account, audit

    @operation("tables.list", "view", "see the tables", "List the tables")
    def names(self, p: Principal, *, demo: bool = False) -> dict[str, int]:
        """Return the number of rows of each table, by name. Raises StorageError."""
        with own_errors():
            return self._client(demo=demo).names()

    @operation("tables.rows", "view", "see the tables", "List the rows of a table")
    def rows(
        self,
        p: Principal,
        table: str,
        *,
        words: str = "",
        prefix: str = "",
        order_by: str = "key",
        descending: bool = False,
        limit: int = 100,
        demo: bool = False,
    ) -> TableRows:
        """Return rows of a table: those with these words, in an order (`key`, `updated_at` or a member of the values).

        Raises UnknownName, InvalidInput, StorageError.
        """
        seen = str if may(p, "run") else without_links  # a link to a question lets anybody answer it
        wanted = WantedRows(None, prefix, words, order_by, descending, limit, seen)
        with own_errors():
            found = self._client(demo=demo).query(table, wanted)
            if not found.total and table not in (known := self._client(demo=demo).names()):
                raise UnknownName("table", table, list(known))
            return found

    @operation("tables.save", "edit", "change the tables", "Save a row of a table")
    def save(
        self,
        p: Principal,
        table: str,
        key: str,
        value: Any,
        *,
        merge: bool = False,
        is_new: bool = False,
        demo: bool = False,
    ) -> TableRow:
        """Add or replace a row, and return it.

        Raises InvalidInput, also with `is_new` if there is such a row, and StorageError.
        """
        with own_errors():
            saved = self._client(demo=demo).save(table, key, value, merge=merge, is_new=is_new)
        self._audit.record(p, "tables.save", table, {"key": key, "demo": demo})
        return saved.row

    @operation("tables.delete", "edit", "change the tables", "Delete a row of a table")
    def delete(self, p: Principal, table: str, key: str, *, demo: bool = False) -> None:
        """Delete a row. Raises UnknownName, InvalidInput, StorageError."""
        with own_errors():
            gone = self._client(demo=demo).delete(table, key)
        if gone is None:
            raise UnknownName("row", key, remedy=f"The table {table!r} has no row with this key.")
        self._audit.record(p, "tables.delete", table, {"key": key, "demo": demo})

    @operation("tables.drop", "edit", "change the tables", "Delete a table")
    def drop(self, p: Principal, table: str, *, demo: bool = False) -> int:
        """Delete a table with all its rows, and return their number. Raises UnknownName, InvalidInput, StorageError."""
        with own_errors():
            known = self._client(demo=demo).names()
            count = self._client(demo=demo).drop(table)
        if not count:
            raise UnknownName("table", table, list(known))
        self._audit.record(p, "tables.drop", table, {"rows": count, "demo": demo})
        return count

    def _client(self, *, demo: bool) -> StoreClient:
        client = self._open(None, STORE.name, AccountMode.DEMO if demo else AccountMode.MINE).client
        assert isinstance(client, StoreClient)
        return client
