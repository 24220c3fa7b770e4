"""Edits as plain text: blocks that say which lines of a file are replaced by which.

    src/main.py
    <<<<<<< SEARCH
    old lines
    =======
    new lines
    >>>>>>> REPLACE

Lines are found exactly, or else without regard to blanks at their ends, and must be there once. Indentation is never
guessed: an edit that is refused costs a turn, and one at the wrong place a program.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from engine.base.errors import InvalidInput

_SEARCH = re.compile(r"<{5,9} SEARCH\s*\Z")
_MIDDLE = re.compile(r"={5,9}\s*\Z")
_REPLACE = re.compile(r">{5,9} REPLACE\s*\Z")
_FENCE = re.compile(r"\s*```")
_MOST = 200
_SHOWN = 12
_FORM = (
    "Write the path of the file, then a line <<<<<<< SEARCH, the old lines, =======, the new lines, >>>>>>> REPLACE."
)


class Refused(InvalidInput):
    """An edit that does not fit its file."""


@dataclass(frozen=True)
class Block:
    """An edit of a file; a block without old lines makes a new file."""

    path: str
    old: tuple[str, ...]
    new: tuple[str, ...]
    line: int
    """The line of the text at which it begins, from 1."""


def blocks(text: str) -> list[Block]:
    """Return the blocks in a text, whatever is said around them. Raises Refused for none, or one that is not whole."""
    found = list(_blocks(text.splitlines()))
    if not found:
        raise Refused("There is no edit in the text.", remedy=_FORM)
    if len(found) > _MOST:
        raise Refused(f"There are {len(found)} edits; one text may have {_MOST}.")
    return found


def _blocks(lines: Sequence[str]) -> Iterator[Block]:
    path, at = "", 0
    while at < len(lines):
        line = lines[at]
        if not _SEARCH.match(line):
            if line.strip() and not _FENCE.match(line):
                path = line.strip().strip("#").strip().rstrip(":").strip("`* ")
            at += 1
            continue
        middle = _next(lines, at + 1, _MIDDLE, "=======")
        end = _next(lines, middle + 1, _REPLACE, ">>>>>>> REPLACE")
        if not path:
            raise Refused(f"The edit at line {at + 1} names no file.", remedy=_FORM)
        yield Block(path, tuple(lines[at + 1 : middle]), tuple(lines[middle + 1 : end]), at + 1)
        at = end + 1


def _next(lines: Sequence[str], begin: int, wanted: re.Pattern[str], shown: str) -> int:
    for at in range(begin, len(lines)):
        if wanted.match(lines[at]):
            return at
        if _SEARCH.match(lines[at]):
            break
    raise Refused(f"The edit at line {begin} has no line {shown}.", remedy=_FORM)


def applied(files: Mapping[str, str], edits: Sequence[Block]) -> dict[str, str]:
    """Return the new texts of the files that blocks change, all or none, one block after the other.

    Raises Refused for lines that are not there, or are there more than once; the error shows the nearest ones.
    """
    changed: dict[str, str] = {}
    for one in edits:
        before = changed.get(one.path, files.get(one.path))
        changed[one.path] = _made(one) if before is None else _replaced(one, before)
    return changed


def _made(block: Block) -> str:
    if any(line.strip() for line in block.old):
        raise Refused(
            f"There is no file {block.path!r} to edit (line {block.line}).",
            remedy="Name a file that is there; to make a new one, leave the old lines empty.",
        )
    return "".join(f"{line}\n" for line in block.new)


def _replaced(block: Block, text: str) -> str:
    if not any(line.strip() for line in block.old):
        if not text.strip():
            return _made(block)
        raise Refused(f"The edit of {block.path} at line {block.line} has no old lines, and the file is not empty.")
    lines = text.splitlines(keepends=True)
    bare = [_bare(line) for line in lines]
    places = _places(bare, block.old)
    if not places:
        places = _places([line.rstrip() for line in bare], [line.rstrip() for line in block.old])
    if len(places) != 1:
        raise _refusal(block, bare)
    at = places[0]
    end = at + len(block.old)
    ending = "\r\n" if lines[at].endswith("\r\n") else "\n"
    new = [f"{line}{ending}" for line in block.new]
    if end == len(lines) and new and new[-1] != ending and not lines[-1].endswith(("\n", "\r")):
        new[-1] = new[-1].removesuffix(ending)
    return "".join([*lines[:at], *new, *lines[end:]])


def _bare(line: str) -> str:
    """Return a line without its ending."""
    return line.removesuffix("\n").removesuffix("\r")


def _places(lines: Sequence[str], wanted: Sequence[str]) -> list[int]:
    size, first = len(wanted), wanted[0]
    return [
        at for at in range(len(lines) - size + 1) if lines[at] == first and list(lines[at : at + size]) == list(wanted)
    ]


def _refusal(block: Block, lines: Sequence[str]) -> Refused:
    trimmed, wanted = [line.rstrip() for line in lines], [line.rstrip() for line in block.old]
    found = _places(trimmed, wanted)
    if found:
        shown = ", ".join(str(one + 1) for one in found[:5])
        return Refused(
            f"The old lines of the edit at line {block.line} are in {block.path} {len(found)} times (lines {shown}).",
            remedy="Add lines before or after them, so that they are there once.",
        )
    size = len(wanted)
    starts = range(max(1, len(lines) - size + 1))
    text = "\n".join(wanted)
    nearest = max(starts, key=lambda at: _likeness(text, "\n".join(trimmed[at : at + size])))
    near = "\n".join(lines[nearest : nearest + min(size, _SHOWN)])
    said = f"The old lines of the edit at line {block.line} are not in {block.path}."
    return Refused(
        f"{said} Nearest, at line {nearest + 1}:\n{near}",
        remedy="Copy the old lines exactly as they are in the file, with their indentation.",
    )


def _likeness(a: str, b: str) -> float:
    matcher = difflib.SequenceMatcher(None, a, b, autojunk=False)
    return 0.0 if matcher.real_quick_ratio() < 0.1 else matcher.quick_ratio()
