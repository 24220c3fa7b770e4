"""`tables`: the tables of the workspace, which workflows remember things in."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from commands.base.failures import DONE
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import document, say
from commands.base.screen import table as columns
from commands.base.session import looked_at, opened
from engine.base.json_text import compact

group = typer.Typer(help="Tables that workflows remember things in.", no_args_is_help=True, rich_markup_mode=None)

Table = Annotated[str, typer.Argument(metavar="TABLE", help="The name of the table.")]
Key = Annotated[str, typer.Argument(metavar="KEY", help="The key of the row.")]


@group.command("list")
def list_(demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """List the tables with their number of rows."""
    with looked_at(workspace, demo=demo) as session:
        found = session.orchestra.tables.names(session.principal, demo=demo)
    if as_json:
        document({"tables": [{"name": name, "rows": count} for name, count in found.items()]})
    elif found:
        columns(["TABLE", "ROWS"], [[name, str(count)] for name, count in found.items()])
    else:
        say("There is no table yet. The step store.upsert makes one, or `orchestra tables set`.")
    return DONE


@group.command()
def show(
    table: Table,
    words: Annotated[str, typer.Option(help="Only rows whose key or value contains this text.")] = "",
    order_by: Annotated[str, typer.Option(help="key, updated_at, or a member of the values.")] = "key",
    descending: Annotated[bool, typer.Option("--descending", help="Largest or newest first.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="The maximum number of rows.")] = 100,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Show the rows of a table."""
    with looked_at(workspace, demo=demo) as session:
        found = session.orchestra.tables.rows(
            session.principal, table, words=words, order_by=order_by, descending=descending, limit=limit, demo=demo
        )
    if as_json:
        document({"rows": [asdict(row) for row in found.rows], "total": found.total})
        return DONE
    columns(["KEY", "UPDATED", "VALUE"], [[row.key, row.updated_at, compact(row.value)] for row in found.rows])
    if found.total > len(found.rows):
        say(f"{found.total - len(found.rows):,} more: `--limit {found.total}`.")
    return DONE


@group.command("set")
def set_(
    table: Table,
    key: Key,
    value: Annotated[str, typer.Argument(metavar="VALUE", help="The value as JSON; anything else is stored as text.")],
    merge: Annotated[bool, typer.Option("--merge", help="Keep other fields of the old value.")] = False,
    demo: Demo = False,
    workspace: Workspace = None,
    as_json: Json = False,
) -> int:
    """Add a row to a table, or replace the one with this key."""
    with opened(workspace, demo=demo) as session:
        row = session.orchestra.tables.save(session.principal, table, key, _value(value), merge=merge, demo=demo)
    document(asdict(row)) if as_json else say(f"Saved {row.key}.")
    return DONE


@group.command()
def remove(table: Table, key: Key, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Delete a row."""
    with opened(workspace, demo=demo) as session:
        session.orchestra.tables.delete(session.principal, table, key, demo=demo)
    document({"rows": 1}) if as_json else say(f"Deleted {key}.")
    return DONE


@group.command()
def drop(table: Table, demo: Demo = False, workspace: Workspace = None, as_json: Json = False) -> int:
    """Delete a table with all its rows."""
    with opened(workspace, demo=demo) as session:
        count = session.orchestra.tables.drop(session.principal, table, demo=demo)
    document({"rows": count}) if as_json else say(f"Deleted {table} with {count:,} rows.")
    return DONE


def _value(text: str) -> Any:
    from engine.documents.json_file import typed_value_or_text

    return typed_value_or_text(text, "The value", "Quote it for your shell: '{\"n\": 1}'.")
