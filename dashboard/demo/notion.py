"""The demo Notion as people see it: a database as a table, and one page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard.base.language import t
from dashboard.base.page import Visit
from dashboard.base.plain import outside_link, outside_text, plain
from dashboard.parts.pick_table import pick_table

Page = Mapping[str, Any]
_KEY_COLUMN = "Orchestra key"


def notion_tab(visit: Visit, shown: Mapping[str, Any]) -> None:
    """Show the databases and pages of `shown`, the part of the demo called notion."""
    for database in shown["databases"]:
        st.markdown(f":material/table: **{plain(rich_text(database['title']) or t('Untitled'))}**")
        _table(database, shown["pages"])
    with st.container(horizontal=True, gap="medium"):
        for page in _outside_databases(shown["pages"]):
            outside_link(title_of(page) or t("Untitled"), str(page["url"]))
    opened = next((page for page in shown["pages"] if page["id"] == st.query_params.get("page")), None)
    if opened is not None:
        _reading_pane(visit, opened)


def _table(database: Mapping[str, Any], pages: Sequence[Page]) -> None:
    inside = [page for page in pages if page["parent"].get("database_id") == database["id"]]
    if not inside:
        st.caption(t("Empty. Run Inbox triage, and tasks appear here."))
        return
    newest_first = sorted(inside, key=lambda page: str(page["created_time"]), reverse=True)
    rows = [_row(page) for page in newest_first]
    used = {name for row in rows for name, value in row.items() if value}
    order = [name for name in rows[0] if name in used and name != _KEY_COLUMN]
    ids = [str(page["id"]) for page in newest_first]
    columns: dict[str, Any] = {name: None for name in rows[0] if name not in order}
    columns[order[0]] = st.column_config.TextColumn(width="large")
    pick_table("page", ids, rows, columns, alt=t("The pages of this database."), place=str(database["id"]))


def _row(page: Page) -> dict[str, str]:
    """Return the properties by name as text, the title first."""
    properties = page["properties"]
    names = sorted(properties, key=lambda name: properties[name]["type"] != "title")
    return {name: property_text(properties[name]) for name in names}


def _outside_databases(pages: Sequence[Page]) -> list[Page]:
    return [page for page in pages if "database_id" not in page["parent"]]


def title_of(page: Page) -> str:
    """Return a page's title, whatever the name of its property."""
    return next((property_text(one) for one in page["properties"].values() if one["type"] == "title"), "")


def property_text(value: Mapping[str, Any]) -> str:
    """Return a property's value as a person reads it; empty if it has none."""
    kind = value["type"]
    inner = value.get(kind)
    return _READ.get(kind, _other)(inner) if inner not in (None, []) else ""


def rich_text(parts: Sequence[Mapping[str, Any]]) -> str:
    """Return the plain text of Notion's rich text."""
    return "".join(str(part.get("plain_text", "")) for part in parts)


def _named(value: Mapping[str, Any]) -> str:
    return str(value.get("name", ""))


def _date(value: Mapping[str, Any]) -> str:
    return " to ".join(str(value[end]) for end in ("start", "end") if value.get(end))


def _other(value: Any) -> str:
    return "yes" if value is True else "" if value is False else str(value)


_READ: Mapping[str, Callable[[Any], str]] = {
    "title": rich_text,
    "rich_text": rich_text,
    "select": _named,
    "status": _named,
    "multi_select": lambda chosen: ", ".join(_named(one) for one in chosen),
    "date": _date,
}


def _reading_pane(visit: Visit, page: Page) -> None:
    with st.container(border=True, key="reading-page"):
        st.subheader(plain(title_of(page)) or t("Untitled"), anchor=False)
        properties = [(name, text) for name, text in _row(page).items() if text][1:]
        st.caption(plain(" · ".join(f"{name}: {text}" for name, text in properties)))
        outside_text(visit.orchestra.demo.page_text(visit.who, str(page["id"])))
        outside_link(t("Open in the demo Notion"), str(page["url"]))
