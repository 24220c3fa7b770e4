"""Writes Markdown so that Notion reads what its author meant, and reads it back as it was written.

Notion numbers the items of a list itself, from 1, and its API takes no other start (`list_start_index` is only in
answers, notion-sdk-js, api-endpoints/blocks.ts). So `28. November` is a paragraph with an escaped sign, and a list is
one only if Notion gives its items the same numbers. What lies between two dollar signs is an equation there, so that
sums of money are escaped; and each line is a block of its own, so that bold text over two lines is bold twice.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from clients.mail.numbers import counts
from clients.notion.text.chunks import Chunk, chunks
from clients.notion.text.equations import equation_at
from clients.notion.text.inline import inline_tokens

if TYPE_CHECKING:
    from markdown_it.token import Token

_SIGNS = r"(?:[-*+](?:[^\S\n]+\[[ xX]\])?|>|\d+[.)])[^\S\n]+"
_NUMBERED = re.compile(r"(\s*)(\d+)([.)])(?=\s|$)")
_INNER_NUMBER = re.compile(rf"^(\s*(?:{_SIGNS})+?)(\d+)([.)])(?=\s|$)")
_ESCAPED_NUMBER = re.compile(rf"^(\s*(?:{_SIGNS})*\d+)\\([.)])(?=\s|$)")
_ESCAPED_IN_CELL = re.compile(r"(\|[^\S\n]*\d+)\\([.)])(?=\s)")
_OWN_SYNTAX = re.compile(
    r"<(?:callout|columns?|mention|page|database|span|synced|unknown|file|video|audio|pdf|table_of|data)|^\s*:{3}"
    r"|\{(?:color|toggle)=",
    re.MULTILINE,
)
_PREFIX = re.compile(rf"\s*(?:{_SIGNS}|#{{1,6}}\s+)*")
_ALONE = re.compile(r"\s*(?:#{1,6}\s|(?:-{3,}|\*{3,}|_{3,})\s*$|!\[|</?[a-z]|\|)")
_WHOLE_EQUATION = re.compile(r"(\s*)\$\$([^$]+)\$\$\s*$")
_MARKS = ("**", "~~", "`", "*", "_")
_SPAN = re.compile(r"\\.|(?<!`)(?P<ticks>`{1,9})(?!`)[^\n]{1,2000}?(?<!`)(?P=ticks)(?!`)|https?://[^\s<>()]+|\$")
_SPECIAL = re.compile(r"(https?://[^\s<>()\[\]]+)|([\\`*_~\[\]$<>{}|^])")
_BLOCK_SIGN = re.compile(r"^(\d*)([-+#>.)])(?=\s|$)", re.MULTILINE)
_DEEPEST = 60
_GROUP_LINES, _GROUP_CHARACTERS = 200, 20_000
_PAIRS = {"strong": "**", "em": "*", "s": "~~"}


def literal(markdown: str) -> str:
    """Return Markdown for Notion that shows each number, each dollar sign and all emphasis of the text."""
    return "\n".join(_lines_of_notion(_numbered(_lines(markdown))))


def with_numbers(markdown: str) -> str:
    """Return Markdown with the signs escaped that would make Notion number a line differently."""
    return "\n".join(line for line, _ in _numbered(_lines(markdown)))


def plain(markdown: str) -> str:
    """Return Markdown of Notion without the escapes that `literal` adds again."""
    if "\\" not in markdown:
        return markdown
    present = _numbered(markdown.split("\n"))
    lines = [_ESCAPED_NUMBER.sub(r"\1\2", line) if is_text else line for line, is_text in present]
    if [line for line, _ in _numbered(lines)] != [line for line, _ in present]:
        lines = [line for line, _ in present]
    return "\n".join(_bare(line) if is_text else line for line, (_, is_text) in zip(lines, present, strict=True))


def _bare(line: str) -> str:
    """Return a line with its dollar signs, unless they would be an equation without their escapes."""
    bare = line.replace("\\$", "$")
    shown = bare if _with_money(bare) == line else line
    return _ESCAPED_IN_CELL.sub(r"\1\2", shown) if line.lstrip().startswith("|") else shown


def needs_blocks(markdown: str) -> bool:
    """Return whether a text has a number that only blocks are sure to keep: no escape of it is documented.

    A text with marks that only Notion's Markdown knows is sent as such all the same.
    """
    has_number = any(map(_ESCAPED_NUMBER.match, markdown.split("\n")))
    return has_number and _OWN_SYNTAX.search(markdown) is None


def _lines(markdown: str) -> list[str]:
    return markdown.replace("\r\n", "\n").split("\n")


def _numbered(lines: Sequence[str], depth: int = 0) -> list[tuple[str, bool]]:
    """Return the lines with numbers escaped that belong to no list, each with whether it is text, not code."""
    if depth > _DEEPEST:
        return [(line, False) for line in lines]
    found = list(chunks(lines))
    made: list[tuple[str, bool]] = []
    for chunk, is_item in zip(found, _are_items(found), strict=True):
        made += [("", False)] * chunk.blank_before
        made += _own(chunk, depth, is_item=is_item)
        made += _numbered(chunk.inside, depth + 1)
    return [*made, *[("", False)] * (len(lines) - len(made))]


def _own(chunk: Chunk, depth: int, *, is_item: bool) -> Iterator[tuple[str, bool]]:
    """Yield the own lines of a block."""
    if chunk.kind == "line":
        [line] = chunk.lines
        escaped = _INNER_NUMBER.sub(_inner, line, count=1) if is_item else _NUMBERED.sub(r"\1\2\\\3", line, count=1)
        yield escaped, True
    elif chunk.kind == "tags":
        yield chunk.lines[0], False
        yield from _numbered(chunk.lines[1:], depth + 1)
    else:
        yield from ((line, chunk.kind == "table") for line in chunk.lines)


def _inner(found: re.Match[str]) -> str:
    """Return the sign of a list in another one, such as `- 28. November`."""
    return found[0] if found[2] == "1" else f"{found[1]}{found[2]}\\{found[3]}"


def _are_items(found: Sequence[Chunk]) -> list[bool]:
    """Return for each block whether it has no number, or is in a list that Notion numbers in the same way."""
    numbers = [_number(chunk) for chunk in found]
    are: list[bool] = []
    for is_numbered, run in itertools.groupby(numbers, bool):
        given = list(run)
        are += [not is_numbered or (given[0] == "1" and counts(given))] * len(given)
    return are


def _number(chunk: Chunk) -> str:
    found = _NUMBERED.match(chunk.lines[0]) if chunk.kind == "line" else None
    return found[2] if found else ""


def _lines_of_notion(lines: Sequence[tuple[str, bool]]) -> Iterator[str]:
    """Yield the lines with sums of money escaped, and with each mark ended in the line where it begins."""
    position = 0
    while position < len(lines):
        line, is_text = lines[position]
        if not is_text:
            yield line
            position += 1
            continue
        end = _end_of_group(lines, position)
        yield from _of_group([line for line, _ in lines[position:end]])
        position = end


def _end_of_group(lines: Sequence[tuple[str, bool]], start: int) -> int:
    """Return where the lines end that are one paragraph in Markdown."""
    first, end = lines[start][0], start + 1
    is_quote = first.lstrip().startswith(">")
    if _ALONE.match(first):
        return end
    while end < min(len(lines), start + _GROUP_LINES) and lines[end][1] and not _ALONE.match(lines[end][0]):
        signs = _prefix(lines[end][0]).strip()
        if signs != (">" if is_quote and signs else ""):
            break
        end += 1
    return end


def _prefix(line: str) -> str:
    found = _PREFIX.match(line)
    return found[0] if found else ""


def _of_group(lines: Sequence[str]) -> list[str]:
    if equation := _WHOLE_EQUATION.match(lines[0]) if len(lines) == 1 else None:
        return [f"{equation[1]}$$", f"{equation[1]}{equation[2].strip()}", f"{equation[1]}$$"]
    prefixes = [_prefix(line) for line in lines]
    texts = [line[len(prefix) :] for line, prefix in zip(lines, prefixes, strict=True)]
    if len(lines) > 1 and any(map(_is_open, texts)) and sum(map(len, texts)) <= _GROUP_CHARACTERS:
        texts = _closed("\n".join(texts)).split("\n")
    texts = [_with_money(text) for text in texts]
    return [prefix + text for prefix, text in zip(prefixes, texts, strict=False)]


def _is_open(text: str) -> bool:
    """Return whether a line may begin, or end, what another one ends."""
    return any(text.count(mark) % 2 for mark in _MARKS) or text.count("[") != text.count("]")


def _closed(text: str) -> str:
    """Return inline Markdown with every mark that is open at a line end closed there, and opened again after it."""
    made: list[str] = []
    around: list[tuple[str, str]] = []
    breaks = opened = 0
    for token in inline_tokens(text):
        sign = _PAIRS.get(token.tag, "")
        if token.nesting == 1:
            around.append((sign, sign) if sign else ("[", f"]({_target(str(token.attrGet('href')))})"))
            made.append(around[-1][0])
        elif token.nesting == -1:
            made.append(around.pop()[1])
        elif token.type in {"softbreak", "hardbreak"}:
            breaks, opened = breaks + 1, opened + len(around)
            made += [*(end for _, end in reversed(around)), "\n", *(begin for begin, _ in around)]
        else:
            made.append(_written(token))
    # Rewritten only if a mark spans lines, or the parser has joined some: any other text stays as its author wrote it.
    is_closed = not opened and breaks == text.count("\n")
    return text if is_closed else _BLOCK_SIGN.sub(r"\1\\\2", "".join(made))


def _target(address: str) -> str:
    return f"<{address}>" if re.search(r"[\s<>]|\([^)]*\(", address) else address


def _written(token: Token) -> str:
    if token.type == "code_inline":
        ticks = "`" * (max((len(run) for run in re.findall(r"`+", token.content)), default=0) + 1)
        blank = " " if "`" in token.content else ""
        return f"{ticks}{blank}{token.content}{blank}{ticks}"
    if token.type == "equation":
        return f"${token.content}$"
    if token.type == "html_inline":
        return token.content
    return _SPECIAL.sub(lambda found: found[1] or f"\\{found[2]}", token.content)


def _with_money(text: str) -> str:
    """Return inline Markdown with the dollar signs escaped that belong to no equation."""
    if "$" not in text:
        return text
    made: list[str] = []
    position = 0
    while found := _SPAN.search(text, position):
        made.append(text[position : found.start()])
        position = found.end()
        equation = equation_at(text, found.start()) if found[0] == "$" else None
        if equation is not None:
            made.append(f"${equation['expression']}$")
            position = equation.end()
        else:
            made.append("\\$" if found[0] == "$" else found[0])
    return "".join([*made, text[position:]])
