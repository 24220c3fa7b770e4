"""A table whose rows can be opened one at a time; the address names the open row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard.base import session

_TALLEST, _MOST_ROWS = 345, 9
"""The height in pixels, and the rows that fit into it: half a row more shows that there are more."""


def pick_table(
    param: str,
    ids: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    columns: Mapping[str, Any],
    *,
    alt: str,
    place: str = "",
) -> str:
    """Show `rows`; return the id of the open one, "" for none. It is kept as `?param=`.

    `columns` is Streamlit's column configuration, `alt` tells a screen reader what the table contains, `place`
    distinguishes tables with the same `param`.
    """
    key = f"pick-{param}-{place}"

    def opened() -> None:
        _open(session.widget_value(key, None), param, ids)

    st.dataframe(
        list(rows),
        key=key,
        on_select=opened,
        selection_mode=["single-row", "single-cell"],
        hide_index=True,
        height="content" if len(rows) <= _MOST_ROWS else _TALLEST,
        column_config=dict(columns),
        placeholder="",
        alt=alt,
    )
    wanted = st.query_params.get(param, "")
    return wanted if wanted in ids else ""


def _open(selected: Any, param: str, ids: Sequence[str]) -> None:
    selection = (selected or {}).get("selection", {})
    cells, marked = selection.get("cells") or [], selection.get("rows") or []
    if cells or marked:
        st.query_params[param] = ids[cells[0][0] if cells else marked[0]]
    else:
        st.query_params.pop(param, None)
