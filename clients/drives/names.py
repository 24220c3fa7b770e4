"""Names and times of files as drives give and take them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import PurePosixPath

_LONGEST_BYTES = 200


def clean_name(name: str) -> str:
    """Return a file name from outside as one part of a path: no separators, no control characters, no `..`.

    A long one keeps its suffix. Empty if nothing is left.
    """
    shown = "".join("_" if sign in '/\\:*?"<>|' else sign if sign.isprintable() else " " for sign in name)
    plain = " ".join(shown.split()).strip(". ").removeprefix("~$")
    suffix = PurePosixPath(plain).suffix
    if len(plain.encode()) <= _LONGEST_BYTES or len(suffix) > 20:
        suffix = ""
    stem = plain.removesuffix(suffix).encode("utf-8", "ignore")[: _LONGEST_BYTES - len(suffix.encode())]
    return stem.decode("utf-8", "ignore").strip(". ") + suffix


def instant(at: datetime) -> str:
    """Return a time as `DriveFile.modified_at`."""
    return f"{at.astimezone(UTC).isoformat(timespec='milliseconds').removesuffix('+00:00')}Z"
