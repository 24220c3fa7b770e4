"""Names and times of files as drives give and take them."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import PurePosixPath

from clients.errors import InvalidRequest

_OPAQUE = "path:"
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


def opaque(path: str) -> str:
    """Return the id of a file that its drive knows by path: names are text of strangers, and ids must have none."""
    return _OPAQUE + base64.urlsafe_b64encode(path.encode("utf-8", "replace")).decode().rstrip("=") if path else ""


def path_of(file_id: str, service: str) -> str:
    """Return the path of an id, or one that a person wrote, without slashes at its ends. Raises InvalidRequest."""
    path = file_id
    if file_id.startswith(_OPAQUE):
        code = file_id.removeprefix(_OPAQUE)
        try:
            path = base64.urlsafe_b64decode(code + "=" * (-len(code) % 4)).decode()
        except ValueError as error:
            raise InvalidRequest(f"{file_id!r} is no id of a file.", service=service, remedy="Give a path.") from error
    path = path.strip("/")
    if any(part in {".", ".."} for part in path.split("/")) or not path.isprintable():
        raise InvalidRequest(f"{path!r} is no plain path.", service=service, remedy="Write it as Invoices/may.pdf.")
    return path


def instant(at: datetime) -> str:
    """Return a time as `DriveFile.modified_at`."""
    return f"{at.astimezone(UTC).isoformat(timespec='milliseconds').removesuffix('+00:00')}Z"
