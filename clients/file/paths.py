"""Paths that steps give: inside one folder, and never to what belongs to the program or is hidden."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from clients.errors import InvalidRequest
from clients.in_workspace.machine import is_within, plain

SERVICE = "file"
_NAME_MOST = 255
_PARTS_MOST = 40
_SECRET = (
    *("*.key", "*.pem", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx"),
    *("id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*"),
    *("*.env", "env.*", "*.env.*"),
    *("client_secret*", "credentials*", "service-account*.json", "service_account*.json"),
    *("token.json*", "token[-_]*.json", "*[-_]token.json", "*.token"),
    *("state.db*", "state[-_]*.db*"),
)
"""Names that hold keys by custom, or a copy of the state."""
_COPIED = re.compile(r"(~|\.(bak|backup|old|orig|save|swp|[0-9]+))+\Z")
"""Endings that editors and people give to the name of a copy."""
_REMEDY = "Give the path of a file inside the workspace, relative to it, such as `inbox/invoice.pdf`."


def parts_of(root: Path, path: str) -> tuple[str, ...]:
    """Return the names on the way from `root` to a path that a step gives: () for the folder itself.

    An absolute path must lead into the folder. Nothing is looked up on the disk. Raises InvalidRequest for a path that
    leads out (`..`), is hidden or has a name that no file can have.
    """
    if "\0" in path or len(path) > _NAME_MOST * _PARTS_MOST:
        raise refused(path[:100], "no file can have this name")
    given = PurePosixPath(path.replace("\\", "/"))
    if given.is_absolute():
        if not given.is_relative_to(root.as_posix()):
            raise refused(path, "it is outside the folder whose files steps may use")
        given = given.relative_to(root.as_posix())
    for part in given.parts:
        if part == "..":
            raise refused(path, "it leads out of a folder with `..`")
        if part.startswith("."):
            raise refused(path, f"{part!r} is hidden, and hidden files are not for steps")
        if len(part.encode("utf-8", "surrogateescape")) > _NAME_MOST:
            raise refused(path[:100], "no file can have this name")
    if len(given.parts) > _PARTS_MOST:
        raise refused(path[:100], "it is too deep")
    return given.parts


def require_open(root: Path, parts: Iterable[str], private: Iterable[Path], shown: str) -> None:
    """Raise InvalidRequest for a path to what belongs to the program: its state, its settings, keys, sign-ins."""
    why = why_private(root, parts, private)
    if why:
        raise refused(shown, why)


def require_unowned(root: Path, parts: Iterable[str], private: Iterable[Path], shown: str) -> None:
    """Raise InvalidRequest for a path to what belongs to the program: its state, its settings, sign-ins."""
    why = _why_owned(root, parts, private)
    if why:
        raise refused(shown, why)


def why_private(root: Path, parts: Iterable[str], private: Iterable[Path]) -> str:
    """Return why a path is not for steps, as the end of "It cannot be used: …"; empty if it is for them."""
    given = tuple(parts)
    last = plain(given[-1]) if given else ""
    is_secret = any(fnmatchcase(name, one) for name in {last, _COPIED.sub("", last)} for one in _SECRET)
    return _why_owned(root, given, private) or ("a file with such a name may hold a key" if is_secret else "")


def _why_owned(root: Path, parts: Iterable[str], private: Iterable[Path]) -> str:
    given = tuple(map(plain, parts))
    for one in private:
        own = _inside(root, one)
        if own and (given[: len(own)] == own or _is_copy(given, own)):
            return "it belongs to AI-Orchestra itself: its settings, its state or a sign-in"
    return ""


def is_hidden_in(root: Path, place: Path) -> bool:
    """Return whether a resolved path leads into a hidden folder of the workspace."""
    return is_within(place, root) and any(part.startswith(".") for part in place.parts[len(root.parts) :])


def refused(shown: str, why: str, remedy: str = _REMEDY) -> InvalidRequest:
    """Return the error for a path that is not for steps."""
    return InvalidRequest(f"The path {shown!r} cannot be used: {why}.", service=SERVICE, remedy=remedy)


def _inside(root: Path, private: Path) -> tuple[str, ...]:
    try:
        return tuple(map(plain, private.relative_to(root).parts))
    except ValueError:
        return ()


def _is_copy(given: tuple[str, ...], own: tuple[str, ...]) -> bool:
    """Return whether a path names what editors keep beside a private file: `config.yaml.bak`, `config.yaml~`."""
    before, name = own[:-1], own[-1]
    if "." not in name or len(given) < len(own) or given[: len(before)] != before:
        return False
    return given[len(before)].lstrip("#").startswith(name)  # Emacs saves `#config.yaml#`
