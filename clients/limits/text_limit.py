"""Limits of services on the length of texts, and how a longer text fits: in several parts, or shortened.

A field of a step names its limit (`engine.plugins.step.content`), so that it is met before anything is sent; clients
ask here, too, where a limit is known only to them.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Literal

from msgspec import Struct

from clients.mail.length import cut_note

Unit = Literal["characters", "utf16", "bytes", "slack", "telegram", "discord"]
"""What a service counts: code points, UTF-16 units, bytes of UTF-8; `slack` and `discord`: the text as it is sent, with
escapes; `telegram`: UTF-16 units of the text without its tags (core.telegram.org/bots/api#sendmessage)."""


class TextLimit(Struct, frozen=True):
    """How long a text may be, and what becomes of a longer one."""

    most: int
    unit: Unit = "characters"
    way: Literal["line", "text", "name"] = "line"
    """How it is shortened: `line` ends with an ellipsis, `text` with a note, `name` keeps the ending of a file."""
    rest: str = ""
    """The field that takes all of a shortened text, before its own; empty: the rest is lost."""
    parts: int = 1
    """In how many parts it is sent at most, before it is shortened."""
    part: str = "message"

    @property
    def words(self) -> str:
        """The limit, for people: "at most 256 characters; a longer one is shortened, with all of it in `body`"."""
        unit = "bytes" if self.unit == "bytes" else "characters"
        then = "becomes several" if self.parts > 1 else "is shortened"
        rest = f", with all of it in `{self.rest}`" if self.rest else ""
        return f"{self.most:,} {unit}; a longer one {then}{f' {self.part}s' if self.parts > 1 else ''}{rest}"


_GROWTH = {"characters": 1, "utf16": 2, "bytes": 4, "slack": 6, "telegram": 6, "discord": 3}
"""How many units a character takes at most; a list item gets a bullet, `<` becomes `&lt;`."""
_WINDOW = {"slack": 1, "telegram": 6}
"""How many times the limit a text may be long before it is measured: Telegram does not count addresses of links."""
_TAG = re.compile(r"<[^<>]*>")
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})([^`\n]*)$", re.MULTILINE)
_TICKS = re.compile(r"`+")
_LONGEST_OPENING = 40
_WHOLE = re.compile(
    r"!?\[[^\[\]\n]{0,400}\]\([^()\s]{0,400}\)|<?https?://[^\s<>]{1,400}>?"
    r"|\*\*[^*\n]{1,400}\*\*|__[^_\n]{1,400}__|~~[^~\n]{1,400}~~"
)
"""Links, addresses and emphasis, which make no sense when they are cut in two."""
_SENTENCE = re.compile(r"[.!?…][\"”»)]?\s|[。！？]")
_JOINER = "\u200d"
_TOGETHER = frozenset({"Mn", "Me", "Mc", "Cf"})
_LONGEST_CLUSTER = 64
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,10}(?:\.[A-Za-z0-9]{1,10})?\Z")


def size(text: str, unit: Unit = "characters") -> int:
    """Return how long a text is for a service."""
    return _SIZES[unit](text)


def is_short(text: str, limit: TextLimit) -> bool:
    """Return whether a text is within a limit however its characters count."""
    return len(text) * _GROWTH[limit.unit] <= limit.most


def fits(text: str, limit: TextLimit) -> bool:
    """Return whether a text is within a limit."""
    return is_short(text, limit) or (len(text) <= _longest(limit) and size(text, limit.unit) <= limit.most)


def _longest(limit: TextLimit) -> int:
    """Return how many characters are read as one part: to measure all of a long text, for each part, takes minutes."""
    return _WINDOW.get(limit.unit, 1) * limit.most


def fitted(text: str, limit: TextLimit) -> tuple[str, str]:
    """Return a text that fits, and a sentence about the change; the same text and "" if it is short enough.

    A text in several parts stays whole: `in_parts` makes the parts when it is sent.
    """
    if fits(text, limit):
        return text, ""
    count = 1
    if limit.parts > 1:
        pieces = list(_pieces(text, limit, limit.parts))
        count = len(pieces)
        _, begin, left = pieces[-1]
        is_whole = fits(left, limit)
        if is_whole:
            return text, f"sent as {count} {limit.part}s"
        opening = len(left) - len(text) + begin
        kept = text[:begin] + shortened(left, limit, begin)[opening:]
    else:
        kept = shortened(text, limit)
    told = f"shortened: {len(kept):,} of {len(text):,} characters"
    return kept, f"{told} and sent as {count} {limit.part}s" if count > 1 else told


def in_parts(text: str, limit: TextLimit) -> list[str]:
    """Return the parts of a text for sending, each within the limit.

    A text is parted between paragraphs, else lines, sentences or words. A block of code is closed, and opened again in
    the next part; links and pictures of several characters stay whole.
    """
    if fits(text, limit):
        return [text]
    return [part for part, _, _ in _pieces(text, limit, len(text)) if part.strip()]


def shortened(text: str, limit: TextLimit, before: int = 0) -> str:
    """Return the beginning of a text within a limit, with a sign at its end that something is missing.

    `before`: how many characters are shown before this text.
    """
    if fits(text, limit):
        return text
    if limit.way == "name":
        ending = found[0] if (found := _SUFFIX.search(text)) else ""
        stem = text[: len(text) - len(ending)]
        return f"{_beginning(stem, limit, f'…{ending}', _at_character)}…{ending}"
    if limit.way == "line":
        return f"{_beginning(text, limit, '…', _at_word).rstrip()}…"
    whole = before + len(text)
    kept = _beginning(text, limit, f"\n\n{cut_note(whole, whole)}", _at_pause)  # no other number is longer
    return f"{_closed(kept.rstrip())}\n\n{cut_note(before + len(kept), whole)}"


def _of_slack(text: str) -> int:
    from clients.chats.markdown import SLACK, rendered

    return _of_utf16(rendered(text, SLACK))


def _of_telegram(text: str) -> int:
    from clients.chats.markdown import TELEGRAM, rendered

    return _of_utf16(html.unescape(_TAG.sub("", rendered(text, TELEGRAM))))


def _of_discord(text: str) -> int:
    from clients.chats.markdown import kept_in_words

    return _of_utf16(kept_in_words(text))


def _of_utf16(text: str) -> int:
    return len(text) + sum(sign > "\uffff" for sign in text)


_SIZES: dict[Unit, Callable[[str], int]] = {
    "characters": len,
    "utf16": _of_utf16,
    "bytes": lambda text: len(text.encode("utf-8", "replace")),
    "slack": _of_slack,
    "telegram": _of_telegram,
    "discord": _of_discord,
}

_Cut = Callable[[str, int], int]
"""(text, place) -> a place no later than that, where the text may be cut."""


def _pieces(text: str, limit: TextLimit, most: int) -> Iterator[tuple[str, int, str]]:
    """Yield (part, where it begins, the rest of the text) for each part, up to a maximum number."""
    opening, begin = "", 0
    for number in range(most):
        left = opening + text[begin:]
        if number + 1 == most or fits(left, limit):
            yield left, begin, left
            return
        cut = _place(left, limit, "", _at_pause)
        head = left[:cut]
        following = _opening(head)
        if cut <= len(opening):  # nothing but the opening of a block would fit
            cut, following = _place(left, limit, "", _at_character), ""
            head = left[:cut]
        yield _closed(head.rstrip()), begin, left
        begin += cut - len(opening)
        begin += 0 if following else len(text[begin:]) - len(text[begin:].lstrip())
        begin += 1 if following and text[begin : begin + 1] == "\n" else 0
        opening = following
        if not text[begin:].strip():
            return


def _beginning(text: str, limit: TextLimit, end: str, cut: _Cut) -> str:
    return text[: _place(text, limit, end, cut)]


def _place(text: str, limit: TextLimit, end: str, cut: _Cut) -> int:
    """Return where to cut a text so that its beginning, with `end` behind it, is within a limit; at least 1."""
    low, high = 1, _longest(limit)  # however long the text is: its parts must be the same once its end is cut
    near = limit.most // 100 if limit.unit in _WINDOW else 0  # each look renders Markdown
    while high - low > near:
        middle = (low + high + 1) // 2
        is_short = size(_closed(text[:middle]) + end, limit.unit) <= limit.most
        low, high = (middle, high) if is_short else (low, middle - 1)
    place = cut(text, low)
    place = low if place < 1 else place
    while place > 1 and size(_closed(text[:place]) + end, limit.unit) > limit.most:
        place = max(_at_character(text, place * 9 // 10), 1)  # Markdown that is cut may be read in another way
    return place


def _at_character(text: str, place: int) -> int:
    """Return a place between two characters as people see them (unicode.org/reports/tr29, roughly)."""
    found = place
    while 0 < found < len(text) and place - found < _LONGEST_CLUSTER and _belongs(text, found):
        found -= 1
    return found or place


def _belongs(text: str, place: int) -> bool:
    """Return whether the sign at a place belongs to the one before it."""
    sign, before = text[place], text[place - 1]
    if unicodedata.category(sign) in _TOGETHER or before == _JOINER or "\U0001f3fb" <= sign <= "\U0001f3ff":
        return True
    if sign == "\n" and before == "\r":
        return True
    if not (_is_flag(sign) and _is_flag(before)):
        return False
    begin = place
    while begin > 0 and _is_flag(text[begin - 1]):
        begin -= 1
    return (place - begin) % 2 == 1


def _is_flag(sign: str) -> bool:
    return "\U0001f1e6" <= sign <= "\U0001f1ff"


def _at_word(text: str, place: int) -> int:
    """Return a place between two words, if there is one nearby."""
    if place >= len(text):
        return place
    blank = text.rfind(" ", place * 2 // 3, place + 1)
    return blank if blank > 0 else _at_character(text, place)


def _at_pause(text: str, place: int) -> int:
    """Return a place between paragraphs, or failing that between lines, sentences, words or characters."""
    if place >= len(text):
        return place
    least = place // 2
    found = -1
    for sign in ("\n\n", "\n"):
        found = text.rfind(sign, least, place)
        if found > 0:
            return _outside_code(text, found)
    ends = [one.end() for one in _SENTENCE.finditer(text, least, place)]
    if ends:
        found = ends[-1]
    else:
        blank = text.rfind(" ", least, place + 1)
        found = blank if blank > 0 else _at_character(text, place)
    line = text.rfind("\n", 0, found) + 1
    around = (one for one in _WHOLE.finditer(text, max(line, found - 1000), found + 1000))
    found = next((one.start() for one in around if least // 2 < one.start() < found < one.end()), found)
    return _outside_code(text, found)


def _outside_code(text: str, place: int) -> int:
    """Return a place no later than that, outside code within a line: its text may have an effect where it is not code.

    0: the text begins with code that goes on behind the place.
    """
    opened = _open_code(text, text.rfind("\n\n", 0, place) + 1, place)
    if opened is None or _open_block(text[:place]) is not None:
        return place
    end = text.find("\n\n", place)
    closing = (one[0] for one in _TICKS.finditer(text, place, len(text) if end < 0 else end))
    return opened.start() if opened[0] in closing else place


def _open_code(text: str, begin: int, end: int) -> re.Match[str] | None:
    """Return the backticks that open code within a line and are not closed yet, or None."""
    opened: re.Match[str] | None = None
    for found in _TICKS.finditer(text, begin, end):
        if opened is None:
            opened = found
        elif found[0] == opened[0]:
            opened = None
    return opened


def _opening(text: str) -> str:
    """Return the sign that reopens the code that a text ends in; "" if it ends outside code.

    A text ends in code within a line only if it is nothing else: otherwise it is not cut there (`_outside_code`).
    """
    opened = _open_block(text)
    if opened is None:
        code = _open_code(text, text.rfind("\n\n") + 1, len(text))
        return code[0] if code is not None and not text[: code.start()].strip() else ""
    line = opened[0].strip()
    return f"{line if len(line) <= _LONGEST_OPENING else opened[1][:_LONGEST_OPENING]}\n"


def _open_block(text: str) -> re.Match[str] | None:
    """Return the opening line of the code block that a text ends in; None if it ends outside one."""
    opened: re.Match[str] | None = None
    for found in _FENCE.finditer(text):
        if opened is None:
            opened = found
        elif found[1].startswith(opened[1]) and not found[2].strip():
            opened = None
    return opened


def _closed(text: str) -> str:
    """Return a text with its open code block, if any, closed."""
    opening = _opening(text)
    if not opening:
        return text
    if not opening.endswith("\n"):
        return f"{text}{opening}"
    sign = opening[0]
    marks = sign * (len(opening) - len(opening.lstrip(sign)))
    return f"{text}\n{marks}"
