"""How each step type of Notion is run in the fault matrix."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.operations.world import Operation, World

DATABASE = {"database": "Tasks"}
PAGE = {"title": "Title", "properties": {"Priority": "High"}, "markdown": "Some *text*"}


def _page(world: World) -> str:
    """A page that is there, with its text; the database has its key property then, too."""
    made = world.made("notion.upsert_page", **DATABASE, **PAGE, key="old")
    return str(made["id"])


def _of_page(**more: Any) -> Callable[[World], Mapping[str, Any]]:
    return lambda world: {"page": _page(world), **more}


def _of_database(**more: Any) -> Callable[[World], Mapping[str, Any]]:
    def arguments(world: World) -> Mapping[str, Any]:
        _page(world)
        return {**DATABASE, **more}

    return arguments


def _in_trash(world: World) -> Mapping[str, Any]:
    page = _page(world)
    world.made("notion.archive", page=page)
    return {"page": page}


def _file(world: World) -> Mapping[str, Any]:
    return {"page": _page(world), "file": world.file(b"%PDF-1.7", "Bill.pdf", "application/pdf"), "caption": "May"}


def _database(world: World) -> Mapping[str, Any]:
    properties = {"Due": "date", "State": {"type": "select", "options": ["open", "done"]}}
    return {"parent": _page(world), "title": "Bills", "properties": properties}


OPERATIONS = {
    "notion.create_page": Operation(lambda world: {"parent": _page(world), "title": "Below", "markdown": "Text"}),
    "notion.create_item": Operation(_of_database(**PAGE)),
    "notion.upsert_page": Operation(_of_database(**PAGE, key="new"), match="POST /v1/pages"),
    "notion.update_item": Operation(_of_page(properties={"Priority": "Low"}), match="PATCH /v1/pages"),
    "notion.query": Operation(_of_database(filter={"Priority": {"!=": "Low"}}), match="POST /v1/data_sources"),
    "notion.search": Operation(lambda world: {"words": "Home"}),
    "notion.get_page": Operation(_of_page()),
    "notion.get_markdown": Operation(_of_page()),
    "notion.append_markdown": Operation(_of_page(markdown="## More\n\n- one"), match="PATCH"),
    "notion.replace_markdown": Operation(_of_page(markdown="All new"), match="PATCH"),
    "notion.archive": Operation(_of_page(), match="PATCH"),
    "notion.restore": Operation(_in_trash, match="PATCH"),
    "notion.add_comment": Operation(_of_page(text="Well done"), match="POST /v1/comments"),
    "notion.list_comments": Operation(_of_page()),
    "notion.list_blocks": Operation(_of_page()),
    "notion.list_users": Operation(lambda _: {}),
    "notion.upload_file": Operation(_file, match="PATCH /v1/blocks"),
    "notion.create_database": Operation(_database, match="POST /v1/databases"),
    "notion.get_database": Operation(_of_database()),
    "notion.get_data_source": Operation(_of_database()),
}
