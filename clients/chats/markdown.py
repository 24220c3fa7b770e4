"""Markdown as chats write it: the same text with the marks of Slack or with the tags of Telegram."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

from msgspec import Struct

from clients.mail.numbers import keep_numbers

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token


_SIGNS = re.compile(r"\*+|`(?!`)")
_STARS = re.compile(r"```[\s\S]*?(?:```|\Z)|`[^`\n]+`|https?://\S+|\\.|(\*+)")
"""Finds stars; skips code, addresses and escapes."""


class Marks(Struct, frozen=True):
    """How a chat writes what Markdown says. All functions get text that is escaped already."""

    escaped: Callable[[str], str]
    bold: tuple[str, str]
    italic: tuple[str, str]
    struck: tuple[str, str]
    code: Callable[[str], str]
    block: Callable[[str], str]
    link: Callable[[str, str], str]
    """(address, text) -> the link."""


def _slack_escaped(text: str) -> str:
    """Escape the signs of Slack's own links and mentions (docs.slack.dev/messaging/formatting-message-text)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


SLACK = Marks(
    escaped=_slack_escaped,
    bold=("*", "*"),
    italic=("_", "_"),
    struck=("~", "~"),
    # Slack has no escape for a backtick in code, so a prime (U+02B9) takes its place.
    code=lambda text: f"`{text.replace('`', chr(0x2B9))}`",
    block=lambda text: f"```\n{text.replace('```', chr(0x2B9) * 3)}\n```",
    link=lambda address, text: f"<{address.replace('|', '%7C')}|{text}>",  # the first `|` ends the address
)
TELEGRAM = Marks(
    escaped=html.escape,
    bold=("<b>", "</b>"),
    italic=("<i>", "</i>"),
    struck=("<s>", "</s>"),
    code=lambda text: f"<code>{text}</code>",
    block=lambda text: f"<pre>{text}</pre>",
    link=lambda address, text: f'<a href="{address}">{text}</a>',
)


def rendered(markdown: str, marks: Marks) -> str:
    """Return Markdown as a chat writes it: bold, italic, code, links, lists and quotes; anything else as plain text."""
    return "\n".join(_lines(_parser().parse(markdown), marks)).strip()


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).disable(["image", "entity", "lheading"]).enable("strikethrough")
    keep_numbers(parser)
    # `2*3*4` and a backtick as an apostrophe are no marks, although CommonMark says so.
    parser.inline.ruler.before("backticks", "in_words", _in_words)
    return parser


def _in_words(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - a rule of markdown-it
    """Take a star, or a single backtick, as text where it stands between letters or digits of the Latin alphabet."""
    found = _SIGNS.match(state.src, state.pos, state.posMax)
    if found is None or not is_in_word(state.src, found.start(), found.end()):
        return False
    if not silent:
        state.pending += found[0]
    state.pos = found.end()
    return True


def is_in_word(text: str, begin: int, end: int) -> bool:
    """Return whether signs stand between two letters or digits; in Chinese or Japanese, words have no blanks."""
    around = text[begin - 1 : begin] + text[end : end + 1]
    return len(around) == 2 and around.isascii() and around.isalnum()


def kept_in_words(markdown: str) -> str:
    """Return Markdown for a chat that reads it itself, with the stars in words escaped, as in `2*3*4`."""

    def escaped(found: re.Match[str]) -> str:
        is_sign = found[1] is not None and is_in_word(markdown, found.start(), found.end())
        return found[0].replace("*", "\\*") if is_sign else found[0]

    return _STARS.sub(escaped, markdown)


def _lines(tokens: Sequence[Token], marks: Marks) -> Iterator[str]:
    """Yield the lines of blocks; blocks at the top are parted by an empty line."""
    lists: list[int | None] = []
    lead, quotes = "", 0
    for token in tokens:
        if token.type in {"bullet_list_open", "ordered_list_open"}:
            lists.append(None if token.type.startswith("bullet") else int(token.attrGet("start") or 1))
        elif token.type in {"bullet_list_close", "ordered_list_close"}:
            lists.pop()
        elif token.type == "list_item_open":
            number = lists[-1]
            lead = "  " * (len(lists) - 1) + ("• " if number is None else f"{number}{token.markup} ")
            lists[-1] = None if number is None else number + 1
        elif token.type in {"blockquote_open", "blockquote_close"}:
            quotes += 1 if token.type.endswith("open") else -1
        elif token.type == "inline":
            yield from _written(_inline(token.children or [], marks), lead, quotes, marks)
            lead = "  " * len(lists)
        elif token.type in {"fence", "code_block"}:
            yield marks.block(marks.escaped(token.content.rstrip("\n")))
        if token.level == 0 and token.nesting <= 0 and token.type != "inline":
            yield ""


def _written(text: str, lead: str, quotes: int, marks: Marks) -> Iterator[str]:
    """Yield the lines of one block after what leads it in."""
    # Slack reads only a bare `>` as a quote; in Telegram's HTML the sign must be escaped.
    before = marks.escaped("> ") * quotes if marks.escaped is not _slack_escaped else "> " * quotes
    for line in text.split("\n"):
        yield f"{before}{lead}{line}"
        lead = " " * len(lead)


_PAIRS = {
    f"{kind}_{end}": name
    for kind, name in {"strong": "bold", "em": "italic", "s": "struck"}.items()
    for end in ("open", "close")
}


def _inline(tokens: Sequence[Token], marks: Marks) -> str:
    """Return the text of one block."""
    done: list[str] = []
    opened: list[tuple[str, int]] = []
    for token in tokens:
        kind = token.type
        if kind in _PAIRS:
            pair: tuple[str, str] = getattr(marks, _PAIRS[kind])
            done.append(pair[0] if kind.endswith("open") else pair[1])
        elif kind == "link_open":
            opened.append((str(token.attrGet("href") or ""), len(done)))
        elif kind == "link_close":
            address, begin = opened.pop()
            text = "".join(done[begin:])
            done[begin:] = [marks.link(marks.escaped(address), text) if _is_web(address) else text]
        elif kind == "code_inline":
            done.append(marks.code(marks.escaped(token.content)))
        else:
            done.append("\n" if kind in {"softbreak", "hardbreak"} else marks.escaped(token.content))
    return "".join(done)


def _is_web(address: str) -> bool:
    return address.startswith(("https://", "http://", "mailto:"))
