"""What of GitHub's objects workflows see: plain dicts, without the marker that this program hides in them."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from clients.errors import InvalidRequest

Json = dict[str, Any]

_REPOSITORY = re.compile(r"(?:https?://[^/]+/)?([A-Za-z0-9_.-]+)/([A-Za-z0-9_.-]+?)(?:\.git)?/?")
_MARKER = re.compile(r"\s*<!-- orchestra:[0-9A-Za-z]+ -->\s*\Z")


def repository_name(text: str) -> str:
    """Read `owner/name`, also from a repository's web address; raises InvalidRequest."""
    match = _REPOSITORY.fullmatch(text.strip())
    if not match or {".", ".."} & set(match.groups()):
        raise InvalidRequest(
            f"{text!r} is not a repository.", service="github", remedy="Write it as owner/name, e.g. acme/app."
        )
    return f"{match[1]}/{match[2]}"


def file_path(text: str) -> str:
    """Read a path inside a repository; raises InvalidRequest for one that leads out of it."""
    path = text.strip().strip("/")
    if not path or {"", ".", ".."} & set(path.split("/")):
        raise InvalidRequest(
            f"{text!r} is not a path of a file.", service="github", remedy="Write it as docs/notes.md."
        )
    return path


def marked(text: str, marker: str) -> str:
    """Add the hidden marker by which a text is found again; the text itself where there is no marker."""
    return f"{text}\n\n{marker_of(marker)}" if marker else text


def marker_of(marker: str) -> str:
    """The hidden comment that ends a marked body."""
    return f"<!-- orchestra:{marker} -->"


def written(issue: Mapping[str, Any]) -> Json:
    """An issue as the step that made it gives it: {id, number, url, title, state}."""
    return {
        "id": int(issue["id"]),
        "number": int(issue["number"]),
        "url": str(issue["html_url"]),
        "title": str(issue["title"]),
        "state": str(issue["state"]),
    }


def issue(found: Mapping[str, Any]) -> Json:
    """An issue in full; the body without our marker, times as RFC 3339."""
    return {
        **written(found),
        "body": _MARKER.sub("", found.get("body") or ""),
        "labels": [label["name"] if isinstance(label, dict) else str(label) for label in found.get("labels") or []],
        "assignees": [user["login"] for user in found.get("assignees") or []],
        "author": (found.get("user") or {}).get("login", ""),
        "comment_count": int(found.get("comments") or 0),
        "created_at": found["created_at"],
        "updated_at": found["updated_at"],
        "closed_at": found.get("closed_at"),
    }


def comment(found: Mapping[str, Any]) -> Json:
    """A comment as the step that made it gives it: {id, url}."""
    return {"id": int(found["id"]), "url": str(found["html_url"])}


def commit(found: Mapping[str, Any]) -> Json:
    """A commit: {sha, message, author, date, url}; author is the login, else the name that git knows."""
    inner = found["commit"]
    author = inner.get("author") or {}
    return {
        "sha": str(found["sha"]),
        "message": str(inner["message"]),
        "author": (found.get("author") or {}).get("login") or author.get("name", ""),
        "date": author.get("date", ""),
        "url": str(found["html_url"]),
    }


def repository(found: Mapping[str, Any]) -> Json:
    """A repository: {full_name, private, url, can_write}."""
    permissions = found.get("permissions") or {}
    return {
        "full_name": str(found["full_name"]),
        "private": bool(found["private"]),
        "url": str(found["html_url"]),
        "can_write": bool(permissions.get("push")),
    }


def text_of(content: str, path: str) -> str:
    """Decode a file's base64 to text; raises InvalidRequest where it is not UTF-8."""
    try:
        return base64.b64decode(content).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise InvalidRequest(f"{path} is not a text file (UTF-8).", service="github") from error


def given(**values: Any) -> Json:
    """Keep what was given: PyGithub tells "not set" from None."""
    return {name: value for name, value in values.items() if value is not None}


def utc(moment: datetime | None) -> Any:
    """Move a time to UTC, since PyGithub writes the wall clock of a time as UTC whatever its zone."""
    return moment.astimezone(UTC) if moment else None
