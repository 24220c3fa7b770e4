"""The paths that files of a project may have, and how much a project may hold."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from engine.base.errors import InvalidInput

PROTECTED = ".orchestra/protected"
"""The file of a commit that lists its protected files, one a line: only a person or a plan changes them."""
MOST_FILES = 1_000
LARGEST_FILE_BYTES = 1_000_000
LARGEST_COMMIT_BYTES = 20_000_000
_LONGEST = 200
_DEEPEST = 12
_DEVICES = {"con", "prn", "aux", "nul", *(f"com{n}" for n in range(10)), *(f"lpt{n}" for n in range(10))}
_GIT = re.compile(r"\.git|git~1|\.gitmodules|gitmod~[1-4]|gi7eba~[1-9]")
"""Also as FAT and NTFS shorten them. `.gitmodules` would name other repositories, and `git fsck` refuses it."""
_ODD = frozenset('\\:*?"<>|')
_REMEDY = "Write a relative path with slashes, such as src/main.py."


def checked_path(path: str) -> str:
    """Return a path that is a file below the project on every system; raise InvalidInput otherwise."""
    parts = path.split("/")
    said = None
    if not path:
        said = "is empty"
    elif len(path.encode("utf-8", "replace")) > _LONGEST or len(parts) > _DEEPEST:
        said = f"has more than {_LONGEST} bytes, or more than {_DEEPEST} parts"
    elif not path.isprintable() or unicodedata.normalize("NFC", path) != path or _ODD.intersection(path):
        said = "has a character that file names cannot have everywhere"
    elif any(one in {"", ".", ".."} for one in parts):
        said = "is absolute, or leads out of the project"
    elif any(one.strip() != one or one.endswith(".") for one in parts):
        said = "has a name that begins with a blank, or ends with a blank or a dot"
    elif any(_GIT.fullmatch(one.casefold()) or one.partition(".")[0].casefold() in _DEVICES for one in parts):
        said = "has a name that Git or a system keeps for itself"
    if said is not None:
        raise InvalidInput(f"The path {path[:80]!r} {said}.", remedy=_REMEDY)
    return path


def check_tree(sizes: Iterable[tuple[str, int]]) -> None:
    """Raise InvalidInput for files that a project cannot have together: {(path, bytes)}."""
    found = sorted(sizes)
    if len(found) > MOST_FILES:
        raise InvalidInput(f"The project would have {len(found):,} files; it may have {MOST_FILES:,}.")
    total = sum(size for _, size in found)
    if total > LARGEST_COMMIT_BYTES:
        raise InvalidInput(f"The project would have {total:,} bytes; it may have {LARGEST_COMMIT_BYTES:,}.")
    known: dict[str, str] = {}
    for path, size in found:
        if size > LARGEST_FILE_BYTES:
            raise InvalidInput(f"{path} has {size:,} bytes; a file may have {LARGEST_FILE_BYTES:,}.")
        for end in range(1, path.count("/") + 2):
            begin = "/".join(path.split("/")[:end])
            kind = f"{begin}/" if begin != path else begin
            if known.setdefault(begin.casefold(), kind) != kind:
                other = known[begin.casefold()]
                raise InvalidInput(f"{path} and {other} cannot both be there.", remedy="Give one of them another name.")
