"""The tables of the workspace: what workflows remember, to look at and to correct."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import streamlit as st

from dashboard.base import fields
from dashboard.base.language import N_, t, tn
from dashboard.base.page import Page, Visit
from dashboard.base.plain import plain
from dashboard.parts.accounts import is_demo_chosen
from dashboard.parts.buttons import action_button
from dashboard.parts.empty import empty
from dashboard.parts.errors import error_box
from dashboard.parts.header import page_header
from dashboard.parts.pick_table import pick_table
from dashboard.parts.popover import finish, popover
from dashboard.parts.times import ago
from engine.base.errors import OrchestraError
from engine.base.json_text import compact
from engine.documents.json_file import typed_value

PAGE = Page(
    title=N_("Tables"),
    icon=":material/table:",
    path="tables",
    order=51,
    section=N_("Data"),
    words=N_("data store remember rows database"),
)
_SHOWN = 200
_MOST_COLUMNS = 12
"""The other members of a value are shown where its row is open."""


def show(visit: Visit) -> None:
    """Show the tables, the rows of the chosen one, and the row that is open."""
    page_header(visit, t("Tables"), t("What workflows remember from one run to the next."))
    try:
        by_mode = {demo: visit.orchestra.tables.names(visit.who, demo=demo) for demo in (False, True)}
        demo = is_demo_chosen(visit, t("Tables of runs on"), "tables-accounts", by_mode)
        found = by_mode[demo]
        chosen = _table(visit, found)
        if chosen:
            _rows(visit, chosen, demo=demo)
    except OrchestraError as error:
        error_box(error)
        return
    if visit.may("edit"):
        _new_row(visit, chosen, demo=demo)


def _table(visit: Visit, found: dict[str, int]) -> str:
    if not found:
        words = t("What workflows remember from one run to the next, such as the invoices that came by mail.")
        first = t("The button below adds the first row.") if visit.may("edit") else ""
        empty(f"{words} {first}".rstrip(), ":material/table:", visit, t("Gallery"), "gallery")
        return ""
    counts = {name: tn("{count} row", "{count} rows", count) for name, count in found.items()}
    return str(
        st.selectbox(t("Table"), list(found), format_func=lambda name: f"{name} ({counts[name]})", key="tables-table")
    )


def _rows(visit: Visit, table: str, *, demo: bool) -> None:
    words = st.text_input(t("Search"), key="tables-search", placeholder=t("A word in the key or the value"))
    found = visit.orchestra.tables.rows(visit.who, table, words=words, limit=_SHOWN, demo=demo)
    if not found.rows:
        st.caption(t("No row contains this."))
    else:
        values, named = _columns([row.value for row in found.rows])
        rows = [
            {"key": row.key, **value, "updated": ago(row.updated_at)}
            for row, value in zip(found.rows, values, strict=True)
        ]
        columns = {"key": t("Key"), **named, "updated": t("Changed")}
        opened = pick_table("row", [row.key for row in found.rows], rows, columns, alt=t("Rows"), place=table)
        if found.total > len(found.rows):
            st.caption(t("The first {shown} of {total} rows; search for the others.", shown=_SHOWN, total=found.total))
        for row in found.rows:
            if row.key == opened:
                _row(visit, table, row.key, row.value, demo=demo)
    if visit.may("edit"):
        _drop(visit, table, demo=demo)


def _row(visit: Visit, table: str, key: str, value: Any, *, demo: bool) -> None:
    with st.container(border=True):
        st.markdown(f"**{plain(key)}**")
        if not visit.may("edit"):
            st.json(value)
            return
        shown = json.dumps(value, ensure_ascii=False, indent=2)
        slot = f"tables-{table}-{key}-{fields.checksum(shown)}"
        text = fields.text_area(t("Value (JSON)"), shown, key=slot, slot=slot, height="content")
        with st.container(horizontal=True, gap="small"):
            action_button(
                t("Save"),
                f"tables-save-{key}",
                lambda _: visit.orchestra.tables.save(visit.who, table, key, _value(text), demo=demo),
                lambda _: _done(t("The row is saved.")),
                scope=text,
                type="primary",
            )
            action_button(
                t("Delete"),
                f"tables-delete-{key}",
                lambda _: visit.orchestra.tables.delete(visit.who, table, key, demo=demo),
                lambda _: _done(t("The row is deleted.")),
                icon=":material/delete:",
            )


def _new_row(visit: Visit, table: str, *, demo: bool) -> None:
    with popover(t("Add a row"), "tables-new", ":material/add:"):
        name = st.text_input(t("Table"), table, key=f"tables-new-table-{table}")
        key = st.text_input(t("Key"), key="tables-new-key")
        text = fields.text_area(t("Value (JSON)"), "{}", key="tables-new-value", slot="tables-new-value")
        action_button(
            t("Add"),
            "tables-add",
            lambda _: visit.orchestra.tables.save(visit.who, name, key, _value(text), is_new=True, demo=demo),
            lambda _: _done(t("The row is saved.")),
            scope=f"{name} {key} {text}",
            type="primary",
        )


def _drop(visit: Visit, table: str, *, demo: bool) -> None:
    with popover(t("Delete the table"), "tables-drop", ":material/delete:"):
        st.caption(t("All rows of {table} are deleted. This cannot be undone.", table=plain(table)))
        action_button(
            t("Delete {table}", table=table),
            "tables-drop-it",
            lambda _: visit.orchestra.tables.drop(visit.who, table, demo=demo),
            lambda _: _done(t("The table is deleted.")),
            scope=table,
        )


def _done(sentence: str) -> None:
    finish(sentence, "tables-new", "tables-drop")


def _value(text: str) -> Any:
    return typed_value(text, "The value")


def _columns(values: Sequence[Any]) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return the cells of each row, and the labels of their columns: a column for each member of its objects."""
    objects = [one for one in values if isinstance(one, dict) and one]
    members = list(dict.fromkeys(name for one in objects for name in one))[:_MOST_COLUMNS]
    numeric = {name for name in members if all(_is_number(one[name]) for one in objects if name in one)}
    named = {f"value.{name}": name for name in members} | ({"value": t("Value")} if len(objects) < len(values) else {})
    found = []
    for one in values:
        if isinstance(one, dict) and one:
            cells = {name: cell if name in numeric else _short(cell) for name, cell in one.items() if name in members}
            found.append({f"value.{name}": cell for name, cell in cells.items()})
        else:
            found.append({"value": _short(one)})
    return [{**dict.fromkeys(named), **one} for one in found], named


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _short(value: Any) -> str:
    """Return a value as the text of a cell."""
    text = value if isinstance(value, str) else "" if value is None else compact(value)
    return text if len(text) <= 200 else f"{text[:200]}…"
