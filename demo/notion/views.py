"""Web pages at the addresses that the Notion stand-in returns."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

from demo import page, rich_text
from demo.call import StandInCall
from demo.notion import tree as notion_tree
from demo.notion import values as notion_values
from demo.notion.call import Record, not_found, shown_time
from demo.notion.databases import pages_of, sources_of
from demo.notion.objects import address, properties_of, title_of
from demo.notion.query import ordered
from demo.store import Store

SERVICE = "Notion"
ID = re.compile(r"([0-9a-f]{32})$")


def home(call: StandInCall) -> str:
    """Show the pages at the top of the workspace."""
    top = [each for each in call.store.all("notion/pages") if each["parent"]["type"] == "workspace"]
    links = "".join(f"<li>{_page_link(each)}</li>" for each in top if not each["in_trash"])
    return page.frame("Workspace", f"<h1>Workspace</h1><ul>{links}</ul>", SERVICE)


def _page_link(record: Record) -> str:
    return page.link(address("", record["id"], title_of(record)), title_of(record) or "Untitled")


def named(call: StandInCall) -> str:
    """Show the page or database whose id ends the URL."""
    # Without dashes, since a person may have put the usual form of the id into the address.
    found = ID.search(call.part("name").replace("-", ""))
    some_id = str(uuid.UUID(found[1])) if found else ""
    if record := call.store.get("notion/pages", some_id):
        return _page(call.store, record)
    if record := call.store.get("notion/databases", some_id):
        return _database(call.store, record)
    raise not_found("page", call.part("name"))


def _trail(store: Store, parent: Record) -> str:
    """Return links to a page's ancestors, the outermost first."""
    if source := store.get("notion/data_sources", parent.get("data_source_id", "")):
        database = store.get("notion/databases", source["database_id"])
        return _trail_to(store, database, rich_text.text_of(database["title"])) if database else ""
    holder = store.get("notion/pages", parent.get("page_id", ""))
    return _trail_to(store, holder, title_of(holder)) if holder else ""


def _trail_to(store: Store, record: Record, title: str) -> str:
    here = page.link(address("", record["id"], title), title or "Untitled")
    before = _trail(store, record["parent"])
    return f"{before} / {here}" if before else here


def _page(store: Store, record: Record) -> str:
    title = title_of(record) or "Untitled"
    rows = [
        [page.escaped(here["name"]), _cell(store, here, record)]
        for here in properties_of(store, record)
        if here["type"] != "title"
    ]
    trash = '<p><span class="tag">In the trash</span></p>' if record["in_trash"] else ""
    body = f"<nav>{_trail(store, record['parent'])}</nav><h1>{page.escaped(title)}</h1>{trash}"
    body += (page.table([], rows) if rows else "") + page.blocks_html(notion_tree.tree(store, record["id"], ""))
    comments = [each for each in store.all("notion/comments") if record["id"] in each["parent"].values()]
    if comments:
        body += "<h2>Comments</h2>" + "".join(f"<p>{rich_text.to_html(each['rich_text'])}</p>" for each in comments)
    edited = shown_time(record["last_edited_time"])[:16].replace("T", " ")
    return page.frame(title, f'{body}<p class="faint">Last edited {edited} UTC</p>', SERVICE)


def _cell(store: Store, here: Record, record: Record) -> str:
    """Return a property's value as HTML."""
    value, kind = notion_values.raw(store, here, record), here["type"]
    if kind == "title":
        return _page_link(record)
    if kind == "rich_text":
        return rich_text.to_html(value)
    if kind == "url" and value and rich_text.SAFE_LINK.match(value):
        return page.link(value, value)
    if kind in {"select", "status", "multi_select"}:
        options = value if isinstance(value, list) else [value] if value else []
        return " ".join(f'<span class="tag">{page.escaped(each["name"])}</span>' for each in options)
    return page.escaped(notion_values.as_text(kind, value))


def _database(store: Store, record: Record) -> str:
    title = rich_text.text_of(record["title"]) or "Untitled"
    body = f"<nav>{_trail(store, record['parent'])}</nav><h1>{page.escaped(title)}</h1>"
    for source in sources_of(store, record["id"]):
        properties = sorted(source["properties"], key=lambda each: each["type"] != "title")
        pages = ordered(store, properties, pages_of(store, source["id"]), None)
        rows = [[_cell(store, here, each) for here in properties] for each in pages]
        body += page.table([each["name"] for each in properties], rows)
        body += f'<p class="faint">{len(rows)} {"page" if len(rows) == 1 else "pages"}</p>'
    return page.frame(title, body, SERVICE)


TABLE: tuple[tuple[str, Callable[[StandInCall], str]], ...] = (("/", home), ("/{name}", named))
