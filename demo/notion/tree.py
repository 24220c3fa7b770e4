"""The tree of blocks below a page: one stored record per block, checked against Notion's request limits."""

from __future__ import annotations

from typing import Any

from demo.markdown import Block
from demo.notion import text as notion_text
from demo.notion.call import Record, author, invalid, new_id, now, shown_time, too_long
from demo.store import Store

# https://developers.notion.com/reference/patch-block-children and /request-limits
LONGEST_CHILDREN, MOST_BLOCKS, DEEPEST = 100, 1000, 2
TEXT_TYPES = {
    *("paragraph", "heading_1", "heading_2", "heading_3", "heading_4", "bulleted_list_item"),
    *("numbered_list_item", "to_do", "toggle", "quote", "callout", "code"),
}
PLAIN_TYPES = {
    *("divider", "table_of_contents", "breadcrumb", "table", "table_row", "column_list", "column", "bookmark"),
    *("embed", "equation", "image", "file", "pdf", "video", "audio", "link_to_page", "synced_block"),
}
FILE_TYPES = {"image", "file", "pdf", "video", "audio"}
PARENT_TYPES = {"child_page", "child_database"}
BLOCK_FIELDS = ("id", "parent", "type", "content", "created_time", "last_edited_time", "in_trash")


def children_ids(store: Store, parent_id: str) -> list[str]:
    """Return the child ids of a page or block, in order."""
    return list((store.get("notion/children", parent_id) or {"ids": []})["ids"])


def set_children(store: Store, parent_id: str, ids: list[str]) -> None:
    """Store the order of the children of a page or block."""
    store.put("notion/children", parent_id, {"ids": ids})


def children(store: Store, parent_id: str) -> list[Record]:
    """Return the child blocks of a page or block, except those in the trash."""
    found = [store.get("notion/blocks", each) for each in children_ids(store, parent_id)]
    return [each for each in found if each and not each["in_trash"]]


def add_child(store: Store, parent_id: str, some_id: str, kind: str) -> None:
    """Show a page or database as a child block of its parent page; the block has the same id."""
    _save(store, some_id, {"type": "page_id", "page_id": parent_id}, kind, {})
    set_children(store, parent_id, [*children_ids(store, parent_id), some_id])


def _save(store: Store, some_id: str, parent: Record, kind: str, content: Record) -> Record:
    moment = now()
    record = {
        "id": some_id,
        "parent": parent,
        "type": kind,
        "content": content,
        "created_time": moment,
        "last_edited_time": moment,
        "in_trash": False,
    }
    store.put("notion/blocks", some_id, record)
    return record


def check(given: Any, where: str = "body.children", depth: int = 0) -> int:
    """Validate all blocks of a request before any is stored; return their number; raises Refused 400."""
    if not isinstance(given, list):
        raise invalid(f"body failed validation: {where} should be an array, instead was `{given!r}`.")
    if len(given) > LONGEST_CHILDREN:
        raise too_long(where, LONGEST_CHILDREN, len(given))
    if given and depth > DEEPEST:
        raise invalid(f"body failed validation: {where} should be not present: blocks nest two levels in a request.")
    count = len(given)
    for number, each in enumerate(given):
        place = f"{where}[{number}]"
        kind, content = _kind(each, place)
        content_of(kind, content, place)
        count += check(_nested(each, content), f"{place}.{kind}.children", depth + 1)
    if depth == 0 and count > MOST_BLOCKS:
        raise too_long(where, MOST_BLOCKS, count)
    return count


def _kind(given: Any, where: str) -> tuple[str, Record]:
    known = TEXT_TYPES | PLAIN_TYPES
    kinds = [key for key in given if key in known] if isinstance(given, dict) else []
    if len(kinds) != 1 or given.get("type", kinds[0]) != kinds[0] or not isinstance(given[kinds[0]], dict):
        raise invalid(f"body failed validation: {where} should have one of the known block types.")
    return kinds[0], given[kinds[0]]


def _nested(given: Record, content: Record) -> Any:
    return content.get("children") or given.get("children") or []


def content_of(kind: str, given: Record, where: str) -> Record:
    """Return a block's stored content: its text completed, without children; raises Refused 400."""
    content = {key: value for key, value in given.items() if key != "children"}
    if kind in TEXT_TYPES:
        content["rich_text"] = notion_text.complete(given.get("rich_text"), f"{where}.{kind}.rich_text")
    if kind in TEXT_TYPES - {"code"}:
        content.setdefault("color", "default")
    if kind.startswith("heading"):
        content.setdefault("is_toggleable", False)
    if kind == "to_do":
        content["checked"] = bool(content.get("checked"))
    if kind == "code":
        content.setdefault("language", "plain text")
        content["caption"] = notion_text.complete(given.get("caption", []), f"{where}.code.caption")
    if kind == "equation":
        content["expression"] = _expression(given.get("expression"), f"{where}.equation.expression")
    if kind in FILE_TYPES:
        content["caption"] = notion_text.complete(given.get("caption", []), f"{where}.{kind}.caption")
    if kind == "table_row":
        cells = given.get("cells")
        if not isinstance(cells, list):
            raise invalid(f"body failed validation: {where}.table_row.cells should be an array.")
        content["cells"] = [notion_text.complete(each, f"{where}.table_row.cells[{n}]") for n, each in enumerate(cells)]
    return content


def _expression(given: Any, where: str) -> str:
    if not isinstance(given, str):
        raise invalid(f"body failed validation: {where} should be a string, instead was `{given!r}`.")
    if len(given) > notion_text.LONGEST_EQUATION:
        raise too_long(where, notion_text.LONGEST_EQUATION, len(given))
    return given


def append(
    store: Store, parent: Record, given: list[Block], after: str | None = None, *, first: bool = False
) -> list[Record]:
    """Store blocks (with their children) below a page or block: at the end, after a sibling, or first."""
    parent_id = parent[parent["type"]]
    made = []
    for each in given:
        kind, content = _kind(each, "body.children")
        made.append(_save(store, new_id(), parent, kind, content_of(kind, content, "body.children")))
        if nested := _nested(each, content):
            append(store, {"type": "block_id", "block_id": made[-1]["id"]}, nested)
    ids = children_ids(store, parent_id)
    place = 0 if first else ids.index(after) + 1 if after else len(ids)
    set_children(store, parent_id, [*ids[:place], *(each["id"] for each in made), *ids[place:]])
    return made


def tree(store: Store, parent_id: str, base: str) -> list[Block]:
    """Return the blocks below a page for Markdown and HTML: with children, titles and URLs of pages."""
    return [_tree_block(store, each, base) for each in children(store, parent_id)]


def _tree_block(store: Store, record: Record, base: str) -> Block:
    kind = record["type"]
    if kind in PARENT_TYPES:
        url = f"{base}/{record['id'].replace('-', '')}"
        return {"id": record["id"], "type": kind, kind: {"title": _title(store, record)}, "url": url}
    content = dict(record["content"])
    if below := tree(store, record["id"], base):
        content["children"] = below
    return {"id": record["id"], "type": kind, kind: content}


def _title(store: Store, record: Record) -> str:
    collection = "notion/pages" if record["type"] == "child_page" else "notion/databases"
    owner = store.get(collection, record["id"]) or {}
    title = owner.get("values", {}).get("title") or owner.get("title") or []
    return "".join(each["plain_text"] for each in title)


def shown(store: Store, record: Record) -> Record:
    """Return a block in the API's form."""
    kind = record["type"]
    content = {"title": _title(store, record)} if kind in PARENT_TYPES else record["content"]
    if kind == "paragraph":  # a paragraph may have an icon since 2026
        content = {"icon": None, **content}
    return {
        "object": "block",
        "id": record["id"],
        "parent": record["parent"],
        "created_time": shown_time(record["created_time"]),
        "last_edited_time": shown_time(record["last_edited_time"]),
        "created_by": author(store),
        "last_edited_by": author(store),
        "has_children": bool(children(store, record["id"])),
        **dict.fromkeys(("archived", "is_archived", "in_trash"), record["in_trash"]),
        "type": kind,
        kind: content,
    }


def touch(store: Store, some_id: str) -> None:
    """Update the edit time of the page that contains this block."""
    page = store.get("notion/pages", some_id)
    if page:
        store.put("notion/pages", some_id, {**page, "last_edited_time": now(), "last_edited_by": None})
    elif block := store.get("notion/blocks", some_id):
        touch(store, block["parent"][block["parent"]["type"]])
