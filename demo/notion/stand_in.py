"""Notion: pages, blocks, Markdown, databases with their data sources, comments and search of API 2025-09-03."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from demo import rich_text
from demo.call import StandInCall, StandInReply, api_routes, page_routes
from demo.markdown import from_markdown
from demo.notion import blocks as notion_blocks
from demo.notion import comments as notion_comments
from demo.notion import databases as notion_databases
from demo.notion import files as notion_files
from demo.notion import markdown as notion_markdown
from demo.notion import pages as notion_pages
from demo.notion import people as notion_people
from demo.notion import schema as notion_schema
from demo.notion import tree as notion_tree
from demo.notion import views as notion_views
from demo.notion import workspace as notion_workspace
from demo.notion.call import BurstLimit, error_body, guarded
from demo.notion.objects import shown_page
from demo.service import Refused, base_url, origin
from demo.store import Store

TOKEN = "demo-notion-token"  # noqa: S105 - the same for everybody, good for loopback only
ERROR = error_body
TABLES = (notion_workspace, notion_databases, notion_pages, notion_blocks, notion_comments, notion_files)
METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE")
HOME_TEXT = """Welcome. This is what the demo writes to.
- **Tasks** below fills when a workflow runs
- Open a task to see its text
"""
TASKS: dict[str, Any] = {
    "Name": {"title": {}},
    "Status": {"status": {}},
    "Priority": {"select": {"options": [{"name": "High"}, {"name": "Medium"}, {"name": "Low"}]}},
    "Due": {"date": {}},
    "Tags": {"multi_select": {}},
    "Source": {"url": {}},
    "Notes": {"rich_text": {}},
}


def routes(store: Store) -> list[Route]:
    """Return the routes of the API and the web pages, in this order."""
    limit = BurstLimit()
    table = [row for module in TABLES for row in module.TABLE]
    # Last, since it fits every path: Notion answers an unknown one with 400, not 404.
    table += [(method, "/v1/{rest:path}", _unknown) for method in METHODS]
    checked = [(method, path, guarded(handler, limit)) for method, path, handler in table]

    async def text(request: Request) -> Response:
        page_id = request.path_params["id"]
        if store.get("notion/pages", page_id) is None:
            raise Refused(404, f"There is no page {page_id}.", code="object_not_found")
        return JSONResponse({"markdown": notion_markdown.read(store, page_id, base_url(request))})

    return [
        notion_files.route(store),
        *api_routes(store, checked, dict),
        Route("/_demo/text/{id}", text, methods=["GET"]),
        notion_people.route(store),
        *page_routes(store, notion_views.TABLE),
    ]


def _unknown(_: StandInCall) -> StandInReply:
    raise Refused(400, "Invalid request URL.", code="invalid_request_url")


def show(store: Store) -> dict[str, Any]:
    """Return all databases and pages except those in the trash, in the API's form."""
    base = origin(store, "notion")
    databases = [each for each in store.all("notion/databases") if not each["in_trash"]]
    pages = [each for each in store.all("notion/pages") if not each["in_trash"]]
    return {
        "databases": [notion_databases.shown_database(store, base, each) for each in databases],
        "pages": [shown_page(store, base, each) for each in pages],
    }


def seed(store: Store) -> None:
    """Create a page Home with an empty database Tasks."""
    home = notion_pages.new_page(store, {"type": "workspace", "workspace": True}, notion_pages.titled("Home"))
    parent = {"type": "page_id", "page_id": home["id"]}
    notion_tree.append(store, parent, from_markdown(HOME_TEXT))
    notion_databases.new_database(store, parent, rich_text.plain("Tasks"), notion_schema.new_properties(TASKS))
