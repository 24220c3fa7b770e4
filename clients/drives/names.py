"""Names and times of files as drives give and take them."""

from __future__ import annotations

import base64
import unicodedata
from datetime import UTC, datetime
from pathlib import PurePosixPath

from clients.errors import Conflict, InvalidRequest
from clients.limits.text_limit import TextLimit
from clients.service import Service

_OPAQUE = "path:"
_LONGEST_BYTES = 200
NAME = TextLimit(_LONGEST_BYTES, "bytes", "name")
_SUFFIX_BYTES = 20
_JOINERS = "\u200c\u200d"
"""Parts of emoji such as families, and of words of Persian and Hindi (Unicode 23.2), though Python calls them
unprintable. At an end of a name they join nothing."""
_ENDS = f". {_JOINERS}"
_BLANK = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters and signs without a shape: fillers of Korean, and the empty pattern of Braille."""


def clean_name(name: str) -> str:
    """Return a file name from outside as one part of a path: no separators, no control characters, no `..`.

    A long one keeps its suffix. Empty if nothing is left that can be seen.
    """
    # What Windows and OneDrive refuse: these signs, and `~$` at the beginning, which marks Office's lock files.
    shown = "".join("_" if sign in '/\\:*?"<>|' else sign for sign in on_one_line(name))
    while shown != (shorter := shown.strip(_ENDS).removeprefix("~$")):  # the next sign may be a dot again
        shown = shorter
    return cut(shown)


def on_one_line(name: str) -> str:
    """Return a name without line ends and characters that nobody sees, but with those that join letters or emoji."""
    return " ".join("".join(sign if _is_seen(sign) else " " for sign in name).split()).strip(_JOINERS + " ")


def _is_seen(sign: str) -> bool:
    return sign.isprintable() or sign in _JOINERS


def cut(name: str) -> str:
    """Return a name of at most 200 of the 255 bytes that disks allow, with its suffix: the rest is for a number.

    Empty if nothing of it can be seen.
    """
    if not any(unicodedata.category(sign)[0] in "LNPS" and sign not in _BLANK for sign in name):
        return ""
    if len(name.encode()) <= _LONGEST_BYTES:
        return name
    suffix = PurePosixPath(name).suffix
    if len(suffix.encode()) > _SUFFIX_BYTES:
        suffix = ""
    stem = name.removesuffix(suffix).encode()[: _LONGEST_BYTES - len(suffix.encode())]
    return stem.decode("utf-8", "ignore").strip(_ENDS) + suffix  # the cut may have split a character


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
            raise InvalidRequest(f"{file_id!r} is not a file id.", service=service, remedy="Give a path.") from error
    path = path.strip("/")
    if any(part in {".", ".."} for part in path.split("/")) or not all(map(_is_seen, path)):
        raise InvalidRequest(f"{path!r} is not a plain path.", service=service, remedy="Write it as Invoices/may.pdf.")
    return path


def require_name(service: Service, name: str) -> str:
    """Return the name of a new file. Raises InvalidRequest if it is invalid, or more than a name."""
    if not name or "/" in name or name in {".", ".."}:
        raise InvalidRequest(f"{name!r} is not a file name.", service=service.name)
    return name


def taken(service: Service, path: str, status: int | None) -> Conflict:
    """Return the error for an upload to a path where a file is already; `status`: of the answer."""
    return Conflict(
        f"There is a file {path!r} already.",
        service=service.name,
        http_status=status,
        remedy="Upload it under another name, or remove that file; it is never replaced.",
    )


def instant(at: datetime) -> str:
    """Return a time as `DriveFile.modified_at`."""
    return f"{at.astimezone(UTC).isoformat(timespec='milliseconds').removesuffix('+00:00')}Z"
