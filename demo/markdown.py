"""Markdown to Notion's blocks and back; GitHub's pages use the same reading of an issue's text.

As in Notion's own Markdown each line is a block of its own, a tab (or two spaces) of indent makes it a child of the
one above, and `<br>` is a line break inside of a block.
"""

from __future__ import annotations

import re
from typing import Any

from demo import rich_text

Block = dict[str, Any]
CHILD_TAGS = {"child_page": "page", "child_database": "database"}
FENCE = re.compile(r"^\s*(`{3,}|~{3,})\s*([\w+#-]*)\s*$")
RULE = re.compile(r"^\s*(?:-{3,}|\*{3,}|_{3,})\s*$")
TABLE_LINE = re.compile(r"^\s*\|.*\|\s*$")
TABLE_RULE = re.compile(r"^\s*\|(?:\s*:?-+:?\s*\|)+\s*$")
# (pattern, type, what else the pattern says)
LINES = (
    (re.compile(r"^(#{1,6})(?:\s+(.*))?$"), "heading"),
    (re.compile(r"^[-*+]\s+\[([ xX])\](?:\s+(.*))?$"), "to_do"),
    (re.compile(r"^([-*+])(?:\s+(.*))?$"), "bulleted_list_item"),
    (re.compile(r"^(\d+)[.)](?:\s+(.*))?$"), "numbered_list_item"),
    (re.compile(r"^(>)\s?(.*)$"), "quote"),
)


def block(kind: str, text: str, **content: Any) -> Block:
    """A block with inline Markdown as its text."""
    return {"type": kind, kind: {"rich_text": _inline(text), "color": "default", **content}}


def _inline(text: str) -> rich_text.RichText:
    return rich_text.from_markdown(text.replace("<br>", "\n"))


def from_markdown(text: str) -> list[Block]:
    """The blocks of a Markdown text; children are in `[type]["children"]`."""
    lines = text.replace("\r\n", "\n").split("\n")
    blocks: list[Block] = []
    # The open blocks by depth: a deeper line becomes a child of the last one that is less deep.
    open_at: list[tuple[int, Block]] = []
    position = 0
    while position < len(lines):
        made, depth, position = _next(lines, position)
        if made is None:
            continue
        while open_at and open_at[-1][0] >= depth:
            open_at.pop()
        if open_at:
            parent = open_at[-1][1]
            parent[parent["type"]].setdefault("children", []).append(made)
        else:
            blocks.append(made)
        if made["type"] not in {"divider", "code", "table"} and not made["type"].startswith("heading"):
            open_at.append((depth, made))
    return blocks


def _next(lines: list[str], position: int) -> tuple[Block | None, int, int]:
    """The block that begins at a line, its depth, and the line after it."""
    line = lines[position].replace("\t", "  ")
    depth = (len(line) - len(line.lstrip(" "))) // 2
    if not line.strip():
        return None, 0, position + 1
    if fence := FENCE.match(line):
        made, after = _code(lines, position, fence)
        return made, depth, after
    if RULE.match(line):
        return {"type": "divider", "divider": {}}, depth, position + 1
    if TABLE_LINE.match(line) and position + 1 < len(lines) and TABLE_RULE.match(lines[position + 1]):
        made, after = _table(lines, position)
        return made, depth, after
    return _line(line.strip()), depth, position + 1


def _line(line: str) -> Block:
    for pattern, kind in LINES:
        if found := pattern.match(line):
            sign, text = found[1], found[2] or ""
            if kind == "heading":
                return block(f"heading_{min(len(sign), 3)}", text, is_toggleable=False)
            if kind == "to_do":
                return block(kind, text, checked=sign != " ")
            return block(kind, text)
    return block("paragraph", line)


def _code(lines: list[str], position: int, fence: re.Match[str]) -> tuple[Block, int]:
    end = position + 1
    while end < len(lines) and lines[end].strip() != fence[1]:
        end += 1
    content = rich_text.plain("\n".join(lines[position + 1 : end]))
    language = fence[2].lower() or "plain text"
    return {"type": "code", "code": {"rich_text": content, "caption": [], "language": language}}, end + 1


def _table(lines: list[str], position: int) -> tuple[Block, int]:
    end = position
    while end < len(lines) and TABLE_LINE.match(lines[end]):
        end += 1
    rows = [_cells(each) for each in [lines[position], *lines[position + 2 : end]]]
    width = max(len(row) for row in rows)
    children = [
        {"type": "table_row", "table_row": {"cells": [_inline(cell) for cell in row + [""] * (width - len(row))]}}
        for row in rows
    ]
    content = {"table_width": width, "has_column_header": True, "has_row_header": False, "children": children}
    return {"type": "table", "table": content}, end


def _cells(line: str) -> list[str]:
    return [each.strip().replace("\\|", "|") for each in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


def to_markdown(blocks: list[Block], depth: int = 0) -> str:
    """Blocks as Markdown that reads back as the same blocks."""
    lines: list[str] = []
    number = 0
    for each in blocks:
        number = number + 1 if each["type"] == "numbered_list_item" else 0
        lines += ["\t" * depth + line for line in _block_markdown(each, number)]
        children = each[each["type"]].get("children", [])
        if children and each["type"] != "table":
            lines.append(to_markdown(children, depth + 1))
    return "\n".join(lines)


def _block_markdown(each: Block, number: int) -> list[str]:
    kind, content = each["type"], each[each["type"]]
    if kind == "divider":
        return ["---"]
    if kind in CHILD_TAGS:
        tag = CHILD_TAGS[kind]
        return [f'<{tag} url="{each["url"]}">{content["title"]}</{tag}>']
    if kind == "code":
        language = "" if content["language"] == "plain text" else content["language"]
        return [f"```{language}", *rich_text.text_of(content["rich_text"]).split("\n"), "```"]
    if kind == "table":
        rows = [_row_markdown(row) for row in content.get("children", [])]
        return [*rows[:1], "|" + " --- |" * content["table_width"], *rows[1:]]
    text = rich_text.to_markdown(content.get("rich_text", []))
    prefixes = {
        "heading_1": "# ",
        "heading_2": "## ",
        "heading_3": "### ",
        "bulleted_list_item": "- ",
        "numbered_list_item": f"{number}. ",
        "to_do": "- [x] " if content.get("checked") else "- [ ] ",
        "quote": "> ",
    }
    return [prefixes.get(kind, "") + text]


def _row_markdown(row: Block) -> str:
    cells = [rich_text.to_markdown(cell).replace("|", "\\|") for cell in row["table_row"]["cells"]]
    return "| " + " | ".join(cells) + " |"
