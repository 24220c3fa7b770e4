"""A person's path to data: from a database to a column in a later step, from a PDF to its pages and a workflow."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.browser.conftest import Served, settled, show_expressions, shows
from tests.browser.test_panel import card, chosen, drafted_whole
from tests.engine.sandbox.documents import pdf, written
from tests.patience import until

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

OWNER = Principal("owner", "owner")
STATEMENT = "SELECT `id`, `name` FROM `customers` LIMIT 100"


def test_from_a_database_to_a_column_and_from_a_pdf_to_a_workflow(served: Served, page: Page) -> None:
    with closing(sqlite3.connect(served.root / "shop.db")) as shop:
        shop.executescript("CREATE TABLE customers (id INTEGER, name TEXT); INSERT INTO customers VALUES (7, 'Ada');")
    steps = [{"id": "begin", "uses": "flow.set", "with": {"values": {"n": 1}}}]
    orchestra = Orchestra.open(served.root)
    orchestra.workflows.save(OWNER, "orders", json.dumps({"schema_version": 1, "steps": steps}), None)
    orchestra.close()

    show_expressions(page)
    a_database_is_added(served, page)
    panel = its_rows_are_seen(served, page)
    a_column_is_used(page, panel)
    a_pdf_is_seen(served, page)


def a_database_is_added(served: Served, page: Page) -> None:
    page.goto(f"{served.url}/connections?do=new")
    dialog = page.get_by_role("dialog", name="Add a connection")
    service = dialog.get_by_role("combobox", name="Service")
    service.click()
    service.fill("SQL database")
    service.press("Enter")
    key = dialog.get_by_role("textbox", name="Connection string")
    key.wait_for()
    settled(page)
    name = dialog.get_by_role("textbox", name="Name")
    name.fill("shop")
    name.press("Tab")
    settled(page)
    key.fill("sqlite:///shop.db")
    dialog.get_by_role("button", name="Add and test").click()
    page.get_by_text("connection shop").wait_for()
    page.get_by_role("button", name="Use it").click()
    page.get_by_role("button", name="Back to Demo").first.wait_for()


def added(page: Page, after: str, uses: str) -> Locator:
    """Add a step after another one, open its panel, and return that."""
    card(page, after).focus()
    page.keyboard.press("a")
    page.get_by_role("dialog").get_by_role("option", name=re.compile(f" {re.escape(uses)}$")).first.wait_for()
    page.keyboard.type(uses)
    page.keyboard.press("Enter")
    card(page, uses.partition(".")[2]).click()
    return page.locator(".studio-panel")


def its_rows_are_seen(served: Served, page: Page) -> Locator:
    page.goto(f"{served.url}/workflow?name=orders&tab=canvas")
    card(page, "begin").wait_for()
    settled(page)
    panel = added(page, "begin", "sql.query")
    panel.get_by_label("Connection", exact=True).select_option("shop")
    card(page, "query").get_by_text("1 error").wait_for()
    statement = panel.locator("textarea").and_(panel.get_by_label(re.compile("^Statement")))
    statement.click()
    panel.locator(".panel-offers").get_by_text(STATEMENT, exact=True).click()
    shows(statement, STATEMENT)
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Saved", exact=True).first.wait_for()
    panel.get_by_text("Result of the last run").click()
    panel.get_by_role("button", name="Try this step").click()
    panel.get_by_text("nobody has agreed to").wait_for()
    panel.get_by_role("button", name="Agree, and try").click()
    panel.get_by_label("Output of query").get_by_text('"name": "Ada"').wait_for()
    return panel


def a_column_is_used(page: Page, panel: Locator) -> None:
    page.keyboard.press("Escape")
    added(page, "query", "flow.set")
    panel.get_by_role("button", name="Add a value to Values by name").click()
    panel.get_by_label("Values by name, name 1", exact=True).fill("who")
    value = panel.get_by_label("Values by name: who", exact=True)
    chosen(panel, value, "{{ rows[0].name", "steps.query.output.rows[0].name")
    made = "{{ default(steps.query.output.rows[0].name, '') }}"
    until(lambda: _values(page) == {"who": made} or None)


def _values(page: Page) -> Any:
    return drafted_whole(page, "orders")["steps"][-1]["with"].get("values")


def a_pdf_is_seen(served: Served, page: Page) -> None:
    page.goto(f"{served.url}/files")
    offer = {
        "name": "offer.pdf",
        "mimeType": "application/pdf",
        "buffer": pdf(written("All of it"), written("The end")),
    }
    page.locator("input[type=file]").set_input_files(offer)  # type: ignore[arg-type]
    page.get_by_text("All of it").wait_for()
    page.get_by_text(re.compile(r"pdf · .* · 2 pages")).wait_for()
    page.get_by_role("button", name="Increment").click()
    page.get_by_text("The end").wait_for()
    page.get_by_role("button", name="Use in a workflow").click()
    page.get_by_role("button", name="Make the workflow").click()
    page.wait_for_url("**/workflow?name=read-offer&tab=canvas")
    card(page, "read").click()
    panel = page.locator(".studio-panel")
    shows(panel.get_by_label("File of the run, or path in the workspace", exact=True), "files/offer.pdf")
    panel.get_by_role("link", name="See its text and pages").wait_for()
    panel.get_by_label(re.compile("^Add a file for")).set_input_files(
        {"name": "other.pdf", "mimeType": "application/pdf", "buffer": pdf(written("Another"))}
    )
    shows(panel.get_by_label("File of the run, or path in the workspace", exact=True), "files/other.pdf")
