"""Turn links and images in Markdown into text, unless they lead to a place that is named.

`[text](https://evil.example/x)` becomes ``text (link to `evil.example`: `https://evil.example/x`)``: a reader sees
where it would lead, and can copy the address; no service makes a link of it. A bare address becomes code. Raw HTML that
may load or link something, and comments, are shown as they are written.

What comes out is read again, by GitHub's own parser and as Notion does (line by line). If a link is still left, because
the two differ or the text is too involved, all of the text is shown as one block of code.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator

from msgspec import Struct, field

from engine.outgoing import github_reading
from engine.outgoing.addresses import (
    WORD_ATTRIBUTES,
    IsNamed,
    bare_addresses,
    leads_away,
    mentions,
    shown_place,
    silent,
    without_orders,
)
from engine.outgoing.markdown_reading import FENCE, MarkdownPart, MarkdownReading, UnknownPosition, read, read_line

_MAY_LEAD = re.compile(
    r"://|www\.|\]\s*[(\[:]|<[a-z!?/]|&|\\/|(?:mailto|xmpp):|`{3}|~{3}|\\(?:href|csname)|(?<![a-z0-9])@[a-z0-9]|#\d|GH-\d",
    re.IGNORECASE | re.ASCII,
)
"""Every text with a link has at least one of these."""
_ROUNDS = 8
"""Passes over a text, since each change may bring out another link; after that, the text becomes code."""
_MOST_SIGNS = 5_000
"""Brackets and signs of emphasis in one paragraph, cells in one row: markdown-it takes quadratic time for them."""
_MOST_OPEN = 500
"""Tags in one paragraph that never end: for each of them, Python's HTML parser reads to the end of the paragraph."""
_OPEN = re.compile(r"<[a-z/][^<>]*(?=<|\Z)", re.IGNORECASE)
_MOST_IN_ALL = 100_000  # brackets, tags and bars of tables in a whole text
_LONGEST = 2_000_000  # characters
_ATTRIBUTE = re.compile(r"(?<![^\s\"'<>/=])([^\s\"'<>/=]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'=<>`]+))")
_RUNS = re.compile(r"`+")
_EATEN = re.compile(r"\w+://[^\s<`\\]{0,2000}(?:\\(?![<!\[`&])[^\s<`\\]{0,2000}){0,9}(?=[`\\])")
"""A bare address up to a backtick, or a backslash that escapes: for cmark both are part of it, and have no effect."""
_COMMENT = re.compile(r"(?<!\\)<(?=!--)")
_EQUATION_LINK = re.compile(r"\\(?=(href|csname)(?![a-z])(?:\s*\{([^{}]*)\})?)", re.IGNORECASE)
"""The command of equations that links, and the one that writes commands."""
_EQUATION = re.compile(r"\s*\$\$\s*$")
_TABLE = re.compile(r"\s*<table\b")
_CELL_TAG = re.compile(r"<(?:(?P<cell>td\b[^<>]*>)|t[dhr]\b|/(?:t[dhr]|table)\b)")
_CELL_END = "</td>"
_MOST_TIMES = 4
"""How often each character of a table of tags may be read, on average, as part of a cell."""
_CELL = re.compile(r"(?<!\\)\|")


class MarkdownChanges(Struct):
    """What became text, by place."""

    links: Counter[str] = field(default_factory=Counter)
    images: Counter[str] = field(default_factory=Counter)
    tags: int = 0
    """Pieces of HTML."""
    mentions: int = 0
    """Words that would notify people or close issues."""
    orders: int = 0
    """Lines that bots take as orders."""
    languages: int = 0
    """Blocks of code that lost what was behind their marks."""
    signs: int = 0
    """Backticks and backslashes that services read in different ways."""
    is_code: bool = False
    """Whether all of the text was put into a block of code."""


class _Edit(Struct, frozen=True):
    begin: int
    end: int
    text: str


def without_links(text: str, is_named: IsNamed) -> tuple[str, MarkdownChanges]:
    """Return Markdown without links and images that lead to a place that is not named, and what was changed.

    Nor does a line of it give a bot an order.
    """
    text, changes = _without_links(text, is_named)
    text, changes.orders = without_orders(text, is_named)
    return text, changes


def _without_links(text: str, is_named: IsNamed) -> tuple[str, MarkdownChanges]:
    changes = MarkdownChanges()
    if _MAY_LEAD.search(text) is None:
        return text, changes
    plain = re.sub(r"\r\n?", "\n", text)
    first, quote = plain, _unused_quote(plain)
    for _ in range(_ROUNDS):
        try:
            reading = _read(plain)
        except UnknownPosition:
            break
        if _is_unclear(plain, reading, is_named):
            plain = _edited(plain, _as_apostrophes(reading.unpaired))
            changes.signs += len(reading.unpaired)
            continue
        edits = list(_edits(plain, reading, quote, is_named, changes))
        if edits:
            plain = _edited(plain, edits)
        elif _has_links(plain, reading, is_named) or github_reading.has_links(plain, is_named):
            break
        else:
            return (text if plain == first else plain), changes
    return _as_code(text, is_named)


def _read(text: str) -> MarkdownReading:
    """Read a text, unless that would take long. Raises UnknownPosition."""
    is_long = len(text) > _LONGEST or _count(text, "[<|") > _MOST_IN_ALL
    is_involved = any(
        _count(part, "[<*_~") > _MOST_SIGNS or sum(1 for _ in _OPEN.finditer(part)) > _MOST_OPEN
        for part in text.split("\n\n")
    )
    if is_long or is_involved or any(line.count("|") > _MOST_SIGNS // 5 for line in text.split("\n")):
        raise UnknownPosition
    return read(text)


def _count(text: str, signs: str) -> int:
    return sum(map(text.count, signs))


def _unused_quote(text: str) -> str:
    """Return a number of backticks that a text nowhere has in a row, so that they quote whatever is between them."""
    used = {len(run) for run in _RUNS.findall(text)}
    return "`" * next(size for size in range(1, len(used) + 2) if size not in used)


def _as_apostrophes(runs: Iterable[tuple[int, int]]) -> list[_Edit]:
    return [_Edit(begin, end, "'" * (end - begin)) for begin, end in runs]


def _is_unclear(text: str, reading: MarkdownReading, is_named: IsNamed) -> bool:
    """Return whether something would lead away that is, or is not, in code: by how its backticks are paired."""
    if not reading.unpaired:
        return False
    bare = _edited(text, _as_apostrophes([*reading.unpaired, *reading.paired]))
    try:
        read_bare = _read(bare)
    except UnknownPosition:
        return True
    both = ((text, reading), (bare, read_bare))
    return any(True for one, how in both for _ in _edits(one, how, "`", is_named, MarkdownChanges()))


def _edits(
    text: str, reading: MarkdownReading, quote: str, is_named: IsNamed, changes: MarkdownChanges
) -> Iterator[_Edit]:
    """Yield the changes of one pass over a text; they do not overlap."""
    if reading.languages:  # without them, the blocks are code
        changes.languages += len(reading.languages)
        yield from (_Edit(begin, end, "") for begin, end in reading.languages)
        return
    taken = list(reading.code)
    for one in reading.found:
        edits = list(_of_part(text, one, quote, is_named, changes))
        taken += [(edit.begin, edit.end) for edit in edits]
        if one.kind == "code" and "\n" not in text[one.begin : one.end]:
            taken.append((one.begin, one.end))
        yield from edits
    for begin, end in reading.blocks:
        if _is_live_block(text[begin:end], is_named):
            changes.tags += 1
            yield from (_Edit(at, at + 1, "&lt;") for at in range(begin, end) if text[at] == "<")
    for begin, address in reading.definitions:
        if leads_away(address, is_named) and text[begin : begin + 1] == "[":
            yield _Edit(begin, begin, "\\")
    yield from _equations(text, reading, is_named, changes)
    taken.sort()
    for found in _COMMENT.finditer(text):  # also where markdown-it sees none, as `<!----- -->`
        if not _holds(taken, found.start()):
            changes.tags += 1
            yield _Edit(found.start(), found.end(), "&lt;")
    yield from _bare(text, taken, quote, is_named, changes)
    yield from _mentions(text, taken, reading.blocks, quote, is_named, changes)


def _of_part(text: str, one: MarkdownPart, quote: str, is_named: IsNamed, changes: MarkdownChanges) -> Iterator[_Edit]:
    if one.kind == "html" and _is_live_tag(one.address, is_named):
        changes.tags += 1
        yield _Edit(one.begin, one.begin + 1, "&lt;")
    if one.kind in ("code", "html") or not leads_away(one.address, is_named):
        return
    place = shown_place(one.address)
    (changes.images if one.kind == "image" else changes.links)[place] += 1
    address = f"{quote}{one.address.replace('`', '%60').replace('|', '%7C')}{quote}"
    if one.kind == "autolink":
        yield _Edit(one.begin, one.end, address)
        return
    bracket = one.begin + (2 if one.kind == "image" else 1)
    blank = " " if text[bracket : one.label_end].strip() else ""
    where = f"{one.kind} {'at' if one.kind == 'image' else 'to'} {quote}{place or '?'}{quote}"
    yield _Edit(one.begin, bracket, "")
    told = "" if one.is_by_reference else f": {address}"  # a reference's is still below, where it is defined
    yield _Edit(one.label_end, one.end, f"{blank}({where}{told})")


def _equations(text: str, reading: MarkdownReading, is_named: IsNamed, changes: MarkdownChanges) -> Iterator[_Edit]:
    """Yield the changes to commands of equations that lead away."""
    for found in _EQUATION_LINK.finditer(text):
        if _holds(reading.code, found.start()):
            continue
        if found[2] is None or leads_away(found[2], is_named):
            changes.links[shown_place(found[2] or "")] += 1
            yield _Edit(found.start(), found.end(), "")


def _bare(
    text: str, taken: list[tuple[int, int]], quote: str, is_named: IsNamed, changes: MarkdownChanges
) -> Iterator[_Edit]:
    """Yield the changes to addresses without any signs around them, and to what looks like a link but is not one."""
    begins = [begin for begin, _ in taken]
    # how far the ranges up to each one reach: they may lie in each other
    reach, reached = 0, []
    for _, end in taken:
        reach = max(reach, end)
        reached.append(reach)
    for begin, end, address in bare_addresses(text):
        before = bisect_right(begins, begin) - 1
        is_quoted = text[begin - 1 : begin] == "`" == text[end : end + 1]
        if is_quoted or (before >= 0 and reached[before] > begin):
            continue
        if not leads_away(address, is_named):
            sign = _EATEN.match(text, begin)
            if sign is not None:
                changes.signs += 1
                yield _Edit(sign.end(), sign.end(), " ")
            continue
        changes.links[shown_place(address)] += 1
        is_open = text[begin - 2 : begin] == "]("  # looks like a link, but is not one
        blank = " " if is_open or text[begin - 1 : begin] == "\\" else ""
        start = begin - 1 if is_open else begin
        yield _Edit(start, end, f"{blank}{text[start:begin]}{quote}{text[begin:end]}{quote}")


def _mentions(
    text: str,
    taken: list[tuple[int, int]],
    blocks: list[tuple[int, int]],
    quote: str,
    is_named: IsNamed,
    changes: MarkdownChanges,
) -> Iterator[_Edit]:
    """Yield the changes to words that notify people or close issues, unless the workflow's author writes them, too."""
    for begin, end, words in mentions(text):
        if is_named(words) or _holds(taken, begin):
            continue
        changes.mentions += 1
        if _holds(blocks, begin):  # in HTML, backticks are not code
            at = silent(text, begin, end)
            yield _Edit(at, at, " ")
        else:
            yield _Edit(begin, end, f"{quote}{text[begin:end]}{quote}")


def _holds(ranges: list[tuple[int, int]], place: int) -> bool:
    """Return whether a place is in one of the ranges, which are in order."""
    after = bisect_right(ranges, place, key=lambda one: one[0])
    return any(end > place for _, end in ranges[max(after - 9, 0) : after])


def _is_live_tag(tag: str, is_named: IsNamed) -> bool:
    """Return whether a piece of HTML is hidden, or may load or link something from a place that is not named."""
    if tag.startswith(("<!", "<?")):
        return True
    return any(
        name.lower() not in WORD_ATTRIBUTES and leads_away(html.unescape(one or other or plain), is_named)
        for name, one, other, plain in _ATTRIBUTE.findall(tag)
    )


def _is_live_block(block: str, is_named: IsNamed) -> bool:
    has_address = any(leads_away(address, is_named) for _, _, address in bare_addresses(html.unescape(block)))
    return has_address or "<!" in block or "<?" in block or _is_live_tag(block.lstrip("<!? \n"), is_named)


def _edited(text: str, edits: Iterable[_Edit]) -> str:
    parts, last = [], 0
    for edit in sorted(edits, key=lambda one: (one.begin, one.end)):
        if edit.begin < last:
            continue  # a part of what is replaced already; the next pass sees the rest
        parts += [text[last : edit.begin], edit.text]
        last = edit.end
    return "".join([*parts, text[last:]])


def _has_links(text: str, reading: MarkdownReading, is_named: IsNamed) -> bool:
    """Return whether a link is left in a text that needs no more changes, as one of the services reads it."""
    if any(_leads(words, is_named) for words in reading.shown):
        return True
    try:
        return any(_is_live_line(line, is_named) for line in _lines_of_words(text))
    except UnknownPosition:
        return True


def _leads(words: str, is_named: IsNamed) -> bool:
    return any(leads_away(address, is_named) for _, _, address in bare_addresses(words))


def _lines_of_words(text: str) -> Iterator[str]:
    """Yield the lines and cells outside of code as Notion finds them: each one is read on its own."""
    closing: re.Pattern[str] | None = None
    lines, has_table = text.split("\n"), False
    for number, line in enumerate(lines):
        if closing is not None and closing is not _EQUATION:
            closing = None if closing.match(line) else closing
            continue
        fence = FENCE.match(line)
        if not has_table and _TABLE.match(line):
            has_table = True
            yield from _cells_of_tags("".join(lines[number:]))
        if _EQUATION.match(line):
            closing = None if closing is _EQUATION else _EQUATION
        elif fence is not None and closing is None:
            closing = re.compile(rf"\s*{fence[1]}\s*$")
        elif _MAY_LEAD.search(line):
            yield from (line, *(_CELL.split(line.strip()) if line.lstrip().startswith("|") else ()))


def _cells_of_tags(joined: str) -> Iterator[str]:
    """Yield the cells of tables that are written as HTML, whose lines Notion gets as one.

    Its parser may begin a cell at any tag, so each one counts; backticks are not relied on. Raises UnknownPosition if
    there are so many cells within each other that reading them would take long.
    """
    room = _MOST_TIMES * len(joined)
    for cell in _cells_between_tags(joined):
        if _MAY_LEAD.search(cell):
            room -= len(cell)
            if room < 0:
                raise UnknownPosition
            yield from (cell, cell.replace("`", "'"))


def _cells_between_tags(joined: str) -> Iterator[str]:
    """Yield each cell up to the next tag of the table and, if it goes on behind that, up to its own end."""
    tags = list(_CELL_TAG.finditer(joined))
    last_end, is_rest_read = joined.rfind(_CELL_END), False
    for number, tag in enumerate(tags):
        if not tag["cell"]:
            continue
        begin = tag.end()
        following = tags[number + 1].start() if number + 1 < len(tags) else len(joined)
        yield joined[begin:following]
        if begin <= last_end:
            end = joined.index(_CELL_END, begin)
            yield from [joined[begin:end]] if end > following else []
        elif not is_rest_read:  # without an end, in whatever way that is read
            is_rest_read = True
            yield from [joined[begin:]] if following < len(joined) else []


def _is_live_line(line: str, is_named: IsNamed) -> bool:
    """Return whether a line has a link of its own, however signs around it are read."""
    line = line.strip()
    if line.startswith("![") and _leads(line, is_named) and "](" in line:
        return True
    try:
        readings = [read_line(line, has_equations=one) for one in ([False, True] if "$" in line else [False])]
    except UnknownPosition:
        return True
    return any(
        any(_leads(words, is_named) for words in reading.shown)
        or any(True for _ in _edits(line, reading, "`", is_named, MarkdownChanges()))
        for reading in readings
    )


def _as_code(text: str, is_named: IsNamed) -> tuple[str, MarkdownChanges]:
    """Return a text as one block of code."""
    changes = MarkdownChanges(is_code=True)
    found = [address for _, _, address in bare_addresses(text) if leads_away(address, is_named)]
    changes.links.update(map(shown_place, found))
    longest = max((len(run) for run in _RUNS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}", changes
