"""A page's text as Markdown: read, insert, search and replace (`/v1/pages/{id}/markdown`)."""

from __future__ import annotations

import re
from typing import Any

from demo.call import StandInCall, StandInReply
from demo.markdown import Block, from_markdown, to_markdown
from demo.notion import tree as notion_tree
from demo.notion.call import Record, invalid, too_long
from demo.store import Store

CHILD_LINE = re.compile(r'^\s*<(?:page|database) url="[^"]*?([0-9a-f]{32})">.*</(?:page|database)>\s*$')
COMMANDS = ("insert_content", "update_content", "replace_content", "replace_content_range")


def read(store: Store, page_id: str, base: str) -> str:
    """Return the page's blocks as Markdown; child pages and databases are `<page url="...">Title</page>` lines."""
    return to_markdown(notion_tree.tree(store, page_id, base))


def append(store: Store, page_id: str, text: str, *, first: bool = False) -> None:
    """Add the blocks of a Markdown text at the end of a page, or at the start; other blocks keep their ids."""
    notion_tree.append(store, {"type": "page_id", "page_id": page_id}, from_markdown(text), first=first)


def blocks_of(text: str) -> list[Block]:
    """Return the blocks of a request's Markdown; raises Refused 400 if they exceed the limit of a request."""
    blocks = from_markdown(text)
    if (count := _count(blocks)) > notion_tree.MOST_BLOCKS:
        raise too_long("body.markdown", notion_tree.MOST_BLOCKS, count)
    return blocks


def _count(blocks: list[Block]) -> int:
    return sum(1 + _count(each[each["type"]].get("children", [])) for each in blocks)


def replace(store: Store, page_id: str, text: str, *, may_delete_pages: bool) -> None:
    """Replace the text of a page; child pages that the new text names are kept; raises Refused 400."""
    before = notion_tree.children(store, page_id)
    held = [each["id"] for each in before if each["type"] in notion_tree.PARENT_TYPES]
    lines, kept = _without_children(text, held)
    if len(kept) < len(held) and not may_delete_pages:
        raise invalid("This would delete child pages or databases. Set `allow_deleting_content` to true to allow it.")
    for each in before:
        if each["id"] not in kept:
            _trash(store, each)
    notion_tree.set_children(store, page_id, [])
    append(store, page_id, lines)
    notion_tree.set_children(store, page_id, [*notion_tree.children_ids(store, page_id), *kept])


def _without_children(text: str, held: list[str]) -> tuple[str, list[str]]:
    by_short = {each.replace("-", ""): each for each in held}
    lines, kept = [], []
    for line in text.split("\n"):
        found = CHILD_LINE.match(line)
        if found and found[1] in by_short:
            kept.append(by_short[found[1]])
        else:
            lines.append(line)
    return "\n".join(lines), kept


def _trash(store: Store, block: Record) -> None:
    store.put("notion/blocks", block["id"], {**block, "in_trash": True})
    page = store.get("notion/pages", block["id"])
    if page:
        store.put("notion/pages", block["id"], {**page, "in_trash": True})


def _string(given: Record, name: str, command: str) -> str:
    value = given.get(name)
    if not isinstance(value, str):
        raise invalid(f"body failed validation: body.{command}.{name} should be a string, instead was `{value!r}`.")
    return value


def _span(text: str, selection: str) -> tuple[int, int]:
    """Return the offsets of "start text...end text"; raises Refused 400 if it is not found."""
    first, dots, last = selection.partition("...")
    start = text.find(first)
    end = text.find(last, start + len(first)) if dots else start
    if start < 0 or end < 0:
        raise invalid(f"Could not find the selection {selection!r} in the page.")
    return start, end + len(last if dots else first)


def _insert(call: StandInCall, page_id: str, given: Record) -> None:
    content = _string(given, "content", "insert_content")
    blocks_of(content)
    if after := given.get("after"):
        text = read(call.store, page_id, call.base)
        line_end = text.find("\n", _span(text, after)[1])
        cut = len(text) if line_end < 0 else line_end
        whole = f"{text[:cut]}\n{content}{text[cut:]}"
        replace(call.store, page_id, whole, may_delete_pages=False)
    else:
        first = (given.get("position") or {}).get("type") == "start"
        append(call.store, page_id, content, first=first)


def _update(call: StandInCall, page_id: str, given: Record) -> None:
    text = read(call.store, page_id, call.base)
    updates = given.get("content_updates")
    if not isinstance(updates, list) or not updates:
        raise invalid("body failed validation: body.update_content.content_updates should be an array.")
    for each in updates:
        old, new = _string(each, "old_str", "update_content"), _string(each, "new_str", "update_content")
        count = text.count(old) if old else 0
        if count == 0:
            raise invalid(f"Could not find old_str {old!r} in the page.")
        if count > 1 and not each.get("replace_all_matches"):
            raise invalid(f"old_str {old!r} is found {count} times. Set `replace_all_matches` to true to replace all.")
        text = text.replace(old, new)
    replace(call.store, page_id, text, may_delete_pages=bool(given.get("allow_deleting_content")))


def _replace(call: StandInCall, page_id: str, given: Record) -> None:
    text = _string(given, "new_str", "replace_content")
    blocks_of(text)
    replace(call.store, page_id, text, may_delete_pages=bool(given.get("allow_deleting_content")))


def _replace_range(call: StandInCall, page_id: str, given: Record) -> None:
    text = read(call.store, page_id, call.base)
    start, end = _span(text, _string(given, "content_range", "replace_content_range"))
    content = _string(given, "content", "replace_content_range")
    whole = text[:start] + content + text[end:]
    replace(call.store, page_id, whole, may_delete_pages=bool(given.get("allow_deleting_content")))


def update(call: StandInCall, page_id: str) -> None:
    """Apply the body of PATCH /v1/pages/{id}/markdown; raises Refused 400."""
    command: Any = call.body.get("type")
    given = call.body.get(command) if command in COMMANDS else None
    if not isinstance(given, dict):
        raise invalid(f"body failed validation: body.type should be one of `{'`, `'.join(COMMANDS)}`.")
    commands = dict(zip(COMMANDS, (_insert, _update, _replace, _replace_range), strict=True))
    commands[command](call, page_id, given)
    notion_tree.touch(call.store, page_id)


def answer(call: StandInCall, page_id: str) -> StandInReply:
    """Return the page as a page_markdown object."""
    text = read(call.store, page_id, call.base)
    return StandInReply(
        {"object": "page_markdown", "id": page_id, "markdown": text, "truncated": False, "unknown_block_ids": []}
    )
