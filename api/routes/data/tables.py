"""`/api/tables`: the tables of the workspace, which workflows remember things in."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from api.base.accounts import Accounts, is_demo
from api.base.routing import Acting, Door, SignedInRoute

router = APIRouter(prefix="/api/tables", tags=["Tables"], route_class=SignedInRoute)


class TableDocument(BaseModel):
    """A table and the number of its rows."""

    name: str
    rows: int


class TableList(BaseModel):
    """All tables, by name."""

    tables: list[TableDocument]


class RowDocument(BaseModel):
    """A row."""

    key: str
    value: Any
    updated_at: str = Field(description="RFC 3339, UTC.")


class RowList(BaseModel):
    """Rows of a table; `total` counts those beyond the limit, too."""

    rows: list[RowDocument]
    total: int


class RowQuery(BaseModel):
    """Which rows to return."""

    model_config = ConfigDict(extra="forbid")

    words: str = Field("", description="A text that the key or the value contains, in any case.")
    prefix: str = Field("", description="The beginning of the keys.")
    order_by: str = Field("key", description="`key`, `updated_at`, or a member of the values.")
    descending: bool = False
    limit: int = Field(100, ge=1, le=10_000)
    accounts: Accounts = None


class RowBody(BaseModel):
    """A row to save."""

    model_config = ConfigDict(extra="forbid")

    key: str
    value: Any
    merge: bool = Field(default=False, description="Keep the members of the old value that the new one does not have.")


class DeletedRows(BaseModel):
    """The number of rows that were deleted."""

    rows: int


@router.get("", summary="List tables", response_model=TableList)
def list_tables(orchestra: Door, principal: Acting, accounts: Accounts = None) -> Any:
    """Return the name of every table and the number of its rows."""
    found = orchestra.tables.names(principal, demo=is_demo(orchestra, accounts))
    return {"tables": [{"name": name, "rows": count} for name, count in found.items()]}


@router.get("/{table}", summary="List the rows of a table", response_model=RowList)
def list_rows(orchestra: Door, principal: Acting, table: str, which: Annotated[RowQuery, Query()]) -> Any:
    """Return rows of a table; 404 if there is no such table."""
    wanted = which.model_dump(exclude={"accounts"})
    found = orchestra.tables.rows(principal, table, **wanted, demo=is_demo(orchestra, which.accounts))
    return {"rows": [asdict(row) for row in found.rows], "total": found.total}


@router.put("/{table}/rows", summary="Save a row", response_model=RowDocument)
def save_row(orchestra: Door, principal: Acting, table: str, body: RowBody, accounts: Accounts = None) -> Any:
    """Add or replace a row; the table is created with its first row."""
    demo = is_demo(orchestra, accounts)
    saved = orchestra.tables.save(principal, table, body.key, body.value, merge=body.merge, demo=demo)
    return asdict(saved)


@router.delete("/{table}/rows", summary="Delete a row", response_model=DeletedRows)
def delete_row(
    orchestra: Door,
    principal: Acting,
    table: str,
    key: Annotated[str, Query(description="The key of the row.")],
    accounts: Accounts = None,
) -> Any:
    """Delete a row; 404 if no row has this key."""
    orchestra.tables.delete(principal, table, key, demo=is_demo(orchestra, accounts))
    return {"rows": 1}


@router.delete("/{table}", summary="Delete a table", response_model=DeletedRows)
def drop_table(orchestra: Door, principal: Acting, table: str, accounts: Accounts = None) -> Any:
    """Delete a table with all its rows."""
    return {"rows": orchestra.tables.drop(principal, table, demo=is_demo(orchestra, accounts))}
