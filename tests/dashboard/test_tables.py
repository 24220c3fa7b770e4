"""The page of tables."""

from __future__ import annotations

import json
from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from engine.orchestra import Orchestra
from tests.dashboard.conftest import OWNER


def add_row(page: AppTest, table: str) -> None:
    page.text_input(key="tables-new-table-").input(table)
    page.text_input(key="tables-new-key").input("billing@example.com")
    page.button(key="tables-add").click().run()
    assert not page.exception


def test_the_first_row_is_where_the_runs_of_a_new_workspace_look_for_it(
    orchestra: Orchestra, open_page: Callable[..., AppTest]
) -> None:
    page = open_page("tables")
    assert page.session_state["tables-accounts"] == "demo", "all connections of a new workspace are on the demo"
    add_row(page, "suppliers")
    assert orchestra.tables.names(OWNER, demo=True) == {"suppliers": 1}
    assert orchestra.tables.names(OWNER, demo=False) == {}


def test_a_viewer_is_not_sent_to_a_button_that_is_not_there(
    orchestra: Orchestra, open_page: Callable[..., AppTest], sign_in: Callable[..., str]
) -> None:
    orchestra.users.add(OWNER, "vera", "Vera", "viewer")
    sign_in("vera")
    page = open_page("tables")
    assert not [one for one in page.button if one.key == "tables-add"]
    assert [one.value for one in page.caption if "What workflows remember" in one.value]
    assert not any("button" in one.value for one in page.caption)


def test_the_members_of_rows_are_columns(orchestra: Orchestra, open_page: Callable[..., AppTest]) -> None:
    values = {"a": {"vendor": "Northwind", "amount": 204.5}, "b": {"vendor": "Papier", "tags": ["x"]}, "c": "a note"}
    for key, value in values.items():
        orchestra.tables.save(OWNER, "invoices", key, value, demo=True)
    page = open_page("tables")
    assert not page.exception
    [shown] = page.dataframe
    rows = shown.value.drop(columns="updated")
    assert [row.dropna().to_dict() for _, row in rows.iterrows()] == [
        {"key": "a", "value.vendor": "Northwind", "value.amount": 204.5},
        {"key": "b", "value.vendor": "Papier", "value.tags": '["x"]'},
        {"key": "c", "value": "a note"},
    ]
    labels = {one.get("label") for one in json.loads(shown.proto.columns).values()}
    assert {"vendor", "amount", "tags"} <= labels
