"""`tables`: what its commands tell a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from commands.base.derived import Area, CalledWith
from commands.base.later_groups import Command, LaterGroup
from commands.base.screen import say
from commands.base.screen import table as columns
from engine.base.json_text import compact

if TYPE_CHECKING:
    from engine.data.tables import TableRows


def _commands() -> Sequence[Command]:
    from engine.data.tables import Tables

    area = Area("tables", is_readable=True)
    return [
        area.command(Tables.names, _names),
        area.command(Tables.rows, _rows),
        area.command(Tables.save, lambda row, _: say(f"Saved {row.key}.")),
        area.command(Tables.delete, lambda _, given: say(f"Deleted {given.values['key']}.")),
        area.command(Tables.drop, lambda count, given: say(f"Deleted {given.values['table']} with {count:,} rows.")),
    ]


group = LaterGroup("Tables that workflows remember things in.", _commands)


def _names(found: Mapping[str, int], _: CalledWith) -> None:
    if found:
        columns(["TABLE", "ROWS"], [[name, str(count)] for name, count in found.items()])
    else:
        say("There is no table yet. The step store.upsert makes one, or `orchestra tables set`.")


def _rows(found: TableRows, _: CalledWith) -> None:
    columns(["KEY", "UPDATED", "VALUE"], [[row.key, row.updated_at, compact(row.value)] for row in found.rows])
    if found.total > len(found.rows):
        say(f"{found.total - len(found.rows):,} more: `--limit {found.total}`.")
