"""Read a Markdown text as the services that show it do, with the place of everything that may lead away.

markdown-it finds the blocks and inline parts (CommonMark, tables, raw HTML), but says nothing about places inside a
paragraph: its rules for links, images, addresses in brackets, code and HTML are wrapped here, and note where they are.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct, field

from engine.outgoing.addresses import DRAWN_LANGUAGES

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

Kind = Literal["link", "image", "autolink", "code", "html"]

FENCE = re.compile(r"\s*(`{3,}|~{3,})([^`]*)$")
"""The first line of a block of code, as Notion reads it; what CommonMark adds to that is not taken for code."""
_LANGUAGE = re.compile(rf"(?!(?:{'|'.join(sorted(DRAWN_LANGUAGES))})\s*\Z)[a-z0-9_+#.-]*\s*\Z", re.IGNORECASE)
"""What may stand behind the marks of a block of code: a language, but none that GitHub draws, with links."""
_BACKTICKS = re.compile(r"`+")
_IN_ADDRESS = re.compile(r"\]\([^\s`]{0,2000}`")
"""A backtick where the address of a link may be; cmark and markdown-it find different ends of it."""
_LONGEST_RUN = 80
"""GitHub's parser pairs no longer ones (cmark's MAXBACKTICKS)."""
_EQUATION = re.compile(r"\$(?![\s$])(?:\\.|[^$\\\n]){1,1000}?(?<!\s)\$(?!\d)")
_TRIGGER = re.compile(r"[\[<:@#]|www|GH-", re.IGNORECASE)


_DEEPEST = 60
"""Levels of quotes, lists and images inside each other."""


class UnknownPosition(Exception):
    """The place of a part of the text is not known."""


class MarkdownPart(Struct, frozen=True):
    """A part of the text."""

    kind: Kind
    begin: int
    label_end: int
    """Where the words that people read end; they begin after the bracket."""
    end: int
    address: str = ""
    is_by_reference: bool = False


class MarkdownReading(Struct):
    """What a text has."""

    found: list[MarkdownPart] = field(default_factory=list)
    definitions: list[tuple[int, str]] = field(default_factory=list)
    """(begin, address) of each address with a name: `[1]: https://example.org`."""
    blocks: list[tuple[int, int]] = field(default_factory=list)
    """Begin and end of each block of HTML."""
    code: list[tuple[int, int]] = field(default_factory=list)
    """Begin and end of each block of code that every service takes for one."""
    languages: list[tuple[int, int]] = field(default_factory=list)
    """Begin and end of what is behind the marks of a block of code, if it is not the name of a language."""
    unpaired: list[tuple[int, int]] = field(default_factory=list)
    """Begin and end of each run of backticks that begins code for some parsers, but not for others."""
    paired: list[tuple[int, int]] = field(default_factory=list)
    """The other runs of such paragraphs."""
    shown: list[str] = field(default_factory=list)
    """The words that people read outside of code, each as one piece."""


def read(text: str) -> MarkdownReading:
    """Read a text, whose lines end with a line feed. Raises UnknownPosition."""
    reading, lines = MarkdownReading(), _Lines(text)
    env: dict[str, Any] = {}
    for token in _parser().parse(text, env):
        begin, end = token.map or (0, 0)
        if token.level >= _DEEPEST - 1:
            raise UnknownPosition
        if token.type == "definition":
            at = lines.text(begin).find("[")
            reading.definitions.append((lines.begin(begin) + max(at, 0), str(token.meta["url"])))
        elif token.type == "html_block":
            reading.blocks.append((lines.begin(begin), lines.begin(end)))
        elif token.type == "fence" and not _LANGUAGE.match(_behind(token.markup, lines.text(begin)).lstrip()):
            size = len(_behind(token.markup, lines.text(begin)))
            reading.languages.append((lines.begin(begin + 1) - 1 - size, lines.begin(begin + 1) - 1))
        elif token.type == "fence" and _is_plain_fence(token, lines.text(begin), lines.text(end - 1)):
            reading.code.append((lines.begin(begin), lines.begin(end)))
        elif token.type == "inline" and _TRIGGER.search(token.content):
            _read_inline(token, lines, env, reading)
    return reading


def read_line(text: str, *, has_equations: bool) -> MarkdownReading:
    """Read a line as if no other were around it, and as nothing but words. Raises UnknownPosition.

    `has_equations`: `$…$` is an equation, as in Notion, and nothing in it is code.
    """
    reading = MarkdownReading()
    parser = _parser_of_equations() if has_equations else _parser()
    _parse_inline(parser, text, {}, reading, lambda place: place)
    return reading


def _behind(marks: str, line: str) -> str:
    """Return what is written behind the marks of a block of code."""
    return line[line.find(marks) + len(marks) :]


def _is_plain_fence(token: Token, first: str, last: str) -> bool:
    opened = FENCE.match(first)
    return bool(opened and token.level == 0 and last.strip() == opened[1] and last is not first)


def _read_inline(token: Token, lines: _Lines, env: dict[str, Any], reading: MarkdownReading) -> None:
    first, end = token.map or (0, 0)
    _parse_inline(_parser(), token.content, env, reading, lines.placing(token.content, first, end))


def _parse_inline(
    parser: MarkdownIt, text: str, env: dict[str, Any], reading: MarkdownReading, place: Callable[[int], int]
) -> None:
    noted: list[MarkdownPart] = []
    children: list[Token] = []
    parser.inline.parse(text, parser, {**env, "noted": noted}, children)
    reading.shown += _words(children)
    unpaired, paired = _backticks(text, {(one.begin, one.end) for one in noted if one.kind == "code"})
    reading.unpaired += [(place(begin), place(begin) + end - begin) for begin, end in unpaired]
    reading.paired += [(place(begin), place(begin) + end - begin) for begin, end in paired if unpaired]
    for one in noted:
        begin, label_end, end = place(one.begin), place(one.label_end), place(one.end)
        reading.found.append(MarkdownPart(one.kind, begin, label_end, end, one.address, one.is_by_reference))


def _backticks(text: str, code: set[tuple[int, int]]) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Return the runs of backticks that parsers may pair in different ways, and the others.

    After an unmatched run, cmark takes runs for unmatched that are not. What is unclear may not be relied on: if the
    pairs differ from `code`, because a link, a tag or a backslash is in between, all runs are unclear.
    """
    runs = [found.span() for found in _BACKTICKS.finditer(text)]
    unpaired: list[tuple[int, int]] = []
    pairs: list[tuple[int, int]] = []
    later: dict[int, list[int]] = {}
    for number in reversed(range(len(runs))):
        later.setdefault(runs[number][1] - runs[number][0], []).append(number)
    number = 0
    while number < len(runs):
        begin, end = runs[number]
        same = later[end - begin]
        while same and same[-1] <= number:
            same.pop()
        if not same or end - begin > _LONGEST_RUN:
            unpaired.append(runs[number])
            number += 1
            continue
        pairs.append((begin, runs[same[-1]][1]))
        number = same[-1] + 1
    if code != set(pairs) or (runs and _IN_ADDRESS.search(text)):
        return runs, []
    alone = set(unpaired)
    return unpaired, [run for run in runs if run not in alone]


def _words(tokens: Sequence[Token]) -> Iterator[str]:
    """Yield the texts between other tokens; signs that are written with others (`&amp;`) are part of them."""
    words: list[str] = []
    for token in tokens:
        if token.type in ("text", "text_special"):
            words.append(token.content)
        elif words:
            yield "".join(words)
            words = []
    if words:
        yield "".join(words)


class _Lines:
    """The lines of a text, and where they begin."""

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self._begins = [0]
        for line in self._lines:
            self._begins.append(self._begins[-1] + len(line) + 1)
        self._size = len(text)
        self._used: dict[int, int] = {}

    def text(self, number: int) -> str:
        """Return a line."""
        return self._lines[number]

    def begin(self, number: int) -> int:
        """Return where a line begins."""
        return min(self._begins[number], self._size)

    def placing(self, content: str, first: int, end: int) -> Callable[[int], int]:
        """Return the function from a place in the content of a block to one in the text. Raises UnknownPosition."""
        own = content.split("\n")
        if len(own) > end - first:
            raise UnknownPosition
        inner, outer, at = [], [], 0
        for number, line in enumerate(own, first):
            column = self._lines[number].find(line, self._used.get(number, 0))
            if column < 0:
                raise UnknownPosition
            self._used[number] = column + len(line)
            inner.append(at)
            outer.append(self._begins[number] + column)
            at += len(line) + 1

        def placed(place: int) -> int:
            line = bisect_right(inner, place) - 1
            return outer[line] + place - inner[line]

        return placed


@cache
def _parser() -> MarkdownIt:
    return _ready(_new_parser())


@cache
def _parser_of_equations() -> MarkdownIt:
    parser = _new_parser()
    parser.inline.ruler.before("escape", "equation", _equation)
    return _ready(parser)


def _ready(parser: MarkdownIt) -> MarkdownIt:
    """Return a parser that several threads may use: it collects its rules at the first use, and has few until then."""
    parser.parse("a")
    parser.inline.parse("a", parser, {}, [])
    return parser


def _equation(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - markdown-it calls it so
    found = _EQUATION.match(state.src, state.pos, state.posMax)
    if found is None:
        return False
    if not silent:
        state.push("equation", "", 0)
    state.pos = found.end()
    return True


def _new_parser() -> MarkdownIt:
    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import autolink, backtick, html_inline, image, link

    options = {"html": True, "inline_definitions": True, "maxNesting": _DEEPEST}
    parser = MarkdownIt("commonmark", options).enable(["table", "strikethrough"])
    parser.validateLink = lambda url: True  # type: ignore[method-assign] # what one service refuses, another shows
    parser.disable(["inline", "text_join"])  # each block on its own, in `_read_inline`
    rules = {"link": _link(link, 1), "image": _link(image, 2), "autolink": _autolink(autolink)}
    rules |= {"backticks": _plain("code", backtick), "html_inline": _plain("html", html_inline)}
    for name, rule in rules.items():
        parser.inline.ruler.at(name, rule)
    return parser


def _noted(state: StateInline, found: MarkdownPart) -> None:
    state.env.setdefault("noted", []).append(found)


def _link(rule: Any, opening: int) -> Any:
    """Wrap the rule for links or images; `opening`: the length of the sign before what people read."""
    kind: Kind = "link" if opening == 1 else "image"

    def wrapped(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - markdown-it calls it so
        begin, count = state.pos, len(state.tokens)
        if state.level >= _DEEPEST - 1:
            raise UnknownPosition
        if silent or not state.src.startswith("![" if opening == 2 else "[", begin):
            return bool(rule(state, silent))
        if not (rule(state, silent) if kind == "link" else _without_label(rule, state)):
            return False
        label_end = state.md.helpers.parseLinkLabel(state, begin + opening - 1, kind == "link")
        token = next(one for one in state.tokens[count:] if one.type in ("link_open", "image"))
        address = str(token.attrs["href" if kind == "link" else "src"])
        is_by_reference = state.src[label_end + 1 : label_end + 2] != "("
        _noted(state, MarkdownPart(kind, begin, label_end, state.pos, address, is_by_reference))
        if kind == "image":
            _read_label(state, begin + opening, label_end)
        return True

    return wrapped


@cache
def _parser_without_labels() -> MarkdownIt:
    """Return a parser that leaves out the words of images, which `_read_label` reads: twice each would be too often."""
    parser = copy(_parser())
    parser.inline = copy(parser.inline)
    parser.inline.parse = lambda *_: []  # type: ignore[method-assign]
    return parser


def _without_label(rule: Any, state: StateInline) -> bool:
    parser, state.md = state.md, _parser_without_labels()
    try:
        return bool(rule(state, False))  # noqa: FBT003 - markdown-it takes it so
    finally:
        state.md = parser


def _read_label(state: StateInline, begin: int, end: int) -> None:
    """Note what is in the words of an image: it counts once the image is gone."""
    names = ("pos", "posMax", "pending", "tokens", "tokens_meta", "delimiters", "level")
    before = {name: getattr(state, name) for name in names}
    state.pos, state.posMax, state.level = begin, end, state.level + 1
    state.tokens, state.tokens_meta, state.delimiters = [], [], []
    state.md.inline.tokenize(state)
    for name, value in before.items():
        setattr(state, name, value)


def _autolink(rule: Any) -> Any:
    def wrapped(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - markdown-it calls it so
        begin = state.pos
        if not rule(state, silent):
            return False
        written = state.src[begin + 1 : state.pos - 1]
        if not silent and ":" in written:  # else it is an address of mail, which shows where it leads
            _noted(state, MarkdownPart("autolink", begin, state.pos, state.pos, written))
        return True

    return wrapped


def _plain(kind: Kind, rule: Any) -> Any:
    def wrapped(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - markdown-it calls it so
        begin, count = state.pos, len(state.tokens)
        if not rule(state, silent):
            return False
        if not silent and len(state.tokens) > count and state.tokens[-1].type in ("code_inline", "html_inline"):
            _noted(state, MarkdownPart(kind, begin, state.pos, state.pos, state.src[begin : state.pos]))
        return True

    return wrapped
