"""Converts Markdown to Notion's blocks and back; GitHub's pages use the same parser for an issue's text.

As in Notion's own Markdown (developers.notion.com, enhanced markdown) each line is a block, a tab (or two spaces) of
indent makes it a child of the one above, and `<br>` is a line break inside a block; `<details>`, `$$` and
`<empty-block/>` are a toggle, an equation and an empty paragraph. Pipe tables are supported.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from demo import rich_text

Block = dict[str, Any]
CHILD_TAGS = {"child_page": "page", "child_database": "database"}
FENCE = re.compile(r"^\s*(`{3,}|~{3,})\s*([^`]*?)\s*$")
RULE = re.compile(r"^\s*(?:-{3,}|\*{3,}|_{3,})\s*$")
TABLE_LINE = re.compile(r"^\s*\|.*\|\s*$")
TABLE_RULE = re.compile(r"^\s*\|(?:\s*:?-+:?\s*\|)+\s*$")
EQUATION_LINE = re.compile(r"^\s*\$\$\s*$")
ONE_LINE_EQUATION = re.compile(r"^\s*\$\$(.+)\$\$\s*$")
DETAILS = re.compile(r"^\s*<details\b[^>]*>\s*$")
END_OF_DETAILS = re.compile(r"^\s*</details>\s*$")
SUMMARY = re.compile(r"^\s*<summary>(.*)</summary>\s*$")
IMAGE = re.compile(r"^!\[((?:\\.|[^\]\\])*)\]\((\S+)\)$")
EMPTY = "<empty-block/>"
# After an even number of backslashes only: an odd number escapes the tag.
BREAK = re.compile(r"((?<!\\)(?:\\\\)*)<br/?>")
# (pattern, type, other content of the block)
LINES = (
    (re.compile(r"^(#{1,6})(?:\s+(.*))?$"), "heading"),
    (re.compile(r"^[-*+]\s+\[([ xX])\](?:\s+(.*))?$"), "to_do"),
    (re.compile(r"^([-*+])(?:\s+(.*))?$"), "bulleted_list_item"),
    (re.compile(r"^(\d+)[.)](?:\s+(.*))?$"), "numbered_list_item"),
    (re.compile(r"^(>)\s?(.*)$"), "quote"),
)


def block(kind: str, text: str, **content: Any) -> Block:
    """Return a block with inline Markdown as its text."""
    return {"type": kind, kind: {"rich_text": _inline(text), "color": "default", **content}}


def _inline(text: str) -> rich_text.RichText:
    return rich_text.from_markdown(BREAK.sub(r"\1\n", text))


def from_markdown(text: str) -> list[Block]:
    """Return the blocks of a Markdown text; children are in `[type]["children"]`."""
    return _blocks(text.replace("\r\n", "\n").split("\n"))


def _blocks(lines: list[str]) -> list[Block]:
    blocks: list[Block] = []
    # Open blocks by depth: a deeper line becomes a child of the last one that is less deep.
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
    """Return the block that begins at a line, its depth, and the line after it."""
    line = lines[position]
    depth = _depth(line)
    if not line.strip():
        return None, 0, position + 1
    made, after = _large(lines, position) or (_line(line.strip()), position + 1)
    return made, depth, after


def _depth(line: str) -> int:
    before = line[: len(line) - len(line.lstrip())].replace("\t", "  ")
    return len(before) // 2


def _large(lines: list[str], position: int) -> tuple[Block, int] | None:
    """Return the multi-line block that begins here, and the line after it; None for a block of one line."""
    line = lines[position]
    if fence := FENCE.match(line):
        return _code(lines, position, fence)
    if EQUATION_LINE.match(line):
        return _equation(lines, position)
    if DETAILS.match(line):
        return _toggle(lines, position)
    if TABLE_LINE.match(line) and position + 1 < len(lines) and TABLE_RULE.match(lines[position + 1]):
        return _table(lines, position)
    return None


def _line(line: str) -> Block:
    if RULE.match(line):
        return {"type": "divider", "divider": {}}
    if line == EMPTY:
        return block("paragraph", "")
    if found := ONE_LINE_EQUATION.match(line):
        return {"type": "equation", "equation": {"expression": found[1].strip()}}
    if found := IMAGE.match(line):
        image = {"type": "external", "external": {"url": found[2]}, "caption": _inline(found[1])}
        return {"type": "image", "image": image}
    for pattern, kind in LINES:
        if found := pattern.match(line):
            sign, text = found[1], found[2] or ""
            if kind == "heading":
                # Notion has four levels, Markdown six.
                return block(f"heading_{min(len(sign), 4)}", text, is_toggleable=False)
            if kind == "to_do":
                return block(kind, text, checked=sign != " ")
            return block(kind, text)
    return block("paragraph", line)


def _code(lines: list[str], position: int, fence: re.Match[str]) -> tuple[Block, int]:
    inside, after = _until(lines, position, lambda line: line.strip() == fence[1])
    content = rich_text.plain("\n".join(inside))
    # Notion's name for code without a language.
    language = fence[2].lower() or "plain text"
    return {"type": "code", "code": {"rich_text": content, "caption": [], "language": language}}, after


def _equation(lines: list[str], position: int) -> tuple[Block, int]:
    inside, after = _until(lines, position, lambda line: bool(EQUATION_LINE.match(line)))
    return {"type": "equation", "equation": {"expression": "\n".join(inside)}}, after


def _toggle(lines: list[str], position: int) -> tuple[Block, int]:
    """Return a `<details>` with its `<summary>`; the lines inside are its children, including nested toggles."""
    opened, code = 1, ""

    def closes(line: str) -> bool:
        nonlocal opened, code
        if fence := FENCE.match(line):
            # Inside code, a tag is text.
            code = "" if line.strip() == code else code or fence[1]
        if not code:
            opened += bool(DETAILS.match(line)) - bool(END_OF_DETAILS.match(line))
        return opened == 0

    inside, after = _until(lines, position, closes)
    found = SUMMARY.match(inside[0]) if inside else None
    toggle = block("toggle", found[1] if found else "")
    children = _blocks(inside[1:] if found else inside)
    if children:
        toggle["toggle"]["children"] = children
    return toggle, after


def _until(lines: list[str], position: int, closes: Callable[[str], bool]) -> tuple[list[str], int]:
    """Return the lines up to the closing one, without the first line's indent; and the line after."""
    indent = len(lines[position]) - len(lines[position].lstrip())
    end = position + 1
    while end < len(lines) and not closes(lines[end]):
        end += 1
    return [_without(line, indent) for line in lines[position + 1 : end]], end + 1


def _without(line: str, indent: int) -> str:
    blank = len(line) - len(line.lstrip())
    return line[min(indent, blank) :]


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
    """Return Markdown that parses back to the same blocks."""
    lines: list[str] = []
    number = 0
    for each in blocks:
        # Blocks hold no numbers: each list counts from 1 again.
        number = number + 1 if each["type"] == "numbered_list_item" else 0
        lines += ["\t" * depth + line for line in _block_markdown(each, number)]
        children = each[each["type"]].get("children", [])
        if children and each["type"] != "table":
            lines.append(to_markdown(children, depth + 1))
        if each["type"] == "toggle":
            lines.append("\t" * depth + "</details>")
    return "\n".join(lines)


def _block_markdown(each: Block, number: int) -> list[str]:
    kind, content = each["type"], each[each["type"]]
    if kind == "divider":
        return ["---"]
    if kind in CHILD_TAGS:
        tag = CHILD_TAGS[kind]
        return [f'<{tag} url="{each["url"]}">{content["title"]}</{tag}>']
    if kind == "code":
        return _code_markdown(content)
    if kind == "equation":
        return ["$$", *content["expression"].split("\n"), "$$"]
    if kind == "image":
        address = (content.get("external") or content.get("file") or {}).get("url", "")
        return [f"![{rich_text.to_markdown(content.get('caption', []))}]({address})"]
    if kind == "table":
        rows = [_row_markdown(row) for row in content.get("children", [])]
        return [*rows[:1], "|" + " --- |" * content["table_width"], *rows[1:]]
    text = rich_text.to_markdown(content.get("rich_text", []))
    if kind == "toggle":
        return ["<details>", f"<summary>{text}</summary>"]
    if kind == "paragraph" and not text.strip():
        return [EMPTY]
    prefixes = {
        "heading_1": "# ",
        "heading_2": "## ",
        "heading_3": "### ",
        "heading_4": "#### ",
        "bulleted_list_item": "- ",
        "numbered_list_item": f"{number}. ",
        "to_do": "- [x] " if content.get("checked") else "- [ ] ",
        "quote": "> ",
    }
    return [prefixes.get(kind, "") + text]


def _code_markdown(content: dict[str, Any]) -> list[str]:
    language = "" if content["language"] == "plain text" else content["language"]
    text = rich_text.text_of(content["rich_text"])
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    # Longer than any run inside, or the code would end there (CommonMark, 4.5).
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", *text.split("\n"), fence]


def _row_markdown(row: Block) -> str:
    cells = [rich_text.to_markdown(cell).replace("|", "\\|") for cell in row["table_row"]["cells"]]
    return "| " + " | ".join(cells) + " |"
