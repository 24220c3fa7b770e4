"""Names of what workflows keep in the workspace: tables and collections."""

from __future__ import annotations

import re

from clients.errors import InvalidRequest

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_RUN = re.compile(r"[a-z0-9-]+")


def is_name(text: str) -> bool:
    """Return whether a table or a collection can have this name."""
    return _NAME.fullmatch(text) is not None


def require_name(name: str, of: str, service: str) -> None:
    """Raise InvalidRequest for a name that a table or a collection ("a table", "a collection") cannot have."""
    if not is_name(name):
        rule = "Use lower-case letters, digits, '-' and '_' (at most 64, a letter or digit first)"
        raise InvalidRequest(
            f"{name[:80]!r} cannot be the name of {of}.", service=service, remedy=f"{rule}{_such_as(name)}."
        )


def _such_as(name: str) -> str:
    """Return an allowed name that resembles this one, or "" if nothing usable is left."""
    near = "_".join(_RUN.findall(name.lower()))[:64]
    return f", such as {near}" if is_name(near) else ""
