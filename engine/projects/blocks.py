"""Edits as plain text: blocks that say which lines of a file are replaced by which.

    src/main.py
    <<<<<<< SEARCH
    old lines
    =======
    new lines
    >>>>>>> REPLACE

Lines are found exactly, or else without regard to blanks at their ends, and must be there once. Indentation is never
guessed: an edit that is refused costs a turn, and one at the wrong place a program. The three marks of an edit have the
same length, from 5 to 9 signs: if lines of a file look like marks, an edit of them uses marks of another length.
"""

from __future__ import annotations

import heapq
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import Struct

from engine.base.errors import InvalidInput

_SEARCH = re.compile(r"(<{5,9}) SEARCH[ \t]*\Z")
_REPLACE = re.compile(r"(>{5,9}) REPLACE[ \t]*\Z")
_BLANKS = " \t"
_FENCE = re.compile(r"\s*```")
_MOST = 200
_SHOWN = 12
_LOOKED_AT, _UNLIKE = 20, 0.1
_FORM = (
    "Write the path of the file, then a line <<<<<<< SEARCH, the old lines, =======, the new lines, >>>>>>> REPLACE."
)

_OTHER_LENGTH = "If lines of the file look like marks, write the three marks of the edit with 8 or 9 signs each."


class EditRefused(InvalidInput):
    """An edit that does not fit its file."""


class EditBlock(Struct, frozen=True):
    """An edit of a file; a block without old lines makes a new file."""

    path: str
    old: tuple[str, ...]
    new: tuple[str, ...]
    line: int
    """The line of the text at which it begins, from 1."""
    written: tuple[str, ...]
    """The new lines with the signs at their ends, which a new file keeps."""


def blocks(text: str) -> list[EditBlock]:
    """Return the blocks in a text, whatever is around them. Raises EditRefused without a block, or for half a block."""
    found = list(_blocks(text.split("\n")))
    if not found:
        raise EditRefused("There is no edit in the text.", remedy=_FORM)
    if len(found) > _MOST:
        raise EditRefused(f"There are {len(found)} edits; one text may have {_MOST}.")
    return found


def _blocks(written: Sequence[str]) -> Iterator[EditBlock]:
    lines = [_bare(line) for line in written]
    path, at = "", 0
    while at < len(lines):
        line = lines[at]
        if not (begin := _SEARCH.match(line)):
            if _REPLACE.match(line):
                raise EditRefused(f"The mark at line {at + 1} ends no edit.", remedy=_OTHER_LENGTH)
            if line.strip() and not _FENCE.match(line):
                path = line.strip().strip("#").strip().rstrip(":").strip("`* ")
            at += 1
            continue
        if not path:
            raise EditRefused(f"The edit at line {at + 1} names no file.", remedy=_FORM)
        middle, end = _marks(lines, at, len(begin[1]))
        new = slice(middle + 1, end)
        yield EditBlock(path, tuple(lines[at + 1 : middle]), tuple(lines[new]), at + 1, tuple(written[new]))
        at = end + 1


def _marks(lines: Sequence[str], begin: int, size: int) -> tuple[int, int]:
    """Return where the old lines of an edit end, and where the new ones do. Raises EditRefused if that is in doubt."""
    middles: list[int] = []
    for at in range(begin + 1, len(lines)):
        line = lines[at].rstrip(_BLANKS)
        if line == "=" * size:
            middles.append(at)
        elif line == f"{'<' * size} SEARCH":
            break
        elif line == f"{'>' * size} REPLACE":
            if len(middles) == 1:
                return middles[0], at
            if middles:
                shown = ", ".join(str(one + 1) for one in middles)
                raise EditRefused(
                    f"The edit at line {begin + 1} has {len(middles)} lines {'=' * size} (lines {shown}).",
                    remedy=_OTHER_LENGTH,
                )
            break
    missing = f"{'>' * size} REPLACE" if middles else "=" * size
    raise EditRefused(f"The edit at line {begin + 1} has no line {missing}.", remedy=_FORM)


def applied(files: Mapping[str, str], edits: Sequence[EditBlock]) -> dict[str, str]:
    """Return the new texts of the files that blocks change, all or none, one block after the other.

    Raises EditRefused for lines that are not there, or are there more than once; the error shows the nearest ones.
    """
    changed: dict[str, str] = {}
    for one in edits:
        before = changed.get(one.path, files.get(one.path))
        changed[one.path] = _made(one) if before is None else _replaced(one, before)
    return changed


def _made(block: EditBlock) -> str:
    if any(line.strip() for line in block.old):
        raise EditRefused(
            f"There is no file {block.path!r} to edit (line {block.line}).",
            remedy="Name a file that is there; to make a new one, leave the old lines empty.",
        )
    return "".join(f"{line}\n" for line in block.written)


def _replaced(block: EditBlock, text: str) -> str:
    if not any(line.strip() for line in block.old):
        if not text:
            return _made(block)
        raise EditRefused(
            f"The edit of {block.path} at line {block.line} has no old lines, and the file is not empty.",
            remedy="Copy lines of the file that are not blank, or write the whole file.",
        )
    lines = [f"{line}\n" for line in text.split("\n")]
    lines[-1] = lines[-1].removesuffix("\n")
    if not lines[-1]:
        lines.pop()
    bare = [_bare(line) for line in lines]
    places = _places(bare, block.old)
    if not places:
        places = _places(_trimmed(bare), _trimmed(block.old))
    if len(places) != 1:
        raise _refusal(block, bare)
    at = places[0]
    end = at + len(block.old)
    ended = next((line for line in (lines[at], *lines[:at][::-1]) if line.endswith("\n")), "")
    ending = "\r\n" if ended.endswith("\r\n") else "\n"
    new = [f"{line}{ending}" for line in block.new]
    if end == len(lines) and new and new[-1] != ending and not lines[-1].endswith("\n"):
        new[-1] = new[-1].removesuffix(ending)
    return "".join([*lines[:at], *new, *lines[end:]])


def _bare(line: str) -> str:
    """Return a line without its ending. Other places where Python ends lines (a form feed, U+2028) are part of it."""
    return line.removesuffix("\n").removesuffix("\r")


def _trimmed(lines: Sequence[str]) -> list[str]:
    return [line.rstrip(_BLANKS) for line in lines]


def _places(lines: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """Return where the wanted lines begin, as Knuth, Morris and Pratt find it: no line is compared again and again."""
    back = [0]
    """How many lines, for each number of them that fit, may still fit after the next one does not."""
    fitting = 0
    for line in wanted[1:]:
        while fitting and line != wanted[fitting]:
            fitting = back[fitting - 1]
        fitting += line == wanted[fitting]
        back.append(fitting)
    found: list[int] = []
    fitting = 0
    for at, line in enumerate(lines, 1):
        while fitting and (fitting == len(wanted) or line != wanted[fitting]):
            fitting = back[fitting - 1]
        fitting += line == wanted[fitting]
        if fitting == len(wanted):
            found.append(at - fitting)
    return found


def _refusal(block: EditBlock, lines: Sequence[str]) -> EditRefused:
    trimmed, wanted = _trimmed(lines), _trimmed(block.old)
    found = _places(trimmed, wanted)
    if found:
        shown = ", ".join(str(one + 1) for one in found[:5])
        return EditRefused(
            f"The old lines of the edit at line {block.line} are in {block.path} {len(found)} times (lines {shown}).",
            remedy="Add lines before or after them, so that they are there once.",
        )
    size, nearest = len(wanted), _nearest(trimmed, wanted)
    near = "\n".join(lines[nearest : nearest + min(size, _SHOWN)])
    said = f"The old lines of the edit at line {block.line} are not in {block.path}."
    return EditRefused(
        f"{said} Nearest, at line {nearest + 1}:\n{near}",
        remedy="Copy the old lines exactly as they are in the file, with their indentation.",
    )


def _nearest(lines: Sequence[str], wanted: Sequence[str]) -> int:
    """Return where the lines begin that are most like these: those around the ones most like the longest of these."""
    longest = max(range(len(wanted)), key=lambda at: len(wanted[at]))
    like = _likeness(wanted[longest])
    places = heapq.nlargest(_LOOKED_AT, range(len(lines)), key=lambda at: like(lines[at]))
    starts = sorted({max(0, min(at - longest, len(lines) - len(wanted))) for at in places})
    like = _likeness("\n".join(wanted))
    return max(starts, key=lambda at: like("\n".join(lines[at : at + len(wanted)])))


def _likeness(text: str) -> Callable[[str], float]:
    """Return how like a text is to this one, from 0 to 1: the share of letters, in any order, that both have."""
    letters = Counter(text)

    def likeness(other: str) -> float:
        both = (len(text) + len(other)) or 1
        if 2 * min(len(text), len(other)) / both <= _UNLIKE:  # texts of such lengths cannot be more alike than this
            return 0.0
        return 2 * sum(min(count, letters[letter]) for letter, count in Counter(other).items()) / both

    return likeness
