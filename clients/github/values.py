"""What of GitHub's objects workflows see: plain dicts, without the marker that this program hides in them."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from clients.errors import InvalidRequest

Json = dict[str, Any]

_REPOSITORY = re.compile(r"(?:https?://[^/]+/)?([A-Za-z0-9_.-]+)/([A-Za-z0-9_.-]+?)(?:\.git)?/?")
_API_PATH = re.compile(r"(?:/[A-Za-z0-9_.~%:@!$&'()*+,;=-]+)+")
# It begins where the blanks before it do, and nowhere else: a body of blanks must not be tried from each of them.
_MARKER = re.compile(r"(?<!\s)\s*+<!-- orchestra:[0-9A-Za-z]+ -->\s*\Z")


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


def api_path(text: str) -> str:
    """Read a path of the REST API, as /repos/acme/app/topics; raises InvalidRequest for what leads elsewhere."""
    path = text.strip()
    if not _API_PATH.fullmatch(path) or {".", ".."} & set(unquote(path).split("/")):
        raise InvalidRequest(
            f"{text!r} is not a path of GitHub's REST API.",
            service="github",
            remedy="Write it as /repos/acme/app/topics, without a host; what comes after a ? goes into `query`.",
        )
    return path


def marked(text: str, marker: str) -> str:
    """Add the hidden marker by which a text is found again; the text itself where there is no marker."""
    return f"{text}\n\n{marker_of(marker)}" if marker else text


def marker_of(marker: str) -> str:
    """The hidden comment that ends a marked body."""
    return f"<!-- orchestra:{marker} -->"


def unmarked(text: str) -> str:
    """The text without the hidden marker at its end, in the line ends of this program."""
    return _MARKER.sub("", text).replace("\r\n", "\n")


def mark_in(text: str) -> str:
    """The hidden marker at the end of a text with what parts it from the text, empty where there is none.

    Who finds one knows that this program wrote the text, here or elsewhere.
    """
    found = _MARKER.search(text)
    return found.group() if found else ""


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
        **_people(found),
        "comment_count": int(found.get("comments") or 0),
        "created_at": found["created_at"],
        "updated_at": found["updated_at"],
        "closed_at": found.get("closed_at"),
    }


def _people(found: Mapping[str, Any]) -> Json:
    """What issues and pull requests have in common: {labels, assignees, author}."""
    return {
        "labels": [label["name"] if isinstance(label, dict) else str(label) for label in found.get("labels") or []],
        "assignees": [user["login"] for user in found.get("assignees") or []],
        "author": (found.get("user") or {}).get("login", ""),
    }


def is_pull(found: Mapping[str, Any]) -> bool:
    """Tell whether what GitHub gives as an issue is a pull request: it says so by this key (REST API, Issues)."""
    return "pull_request" in found


def found_issue(found: Mapping[str, Any]) -> Json:
    """What the search finds: an issue with its repository, and whether it is a pull request."""
    name = "/".join(str(found["repository_url"]).rsplit("/", 2)[-2:])
    return {**issue(found), "repository": name, "is_pull": is_pull(found)}


def opened_pull(found: Mapping[str, Any]) -> Json:
    """A pull request as the step that made it gives it: {id, number, url, title, state, head, base, draft}."""
    return {
        **written(found),
        "head": str(found["head"]["ref"]),
        "base": str(found["base"]["ref"]),
        "draft": bool(found.get("draft")),
    }


def pull(found: Mapping[str, Any]) -> Json:
    """A pull request as lists hold it."""
    return {
        **opened_pull(found),
        "body": _MARKER.sub("", found.get("body") or ""),
        **_people(found),
        "reviewers": [user["login"] for user in found.get("requested_reviewers") or []],
        "head_sha": str(found["head"]["sha"]),
        **{name: found.get(name) for name in ("created_at", "updated_at", "closed_at", "merged_at")},
    }


def whole_pull(found: Mapping[str, Any]) -> Json:
    """A pull request in full; `mergeable` is None while GitHub is finding out."""
    counts = {
        "commit_count": "commits",
        "comment_count": "comments",
        "additions": "additions",
        "deletions": "deletions",
    }
    return {
        **pull(found),
        "merged": bool(found["merged"]),
        "mergeable": found.get("mergeable"),
        **{name: int(found[key]) for name, key in counts.items()},
    }


def changes(files: Sequence[Mapping[str, Any]], characters: int, count: int) -> Json:
    """What a change does to files: {files [{path, status, additions, deletions, patch}], file_count, is_cut}.

    `characters` of patches at most, in all; `is_cut` where files or parts of patches are left out.
    """
    shown, left = [], characters
    for each in files:
        patch = str(each.get("patch") or "")
        shown.append(
            {
                "path": str(each["filename"]),
                "status": str(each["status"]),
                "additions": int(each["additions"]),
                "deletions": int(each["deletions"]),
                "patch": patch[:left],
            }
        )
        left -= min(left, len(patch))
    whole = sum(len(each.get("patch") or "") for each in files)
    is_cut = len(files) < count or whole > characters or any(map(_lacks_patch, files))
    return {"files": shown, "file_count": int(count), "is_cut": is_cut}


def _lacks_patch(file: Mapping[str, Any]) -> bool:
    """Tell whether GitHub leaves out how a file was changed, as it does where that is long."""
    return not file.get("patch") and bool(file["additions"] or file["deletions"])


def review(found: Mapping[str, Any]) -> Json:
    """A review as the step that made it gives it: {id, url, state}."""
    return {"id": int(found["id"]), "url": str(found["html_url"]), "state": str(found["state"])}


def merged(found: Mapping[str, Any], sha: str, *, changed: bool) -> Json:
    """A pull request that is merged: {number, url, merged, sha, changed}."""
    url, number = str(found["html_url"]), int(found["number"])
    return {"number": number, "url": url, "merged": True, "sha": str(sha), "changed": changed}


def branch(found: Mapping[str, Any]) -> Json:
    """A branch as lists hold it: {name, sha, protected}."""
    return {"name": str(found["name"]), "sha": str(found["commit"]["sha"]), "protected": bool(found["protected"])}


def new_branch(repository: Mapping[str, Any], name: str, sha: str) -> Json:
    """A branch as the step that made it gives it: {name, sha, url}."""
    return {"name": name, "sha": str(sha), "url": f"{repository['html_url']}/tree/{name}"}


def made_release(found: Mapping[str, Any]) -> Json:
    """A release as the step that made it gives it: {id, tag, url, draft}."""
    kept = {"tag": str(found["tag_name"]), "url": str(found["html_url"]), "draft": bool(found["draft"])}
    return {"id": int(found["id"]), **kept}


def release(found: Mapping[str, Any]) -> Json:
    """A release in full; the body without our marker."""
    return {
        **made_release(found),
        "title": str(found.get("name") or ""),
        "body": _MARKER.sub("", found.get("body") or ""),
        "prerelease": bool(found["prerelease"]),
        "author": (found.get("author") or {}).get("login", ""),
        "created_at": str(found["created_at"]),
        "published_at": found.get("published_at"),
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
